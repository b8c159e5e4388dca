//! Integration tests, one binary.
#[test]
fn t() {}
