//! Bytes in motion: bodies as streams, what is computed and checked while they pass.
//!
//! No body is ever held whole in memory. A stream that ends in an `Err` was not what its sender
//! promised; whoever stores it must publish nothing.

mod aws_chunked;
mod digest;
mod error;
mod form_data;
mod limit;
mod payload;
mod refusal;
mod sha256;
#[cfg(test)]
pub(crate) mod testing;

#[doc(hidden)]
pub mod fuzzing;

pub use aws_chunked::{ChunkDecoder, ChunkSigner, Framing};
pub use digest::{Digests, Expected, Hasher, checking, digesting};
pub use error::BodyError;
pub use form_data::{FormData, PartHead};
pub use limit::within;
pub use payload::{Payload, Source};
pub use refusal::{Refusal, RefusalKind};
pub use sha256::matching_sha256;
