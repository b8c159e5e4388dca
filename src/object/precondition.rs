//! Conditional requests (RFC 9110 section 13, and S3's rules for conditional writes).

use super::{ETag, Timestamp};

/// `*`, or a list of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ETagMatch {
    /// Any existing object.
    Any,
    /// One of these.
    Tags(Vec<ETag>),
}

/// The conditions of a read, or of a copy on its source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadConditions {
    /// `If-Match`.
    pub if_match: Option<ETagMatch>,
    /// `If-None-Match`.
    pub if_none_match: Option<ETagMatch>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
}

/// The header that a failed condition came from, for the error's `Condition` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionHeader {
    /// `If-Match`.
    IfMatch,
    /// `If-None-Match`.
    IfNoneMatch,
    /// `If-Modified-Since`.
    IfModifiedSince,
    /// `If-Unmodified-Since`.
    IfUnmodifiedSince,
}

/// What the conditions of a read come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadVerdict {
    /// Answer the request.
    Proceed,
    /// 304, with the validators.
    NotModified,
    /// 412, naming the header.
    Failed(ConditionHeader),
}

/// The condition of a write or delete. Both at once do not exist (S3: 501).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteCondition {
    /// `If-None-Match: *`: the key has no current object.
    Absent,
    /// `If-Match`: the key's current object has this tag, or exists at all for `*`.
    Matches(ETagMatch),
}

/// What a write's condition comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteVerdict {
    /// Go on.
    Proceed,
    /// `If-Match` on an absent key: 404 `NoSuchKey`.
    Missing,
    /// 412, naming the header.
    Failed(ConditionHeader),
}
