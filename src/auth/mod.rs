//! Who is asking, and are these the bytes they signed.
//!
//! A request is verified from its head alone, before any byte of its body is read. The body comes
//! back as [`Sealed`]: only a verified request can open it, and what comes out of it ends in an
//! `Err` where the bytes are not the signed ones.

mod canonical;
mod chunked;
mod content;
mod date;
mod error;
mod form;
pub mod grants;
mod header;
mod jwt;
mod keys;
mod percent;
mod post_policy;
mod presign;
mod presigned;
mod query;
mod redact;
mod region;
mod ring;
mod scope;
mod seal;
mod sealed;
mod session;
mod signer;
mod signing_key;
mod sigv2;
mod sts;
#[cfg(test)]
mod testing;
mod v4;
mod verify;

#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod vector_tests;

pub use content::UNSIGNED_PAYLOAD;
pub use date::parse_any as parse_signing_time;
pub use error::AuthError;
pub use jwt::{
    Algorithm, ClaimNames, FetchKeys, IdentityProvider, KeySource, RemoteKeys, VerifyKey,
};
pub use keys::{Identity, Key, Keyring, Role, Secret};
pub use post_policy::FormField;
pub use presign::LONGEST_PRESIGNED;
pub use seal::{SealKey, SealKeys};
pub use sealed::Sealed;
pub use session::Session;
pub use signer::{Signer, Target, UNSIGNED_TRAILER};
pub use sts::{
    AssumableRole, AssumeRequest, Binding, Issued, Sts, StsError, TrustedIdentity, WebIdentity,
};
pub use verify::{AuthSettings, Authenticator, Caller, Scheme, Verified};
