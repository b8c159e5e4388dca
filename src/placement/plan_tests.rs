//! The mode table, cell by cell.

use super::*;
use crate::object::ETag;

const MODES: [Mode; 3] = [Mode::Local, Mode::Upstream, Mode::Fallback];

const HOME: &[Layer] = &[Layer::Home];
const BOTH: &[Layer] = &[Layer::Home, Layer::Upstream];
const UPSTREAM: &[Layer] = &[Layer::Upstream];
const NOBODY: &[Layer] = &[];

const NEW: Known = Known::Local { waits: true, remote: false };
const STALE: Known = Known::Local { waits: true, remote: true };
const KEPT: Known = Known::Local { waits: false, remote: false };
const KEPT_STALE: Known = Known::Local { waits: false, remote: true };
const THERE: Known = Known::Remote { waits: false };
const UNSURE: Known = Known::Remote { waits: true };
const GONE: Known = Known::Gone { waits: false };
const GOING: Known = Known::Gone { waits: true };

#[test]
fn reads_ask_in_this_order() {
    for (known, local, upstream, fallback) in [
        (Known::Nothing, HOME, BOTH, BOTH),
        (NEW, HOME, BOTH, BOTH),
        (KEPT, HOME, BOTH, BOTH),
        (STALE, BOTH, BOTH, BOTH),
        (KEPT_STALE, BOTH, BOTH, BOTH),
        (THERE, UPSTREAM, UPSTREAM, UPSTREAM),
        (UNSURE, UPSTREAM, UPSTREAM, UPSTREAM),
        (GONE, NOBODY, NOBODY, NOBODY),
        (GOING, NOBODY, NOBODY, NOBODY),
    ] {
        assert_eq!(MODES.map(|mode| reads(mode, known)), [local, upstream, fallback], "{known:?}");
    }
}

#[test]
fn an_object_is_the_first_ones_that_has_it() {
    let (home, there) = (Some(Layer::Home), Some(Layer::Upstream));
    for (known, at_home, expected) in [
        (Known::Nothing, true, [home, home, home]),
        (Known::Nothing, false, [None, there, there]),
        (NEW, true, [home, home, home]),
        (NEW, false, [None, there, there]),
        (KEPT, true, [home, home, home]),
        (KEPT, false, [None, there, there]),
        (STALE, true, [home, home, home]),
        (STALE, false, [there, there, there]),
        (KEPT_STALE, true, [home, home, home]),
        (KEPT_STALE, false, [there, there, there]),
        (THERE, true, [there, there, there]),
        (THERE, false, [there, there, there]),
        (UNSURE, true, [there, there, there]),
        (UNSURE, false, [there, there, there]),
        (GONE, true, [None, None, None]),
        (GONE, false, [None, None, None]),
        (GOING, true, [None, None, None]),
        (GOING, false, [None, None, None]),
    ] {
        let found = MODES.map(|mode| holder(mode, known, at_home));
        assert_eq!(found, expected, "{known:?}, at home: {at_home}");
    }
}

#[test]
fn writes_and_deletes() {
    use Write::{Both, Home, HomeAndRecord, Spool, Upstream};
    for (known, writes, deletes) in [
        (
            Known::Nothing,
            [Home, Upstream, Both],
            [Delete::Home, Delete::Upstream, Delete::UpstreamElseJournal],
        ),
        (
            NEW,
            [HomeAndRecord, Upstream, Spool],
            [Delete::Journal, Delete::Upstream, Delete::Journal],
        ),
        (
            STALE,
            [HomeAndRecord, Upstream, Spool],
            [Delete::Journal, Delete::Upstream, Delete::Journal],
        ),
        (
            KEPT,
            [HomeAndRecord, Upstream, Both],
            [Delete::Journal, Delete::Upstream, Delete::UpstreamElseJournal],
        ),
        (
            KEPT_STALE,
            [HomeAndRecord, Upstream, Both],
            [Delete::Journal, Delete::Upstream, Delete::UpstreamElseJournal],
        ),
        (
            THERE,
            [HomeAndRecord, Upstream, Both],
            [Delete::Journal, Delete::Upstream, Delete::UpstreamElseJournal],
        ),
        (
            UNSURE,
            [HomeAndRecord, Upstream, Spool],
            [Delete::Journal, Delete::Upstream, Delete::Journal],
        ),
        (
            GONE,
            [HomeAndRecord, Upstream, Both],
            [Delete::Nothing, Delete::Upstream, Delete::UpstreamElseJournal],
        ),
        (
            GOING,
            [HomeAndRecord, Upstream, Spool],
            [Delete::Nothing, Delete::Upstream, Delete::Nothing],
        ),
    ] {
        assert_eq!(MODES.map(|mode| write(mode, known)), writes, "{known:?}");
        assert_eq!(MODES.map(|mode| delete(mode, known)), deletes, "{known:?}");
        let sent = MODES.map(|mode| keeps_sender_out(mode, known));
        assert_eq!(sent, [false, known.waits(), false], "{known:?}");
        let at_home = if known == Known::Nothing { Finish::Home } else { Finish::HomeAndRecord };
        let finished = MODES.map(|mode| finish(mode, known));
        assert_eq!(finished, [at_home, Finish::SpoolAndWait, Finish::Spool], "{known:?}");
        assert_eq!(records_first(known), known == Known::Nothing);
    }
}

