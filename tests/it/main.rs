//! Integration tests, one binary.

mod model;
