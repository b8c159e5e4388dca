//! The S3 REST protocol: from an HTTP request to an operation on a store and back.
//!
//! A request passes, in this order: addressing (which bucket and key), routing (which operation),
//! authentication, access, the operation's own parsing, the operation. Errors of all of these
//! become responses in one place, [`Service`]. Knows nothing of sockets, and nothing of what kind of
//! store answers.

mod access;
mod addressing;
mod audit;
mod context;
mod copy_source;
mod document;
mod error;
mod form;
mod header;
mod keep_alive;
mod listing;
mod multipart;
mod naming;
mod object_reply;
mod op;
mod operation;
mod refusal;
mod reply;
mod route;
mod service;
mod tagging;
#[cfg(test)]
mod testing;
mod token;
mod upload;
pub mod xml;

#[cfg(test)]
mod tests;

pub use audit::Audit;
pub use header::Encrypted;
pub use refusal::{Refusal, refuse};
pub use service::{Service, Settings};
pub use token::TokenKey;
