//! Which key is sent next: pure, with the time given in.
//!
//! Every bucket has a lane to its upstream, in which groups of keys take turns; a key that was tried
//! in vain waits apart. A key is in at most one pair of hands.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::options::{Backoff, Jitter, SpoolOptions};
use super::tally::{DeadLetter, Share, SpoolSnapshot, Tally};
use crate::object::Timestamp;
use crate::store::ObjectPath;

mod lane;

use lane::{Group, Lane};

/// Everything that waits.
#[derive(Debug)]
pub(super) struct Queue {
    entries: HashMap<ObjectPath, Entry>,
    lanes: BTreeMap<Arc<str>, Lane>,
    /// The lane that was served last.
    served: Option<Arc<str>>,
    later: BTreeMap<(Instant, u64), ObjectPath>,
    tally: Tally,
    /// Bytes and keys that have been let in and are not noted yet.
    pub(super) reserved: (u64, usize),
    /// Whether everything that waited at start is in.
    pub(super) complete: bool,
    last: u64,
    jitter: Jitter,
    upstream: Backoff,
    key: Backoff,
}

/// What is told of a key.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) lane: Arc<str>,
    pub(super) size: u64,
    pub(super) since: Timestamp,
    pub(super) dead: Option<String>,
}

#[derive(Debug)]
struct Entry {
    lane: Arc<str>,
    share: Share,
    /// The last note of it.
    noted: u64,
    place: Place,
    /// Given anew with every change of place: what is in line under another number is void.
    turn: u64,
}

#[derive(Debug)]
enum Place {
    /// In its lane.
    Ready,
    /// Until this time.
    Later(Instant),
    /// In somebody's hands, and whether it was noted since.
    Sending { noted: bool },
    /// Not tried any more.
    Dead(String),
}

/// A key in somebody's hands, to be given back by [`Queue::give_back`].
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) at: ObjectPath,
    lane: Arc<str>,
    turn: u64,
}

/// What became of a key that was taken. Where it is settled, that has been told already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The upstream answered, and there is nothing more to do.
    Settled,
    /// The upstream has a state of it, and there is a newer one.
    Again,
    /// The upstream failed.
    Unreachable,
    /// It was refused so many times.
    Refused(u32),
    /// This side could not do its part.
    Stuck,
    /// Nothing was found out.
    Dropped,
}

impl Queue {
    pub(super) fn new(options: &SpoolOptions) -> Self {
        Self {
            entries: HashMap::new(),
            lanes: BTreeMap::new(),
            served: None,
            later: BTreeMap::new(),
            tally: Tally::default(),
            reserved: (0, 0),
            complete: false,
            last: 0,
            jitter: Jitter::new(options.seed),
            upstream: options.upstream,
            key: options.key,
        }
    }

    pub(super) fn note(&mut self, at: &ObjectPath, note: Note) {
        let noted = self.number();
        let place = match note.dead {
            Some(reason) => Place::Dead(reason),
            None => Place::Ready,
        };
        let dead = matches!(place, Place::Dead(_));
        let mut share = Share { entry: noted, size: note.size, since: note.since, noted, dead };
        if let Some(old) = self.remove(at) {
            share.entry = old.share.entry;
            if !old.share.dead {
                share.noted = old.share.noted;
            }
            if matches!(old.place, Place::Sending { .. }) && !dead {
                let place = Place::Sending { noted: true };
                let entry = Entry { lane: note.lane, share, noted, place, turn: old.turn };
                self.insert(at, entry);
                return;
            }
            if matches!(old.place, Place::Ready) && !dead && old.lane == note.lane {
                // It stands in line already.
                self.insert(at, Entry { share, noted, ..old });
                return;
            }
        }
        let entry = Entry { lane: note.lane, share, noted, place: Place::Ready, turn: 0 };
        self.insert(at, entry);
        self.put_in_line(at, place);
    }

    pub(super) fn settle(&mut self, at: &ObjectPath) {
        self.remove(at);
    }

    pub(super) fn knows(&self, at: &ObjectPath) -> bool {
        self.entries.contains_key(at)
    }

    /// Whether a key is to be forwarded, and is no dead letter.
    pub(super) fn waits(&self, at: &ObjectPath) -> bool {
        let entry = self.entries.get(at);
        entry.is_some_and(|entry| !matches!(entry.place, Place::Dead(_)))
    }

    /// The next key to be sent.
    pub(super) fn take(&mut self, now: Instant) -> Option<Taken> {
        while let Some(due) = self.later.first_entry().filter(|due| due.key().0 <= now) {
            let turn = due.key().1;
            let at = due.remove();
            if self.entries.get(&at).is_some_and(|entry| entry.turn == turn) {
                self.put_in_line(&at, Place::Ready);
            }
        }
        let behind = |name: &Arc<str>| self.served.as_ref().is_some_and(|served| name > served);
        let mut names: Vec<_> = self.lanes.keys().filter(|name| behind(name)).cloned().collect();
        names.extend(self.lanes.keys().filter(|name| !behind(name)).cloned());
        names.into_iter().find_map(|name| self.take_from(&name, now))
    }

