//! What a spool may grow to, and how patient it is.

use std::time::Duration;

/// Bounds and pauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolOptions {
    /// The most bytes that may wait.
    pub max_bytes: u64,
    /// The most keys that may wait.
    pub max_objects: usize,
    /// With anything waiting for longer than this, nothing more is taken in. Dead letters do not
    /// count.
    pub max_age: Duration,
    /// When a client that was refused is to come again.
    pub retry_after: Duration,
    /// The pauses of an upstream that fails. The bound is small, so that forwarding goes on soon
    /// after its return.
    pub upstream: Backoff,
    /// The pauses of a key that an upstream refuses.
    pub key: Backoff,
    /// How often a key is refused before it is a dead letter.
    pub attempts: u32,
    /// How many keys are sent at once.
    pub concurrency: usize,
    /// Where the random pauses begin.
    pub seed: u64,
}

/// Pauses that double up to a bound, each a random part of its full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first one.
    pub base: Duration,
    /// The longest one.
    pub cap: Duration,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            max_bytes: 10 << 30,
            max_objects: 1_000_000,
            max_age: Duration::from_hours(7 * 24),
            retry_after: Duration::from_secs(10),
            upstream: Backoff { base: Duration::from_millis(250), cap: Duration::from_secs(2) },
            key: Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(10) },
            attempts: 8,
            concurrency: 4,
            seed: 0,
        }
    }
}

impl Backoff {
    /// The longest pause after so many failures in a row.
    pub fn longest(self, failures: u32) -> Duration {
        let doubled = 2u32.checked_pow(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.cap)
    }
}

/// Random numbers for pauses: SplitMix64, whose quality is more than enough for that.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A random part of a duration.
    pub(super) fn part_of(&mut self, longest: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(mixed.checked_rem(nanos).unwrap_or(0))
    }
}
