//! Integration tests, one binary.

mod cli;
mod model;
mod server;
