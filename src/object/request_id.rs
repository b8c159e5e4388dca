//! The id of one request, shown to the client and written to the logs.

use std::fmt;

/// A request's id: 16 upper-case hexadecimal digits, unique within a process's life.
///
/// The server puts one into every request's extensions and onto every response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}
