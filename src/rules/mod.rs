//! Upload rules: what may be stored under which prefix of a bucket.
//!
//! A [`Rulebook`] has every rule; those whose prefix a key has hold together, as a [`RuleSet`]. What
//! can be told from the request is judged before its body comes ([`RuleSet::admit`]), the rest while
//! it passes ([`RuleSet::guard`]): of a body that is not wanted the end never comes, so that nobody
//! stores it. Knows bodies and keys, nothing of requests; what scans for viruses is behind [`Scanner`].

mod agree;
mod content_type;
mod danger;
mod guard;
mod inspection;
mod name;
mod rule;
mod scan;
mod sniff;
mod watch;

use std::sync::Arc;

pub use content_type::{InvalidPattern, TypePattern};
pub use rule::{Names, Rule};
pub use scan::{Antivirus, Scan, ScanFault, Scanner, Verdict};

use crate::body::{Payload, Refusal};
use crate::object::{BucketName, ObjectKey};
use inspection::Inspection;
use scan::Asked;

/// Every rule.
#[derive(Debug, Clone, Default)]
pub struct Rulebook {
    rules: Vec<Arc<Rule>>,
    antivirus: Option<Antivirus>,
}

/// The rules that hold for one object.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    scan: Option<Asked>,
}

/// How much of a body has to be read before it can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Appetite {
    /// Nothing but its size.
    Size,
    /// Its beginning.
    Head,
    /// All of it.
    Whole,
}

impl Rulebook {
    /// All of these, and what scans where one asks for that.
    pub fn new(rules: impl IntoIterator<Item = Rule>, antivirus: Option<Antivirus>) -> Self {
        Self { rules: rules.into_iter().map(Arc::new).collect(), antivirus }
    }

    /// The rules for a key.
    pub fn of(&self, bucket: &BucketName, key: &str) -> RuleSet {
        let holds = |rule: &&Arc<Rule>| rule.holds_for(bucket, key);
        let rules: Vec<Arc<Rule>> = self.rules.iter().filter(holds).cloned().collect();
        let asks = rules.iter().find(|rule| rule.antivirus).cloned();
        let scan = asks.zip(self.antivirus.clone());
        let scan = scan.map(|(rule, antivirus)| Asked { antivirus, rule });
        RuleSet { rules, scan }
    }
}

impl RuleSet {
    /// Whether anything goes.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the unique part of a name is asked for.
    pub fn wants_unique_names(&self) -> bool {
        self.rules.iter().any(|rule| rule.unique_names)
    }

    /// The key under which an upload is stored, where that is not the key that was asked for.
    /// `unique` is the unique part, where one was made.
    pub fn rename(&self, key: &str, unique: Option<&str>) -> Option<String> {
        let name = name::Name::of(key);
        let mut file = name.file.to_owned();
        if self.rules.iter().any(|rule| rule.names == Names::Safe) {
            file = name::safe(&file);
        }
        if let Some(unique) = unique.filter(|_| self.wants_unique_names()) {
            file = name::with_unique(&file, unique);
        }
        let renamed = format!("{}{file}", name.folder);
        (renamed != key).then_some(renamed)
    }

    /// Judges what is known before the body comes: its name, its declared type, and its length, so
    /// far as that has been told.
    pub fn admit(
        &self,
        key: &ObjectKey,
        declared: Option<&str>,
        length: Option<u64>,
    ) -> Result<(), Refusal> {
        let name = name::Name::of(key.as_str());
        let declared = declared.map(content_type::essence);
        for rule in &self.rules {
            rule.admit(&name, declared.as_deref())?;
            if let Some(length) = length {
                rule.check_size(length, true)?;
            }
        }
        Ok(())
    }

    /// Judges the size of a part: no part can be larger than the whole may be.
    pub fn admit_part(&self, length: u64) -> Result<(), Refusal> {
        self.rules.iter().try_for_each(|rule| rule.check_size(length, false))
    }

    /// How much of a body has to be read.
    pub fn appetite(&self) -> Appetite {
        let of_rule = |rule: &Arc<Rule>| {
            if rule.block_dangerous || rule.antivirus {
                Appetite::Whole
            } else if rule.match_content || rule.detected_types.is_some() {
                Appetite::Head
            } else {
                Appetite::Size
            }
        };
        self.rules.iter().map(of_rule).max().unwrap_or(Appetite::Size)
    }

    /// Whether anything of a body has to be read before it can be judged.
    pub fn needs_content(&self) -> bool {
        self.appetite() > Appetite::Size
    }

    /// The same body, which ends in [`crate::body::BodyError::Refused`] instead of its last chunk
    /// where a rule does not want it. What virus scanners say is waited for at its end.
    pub fn guard(&self, body: Payload, key: &ObjectKey, declared: Option<&str>) -> Payload {
        if self.rules.is_empty() {
            return body;
        }
        guard::guarded(body, self.inspection(key, declared), self.scan.clone())
    }

    /// Judges a body that is somewhere already, reading no more of it than has to be.
    pub async fn examine(
        &self,
        body: Payload,
        key: &ObjectKey,
        declared: Option<&str>,
    ) -> Result<(), crate::body::BodyError> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let inspection = self.inspection(key, declared);
        guard::examine(body, inspection, self.scan.clone(), self.appetite()).await
    }

    fn inspection(&self, key: &ObjectKey, declared: Option<&str>) -> Inspection {
        let extension = name::Name::of(key.as_str()).extension();
        Inspection::new(self.rules.clone(), extension, declared.map(content_type::essence))
    }
}

#[cfg(test)]
mod tests;
