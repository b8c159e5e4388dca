//! Every index against the same expectations.
