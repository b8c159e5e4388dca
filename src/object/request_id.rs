//! The id of one request, shown to the client and written to the logs.

use std::fmt;

/// A request's id: 16 upper-case hexadecimal digits, unique within a process's life.
///
/// The server puts one into every request's extensions and onto every response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

impl RequestId {
    /// The second id, `HostId` and `x-amz-id-2`: the same for the same request, wherever it is made.
    pub fn host_id(self) -> String {
        // Two rounds of SplitMix64: nothing is hidden in it, it only looks unlike the first.
        let mix = |seed: u64| {
            let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let first = mix(self.0);
        format!("{first:016x}{:016x}", mix(first))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}
