use super::*;
use crate::object::{ObjectKey, ObjectMetadata, VersionId};
use crate::placement::location::{Remote, Task, Todo};

const SINCE: Timestamp = Timestamp(1_700_000_000_400);
const BEFORE: Timestamp = Timestamp(1_700_000_000_000);
const LATER: Timestamp = Timestamp(1_700_000_002_000);

fn shown(etag: &str, last_modified: Timestamp) -> ObjectInfo {
    ObjectInfo {
        key: ObjectKey::parse("a").unwrap(),
        version: VersionId::Null,
        size: 3,
        etag: ETag::parse(etag),
        last_modified,
        metadata: ObjectMetadata::default(),
        checksum: None,
        tag_count: 0,
        parts_count: None,
        replication: None,
        encryption: None,
    }
}

fn record(truth: Truth, recorded: Option<&str>, unsure: &[&str]) -> Location {
    let mut todo = Todo::new(Task::Put, SINCE);
    for etag in unsure {
        todo.note_unsure(&ETag::parse(etag));
    }
    let remote = recorded.map(|etag| Remote {
        bucket: "there".to_owned(),
        key: "a".to_owned(),
        etag: ETag::parse("shown"),
        upstream_etag: ETag::parse(etag),
        size: 3,
        last_modified: BEFORE,
        asked: false,
    });
    Location { truth, todo: Some(todo), remote, updated_at: LATER, kept: false }
}

fn matching(etag: &str) -> WriteCondition {
    WriteCondition::Matches(ETagMatch::Tags(vec![ETag::parse(etag)]))
}

#[test]
fn what_was_recorded_or_may_have_arrived_is_replaced() {
    let ours = shown("ours", BEFORE);
    for (recorded, unsure, there) in [
        (Some("old"), &[][..], "old"),
        (Some("old"), &["lost", "other"][..], "lost"),
        (None, &["lost"][..], "lost"),
    ] {
        let record = record(Truth::Local, recorded, unsure);
        let verdict = on_put(&record, &ours, Some(&shown(there, LATER)));
        assert_eq!(verdict, PutVerdict::Send(matching(there)), "{recorded:?} {unsure:?} {there}");
        let gone = Location { truth: Truth::Gone, ..record };
        let verdict = on_delete(&gone, Some(&shown(there, LATER)));
        assert_eq!(verdict, DeleteVerdict::Remove(matching(there)));
    }
}

#[test]
fn where_there_is_nothing_nothing_is_replaced() {
    let ours = shown("ours", BEFORE);
    for recorded in [None, Some("old")] {
        let record = record(Truth::Local, recorded, &[]);
        let verdict = on_put(&record, &ours, None);
        assert_eq!(verdict, PutVerdict::Send(WriteCondition::Absent));
        assert_eq!(on_delete(&record, None), DeleteVerdict::Nothing);
    }
}

#[test]
fn our_own_object_has_arrived_unless_it_was_there_before() {
    let ours = shown("ours", BEFORE);
    let there = shown("ours", LATER);
    for recorded in [None, Some("old")] {
        let record = record(Truth::Local, recorded, &["ours"]);
        assert_eq!(on_put(&record, &ours, Some(&there)), PutVerdict::Arrived);
    }
    // The same content was there before, perhaps with other metadata.
    let before = record(Truth::Local, Some("ours"), &[]);
    assert_eq!(on_put(&before, &ours, Some(&there)), PutVerdict::Send(matching("ours")));
    // What a head doesn't show is sent again.
    let lost = record(Truth::Local, Some("old"), &["ours"]);
    let tagged = ObjectInfo { tag_count: 1, ..ours.clone() };
    assert_eq!(on_put(&lost, &tagged, Some(&there)), PutVerdict::Send(matching("ours")));
    let mut described = ours;
    described.metadata.user.add("of", "another write");
    assert_eq!(on_put(&lost, &described, Some(&there)), PutVerdict::Send(matching("ours")));
}

#[test]
fn what_somebody_else_wrote_is_left_alone() {
    let ours = shown("ours", BEFORE);
    for (recorded, written) in [(Some("old"), LATER), (Some("old"), BEFORE), (None, LATER)] {
        let record = record(Truth::Local, recorded, &["lost"]);
        let there = shown("foreign", written);
        let verdict = on_put(&record, &ours, Some(&there));
        let PutVerdict::Conflict(words) = verdict else { panic!("{verdict:?}") };
        assert!(words.contains("\"foreign\"") && words.contains("behind"), "{words}");
        let gone = Location { truth: Truth::Gone, ..record.clone() };
        assert!(matches!(on_delete(&gone, Some(&there)), DeleteVerdict::Conflict(_)));
        // The stale copy of an object that is local for good is no more.
        assert_eq!(on_delete(&record, Some(&there)), DeleteVerdict::Nothing);
    }
}

#[test]
fn what_was_there_before_an_unrecorded_write_is_replaced() {
    let ours = shown("ours", SINCE);
    for written in [BEFORE, SINCE, SINCE.ceil_second()] {
        let record = record(Truth::Local, None, &[]);
        let there = shown("older", written);
        let verdict = on_put(&record, &ours, Some(&there));
        assert_eq!(verdict, PutVerdict::Send(matching("older")));
        let gone = Location { truth: Truth::Gone, ..record };
        let verdict = on_delete(&gone, Some(&there));
        assert_eq!(verdict, DeleteVerdict::Remove(matching("older")));
    }
}
