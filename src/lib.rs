//! Stowgate: an S3 gateway in one binary.
//!
//! The list of files is the map; README's architecture section says who knows whom.

pub mod admin;
pub mod antivirus;
pub mod app;
pub mod auth;
pub mod background;
pub mod body;
pub mod cli;
pub mod config;
pub mod migrate;
pub mod object;
pub mod placement;
pub mod rules;
pub mod s3;
pub mod server;
pub mod store;
pub mod telemetry;
