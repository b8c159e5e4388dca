//! Whether two objects are the same: pure.

use super::held::Held;
use crate::object::{
    Acl, Checksum, ETag, ETagMatch, ObjectInfo, ObjectMetadata, PortableAcl, TagSet, WriteCondition,
};
use crate::placement::location::Location;

/// What to do about what the upstream has of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the object already.
    Arrived,
    /// Send it, on this condition.
    Send(WriteCondition),
    /// Leave it alone.
    Conflict(String),
}

/// Judges sending an object by what the upstream has. Whatever the record does not know was put
/// there by somebody else. `labels` are those of `found`.
pub(super) fn verdict(
    record: Option<&Location>,
    held: &Held,
    found: Option<&ObjectInfo>,
    labels: &Labels,
) -> Verdict {
    let Some(found) = found else { return Verdict::Send(WriteCondition::Absent) };
    let content = found.etag == held.object.etag && found.size == held.object.size;
    if content && same_metadata(&held.object, found).is_ok() && labels.are_of(held) {
        return Verdict::Arrived;
    }
    let recorded = record.and_then(|record| record.remote.as_ref());
    let recorded = recorded.is_some_and(|remote| remote.upstream_etag == found.etag);
    let todo = record.and_then(|record| record.todo.as_ref());
    if recorded || todo.is_some_and(|todo| todo.unsure.contains(&found.etag)) {
        return Verdict::Send(if_match(&found.etag));
    }
    Verdict::Conflict(format!(
        "the upstream has another object of that key, with ETag {}, {} bytes, of {}; no record \
         tells of it, and it was left as it is",
        found.etag.quoted(),
        found.size,
        found.last_modified.iso8601(),
    ))
}

/// What the upstream keeps with an object and tells apart from its head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// Its tags.
    pub(super) tags: TagSet,
    /// Its ACL, looked at only where the object at home has one.
    pub(super) acl: Option<Acl>,
}

impl Labels {
    /// Whether the object at home has the same.
    pub(super) fn are_of(&self, held: &Held) -> bool {
        self.tags == held.tags
            && (held.acl.is_none() || same_acl(self.acl.as_ref(), held.acl.as_ref()))
    }
}

/// The condition that a key has this tag.
pub(super) fn if_match(etag: &ETag) -> WriteCondition {
    WriteCondition::Matches(ETagMatch::Tags(vec![etag.clone()]))
}

/// Whether headers and user metadata are the same; else which are not. The storage class is the
/// upstream's own matter.
pub(super) fn same_metadata(here: &ObjectInfo, there: &ObjectInfo) -> Result<(), String> {
    let (a, b) = (&here.metadata.headers, &there.metadata.headers);
    let pairs = [
        ("Content-Encoding", &a.content_encoding, &b.content_encoding),
        ("Content-Language", &a.content_language, &b.content_language),
        ("Content-Disposition", &a.content_disposition, &b.content_disposition),
        ("Cache-Control", &a.cache_control, &b.cache_control),
        ("Expires", &a.expires, &b.expires),
        (
            "x-amz-website-redirect-location",
            &a.website_redirect_location,
            &b.website_redirect_location,
        ),
    ];
    let other = |name: &str, here: &dyn std::fmt::Debug, there: &dyn std::fmt::Debug| {
        Err(format!("{name} is {there:?} in the target and {here:?} in the source"))
    };
    if content_type(&here.metadata) != content_type(&there.metadata) {
        return other("Content-Type", &a.content_type, &b.content_type);
    }
    for (name, one, two) in pairs {
        if one != two {
            return other(name, one, two);
        }
    }
    if here.metadata.user != there.metadata.user {
        return Err("the user metadata differ".to_owned());
    }
    Ok(())
}

/// What an object without one is said to be, by one service or another.
fn content_type(metadata: &ObjectMetadata) -> &str {
    match metadata.headers.content_type.as_deref() {
        None | Some("application/octet-stream") => "binary/octet-stream",
        Some(other) => other,
    }
}

/// Whether two ACLs, both of objects of the bucket's owner, give the same.
pub(super) fn same_acl(one: Option<&Acl>, other: Option<&Acl>) -> bool {
    let gives = |acl: Option<&Acl>| match acl {
        None => Some(PortableAcl::Private),
        Some(acl) => acl.portable(&acl.owner.id),
    };
    let (one, other) = (gives(one), gives(other));
    one.is_some() && one == other
}

