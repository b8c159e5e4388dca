//! `stowgate cleanup`: removes what nothing refers to.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::files::FileBody;
use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, count, flag, list, number, plain, text};
use super::progress::Reached;
use super::usage::Backend;
use super::{Failure, job, query::Target};

#[derive(Debug, clap::Args)]
pub(super) struct CleanupArgs {
    /// Where to clean up
    #[arg(long)]
    storage_backend: Backend,
    /// Only look, and say what would go
    #[arg(long)]
    dry_run: bool,
    /// The bucket of the manifest
    #[arg(long, requires = "manifest")]
    bucket: Option<String>,
    /// The keys of the bucket that the application still refers to, one on each line: what is not
    /// among them goes. Without it no object is deleted
    #[arg(long, value_name = "FILE", requires = "bucket")]
    manifest: Option<PathBuf>,
    /// The most objects that may be deleted; where the manifest leaves more, none is [default: 1000]
    #[arg(long, value_name = "COUNT")]
    max_deletes: Option<u64>,
    /// How many seconds ago an object must have been last modified to go [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    min_age: Option<u64>,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &CleanupArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let target = Target::new("cleanup")
            .with("storage_backend", args.storage_backend.name())
            .flag("dry_run", args.dry_run)
            .maybe("bucket", args.bucket.as_ref())
            .maybe("max_deletes", args.max_deletes)
            .maybe("min_age", args.min_age);
        let body = match &args.manifest {
            Some(path) => Some(FileBody::whole(path).await?),
            None => None,
        };
        let begun = gateway.post_with(target.as_str(), body, Duration::from_mins(10)).await?;
        let begun = begun.done()?;
        let own = Target::new(&format!("cleanup/{}", text(&begun, "id")));
        let style = args.output.style();
        let ended = job::follow(gateway, own.as_str(), begun, style, reached).await?;
        style.show(&ended, words, lines);
        job::ended(&ended)
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
    let files = (number(job, "orphan_files"), number(job, "orphan_files_bytes"));
    let found = (number(job, "found"), number(job, "found_bytes"));
    let deleted = (number(job, "deleted"), number(job, "deleted_bytes"));
    let mut out = format!(
        "{} that no record names ({}), {} that the application no longer refers to ({})\n",
        count(files.0, "file"),
        bytes(files.1),
        count(found.0, "object"),
        bytes(found.1),
    );
    for key in list(job, "keys").iter().filter_map(Value::as_str) {
        let _ = writeln!(out, "  {}", plain(key));
    }
    if flag(job, "dry_run") {
        out.push_str("nothing was deleted: this was a dry run\n");
    } else {
        let _ = writeln!(out, "{} deleted ({})", count(deleted.0, "object"), bytes(deleted.1));
    }
    let kept = number(job, "kept_newer");
    if kept > 0 {
        let _ = writeln!(out, "{} kept, written meanwhile", count(kept, "object"));
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
