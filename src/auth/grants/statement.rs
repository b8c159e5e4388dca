//! One statement of a policy, and whether it is about a request.

use std::sync::Arc;

use super::action::{Action, ActionPattern};
use super::condition::Condition;
use super::document::Effect;
use super::facts::Facts;
use super::pattern::{Match, Pattern};
use super::principal::{Fit, Named, Who};
use super::resource::ResourcePattern;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) sid: Option<Arc<str>>,
    pub(super) effect: Effect,
    pub(super) principals: Principals,
    pub(super) actions: Listed<ActionPattern>,
    pub(super) resources: Listed<ResourcePattern>,
    pub(super) conditions: Vec<Condition>,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principals {
    /// Whoever has the policy.
    Holder,
    /// These.
    Only(Vec<Named>),
    /// All but these.
    Except(Vec<Named>),
}

/// A field or its negation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed<T> {
    /// These.
    Only(Vec<T>),
    /// All but these.
    Except(Vec<T>),
}

/// What is asked of a statement.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) who: Who<'a>,
    pub(super) action: Action,
    /// What follows `arn:aws:s3:::`.
    pub(super) path: &'a str,
    pub(super) facts: &'a dyn Facts,
}

impl Statement {
    /// Whether it is about the request, and how well its principal fits.
    pub(super) fn fit(&self, question: &Question<'_>) -> Fit {
        let fit = self.principals.fit(question.who);
        let applies = fit != Fit::None
            && self
                .actions
                .has(|pattern| Match::from(pattern.matches(question.action)), self.effect)
            && self.resources.has(|arn| arn.matches(question.path, question.facts), self.effect)
            && self.conditions.iter().all(|it| it.holds(self.effect, question.facts));
        if applies { fit } else { Fit::None }
    }

    /// The request's values that it asks for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &super::ConditionKey> {
        let resources = self.resources.listed().iter().filter_map(ResourcePattern::pattern);
        let conditions = self.conditions.iter().flat_map(Condition::keys);
        resources.flat_map(Pattern::keys).chain(conditions)
    }
}

impl Principals {
    /// Those that it names.
    pub(super) fn named(&self) -> &[Named] {
        match self {
            Self::Holder => &[],
            Self::Only(listed) | Self::Except(listed) => listed,
        }
    }

    fn fit(&self, who: Who<'_>) -> Fit {
        let best =
            |listed: &[Named]| listed.iter().map(|named| named.fit(who)).max().unwrap_or(Fit::None);
        match self {
            Self::Only(listed) => best(listed),
            Self::Except(listed) if is_spared(listed, who) => Fit::None,
            Self::Holder | Self::Except(_) => Fit::Direct,
        }
    }
}

/// Whether an exception is about who asks. Whoever excepts one of an account has to name the
/// account beside them, which then spares nobody else of it (IAM User Guide, "`NotPrincipal`").
fn is_spared(listed: &[Named], who: Who<'_>) -> bool {
    listed.iter().any(|named| match named.fit(who) {
        Fit::None => false,
        Fit::Account => !listed.iter().any(|other| other.is_one_of_account(who)),
        Fit::Direct | Fit::Session => true,
    })
}

impl<T> Listed<T> {
    /// Whether the field holds. A variable without a value never widens what is allowed and never
    /// narrows what is denied by exception; one whose value cannot be told never narrows a denial.
    fn has(&self, matches: impl Fn(&T) -> Match, effect: Effect) -> bool {
        match self {
            Self::Only(listed) => listed.iter().any(|it| match matches(it) {
                Match::Yes => true,
                Match::No | Match::Unresolved => false,
                Match::Unknown => effect == Effect::Deny,
            }),
            Self::Except(listed) => listed.iter().all(|it| match matches(it) {
                Match::Yes => false,
                Match::No => true,
                Match::Unresolved | Match::Unknown => effect == Effect::Deny,
            }),
        }
    }

    fn listed(&self) -> &[T] {
        match self {
            Self::Only(listed) | Self::Except(listed) => listed,
        }
    }
}
