//! Life-cycle rules: which objects and uploads go, and when (S3 User Guide, "Managing your storage
//! lifecycle").
//!
//! Pure: what is due is told, by whom it is carried out is another matter. Knows nothing of the
//! documents that rules come from.

use super::{TagSet, Timestamp};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The rules of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Those that are enabled, in the document's order.
    pub rules: Vec<LifecycleRule>,
}

/// An enabled rule, as far as it has anything to do in a bucket without versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its id, unique in its bucket.
    pub id: String,
    /// What it is about.
    pub filter: LifecycleFilter,
    /// When objects go.
    pub expiration: Option<Expiration>,
    /// How many days after their start unfinished uploads go.
    pub abort_after: Option<u32>,
}

/// What a rule is about; without any condition, everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleFilter {
    /// Keys that start so.
    pub prefix: String,
    /// Objects that have all of these tags.
    pub tags: Vec<(String, String)>,
    /// Objects of more bytes.
    pub larger_than: Option<u64>,
    /// Objects of fewer bytes.
    pub smaller_than: Option<u64>,
}

/// When objects go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiration {
    /// So many days after they were stored, at the midnight (UTC) that follows.
    Days(u32),
    /// Then, and from then on at once.
    Date(Timestamp),
}

/// Something goes, by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<'a> {
    /// When.
    pub at: Timestamp,
    /// The rule's id.
    pub rule: &'a str,
}

impl Lifecycle {
    /// When an object goes: by the earliest rule, and of those by the first in order. Without
    /// `tags`, no rule that wants some is about the object.
    pub fn expiry<'a>(
        &'a self,
        key: &str,
        size: u64,
        stored: Timestamp,
        tags: Option<&TagSet>,
    ) -> Option<Due<'a>> {
        let about = self.expiring(key, size, stored).filter(|(rule, _)| rule.filter.has(tags));
        first(about.map(|(rule, at)| Due { at, rule: &rule.id }))
    }

    /// Whether tags decide when an object goes: whether a rule with tags would have it go before
    /// every rule without.
    pub fn depends_on_tags(&self, key: &str, size: u64, stored: Timestamp) -> bool {
        let anyhow = self.expiry(key, size, stored, None).map(|due| due.at);
        self.expiring(key, size, stored).any(|(rule, at)| {
            !rule.filter.tags.is_empty() && anyhow.is_none_or(|anyhow| at <= anyhow)
        })
    }

    /// Whether a rule with tags would have an object go by `now`, and none without would.
    pub fn awaits_tags(&self, key: &str, size: u64, stored: Timestamp, now: Timestamp) -> bool {
        let anyhow = self.expiry(key, size, stored, None).is_some_and(|due| due.at <= now);
        let tagged =
            |(rule, at): (&LifecycleRule, Timestamp)| !rule.filter.tags.is_empty() && at <= now;
        !anyhow && self.expiring(key, size, stored).any(tagged)
    }

    /// When an unfinished upload goes.
    pub fn abortion<'a>(&'a self, key: &str, initiated: Timestamp) -> Option<Due<'a>> {
        let about = self.rules.iter().filter(|rule| key.starts_with(&rule.filter.prefix));
        first(about.filter_map(|rule| {
            let at = midnight_after(initiated, rule.abort_after?);
            Some(Due { at, rule: &rule.id })
        }))
    }

    /// Whether any rule has objects go.
    pub fn expires_objects(&self) -> bool {
        self.rules.iter().any(|rule| rule.expiration.is_some())
    }

    /// Whether any rule has uploads go.
    pub fn aborts_uploads(&self) -> bool {
        self.rules.iter().any(|rule| rule.abort_after.is_some())
    }

    /// The rules that have such an object go, leaving its tags aside, and when.
    fn expiring<'a, 'k>(
        &'a self,
        key: &'k str,
        size: u64,
        stored: Timestamp,
    ) -> impl Iterator<Item = (&'a LifecycleRule, Timestamp)> + use<'a, 'k> {
        let about = self.rules.iter().filter(move |rule| rule.filter.fits(key, size));
        about.filter_map(move |rule| Some((rule, rule.expiration?.of(stored))))
    }
}

impl LifecycleFilter {
    fn fits(&self, key: &str, size: u64) -> bool {
        key.starts_with(&self.prefix)
            && self.larger_than.is_none_or(|bound| size > bound)
            && self.smaller_than.is_none_or(|bound| size < bound)
    }

    fn has(&self, tags: Option<&TagSet>) -> bool {
        let has = |key: &str, value: &str| {
            tags.is_some_and(|tags| tags.iter().any(|tag| tag == (key, value)))
        };
        self.tags.iter().all(|(key, value)| has(key, value))
    }
}

impl Expiration {
    fn of(self, stored: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => midnight_after(stored, days),
            Self::Date(date) => date,
        }
    }
}

/// `days` after a moment, rounded up to the next midnight: also from midnight to the one after.
fn midnight_after(moment: Timestamp, days: u32) -> Timestamp {
    let day = moment.0.div_euclid(DAY).saturating_add(i64::from(days)).saturating_add(1);
    Timestamp(day.saturating_mul(DAY))
}

/// The earliest; of equal ones the first.
fn first<'a>(all: impl Iterator<Item = Due<'a>>) -> Option<Due<'a>> {
    all.reduce(|first, other| if other.at < first.at { other } else { first })
}

#[cfg(test)]
mod tests;
