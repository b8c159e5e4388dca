//! Integration tests, one binary.

mod cli;
mod layering;
mod model;
mod sdk;
mod server;
