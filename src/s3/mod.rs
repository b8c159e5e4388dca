//! The S3 REST protocol.

pub mod copy_source;
pub mod token;
pub mod xml;
