//! The S3 REST protocol.

pub mod xml;