#[test]
fn what_a_mode_does_with_a_bucket() {
    let by_mode = |of: fn(Mode) -> bool| MODES.map(of);
    assert_eq!(MODES.map(view), [View::Records, View::Layers, View::Layers]);
    assert_eq!(MODES.map(begins_upload), [Layer::Home, Layer::Upstream, Layer::Home]);
    assert_eq!(by_mode(knows_foreign_uploads), [false, true, true]);
    assert_eq!(by_mode(lists_foreign_uploads), [false, true, false]);
    assert_eq!(MODES.map(|mode| shares_buckets(mode, false)), [false, true, true]);
    assert_eq!(MODES.map(|mode| shares_buckets(mode, true)), [false, false, false]);
}

#[test]
fn how_far_an_object_is() {
    let waiting = |task| Todo::new(task, Timestamp(0));
    let dead = Todo { failed: Some("no".to_owned()), ..waiting(Task::Put) };
    let (pending, failed) = (Some(Replication::Pending), Some(Replication::Failed));
    let completed = Some(Replication::Completed);
    for (layer, todo, expected) in [
        (Layer::Home, None, [None, None, None]),
        (Layer::Home, Some(waiting(Task::Put)), [None, pending, pending]),
        (Layer::Home, Some(waiting(Task::Delete)), [None, None, None]),
        (Layer::Home, Some(dead.clone()), [None, failed, failed]),
        (Layer::Upstream, None, [None, None, completed]),
        (Layer::Upstream, Some(waiting(Task::Put)), [None, None, completed]),
        (Layer::Upstream, Some(dead), [None, None, completed]),
    ] {
        let shown = MODES.map(|mode| replication(mode, layer, todo.as_ref()));
        assert_eq!(shown, expected, "{layer:?} {todo:?}");
    }
}

fn remote(etag: &str) -> Remote {
    Remote {
        bucket: "there".to_owned(),
        key: "key".to_owned(),
        etag: ETag::parse(etag),
        upstream_etag: ETag::parse("upstream"),
        size: 1,
        last_modified: Timestamp(0),
        asked: false,
    }
}

fn record(truth: Truth, task: Option<Task>, has_remote: bool) -> Location {
    let todo = task.map(|task| Todo { attempts: 3, ..Todo::new(task, Timestamp(1)) });
    let remote = has_remote.then(|| remote("shown"));
    Location { truth, todo, remote, updated_at: Timestamp(1), kept: false }
}

#[test]
fn records_know_when_to_speak() {
    for (etag, expected) in [("upstream", [true, false, true]), ("other", [true, true, true])] {
        assert_eq!(MODES.map(|mode| shows_record(mode, &remote(etag))), expected, "{etag}");
    }
}

#[test]
fn records_that_follow() {
    let now = Timestamp(9);
    for before in [
        None,
        Some(record(Truth::Local, Some(Task::Put), false)),
        Some(record(Truth::Local, Some(Task::Delete), true)),
        Some(record(Truth::Remote, None, true)),
        Some(record(Truth::Gone, Some(Task::Delete), true)),
    ] {
        let waited = before.as_ref().is_some_and(|before| before.todo.is_some());
        let since = if waited { Timestamp(1) } else { now };
        let known = before.as_ref().and_then(|before| before.remote.clone());
        for (after, truth, task) in [
            (spooled(before.as_ref(), now), Truth::Local, Task::Put),
            (deleted(before.as_ref(), now), Truth::Gone, Task::Delete),
        ] {
            assert_eq!((after.truth, &after.remote), (truth, &known));
            let todo = after.todo.unwrap();
            assert_eq!((todo.task, todo.since, todo.attempts), (task, since, 0), "{before:?}");
        }
        let tag = ETag::parse("new");
        for (at_home, alone) in [(true, Truth::Local), (false, Truth::Remote)] {
            let after = announced(before.as_ref(), at_home, Some(&tag), now);
            let truth = before.as_ref().map_or(alone, |before| before.truth);
            assert_eq!((after.truth, &after.remote), (truth, &known), "nothing has changed yet");
            let todo = after.todo.unwrap();
            assert_eq!((todo.since, todo.unsure), (since, vec![tag.clone()]));
        }
    }
}

#[test]
fn what_is_local_for_good_makes_the_upstream_stale() {
    let now = Timestamp(9);
    let task_after = |before: &Location| {
        let after = superseded(before, now)?;
        assert_eq!((after.truth, &after.remote), (Truth::Local, &before.remote));
        after.todo.map(|todo| todo.task)
    };
    let mut sent = record(Truth::Local, Some(Task::Put), false);
    assert_eq!(task_after(&sent), Some(Task::Put), "nothing of it is upstream");
    sent.todo.as_mut().unwrap().note_unsure(&ETag::parse("sent"));
    assert_eq!(task_after(&sent), Some(Task::Delete), "something of it may be");
    for (truth, task, has_remote) in [
        (Truth::Local, Some(Task::Put), true),
        (Truth::Local, Some(Task::Delete), true),
        (Truth::Remote, None, true),
        (Truth::Gone, Some(Task::Delete), true),
        (Truth::Gone, Some(Task::Delete), false),
    ] {
        let before = record(truth, task, has_remote);
        assert_eq!(task_after(&before), Some(Task::Delete), "{before:?}");
    }
    assert_eq!(superseded(&record(Truth::Local, None, false), now), None);
}
