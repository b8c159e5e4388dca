//! What a plan says: a line for each object, and the sum of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::{BucketName, KeyLabels, ObjectKey};
use crate::placement::transfer::{Identity, Standing};
use crate::store::ObjectPath;

/// An object of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) object: Identity,
    pub(super) standing: Standing,
}

impl Planned {
    pub(super) fn at(&self) -> Option<ObjectPath> {
        let bucket = BucketName::parse(&self.bucket).ok()?;
        Some(ObjectPath { bucket, key: ObjectKey::parse(&self.key).ok()? })
    }
}

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Amount {
    /// One more object.
    pub fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// What a plan comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// What is to be moved.
    pub movable: Amount,
    /// The same by company; what belongs to none under the empty text.
    pub by_company: BTreeMap<String, Amount>,
    /// The same by type.
    pub by_type: BTreeMap<String, Amount>,
    /// What waits in the spool and would be skipped.
    pub waiting: Amount,
    /// Where the target has another object.
    pub conflicts: Amount,
    /// Some of those, with the reason.
    pub examples: Vec<Example>,
    /// What the filter leaves out.
    pub left_out: Amount,
    /// What a list names that is not there to be moved.
    pub absent: u64,
    /// How many lines the plan has.
    pub lines: u64,
}

/// An object that would not be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Why.
    pub reason: String,
}

/// How many examples are given.
const EXAMPLES: usize = 20;
/// How many companies, and types, are counted apart: what they cost is bounded.
const APART: usize = 10_000;
/// Under which name the others are counted.
const OTHERS: &str = "(others)";

impl Sum {
    /// Counts an object.
    pub(super) fn count(&mut self, planned: &Planned, labels: KeyLabels<'_>) {
        self.lines += 1;
        let bytes = planned.object.size;
        match &planned.standing {
            Standing::Movable => {
                self.movable.add(bytes);
                apart(&mut self.by_company, labels.company).add(bytes);
                apart(&mut self.by_type, labels.kind).add(bytes);
            }
            Standing::WaitsInSpool => self.waiting.add(bytes),
            Standing::Conflict(reason) => {
                self.conflicts.add(bytes);
                if self.examples.len() < EXAMPLES {
                    self.examples.push(Example {
                        bucket: planned.bucket.clone(),
                        key: planned.key.clone(),
                        reason: reason.clone(),
                    });
                }
            }
        }
    }
}

fn apart<'a>(amounts: &'a mut BTreeMap<String, Amount>, name: Option<&str>) -> &'a mut Amount {
    let name = name.unwrap_or_default();
    let known = amounts.contains_key(name) || amounts.len() < APART;
    amounts.entry(if known { name } else { OTHERS }.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ETag;

    #[test]
    fn sums_count_what_is_moved_and_what_is_not() {
        let mut sum = Sum::default();
        let object = Identity { etag: ETag::parse("a"), size: 10, last_modified: None };
        let planned = |key: &str, standing| Planned {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            object: object.clone(),
            standing,
        };
        let labels = KeyLabels { company: Some("1"), kind: None };
        sum.count(&planned("a", Standing::Movable), labels);
        sum.count(&planned("b", Standing::Movable), KeyLabels::default());
        sum.count(&planned("c", Standing::WaitsInSpool), labels);
        sum.count(&planned("d", Standing::Conflict("other".to_owned())), labels);
        let one = Amount { objects: 1, bytes: 10 };
        assert_eq!(sum.movable, Amount { objects: 2, bytes: 20 });
        assert_eq!((sum.by_company["1"], sum.by_company[""]), (one, one));
        assert_eq!(sum.by_type[""], sum.movable);
        assert_eq!((sum.waiting, sum.conflicts, sum.lines), (one, one, 4));
        assert_eq!(sum.examples[0].key, "d");
    }

    #[test]
    fn the_number_of_companies_is_bounded() {
        let mut amounts = BTreeMap::new();
        for number in 0..APART + 100 {
            apart(&mut amounts, Some(&number.to_string())).add(1);
        }
        assert_eq!(amounts.len(), APART + 1);
        assert_eq!(amounts[OTHERS].objects, 100);
    }
}
