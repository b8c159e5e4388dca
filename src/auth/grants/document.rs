//! A policy: what it says, once read.

use super::decision::Title;
use super::malformed::Malformed;
use super::principal::{Fit, Registry};
use super::statement::{Question, Statement};
use super::{parse, public};

/// The most bytes of a bucket's policy (S3 User Guide, "Bucket policies").
pub const BUCKET_POLICY_LIMIT: usize = 20 * 1024;

/// A policy, whose texts have been read into what they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
    pub(super) is_public: bool,
}

/// What a statement does to what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may be done, so far as nothing denies it.
    Allow,
    /// It may not be done, whatever else allows it.
    Deny,
}

impl Policy {
    /// Reads the policy of an identity or of a session: without principals.
    pub fn for_identity(text: &[u8]) -> Result<Self, Malformed> {
        Ok(Self { statements: parse::statements(text, parse::Holder::Identity)?, is_public: false })
    }

    /// Reads the policy of the bucket of that name.
    pub fn for_bucket(text: &[u8], bucket: &str) -> Result<Self, Malformed> {
        if text.len() > BUCKET_POLICY_LIMIT {
            return Err(Malformed::TooLarge);
        }
        let statements = parse::statements(text, parse::Holder::Bucket(bucket))?;
        let is_public = public::is_public(&statements);
        Ok(Self { statements, is_public })
    }

    /// Reads a policy that a bucket has: it was read for that bucket before it was kept.
    pub fn kept_by_bucket(text: &[u8]) -> Result<Self, Malformed> {
        let statements = parse::statements(text, parse::Holder::AnyBucket)?;
        let is_public = public::is_public(&statements);
        Ok(Self { statements, is_public })
    }

    /// Refuses a policy that names somebody whom there is not, as S3 does when one is set (IAM User
    /// Guide, "AWS JSON policy elements: Principal"). A policy that was set stays what it is, whoever
    /// leaves afterwards.
    pub fn check_principals(&self, registry: &dyn Registry) -> Result<(), Malformed> {
        let mut named = self.statements.iter().flat_map(|statement| statement.principals.named());
        if named.all(|named| named.is_known(registry)) { Ok(()) } else { Err(Malformed::Principal) }
    }

    /// Whether it gives something to everyone (S3 User Guide, "The meaning of 'public'").
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// Whether it asks for a value of the request whose key begins so, in lower case.
    pub fn mentions(&self, prefix: &str) -> bool {
        let mut keys = self.statements.iter().flat_map(Statement::keys);
        keys.any(|key| key.as_str().starts_with(prefix))
    }

    /// The statement with that effect which is about the request: of several the one whose
    /// principal fits best.
    pub(super) fn find(&self, effect: Effect, question: &Question<'_>) -> Option<(Fit, Title)> {
        let mut found: Option<(Fit, usize)> = None;
        for (index, statement) in self.statements.iter().enumerate() {
            if statement.effect != effect || found.is_some_and(|(fit, _)| fit == Fit::Session) {
                continue;
            }
            let fit = statement.fit(question);
            if fit > found.map_or(Fit::None, |(fit, _)| fit) {
                found = Some((fit, index));
            }
        }
        let (fit, index) = found?;
        let sid = self.statements.get(index).and_then(|statement| statement.sid.clone());
        Some((fit, Title { index, sid }))
    }
}