    fn take_from(&mut self, name: &Arc<str>, now: Instant) -> Option<Taken> {
        let lane = self.lanes.get_mut(name).filter(|lane| lane.is_open(now))?;
        while let Some((at, turn)) = lane.next() {
            let Some(entry) = self.entries.get_mut(&at) else { continue };
            if entry.turn == turn && matches!(entry.place, Place::Ready) {
                entry.place = Place::Sending { noted: false };
                lane.in_hand += 1;
                self.served = Some(Arc::clone(name));
                return Some(Taken { at, lane: Arc::clone(name), turn });
            }
        }
        None
    }

    /// When [`Queue::take`] may give something that it does not give now.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let keys = self.later.first_key_value().map(|((due, _), _)| *due);
        let lanes = self.lanes.values().filter_map(Lane::due);
        keys.into_iter().chain(lanes).min()
    }

    /// Ends what [`Queue::take`] began.
    pub(super) fn give_back(&mut self, taken: &Taken, outcome: Outcome, now: Instant) {
        let pause = self.lane_outcome(&taken.lane, outcome, now);
        let Some(entry) = self.entries.get_mut(&taken.at).filter(|e| e.turn == taken.turn) else {
            return;
        };
        let Place::Sending { noted } = entry.place else { return };
        if outcome == Outcome::Again {
            let (bucket, last) = (&taken.at.bucket, entry.noted);
            self.tally.remove(bucket, entry.share);
            entry.share.noted = last;
            self.tally.add(bucket, entry.share);
        }
        let pause = match outcome {
            Outcome::Refused(times) if !noted => self.jitter.part_of(self.key.longest(times)),
            Outcome::Stuck => self.key.base,
            _ => pause,
        };
        let place = if pause.is_zero() { Place::Ready } else { Place::Later(now + pause) };
        self.put_in_line(&taken.at, place);
    }

    /// Counts an outcome for its upstream, and says for how long the key is to wait with it.
    fn lane_outcome(&mut self, name: &Arc<str>, outcome: Outcome, now: Instant) -> Duration {
        let Some(lane) = self.lanes.get_mut(name) else { return Duration::ZERO };
        lane.in_hand = lane.in_hand.saturating_sub(1);
        match outcome {
            Outcome::Unreachable => {
                lane.failures = lane.failures.saturating_add(1);
                let longest = self.upstream.longest(lane.failures);
                lane.pause_until(now + self.jitter.part_of(longest));
                self.jitter.part_of(longest)
            }
            Outcome::Settled | Outcome::Again | Outcome::Refused(_) => {
                lane.failures = 0;
                Duration::ZERO
            }
            Outcome::Stuck | Outcome::Dropped => Duration::ZERO,
        }
    }

    /// Lets everything be tried at once.
    pub(super) fn hurry(&mut self) {
        for (_, at) in std::mem::take(&mut self.later) {
            self.put_in_line(&at, Place::Ready);
        }
        self.lanes.values_mut().for_each(Lane::hurry);
    }

    /// The number of the last note.
    pub(super) fn last_note(&self) -> u64 {
        self.last
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn snapshot(&self) -> SpoolSnapshot {
        SpoolSnapshot {
            total: self.tally.total(),
            oldest: self.tally.oldest(),
            complete: self.complete,
            buckets: self.tally.buckets(),
        }
    }

    pub(super) fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        let dead = |(at, entry): (&ObjectPath, &Entry)| match &entry.place {
            Place::Dead(reason) => Some(DeadLetter {
                at: at.clone(),
                since: entry.share.since,
                reason: reason.clone(),
            }),
            _ => None,
        };
        let mut found: Vec<_> = self.entries.iter().filter_map(dead).collect();
        found.sort_by(|a, b| (&a.at.bucket, &a.at.key).cmp(&(&b.at.bucket, &b.at.key)));
        found.truncate(limit);
        found
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn insert(&mut self, at: &ObjectPath, entry: Entry) {
        self.tally.add(&at.bucket, entry.share);
        self.entries.insert(at.clone(), entry);
    }

    fn remove(&mut self, at: &ObjectPath) -> Option<Entry> {
        let entry = self.entries.remove(at)?;
        self.tally.remove(&at.bucket, entry.share);
        if let Place::Later(due) = entry.place {
            self.later.remove(&(due, entry.turn));
        }
        Some(entry)
    }

    /// Gives an entry its place, under a number of its own.
    fn put_in_line(&mut self, at: &ObjectPath, place: Place) {
        let turn = self.number();
        let Some(entry) = self.entries.get_mut(at) else { return };
        entry.turn = turn;
        match &place {
            Place::Ready => {
                let lane = self.lanes.entry(Arc::clone(&entry.lane)).or_default();
                lane.push(Group::of(at), at.clone(), turn);
            }
            Place::Later(due) => {
                self.later.insert((*due, turn), at.clone());
            }
            Place::Sending { .. } | Place::Dead(_) => {}
        }
        entry.place = place;
    }
}

#[cfg(test)]
mod tests;
