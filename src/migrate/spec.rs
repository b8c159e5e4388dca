//! What a migration is to do: pure.

use serde::{Deserialize, Serialize};

use crate::object::{KeyLabels, Timestamp};
use crate::placement::transfer::{Direction, Identity};

/// What a migration is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Where to.
    pub direction: Direction,
    /// Which objects.
    pub filter: Filter,
    /// Whether the layer that objects come from keeps its copies.
    pub keep_source: bool,
    /// Whether every object is read back from the target and compared.
    pub read_back: bool,
    /// Refused where more objects than this would be removed from where they are.
    pub max_deletions: Option<u64>,
    /// Whether exactly what the plan shows is moved: what has changed since is left.
    pub exact: bool,
    /// How fast.
    pub limits: Limits,
}

/// Which objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of this bucket; of all that have an upstream without.
    pub bucket: Option<String>,
    /// Whose keys begin so.
    pub prefix: String,
    /// Of one of these companies; of all where there is none.
    pub companies: Vec<String>,
    /// Of one of these types; of all where there is none.
    pub types: Vec<String>,
    /// Of at least so many bytes.
    pub min_size: Option<u64>,
    /// Of at most so many bytes.
    pub max_size: Option<u64>,
    /// Stored at least so many milliseconds ago.
    pub min_age: Option<i64>,
    /// Stored at most so many milliseconds ago.
    pub max_age: Option<i64>,
    /// Named in a list.
    pub list: Option<List>,
}

/// A list of objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// It came with the order.
    Manifest,
    /// What failed in an earlier migration.
    FailedOf(String),
}

/// How fast a migration may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many objects are moved at once, where clients leave room for that.
    pub concurrency: usize,
    /// Bytes a second.
    pub bytes_per_second: Option<u64>,
    /// Requests of the upstream a second.
    pub requests_per_second: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 8, bytes_per_second: None, requests_per_second: None }
    }
}

/// The most objects that may be moved at once.
pub const MOST_AT_ONCE: usize = 64;

impl Filter {
    /// Whether an object is one of those, by what its key says.
    pub fn takes(
        &self,
        key: &str,
        labels: KeyLabels<'_>,
        object: &Identity,
        now: Timestamp,
    ) -> bool {
        let among = |wanted: &[String], label: Option<&str>| {
            wanted.is_empty() || label.is_some_and(|label| wanted.iter().any(|it| it == label))
        };
        let age = object.last_modified.map_or(0, |at| now.0.saturating_sub(at.0));
        key.starts_with(&self.prefix)
            && among(&self.companies, labels.company)
            && among(&self.types, labels.kind)
            && self.min_size.is_none_or(|least| object.size >= least)
            && self.max_size.is_none_or(|most| object.size <= most)
            && self.min_age.is_none_or(|least| age >= least)
            && self.max_age.is_none_or(|most| age <= most)
    }

    /// Whether some object could be one of both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let bucket = match (&self.bucket, &other.bucket) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        let share = |one: &[String], two: &[String]| {
            one.is_empty() || two.is_empty() || one.iter().any(|it| two.contains(it))
        };
        let prefix =
            self.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&self.prefix);
        bucket
            && prefix
            && share(&self.companies, &other.companies)
            && share(&self.types, &other.types)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ETag;

    fn object(size: u64, at: i64) -> Identity {
        Identity { etag: ETag::parse("a"), size, last_modified: Some(Timestamp(at)) }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn every_condition_has_to_hold() {
        let labels = KeyLabels { company: Some("1"), kind: Some("invoice") };
        let (key, now) = ("attachments/a", Timestamp(10_000));
        let takes = |filter: &Filter| filter.takes(key, labels, &object(100, 4_000), now);
        assert!(takes(&Filter::default()));
        let good = Filter {
            prefix: "att".to_owned(),
            companies: texts(&["2", "1"]),
            types: texts(&["invoice"]),
            min_size: Some(100),
            max_size: Some(100),
            min_age: Some(6_000),
            max_age: Some(6_000),
            ..Filter::default()
        };
        assert!(takes(&good));
        for bad in [
            Filter { prefix: "b".to_owned(), ..good.clone() },
            Filter { companies: texts(&["2"]), ..good.clone() },
            Filter { types: texts(&["expense"]), ..good.clone() },
            Filter { min_size: Some(101), ..good.clone() },
            Filter { max_size: Some(99), ..good.clone() },
            Filter { min_age: Some(6_001), ..good.clone() },
            Filter { max_age: Some(5_999), ..good.clone() },
        ] {
            assert!(!takes(&bad), "{bad:?}");
        }
        let none = KeyLabels::default();
        assert!(!good.takes(key, none, &object(100, 4_000), now));
    }

    #[test]
    fn scopes_overlap_where_an_object_could_be_in_both() {
        let of = |bucket: Option<&str>, prefix: &str, companies: &[&str]| Filter {
            bucket: bucket.map(str::to_owned),
            prefix: prefix.to_owned(),
            companies: texts(companies),
            ..Filter::default()
        };
        let all = of(None, "", &[]);
        let cases = [
            (of(Some("a"), "", &[]), of(Some("b"), "", &[]), false),
            (of(Some("a"), "x/", &[]), of(Some("a"), "y/", &[]), false),
            (of(Some("a"), "x/", &[]), of(Some("a"), "x/y", &[]), true),
            (of(Some("a"), "", &["1"]), of(Some("a"), "", &["2"]), false),
            (of(Some("a"), "", &["1"]), of(None, "", &["2", "1"]), true),
        ];
        for (one, two, overlap) in cases {
            assert_eq!((one.overlaps(&two), two.overlaps(&one)), (overlap, overlap));
            assert!(all.overlaps(&one) && one.overlaps(&all));
        }
    }
}
