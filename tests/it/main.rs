//! Integration tests, one binary.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is all test code, which clippy knows of test functions only"
)]

mod cli;
mod conformance;
mod layering;
mod model;
mod sdk;
mod server;
mod upstream;
