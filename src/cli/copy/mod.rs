//! Copying trees of files into a bucket and back: what `import` and `export` share.
//!
//! Both go through the gateway's S3 API as any client does, with conditions on what they have seen,
//! so that what somebody writes meanwhile is never overwritten.

mod bucket;
mod framed;
mod kind;
mod moment;
mod place;
mod read;
mod send;
mod tally;
mod walk;
mod write;

pub(super) mod export;
pub(super) mod import;

use super::output::Style;

/// Where keys begin: the prefix as a folder.
fn folder(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        prefix if prefix.ends_with('/') => prefix.to_owned(),
        prefix => format!("{prefix}/"),
    }
}

/// What one file came to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Copied, so many bytes.
    Copied(u64),
    /// It is there already.
    Same,
    /// Left out, for a reason that is no fault.
    Left(&'static str),
    /// Not copied, for this reason.
    Failed(String),
}

/// How copying goes about it.
#[derive(Debug, Clone, Copy, clap::Args)]
struct CopyArgs {
    /// How many files are copied at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Replace what differs, even where it is newer or was written by
    /// somebody else
    #[arg(long, verbatim_doc_comment)]
    overwrite: bool,
    /// Compare contents, even where size and modification time are equal
    #[arg(long)]
    checksum: bool,
    /// Tell of every file, not only of those that were not copied
    #[arg(long, short)]
    verbose: bool,
}
