//! The HTTP server: the only code that names hyper.
