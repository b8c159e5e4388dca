//! Conditions on writes, in the one form that every service decides.
//!
//! `If-Match: *` and lists of tags are not decided everywhere, and where they are not, they are
//! ignored; when an object was stored is decided nowhere. The key's tag of the moment takes their
//! place: then nothing is ever written that the condition forbids, and a write in between is a
//! conflict, after which the client tries again.

use super::UpstreamStore;
use super::answer::{Answer, Fault};
use super::operation::Asked;
use crate::object::{
    ConditionHeader, ETag, ETagMatch, ListEntry, ListQuery, Timestamp, WriteCondition, WriteVerdict,
};
use crate::store::{GetRequest, ObjectPath, Result, StoreError};

/// A condition as it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tied {
    condition: Option<WriteCondition>,
    /// Whether its tag is the one of the moment.
    to_the_moment: bool,
}

impl UpstreamStore {
    /// Ties a condition to what it can be decided on: `NoSuchKey` and `PreconditionFailed` where
    /// it does not hold now.
    pub(super) async fn tie(
        &self,
        at: &ObjectPath,
        condition: Option<WriteCondition>,
    ) -> Result<Tied> {
        if condition.is_some() {
            self.check_conditional()?;
        }
        let untied = match &condition {
            None | Some(WriteCondition::Absent) => None,
            Some(WriteCondition::Matches(ETagMatch::Tags(tags))) if tags.len() == 1 => None,
            Some(untied) => Some(untied),
        };
        let Some(untied) = untied else { return Ok(Tied { condition, to_the_moment: false }) };
        let (etag, modified) = self.current(at).await?;
        if untied.check(Some((&etag, modified))) != WriteVerdict::Proceed {
            return Err(StoreError::PreconditionFailed(ConditionHeader::IfMatch));
        }
        let condition = Some(WriteCondition::Matches(ETagMatch::Tags(vec![etag])));
        Ok(Tied { condition, to_the_moment: true })
    }

    /// The tag and the time by which conditions on a key are judged. What is encrypted with a customer's key
    /// shows it to nobody without that key; a listing does.
    pub(super) async fn current(&self, at: &ObjectPath) -> Result<(ETag, Timestamp)> {
        match self.head(at, &GetRequest::default()).await {
            Ok(head) => Ok((head.object.etag, head.object.last_modified)),
            Err(StoreError::CustomerKey(_)) => {
                let (etag, _, modified) = self.listed(at).await?;
                Ok((etag, modified))
            }
            Err(error) => Err(error),
        }
    }

    /// The tag, the size and the time of a key's object, as a listing shows them.
    pub(super) async fn listed(&self, at: &ObjectPath) -> Result<(ETag, u64, Timestamp)> {
        let prefix = at.key.as_str().to_owned();
        let query = ListQuery { prefix, limit: 1, ..ListQuery::default() };
        match self.list(&at.bucket, &query).await?.entries.into_iter().next() {
            Some(ListEntry::Object { key, etag, size, last_modified, .. }) if key == at.key => {
                Ok((etag, size, last_modified))
            }
            _ => Err(StoreError::NoSuchKey),
        }
    }

    /// Refuses a condition that the service would not decide.
    pub(super) fn check_conditional(&self) -> Result<()> {
        if self.options.quirks.conditional_writes {
            return Ok(());
        }
        let what = format!("a conditional write by upstream {}", self.options.name);
        Err(StoreError::Unsupported { what })
    }

    /// The error of a write on a condition.
    pub(super) fn refuse_write(
        &self,
        asked: &Asked,
        tied: &Tied,
        fault: impl Into<Fault>,
    ) -> StoreError {
        match (self.refuse(asked, fault), &tied.condition) {
            (StoreError::PreconditionFailed(_), Some(condition)) => tied.failed(condition),
            (error, _) => error,
        }
    }

    /// The same of a copy, whose source is tied to a tag as well: a 412 that says to be the
    /// source's means that it was replaced since its head was read.
    pub(super) fn refuse_copy(
        &self,
        asked: &Asked,
        tied: &Tied,
        fault: impl Into<Fault>,
    ) -> StoreError {
        let fault = fault.into();
        let said = fault.answer().and_then(Answer::condition);
        match (self.refuse(asked, fault), &tied.condition) {
            (StoreError::PreconditionFailed(_), None) => StoreError::Conflict,
            (StoreError::PreconditionFailed(_), Some(WriteCondition::Absent))
                if said == Some(ConditionHeader::IfMatch) =>
            {
                StoreError::Conflict
            }
            (StoreError::PreconditionFailed(_), Some(condition)) => tied.failed(condition),
            (error, _) => error,
        }
    }
}

impl Tied {
    /// `If-Match` as it is sent.
    pub(super) fn if_match(&self) -> Option<String> {
        match &self.condition {
            Some(WriteCondition::Matches(ETagMatch::Tags(tags))) => tags.first().map(ETag::quoted),
            _ => None,
        }
    }

    /// `If-None-Match` as it is sent.
    pub(super) fn if_none_match(&self) -> Option<String> {
        matches!(self.condition, Some(WriteCondition::Absent)).then(|| "*".to_owned())
    }

    /// Whether there is a condition: then a second attempt would fail on the success of the
    /// first.
    pub(super) fn is_conditional(&self) -> bool {
        self.condition.is_some()
    }

    fn failed(&self, condition: &WriteCondition) -> StoreError {
        if self.to_the_moment {
            return StoreError::Conflict;
        }
        StoreError::PreconditionFailed(match condition {
            WriteCondition::Absent => ConditionHeader::IfNoneMatch,
            WriteCondition::Matches(_) | WriteCondition::Unchanged(..) => ConditionHeader::IfMatch,
        })
    }
}
