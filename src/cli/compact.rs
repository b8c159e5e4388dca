//! `stowgate compact`: gives back the room of what was deleted from the log of the local store.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, count, number, text};
use super::progress::Reached;
use super::{Failure, job, query::Target};

#[derive(Debug, clap::Args)]
pub(super) struct CompactArgs {
    /// Rewrite the oldest part of the log of which so many percent are
    /// dead, and no more [default: 10]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100), verbatim_doc_comment)]
    dead: Option<u8>,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &CompactArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let target = Target::new("compact").maybe("dead", args.dead);
        let begun = gateway.post(target.as_str()).await?.done()?;
        let own = Target::new(&format!("compact/{}", text(&begun, "id")));
        let style = args.output.style();
        let ended = job::follow(gateway, own.as_str(), begun, style, reached).await?;
        style.show(&ended, words, lines);
        job::ended(&ended)
    })
}

fn reached(job: &Value) -> Reached {
    Reached {
        objects: (number(job, "records_checked"), None),
        bytes: (number(job, "bytes_moved"), None),
        errors: 0,
    }
}

fn words(job: &Value) -> String {
    let mut out = String::new();
    if number(job, "segments") == 0 {
        out.push_str("nothing is to be gained\n");
    } else {
        let _ = writeln!(
            out,
            "{} moved with {}, {} removed, {} freed",
            count(number(job, "records_moved"), "record"),
            bytes(number(job, "bytes_moved")),
            count(number(job, "segments_removed"), "segment"),
            bytes(number(job, "bytes_freed")),
        );
    }
    let (before, now) = (number(job, "bytes_before"), number(job, "bytes"));
    let _ = writeln!(
        out,
        "the log had {}, it has {}, of which {} live",
        bytes(before),
        bytes(now),
        bytes(number(job, "living_bytes")),
    );
    out
}

fn lines(job: &Value) -> Vec<Value> {
    vec![json!({ "event": "finished", "job": job })]
}
