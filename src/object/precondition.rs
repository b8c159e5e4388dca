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
    /// The key's current object is the one that has this tag and was stored then. Clients cannot
    /// ask for that; who judged an object by its age can.
    Unchanged(ETag, Timestamp),
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

/// By how much a date may lie ahead of the clock and still count: Last-Modified is rounded up to
/// whole seconds, so clients send back dates that are up to a second early.
const FUTURE_SLACK_MILLIS: i64 = 1000;

impl ETagMatch {
    /// Reads an `If-Match` or `If-None-Match` header: `*`, or tags separated by commas, with or
    /// without quotes and weak prefixes. A comma inside quotes belongs to the tag.
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let mut quoted = false;
        let tags = header.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        Self::Tags(tags.map(str::trim).filter(|t| !t.is_empty()).map(ETag::parse).collect())
    }

    /// Whether an existing object with this tag is one of those meant.
    pub fn matches(&self, etag: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(etag),
        }
    }
}

impl ReadConditions {
    /// Whether this header is among the conditions.
    pub fn has(&self, header: ConditionHeader) -> bool {
        match header {
            ConditionHeader::IfMatch => self.if_match.is_some(),
            ConditionHeader::IfNoneMatch => self.if_none_match.is_some(),
            ConditionHeader::IfModifiedSince => self.if_modified_since.is_some(),
            ConditionHeader::IfUnmodifiedSince => self.if_unmodified_since.is_some(),
        }
    }

    /// What the conditions of a GET or HEAD come to, in the order of RFC 9110 section 13.2.2.
    /// Dates later than `now` are ignored.
    pub fn evaluate(&self, etag: &ETag, last_modified: Timestamp, now: Timestamp) -> ReadVerdict {
        match self.first_false(etag, last_modified, now) {
            None => ReadVerdict::Proceed,
            Some(ConditionHeader::IfNoneMatch | ConditionHeader::IfModifiedSince) => {
                ReadVerdict::NotModified
            }
            Some(header) => ReadVerdict::Failed(header),
        }
    }

    /// What the conditions on a copy's source come to: as for a read, except that nothing is
    /// ever `NotModified`.
    pub fn evaluate_copy(
        &self,
        etag: &ETag,
        last_modified: Timestamp,
        now: Timestamp,
    ) -> ReadVerdict {
        self.first_false(etag, last_modified, now).map_or(ReadVerdict::Proceed, ReadVerdict::Failed)
    }

    /// A tag's condition silences the date's beside it, whether it holds or not.
    fn first_false(
        &self,
        etag: &ETag,
        last_modified: Timestamp,
        now: Timestamp,
    ) -> Option<ConditionHeader> {
        let counts = |date: &Timestamp| date.0 <= now.0.saturating_add(FUTURE_SLACK_MILLIS);
        let unmodified_since = self.if_unmodified_since.filter(counts);
        let modified_since = self.if_modified_since.filter(counts);
        let must_match = match (&self.if_match, unmodified_since) {
            (Some(tags), _) => (!tags.matches(etag)).then_some(ConditionHeader::IfMatch),
            (None, Some(date)) => {
                (last_modified > date).then_some(ConditionHeader::IfUnmodifiedSince)
            }
            (None, None) => None,
        };
        must_match.or(match (&self.if_none_match, modified_since) {
            (Some(tags), _) => tags.matches(etag).then_some(ConditionHeader::IfNoneMatch),
            (None, Some(date)) => {
                (last_modified <= date).then_some(ConditionHeader::IfModifiedSince)
            }
            (None, None) => None,
        })
    }
}

impl WriteCondition {
    /// What the condition comes to while the key's current object has the tag and the
    /// Last-Modified `current`.
    pub fn check(&self, current: Option<(&ETag, Timestamp)>) -> WriteVerdict {
        let holds = match (self, current) {
            (Self::Absent, None) => return WriteVerdict::Proceed,
            (Self::Absent, Some(_)) => return WriteVerdict::Failed(ConditionHeader::IfNoneMatch),
            (Self::Matches(_) | Self::Unchanged(..), None) => return WriteVerdict::Missing,
            (Self::Matches(tags), Some((etag, _))) => tags.matches(etag),
            (Self::Unchanged(etag, since), Some(current)) => current == (etag, *since),
        };
        if holds { WriteVerdict::Proceed } else { WriteVerdict::Failed(ConditionHeader::IfMatch) }
    }
}

