//! The id of one request, shown to the client and written to the logs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A request's id: 16 upper-case hexadecimal digits, unique within a process's life.
///
/// The server puts one into every request's extensions and onto every response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

impl RequestId {
    /// What stands beside the id in `x-amz-id-2` and `HostId`: opaque, the same for the same id.
    pub fn host_id(self) -> String {
        STANDARD.encode(Sha256::digest(self.0.to_be_bytes()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}
