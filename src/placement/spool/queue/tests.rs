use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::object::{BucketName, ObjectKey};
use crate::placement::spool::Depth;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn queue() -> Queue {
    Queue::new(&SpoolOptions::default())
}

fn start() -> Instant {
    Instant::from_std(std::time::Instant::now())
}

fn path(bucket: &str, key: &str) -> ObjectPath {
    ObjectPath { bucket: BucketName::parse(bucket).unwrap(), key: ObjectKey::parse(key).unwrap() }
}

fn note(size: u64) -> Note {
    Note { lane: "main".into(), size, since: NOW, dead: None }
}

fn keys(queue: &mut Queue, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| queue.take(now)).map(|taken| taken.at.key.as_str().to_owned()).collect()
}

#[test]
fn companies_take_turns_whatever_each_has() {
    let mut queue = queue();
    for number in 0..4 {
        queue.note(&path("psc", &format!("attachments/invoice/company_1/{number}")), note(1));
    }
    queue.note(&path("psc", "attachments/payroll/company_2/x"), note(1));
    queue.note(&path("other", "attachments/payroll/company_2/y"), note(1));
    queue.note(&path("other", "avatars/a"), note(1));
    assert_eq!(
        keys(&mut queue, start()),
        [
            "attachments/invoice/company_1/0",
            "attachments/payroll/company_2/x",
            "avatars/a",
            "attachments/invoice/company_1/1",
            "attachments/payroll/company_2/y",
            "attachments/invoice/company_1/2",
            "attachments/invoice/company_1/3",
        ]
    );
}

/// A key that is overwritten again and again while its upstream is away takes one place in line,
/// and keeps it.
#[test]
fn a_key_stands_in_line_once() {
    let mut queue = queue();
    queue.note(&path("media", "first"), note(1));
    queue.note(&path("media", "hot"), note(1));
    queue.note(&path("media", "last"), note(1));
    for size in 0..1000 {
        queue.note(&path("media", "hot"), note(size));
    }
    let lane = queue.lanes.values().next().unwrap();
    assert_eq!(lane.length(), 3);
    assert_eq!(queue.tally().total(), Depth { waiting: 3, dead: 0, bytes: 1001 });
    assert_eq!(keys(&mut queue, start()), ["first", "hot", "last"]);
}

#[test]
fn groups_are_read_out_of_keys() {
    for (key, company) in [
        ("attachments/invoice/company_17/2024/a.pdf", Some("17")),
        ("attachments/x/company_a-b/a", Some("a-b")),
        ("attachments/invoice/company_17", None),
        ("attachments/invoice/company_/a", None),
        ("attachments/company_17/a", None),
        ("other/invoice/company_17/a", None),
        ("a", None),
    ] {
        let at = path("psc", key);
        let expected = match company {
            Some(id) => Group::Company(id.to_owned()),
            None => Group::Bucket(at.bucket.clone()),
        };
        assert_eq!(Group::of(&at), expected, "{key}");
    }
}

#[test]
fn upstreams_take_turns_and_a_failing_one_holds_up_nobody() {
    let (mut queue, mut now) = (queue(), start());
    for key in ["a", "b", "c"] {
        queue.note(&path("one", key), note(1));
        queue.note(&path("two", key), Note { lane: "second".into(), ..note(1) });
    }
    let first = queue.take(now).unwrap();
    let second = queue.take(now).unwrap();
    assert_ne!(first.lane, second.lane);
    queue.give_back(&first, Outcome::Unreachable, now);
    assert_eq!(queue.take(now).unwrap().lane, second.lane);
    assert_eq!(queue.take(now).unwrap().lane, second.lane);
    now += SpoolOptions::default().upstream.cap;
    let again = queue.take(now).unwrap();
    assert_eq!(again.lane, first.lane);
    assert!(queue.take(now).is_none(), "after a failure one at a time is sent");
    queue.give_back(&again, Outcome::Again, now);
    assert_eq!(keys(&mut queue, now).len(), 3, "after a success all are sent");
}

#[test]
fn the_pauses_of_an_upstream_stay_short_and_are_random() {
    let (mut queue, mut now) = (queue(), start());
    let at = path("one", "a");
    queue.note(&at, note(1));
    let mut pauses = Vec::new();
    for _ in 0..50 {
        let taken = queue.take(now).unwrap();
        queue.give_back(&taken, Outcome::Unreachable, now);
        let mut waited = Duration::ZERO;
        while let Some(due) = queue.next_due().filter(|due| *due > now) {
            waited += due - now;
            now = due;
            if let Some(taken) = queue.take(now) {
                queue.give_back(&taken, Outcome::Dropped, now);
                break;
            }
        }
        pauses.push(waited);
    }
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(2)), "{pauses:?}");
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 30);
}

#[test]
fn a_refused_key_waits_apart_until_it_is_written_again() {
    let (mut queue, now) = (queue(), start());
    queue.note(&path("one", "a"), note(1));
    queue.note(&path("one", "b"), note(1));
    let taken = queue.take(now).unwrap();
    queue.give_back(&taken, Outcome::Refused(10), now);
    assert_eq!(keys(&mut queue, now), ["b"]);
    let due = queue.next_due().unwrap();
    assert!(due > now && due <= now + SpoolOptions::default().key.cap);
    queue.note(&path("one", "a"), note(1));
    assert_eq!(keys(&mut queue, now), ["a"]);
}

