//! `stowgate cleanup`: removes what nothing refers to.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::HumanCount;
use serde_json::{Value, json};

use super::files::FileBody;
use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, count, flag, list, number, plain, text};
use super::progress::Reached;
use super::query::Target;
use super::report::{self, Form};
use super::usage::Backend;
use super::{Failure, job};

#[derive(Debug, clap::Args)]
pub(super) struct CleanupArgs {
    /// Where to clean up
    #[arg(long, value_name = "BACKEND")]
    storage_backend: Backend,
    /// Only look, and say what would go
    #[arg(long)]
    dry_run: bool,
    /// The bucket of the manifest; without one, of uploads and copies
    #[arg(long)]
    bucket: Option<String>,
    /// The keys of the bucket that the application still refers to, one
    /// on each line: what is not among them goes. Without it no object
    /// is deleted
    #[arg(long, value_name = "FILE", requires = "bucket", verbatim_doc_comment)]
    manifest: Option<PathBuf>,
    /// The most objects that may be deleted; where the manifest lacks
    /// more, none is [default: 1000]
    #[arg(long, value_name = "COUNT", verbatim_doc_comment)]
    max_deletes: Option<u64>,
    /// How many seconds ago an object must have been last modified to go
    /// [default: 3600]
    #[arg(long, value_name = "SECONDS", verbatim_doc_comment)]
    min_age: Option<u64>,
    /// How many seconds ago a local upload must have been begun to go
    /// [default: when uploads expire]
    #[arg(long, value_name = "SECONDS", verbatim_doc_comment)]
    upload_min_age: Option<u64>,
    /// Write to this file what became of everything, as CSV, or as JSON
    /// lines where its name ends in .json, .jsonl or .ndjson
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    report: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What can be found: its field, that of its bytes, and words for it.
const KINDS: [(&str, Option<&str>, &str, &str, &str); 4] = [
    ("orphan_files", Some("orphan_files_bytes"), "file", "files", "that no record names"),
    ("orphan_uploads", None, "upload", "uploads", "that nobody will finish"),
    ("orphan_copies", Some("orphan_copies_bytes"), "copy", "copies", "of what is upstream"),
    ("found", Some("found_bytes"), "object", "objects", "that the application no longer refers to"),
];
/// How many keys a person is shown.
const SHOWN: usize = 20;

pub(super) fn run(args: &CleanupArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let target = Target::new("cleanup")
            .with("storage_backend", args.storage_backend.name())
            .flag("dry_run", args.dry_run)
            .maybe("bucket", args.bucket.as_ref())
            .maybe("max_deletes", args.max_deletes)
            .maybe("min_age", args.min_age)
            .maybe("upload_min_age", args.upload_min_age);
        let body = match &args.manifest {
            Some(path) => Some(FileBody::whole(path).await?),
            None => None,
        };
        let begun = gateway.post_with(target.as_str(), body, Duration::from_mins(10)).await?;
        let begun = begun.done()?;
        let id = text(&begun, "id").to_owned();
        let own = Target::new(&format!("cleanup/{id}"));
        let style = args.output.style();
        let ended = job::follow(gateway, own.as_str(), begun, style, reached).await?;
        style.show(&ended, words, lines);
        if let Some(path) = &args.report {
            let target = Target::new(&format!("cleanup/{id}/report"));
            let target = target.with("format", Form::of(path).name());
            report::write(gateway, &target, path).await?;
        }
        job::ended(&ended)?;
        match number(&ended, "failed") {
            0 => Ok(()),
            failed => {
                Err(Failure::Failed(format!("{} could not be deleted", count(failed, "orphan"))))
            }
        }
    })
}

fn reached(job: &Value) -> Reached {
    Reached {
        objects: (number(job, "found"), None),
        bytes: (number(job, "found_bytes"), None),
        errors: 0,
    }
}

fn words(job: &Value) -> String {
    let dry_run = flag(job, "dry_run");
    let mut out = String::new();
    for (field, sizes, one, many, which) in KINDS {
        let found = number(job, field);
        if found > 0 {
            let things = if found == 1 { one } else { many };
            let size = sizes.map(|sizes| format!(" ({})", bytes(number(job, sizes))));
            let (found, size) = (HumanCount(found), size.unwrap_or_default());
            let _ = writeln!(out, "{found} {things} {which}{size}");
        }
    }
    let keys = list(job, "keys");
    for key in keys.iter().filter_map(Value::as_str).take(SHOWN) {
        let _ = writeln!(out, "  {}", plain(key));
    }
    let more = keys.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(out, "  and more: --report FILE writes all of them");
    }
    if out.is_empty() {
        out.push_str("nothing was found that nothing refers to\n");
    } else if dry_run {
        out.push_str("nothing was deleted: this was a dry run; without --dry-run it goes\n");
    } else if text(job, "stage") != "counting" {
        let objects = count(number(job, "deleted"), "object");
        let (size, others) = (bytes(number(job, "deleted_bytes")), number(job, "orphans_removed"));
        let others = match others {
            0 => String::new(),
            others => format!(" and {} of the rest", HumanCount(others)),
        };
        let _ = writeln!(out, "{objects}{others} deleted ({size} of objects)");
    }
    for (name, what) in [("kept_newer", "kept: written since"), ("failed", "could not be deleted")]
    {
        let some = number(job, name);
        if some > 0 {
            let _ = writeln!(out, "{} {what}", count(some, "object"));
        }
    }
    out
}

fn lines(job: &Value) -> Vec<Value> {
    let key = |key: &Value| json!({ "event": "key", "key": key });
    let mut lines: Vec<Value> = list(job, "keys").iter().map(key).collect();
    let mut rest = job.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.remove("keys");
    }
    lines.push(json!({ "event": "finished", "job": rest }));
    lines
}
