//! Integration tests, one binary.

mod cli;
mod layering;
mod sdk;
mod server;
