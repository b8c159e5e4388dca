//! JSON Web Tokens of identity providers, verified (RFC 7515, RFC 7519, RFC 8725).
//!
//! The algorithm is chosen by the configuration and the key, never by the token: its header has to
//! agree with both. Cryptography is AWS-LC's, which TLS brings; what is here is the format. Neither
//! tokens nor secrets are in any error.

mod algorithm;
mod claims;
mod key;
mod provider;
mod remote;
mod token;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub(super) use claims::Claims;
pub use key::VerifyKey;
pub use provider::{ClaimNames, IdentityProvider, KeySource};
pub(super) use remote::NoFetching;
pub use remote::{FetchKeys, RemoteKeys};
pub(super) use token::{Fault, Token};
