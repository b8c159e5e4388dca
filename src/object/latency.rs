//! How long things took, counted in buckets.

use std::time::Duration;

/// The upper bounds of the buckets, in microseconds; what takes longer counts in none of them.
const BOUNDS: [u64; 16] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// A histogram of durations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    micros: u64,
}

impl Latency {
    /// Counts one.
    pub fn observe(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.count += 1;
        self.micros = self.micros.saturating_add(micros);
    }

    /// How many took at most so many seconds, for each bound.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        BOUNDS.iter().zip(self.buckets).map(move |(bound, count)| {
            sum += count;
            (seconds(*bound), sum)
        })
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long all of them took together, in seconds.
    pub fn sum(&self) -> f64 {
        seconds(self.micros)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a sum of latencies need not be exact")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_count_in_the_bucket_that_holds_them() {
        let mut latency = Latency::default();
        for millis in [0, 1, 1, 20, 90_000] {
            latency.observe(Duration::from_millis(millis));
        }
        let counts: Vec<(f64, u64)> = latency.cumulative().collect();
        assert_eq!(counts[..2], [(0.0005, 1), (0.001, 3)]);
        assert_eq!(counts[5], (0.025, 4));
        assert_eq!(counts.last(), Some(&(60.0, 4)));
        assert_eq!(latency.count(), 5);
        assert!((latency.sum() - 90.022).abs() < 1e-9);
    }
}
