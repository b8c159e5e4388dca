//! From a configuration to a running gateway.