/// Whether two checksums say the same; `None` where they cannot be compared.
pub(super) fn same_checksum(here: Option<&Checksum>, there: Option<&Checksum>) -> Option<bool> {
    let (here, there) = here.zip(there)?;
    let comparable = here.kind == there.kind && here.value.algorithm == there.value.algorithm;
    comparable.then(|| here.value == there.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{ObjectKey, Owner, Timestamp, VersionId};
    use crate::placement::location::{Remote, Task, Todo, Truth};

    fn object(etag: &str, size: u64) -> ObjectInfo {
        ObjectInfo {
            key: ObjectKey::parse("key").unwrap(),
            version: VersionId::Null,
            size,
            etag: ETag::parse(etag),
            last_modified: Timestamp(0),
            metadata: ObjectMetadata::default(),
            checksum: None,
            tag_count: 0,
            parts_count: None,
            replication: None,
            encryption: None,
        }
    }

    fn held() -> Held {
        Held { object: object("new", 3), tags: TagSet::default(), acl: None }
    }

    fn record(upstream_etag: &str, unsure: &str) -> Location {
        let remote = Remote {
            bucket: "b".to_owned(),
            key: "key".to_owned(),
            etag: ETag::parse("shown"),
            upstream_etag: ETag::parse(upstream_etag),
            size: 1,
            last_modified: Timestamp(0),
            asked: false,
        };
        let mut todo = Todo::new(Task::Put, Timestamp(0));
        todo.note_unsure(&ETag::parse(unsure));
        Location {
            truth: Truth::Local,
            todo: Some(todo),
            remote: Some(remote),
            updated_at: Timestamp(0),
            kept: false,
        }
    }

    #[test]
    fn only_what_a_record_knows_is_replaced() {
        let none = Labels::default();
        let judge = |record: Option<&Location>, found: Option<&ObjectInfo>| {
            verdict(record, &held(), found, &none)
        };
        assert_eq!(judge(None, None), Verdict::Send(WriteCondition::Absent));
        assert_eq!(judge(None, Some(&object("new", 3))), Verdict::Arrived);
        for other in [object("new", 4), object("other", 3)] {
            assert!(matches!(judge(None, Some(&other)), Verdict::Conflict(_)));
        }
        let known = record("old", "tried");
        for tag in ["old", "tried"] {
            let expected = Verdict::Send(if_match(&ETag::parse(tag)));
            assert_eq!(judge(Some(&known), Some(&object(tag, 9))), expected);
        }
        let shown = judge(Some(&known), Some(&object("shown", 9)));
        assert!(matches!(shown, Verdict::Conflict(_)), "the upstream's own tag counts");
    }

    #[test]
    fn the_same_content_with_other_words_is_another_object() {
        let mut found = object("new", 3);
        found.metadata.headers.cache_control = Some("no-store".to_owned());
        let none = Labels::default();
        assert!(matches!(verdict(None, &held(), Some(&found), &none), Verdict::Conflict(_)));
        let tagged = Labels { tags: TagSet::from_query("a=1").unwrap(), acl: None };
        let same = object("new", 3);
        assert!(matches!(verdict(None, &held(), Some(&same), &tagged), Verdict::Conflict(_)));
        let me = Owner { id: "me".to_owned(), display_name: String::new() };
        let public = Held { acl: Some(PortableAcl::PublicRead.of(me)), ..held() };
        assert!(matches!(verdict(None, &public, Some(&same), &none), Verdict::Conflict(_)));
        let listed = Labels { acl: public.acl.clone(), ..Labels::default() };
        assert_eq!(verdict(None, &public, Some(&same), &listed), Verdict::Arrived);
        assert_eq!(verdict(None, &held(), Some(&same), &listed), Verdict::Arrived);
    }

    #[test]
    fn every_header_is_compared() {
        let (mut here, mut there) = (object("a", 1), object("a", 1));
        there.metadata.headers.content_type = Some("application/octet-stream".to_owned());
        assert_eq!(same_metadata(&here, &there), Ok(()));
        here.metadata.headers.content_type = Some("text/plain".to_owned());
        assert!(same_metadata(&here, &there).unwrap_err().contains("Content-Type"));
        there.metadata.headers.content_type.clone_from(&here.metadata.headers.content_type);
        here.metadata.headers.expires = Some("never".to_owned());
        assert!(same_metadata(&here, &there).unwrap_err().contains("Expires"));
        there.metadata.headers.expires.clone_from(&here.metadata.headers.expires);
        here.metadata.user.add("a", "1");
        assert!(same_metadata(&here, &there).unwrap_err().contains("user metadata"));
        there.metadata.user.add("a", "1");
        here.metadata.storage_class = Some("GLACIER".to_owned());
        assert_eq!(same_metadata(&here, &there), Ok(()));
    }

    #[test]
    fn checksums_are_compared_where_they_are_of_one_kind() {
        use crate::object::Algorithm::{Crc32, Sha256};
        let sum = |algorithm: crate::object::Algorithm, text: &[u8]| {
            Checksum::full_object(algorithm.digest(text))
        };
        let (a, b, other) = (sum(Crc32, b"a"), sum(Crc32, b"b"), sum(Sha256, b"a"));
        assert_eq!(same_checksum(Some(&a), Some(&a)), Some(true));
        assert_eq!(same_checksum(Some(&a), Some(&b)), Some(false));
        assert_eq!(same_checksum(Some(&a), Some(&other)), None);
        assert_eq!(same_checksum(Some(&a), None), None);
    }
}