#[test]
fn a_key_is_in_one_pair_of_hands_and_newer_notes_wait() {
    let (mut queue, now) = (queue(), start());
    let at = path("one", "a");
    queue.note(&at, note(1));
    let taken = queue.take(now).unwrap();
    queue.note(&at, note(5));
    assert!(queue.take(now).is_none());
    assert_eq!(queue.tally().total().bytes, 5);
    queue.give_back(&taken, Outcome::Refused(9), now);
    let taken = queue.take(now).unwrap();
    queue.settle(&at);
    queue.give_back(&taken, Outcome::Settled, now);
    assert!(queue.take(now).is_none());
    assert_eq!(queue.snapshot(), SpoolSnapshot::default());
}

#[test]
fn a_dead_letter_is_counted_and_not_taken_until_it_is_revived() {
    let (mut queue, now) = (queue(), start());
    let at = path("one", "a");
    queue.note(&at, note(3));
    let taken = queue.take(now).unwrap();
    queue.note(&at, Note { dead: Some("no".to_owned()), ..note(3) });
    queue.give_back(&taken, Outcome::Refused(8), now);
    assert!(queue.take(now).is_none());
    let snapshot = queue.snapshot();
    assert_eq!(snapshot.total, Depth { waiting: 0, dead: 1, bytes: 3 });
    assert_eq!(snapshot.oldest, None);
    let letter = DeadLetter { at: at.clone(), since: NOW, reason: "no".to_owned() };
    assert_eq!(queue.dead_letters(9), [letter]);
    queue.note(&at, note(3));
    assert_eq!(keys(&mut queue, now), ["a"]);
}

#[test]
fn barriers_count_what_was_noted_before_them() {
    let (mut queue, now) = (queue(), start());
    queue.note(&path("one", "a"), note(1));
    let barrier = queue.last_note();
    queue.note(&path("one", "b"), note(1));
    assert_eq!(queue.tally().waiting_until(barrier), 1);
    let taken = queue.take(now).unwrap();
    queue.note(&path("one", "a"), note(1));
    assert_eq!(queue.tally().waiting_until(barrier), 1, "the older state is not there yet");
    queue.give_back(&taken, Outcome::Again, now);
    assert_eq!(queue.tally().waiting_until(barrier), 0, "the older state is there");
    assert_eq!(queue.tally().waiting_until(queue.last_note()), 2);
}

#[derive(Debug, Clone)]
enum Action {
    Note(u8, u64, bool),
    Settle(u8),
    Take,
    GiveBack(usize, u8),
    Wait(u64),
    Hurry,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0u8..6, 0u64..50, proptest::bool::weighted(0.1)).prop_map(|(k, s, d)| Action::Note(k, s, d)),
        1 => (0u8..6).prop_map(Action::Settle),
        4 => Just(Action::Take),
        4 => (0usize..4, 0u8..5).prop_map(|(at, how)| Action::GiveBack(at, how)),
        2 => (0u64..3000).prop_map(Action::Wait),
        1 => Just(Action::Hurry),
    ]
}

proptest! {
    /// Counters are those of the keys, no key is taken twice, and none is ever forgotten.
    #[test]
    fn nothing_is_lost_or_counted_twice(actions in proptest::collection::vec(action(), 0..120)) {
        let (mut queue, mut now) = (queue(), start());
        let mut model: BTreeMap<u8, (u64, bool)> = BTreeMap::new();
        let mut hands: Vec<Taken> = Vec::new();
        let at = |key: u8| {
            let bucket = if key.is_multiple_of(2) { "even" } else { "odd" };
            path(bucket, &format!("attachments/t/company_{}/{key}", key % 3))
        };
        for action in actions {
            match action {
                Action::Note(key, size, dead) => {
                    let lane = if key.is_multiple_of(2) { "main" } else { "second" };
                    let dead_words = dead.then(|| "no".to_owned());
                    queue.note(&at(key), Note { lane: lane.into(), size, since: NOW, dead: dead_words });
                    model.insert(key, (size, dead));
                }
                Action::Settle(key) => {
                    queue.settle(&at(key));
                    model.remove(&key);
                }
                Action::Take => hands.extend(queue.take(now)),
                Action::GiveBack(which, how) if !hands.is_empty() => {
                    let taken = hands.swap_remove(which % hands.len());
                    let outcomes = [
                        Outcome::Again,
                        Outcome::Unreachable,
                        Outcome::Refused(3),
                        Outcome::Stuck,
                        Outcome::Dropped,
                    ];
                    queue.give_back(&taken, outcomes[usize::from(how)], now);
                }
                Action::GiveBack(..) => {}
                Action::Wait(millis) => now += Duration::from_millis(millis),
                Action::Hurry => queue.hurry(),
            }
            let bytes = model.values().map(|(size, _)| size).sum();
            let dead = model.values().filter(|(_, dead)| *dead).count();
            let waiting = model.len() - dead;
            prop_assert_eq!(queue.tally().total(), Depth { waiting, dead, bytes });
            let depths = queue.tally().buckets();
            prop_assert_eq!(depths.iter().map(|(_, depth)| depth.bytes).sum::<u64>(), bytes);
            prop_assert_eq!(queue.tally().waiting_until(u64::MAX), waiting);
        }
        for taken in hands.drain(..) {
            queue.give_back(&taken, Outcome::Dropped, now);
        }
        queue.hurry();
        let mut found: Vec<ObjectPath> =
            std::iter::from_fn(|| {
                let taken = queue.take(now)?;
                queue.settle(&taken.at);
                queue.give_back(&taken, Outcome::Settled, now);
                Some(taken.at)
            })
            .collect();
        let mut wanted: Vec<ObjectPath> =
            model.iter().filter(|(_, (_, dead))| !dead).map(|(key, _)| at(*key)).collect();
        let order = |a: &ObjectPath, b: &ObjectPath| a.key.cmp(&b.key);
        found.sort_by(order);
        wanted.sort_by(order);
        prop_assert_eq!(found, wanted);
    }
}
