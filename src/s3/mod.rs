//! The S3 REST protocol: from an HTTP request to an operation on a store and back.
//!
//! A request passes, in this order: addressing (which bucket and key), routing (which operation),
//! authentication, access, the operation's own parsing, the operation. Errors of all of these
//! become responses in one place, [`Service`]. Knows nothing of sockets, and nothing of what kind of
//! store answers.

mod access;
mod acl;
mod addressing;
mod audit;
mod bucket_encryption;
mod configured;
mod context;
mod copy_source;
mod cors;
mod document;
mod error;
mod form;
mod guards;
mod header;
mod initiator;
mod judged;
mod keep_alive;
mod known;
mod lifecycle;
mod listing;
mod multipart;
mod naming;
mod object_acl;
mod object_reply;
mod op;
mod operation;
mod permit;
mod refusal;
mod reply;
mod request_facts;
mod route;
mod service;
mod sts;
mod tagging;
#[cfg(test)]
mod testing;
mod token;
mod upload;
mod website;
pub mod xml;

#[cfg(test)]
mod tests;

pub use audit::Audit;
pub use header::Encrypted;
pub use lifecycle::lifecycle_rules;
pub use refusal::{Refusal, refuse};
pub use request_facts::{ClientAddress, Nearby, PublicHost};
pub use service::{Expiring, Service, Settings, Websites};
pub use token::TokenKey;
