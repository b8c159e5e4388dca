//! `stowgate verify`: counters, bodies, and what is upstream, held against what is recorded.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, count, list, number, plain, text};
use super::progress::Reached;
use super::{Failure, job, query::Target};

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// Only this bucket
    #[arg(long)]
    bucket: Option<String>,
    /// Only keys that begin so; counters, which are of whole buckets,
    /// are then left alone
    #[arg(long, verbatim_doc_comment)]
    prefix: Option<String>,
    /// Do not read bodies
    #[arg(long)]
    no_content: bool,
    /// Do not ask upstreams
    #[arg(long)]
    no_upstream: bool,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let mut target = Target::new("verify")
            .maybe("bucket", args.bucket.as_ref())
            .maybe("prefix", args.prefix.as_ref());
        for (name, left_out) in [("content", args.no_content), ("upstream", args.no_upstream)] {
            target = if left_out { target.with(name, "false") } else { target };
        }
        let begun = gateway.post(target.as_str()).await?.done()?;
        let own = Target::new(&format!("verify/{}", text(&begun, "id")));
        let style = args.output.style();
        let ended = job::follow(gateway, own.as_str(), begun, style, reached).await?;
        style.show(&ended, words, lines);
        job::ended(&ended)?;
        match number(&ended, "problems") {
            0 => Ok(()),
            problems => Err(Failure::Failed(format!("{} found", count(problems, "problem")))),
        }
    })
}

fn reached(job: &Value) -> Reached {
    Reached {
        objects: (number(job, "objects_checked") + number(job, "records_checked"), None),
        bytes: (number(job, "bytes_checked"), None),
        errors: number(job, "problems"),
    }
}

fn words(job: &Value) -> String {
    let mut out = format!(
        "{} and {} checked\n{} of bodies read, {} asked for upstream\n",
        count(number(job, "objects_checked"), "object"),
        count(number(job, "records_checked"), "record"),
        bytes(number(job, "bytes_checked")),
        count(number(job, "upstream_checked"), "object"),
    );
    match number(job, "counters_repaired") {
        0 if !text(job, "prefix").is_empty() => {}
        0 => out.push_str("the counters are right\n"),
        repaired => {
            let _ = writeln!(out, "the counters of {} were repaired", count(repaired, "bucket"));
        }
    }
    for finding in list(job, "findings") {
        let (bucket, key) = (text(finding, "bucket"), plain(text(finding, "key")));
        let (what, detail) = (text(finding, "what"), plain(text(finding, "detail")));
        let _ = writeln!(out, "{bucket}/{key}: {what}: {detail}");
    }
    out
}

/// Each finding, then the whole without them.
fn lines(job: &Value) -> Vec<Value> {
    let mut lines: Vec<Value> = list(job, "findings")
        .iter()
        .map(|finding| json!({ "event": "finding", "finding": finding }))
        .collect();
    let mut rest = job.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.remove("findings");
    }
    lines.push(json!({ "event": "finished", "job": rest }));
    lines
}