impl ConditionHeader {
    /// The header's name as S3's error shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::IfMatch => "If-Match",
            Self::IfNoneMatch => "If-None-Match",
            Self::IfModifiedSince => "If-Modified-Since",
            Self::IfUnmodifiedSince => "If-Unmodified-Since",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_500);
    const MODIFIED: Timestamp = Timestamp(999_000_000);
    const BEFORE: Timestamp = Timestamp(998_999_000);

    fn tag() -> ETag {
        ETag::parse("abc")
    }

    #[test]
    fn tags_are_read_in_every_form() {
        for header in
            ["abc", "\"abc\"", "W/\"abc\"", "x, abc", "\"x\",\"abc\"", " abc ", "*", "a,,abc,"]
        {
            assert!(ETagMatch::parse(header).matches(&tag()), "{header}");
        }
        for header in ["", "ab", "\"*\"", "\"abc,x\"", "ABC", "abc-1"] {
            assert!(!ETagMatch::parse(header).matches(&tag()), "{header}");
        }
        assert!(ETagMatch::parse("x, \"a,b\"").matches(&ETag::parse("a,b")));
    }

    /// Every combination of no, a true, and a false condition in each of the four headers.
    #[test]
    fn reads_and_copies_by_the_truth_table() {
        let state = [None, Some(true), Some(false)];
        for (m, u) in state.iter().flat_map(|m| state.iter().map(move |u| (*m, *u))) {
            for (n, s) in state.iter().flat_map(|n| state.iter().map(move |s| (*n, *s))) {
                let conditions = ReadConditions {
                    if_match: m.map(|t| ETagMatch::parse(if t { "abc" } else { "x" })),
                    if_unmodified_since: u.map(|t| if t { MODIFIED } else { BEFORE }),
                    if_none_match: n.map(|t| ETagMatch::parse(if t { "x" } else { "*" })),
                    if_modified_since: s.map(|t| if t { BEFORE } else { MODIFIED }),
                };
                let (read, copy) = match (m, u, n, s) {
                    (Some(false), ..) => failed(ConditionHeader::IfMatch),
                    (None, Some(false), ..) => failed(ConditionHeader::IfUnmodifiedSince),
                    (_, _, Some(false), _) => unmodified(ConditionHeader::IfNoneMatch),
                    (_, _, None, Some(false)) => unmodified(ConditionHeader::IfModifiedSince),
                    _ => (ReadVerdict::Proceed, ReadVerdict::Proceed),
                };
                assert_eq!(conditions.evaluate(&tag(), MODIFIED, NOW), read, "{conditions:?}");
                assert_eq!(conditions.evaluate_copy(&tag(), MODIFIED, NOW), copy, "{conditions:?}");
            }
        }
    }

    fn failed(header: ConditionHeader) -> (ReadVerdict, ReadVerdict) {
        (ReadVerdict::Failed(header), ReadVerdict::Failed(header))
    }

    fn unmodified(header: ConditionHeader) -> (ReadVerdict, ReadVerdict) {
        (ReadVerdict::NotModified, ReadVerdict::Failed(header))
    }

    #[test]
    fn future_dates_are_ignored_except_the_rounding_second() {
        let at = |date| ReadConditions { if_modified_since: Some(date), ..Default::default() };
        let just_written = NOW.ceil_second();
        let verdict = at(just_written).evaluate(&tag(), just_written, NOW);
        assert_eq!(verdict, ReadVerdict::NotModified);
        let verdict = at(Timestamp(NOW.0 + 1001)).evaluate(&tag(), just_written, NOW);
        assert_eq!(verdict, ReadVerdict::Proceed);
    }

    #[test]
    fn writes() {
        let matches = |tags: &str| WriteCondition::Matches(ETagMatch::parse(tags));
        for (condition, on_absent, on_present) in [
            (
                WriteCondition::Absent,
                WriteVerdict::Proceed,
                WriteVerdict::Failed(ConditionHeader::IfNoneMatch),
            ),
            (matches("abc"), WriteVerdict::Missing, WriteVerdict::Proceed),
            (matches("*"), WriteVerdict::Missing, WriteVerdict::Proceed),
            (matches("x"), WriteVerdict::Missing, WriteVerdict::Failed(ConditionHeader::IfMatch)),
            (WriteCondition::Unchanged(tag(), NOW), WriteVerdict::Missing, WriteVerdict::Proceed),
            (
                WriteCondition::Unchanged(tag(), Timestamp(NOW.0 - 1)),
                WriteVerdict::Missing,
                WriteVerdict::Failed(ConditionHeader::IfMatch),
            ),
            (
                WriteCondition::Unchanged(ETag::parse("x"), NOW),
                WriteVerdict::Missing,
                WriteVerdict::Failed(ConditionHeader::IfMatch),
            ),
        ] {
            assert_eq!(condition.check(None), on_absent, "{condition:?}");
            assert_eq!(condition.check(Some((&tag(), NOW))), on_present, "{condition:?}");
        }
    }
}
