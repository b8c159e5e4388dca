//! Where request ids come from.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::object::RequestId;

/// Hands out ids: never the same twice, and in no visible order.
#[derive(Debug)]
pub(super) struct RequestIds(AtomicU64);

impl RequestIds {
    /// Ids that start from `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next id. The mixing (SplitMix64) maps each number to another one, so none comes twice.
    pub(super) fn next(&self) -> RequestId {
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        RequestId(z ^ (z >> 31))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ() {
        let ids = RequestIds::new(7);
        let seen: HashSet<RequestId> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(seen.len(), 10_000);
    }
}
