//! Companies: who is bound to one reaches nothing but its keys.
//!
//! What is reached is told by the request's own words, by key or prefix, before anything is looked
//! up: so the answer cannot depend on whether there is something.

use std::fmt;

use super::action::Action;
use super::resource::Target;
use crate::object::KeyTemplate;

/// A company that an identity is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Company(String);

/// Which keys an operation on a bucket as a whole could tell something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Those that begin so.
    Prefix(&'a str),
    /// That one: whether it exists.
    Key(&'a str),
    /// None: whether there is the bucket, and where.
    Nothing,
    /// Any.
    Everything,
}

impl Company {
    /// A company of that name, as keys have it; a name that no key could have is none.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits = !name.is_empty() && !name.contains('/') && !name.chars().any(char::is_control);
        fits.then_some(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether whoever is bound to it may ask for that. `template` is the shape of the bucket's
    /// keys: without one no key is anyone's.
    pub(super) fn admits(
        &self,
        action: Action,
        target: Target<'_>,
        reach: Reach<'_>,
        template: Option<&KeyTemplate>,
    ) -> bool {
        match (target, reach) {
            (Target::Service, _) => action.is_read(),
            (Target::Object(_, key), _) | (Target::Bucket(_), Reach::Key(key)) => {
                template.and_then(|it| it.labels(key)).and_then(|it| it.company)
                    == Some(self.as_str())
            }
            (Target::Bucket(_), Reach::Prefix(prefix)) => {
                template.and_then(|it| it.company_below(prefix)) == Some(self.as_str())
            }
            (Target::Bucket(_), Reach::Nothing) => true,
            (Target::Bucket(_), Reach::Everything) => false,
        }
    }
}

impl fmt::Display for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
