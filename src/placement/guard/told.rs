//! What the operator was told of an upstream, so that a cause is one line in the log and not one
//! for every request: pure, with the time given in.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// A cause that has not been seen for so long is news again.
const FORGOTTEN: Duration = Duration::from_mins(10);
/// An outage that begins so soon after the last belongs to it.
const RELAPSE: Duration = Duration::from_mins(1);
/// How many causes, and buckets, are remembered. Upstreams fail in few ways.
const KEPT: usize = 64;

/// What was said, and what has been seen since.
#[derive(Debug, Default)]
pub(super) struct Told {
    causes: HashMap<String, Heard>,
    /// By bucket.
    outages: HashMap<String, Outage>,
}

/// The last outage of a bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Outage {
    /// Whether it is to be told that it is over.
    told: bool,
    /// When it ended.
    over: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    seen: Instant,
    told: Instant,
}

impl Told {
    /// Something failed: whether to say so.
    pub(super) fn failed(&mut self, cause: &str, now: Instant) -> bool {
        if let Some(heard) = self.causes.get_mut(cause) {
            let news = now.duration_since(heard.seen) >= FORGOTTEN;
            heard.seen = now;
            if news {
                heard.told = now;
            }
            return news;
        }
        self.say(cause, now);
        true
    }

    /// The bucket is left alone from now on: whether to say so. Not where it is on and off, and
    /// not where the cause has just been told.
    pub(super) fn opened(&mut self, bucket: &str, cause: &str, now: Instant) -> bool {
        let recently = |at: Instant| now.duration_since(at) < RELAPSE;
        let told = self.causes.get(cause).is_some_and(|heard| recently(heard.told));
        let outage = self.outage(bucket);
        let relapse = outage.over.is_some_and(recently);
        outage.told = !relapse;
        if relapse || told {
            return false;
        }
        self.say(cause, now);
        true
    }

    /// It is back: whether to say so.
    pub(super) fn closed(&mut self, bucket: &str, now: Instant) -> bool {
        let outage = self.outage(bucket);
        outage.over = Some(now);
        std::mem::take(&mut outage.told)
    }

    /// All is well: whatever fails from now on is news.
    pub(super) fn well(&mut self) {
        self.causes.clear();
    }

    fn outage(&mut self, bucket: &str) -> &mut Outage {
        if self.outages.len() >= KEPT && !self.outages.contains_key(bucket) {
            self.outages.clear();
        }
        self.outages.entry(bucket.to_owned()).or_default()
    }

    fn say(&mut self, cause: &str, now: Instant) {
        if self.causes.len() >= KEPT {
            self.causes.clear();
        }
        self.causes.insert(cause.to_owned(), Heard { seen: now, told: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_cause_is_told_once_however_often_it_is_seen() {
        let (mut told, mut now) = (Told::default(), Instant::now());
        assert!(told.failed("denied", now));
        for _ in 0..100 {
            now += 5 * MINUTE;
            assert!(!told.failed("denied", now));
        }
        assert!(told.failed("no route", now));
        assert!(told.failed("denied", now + FORGOTTEN));
        told.well();
        assert!(told.failed("denied", now + FORGOTTEN));
    }

    #[test]
    fn an_outage_is_told_with_its_first_failure_or_as_it_begins() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(told.failed("no route", now));
        assert!(!told.opened("b", "no route", now));
        assert!(told.closed("b", now + 10 * SECOND));
        let later = now + 5 * MINUTE;
        assert!(!told.failed("no route", later), "one failure of a known kind");
        assert!(told.opened("b", "no route", later), "another outage");
        assert!(told.closed("b", later + SECOND));
    }

    #[test]
    fn what_is_on_and_off_is_not_told_every_time() {
        let (mut told, mut now) = (Told::default(), Instant::now());
        assert!(told.opened("b", "denied", now));
        assert!(told.closed("b", now));
        for _ in 0..100 {
            now += 5 * SECOND;
            assert!(!told.failed("denied", now) && !told.opened("b", "denied", now));
            assert!(!told.closed("b", now));
        }
    }

    #[test]
    fn one_bucket_that_is_back_hides_no_outage_of_another() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(told.opened("a", "no route", now) && told.closed("a", now + 2 * MINUTE));
        let soon = now + 2 * MINUTE + SECOND;
        assert!(!told.opened("a", "no route", soon));
        assert!(told.opened("b", "no route", soon));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut told, now) = (Told::default(), Instant::now());
        for cause in 0..10 * KEPT {
            assert!(told.failed(&cause.to_string(), now));
            told.closed(&cause.to_string(), now);
        }
        assert!(told.causes.len() <= KEPT && told.outages.len() <= KEPT);
    }
}
