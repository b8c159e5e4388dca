//! `stowgate spool`: what waits to be forwarded upstream, and what was given up.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::gateway::{self, Gateway, GatewayArgs};
use super::output::{OutputArgs, Table, bytes, count, flag, list, number, plain, text};
use super::{Failure, query::Target};
use crate::config::Period;

/// The longest that is waited.
const LONGEST: Duration = Duration::from_mins(10);

#[derive(Debug, clap::Args)]
pub(super) struct SpoolArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what waits; the default
    Show,
    /// Show only what was given up, with the reasons
    Dead,
    /// Forward at once what waits, and wait until it is upstream
    Flush {
        /// How long to wait: 500ms, 60s or 5m; at most 10m
        #[arg(long, default_value = "60s")]
        wait: String,
    },
    /// Let what was given up be tried again
    Retry {
        /// Only those of this bucket
        #[arg(long)]
        bucket: Option<String>,
        /// Only those of this key
        #[arg(long, requires = "bucket")]
        key: Option<String>,
    },
}

pub(super) fn run(args: &SpoolArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| match &args.action {
        None | Some(Action::Show) => show(gateway, args.output).await,
        Some(Action::Dead) => dead(gateway, args.output).await,
        Some(Action::Flush { wait }) => flush(gateway, args.output, wait).await,
        Some(Action::Retry { bucket, key }) => {
            let target = Target::new("spool/retry")
                .maybe("bucket", bucket.as_ref())
                .maybe("key", key.as_ref());
            let answer = gateway.post(target.as_str()).await?.done()?;
            let words = |answer: &Value| match number(answer, "retried") {
                0 => "nothing was given up that could be tried again".to_owned(),
                keys => format!("{} tried again; see `stowgate spool`", count(keys, "key")),
            };
            args.output.style().show(&answer, words, |answer| vec![answer.clone()]);
            Ok(())
        }
    })
}

async fn show(gateway: &Gateway, output: OutputArgs) -> Result<(), Failure> {
    let answer = gateway.get(Target::new("spool").as_str()).await?.done()?;
    output.style().show(&answer, words, |answer| {
        let summary = answer.get("summary").cloned().unwrap_or_default();
        let mut lines = vec![json!({ "summary": summary })];
        lines.extend(list(answer, "buckets").iter().map(|it| json!({ "bucket": it })));
        lines.extend(list(answer, "dead_letters").iter().map(|it| json!({ "dead_letter": it })));
        lines
    });
    Ok(())
}

async fn dead(gateway: &Gateway, output: OutputArgs) -> Result<(), Failure> {
    let mut answer = gateway.get(Target::new("spool").as_str()).await?.done()?;
    let letters = answer.get_mut("dead_letters").map(Value::take).unwrap_or_default();
    output.style().show(
        &json!({ "dead_letters": letters }),
        |answer| match list(answer, "dead_letters") {
            [] => "nothing was given up".to_owned(),
            letters => dead_letters(letters),
        },
        |answer| list(answer, "dead_letters").to_vec(),
    );
    Ok(())
}

async fn flush(gateway: &Gateway, output: OutputArgs, wait: &str) -> Result<(), Failure> {
    let patience = Period::parse(wait).map_or(LONGEST, |period| period.0.min(LONGEST));
    let target = Target::new("spool/flush").with("wait", wait);
    let answer = gateway.post_with(target.as_str(), None, patience).await?;
    if answer.json.get("left").is_none() {
        return Err(answer.refusal());
    }
    let (left, dead) = (number(&answer.json, "left"), number(&answer.json, "dead_letters"));
    let words = |_: &Value| match (left, dead) {
        (0, 0) => "everything is upstream".to_owned(),
        (left, dead) => format!("{} left, {dead} given up", count(left, "key")),
    };
    output.style().show(&answer.json, words, |answer| vec![answer.clone()]);
    if flag(&answer.json, "flushed") {
        return Ok(());
    }
    Err(Failure::Failed("not everything is upstream yet".to_owned()))
}

fn words(spool: &Value) -> String {
    let Some(summary) = spool.get("summary") else { return String::new() };
    let waiting = number(summary, "waiting");
    let mut out = match waiting {
        0 => "nothing waits to be forwarded\n".to_owned(),
        waiting => {
            let size = bytes(number(summary, "bytes"));
            let since = text(summary, "oldest_since");
            format!(
                "{} to be forwarded ({size}), the oldest since {since}\n",
                count(waiting, "key")
            )
        }
    };
    let mut table = Table::new(&["BUCKET", "WAITING", "BYTES", "GIVEN UP"]);
    for bucket in list(spool, "buckets") {
        table.row([
            text(bucket, "name").to_owned(),
            number(bucket, "waiting").to_string(),
            bytes(number(bucket, "bytes")),
            number(bucket, "dead_letters").to_string(),
        ]);
    }
    if !table.is_empty() {
        let _ = write!(out, "\n{table}");
    }
    let letters = list(spool, "dead_letters");
    if !letters.is_empty() {
        let _ = write!(out, "\n{}", dead_letters(letters));
    }
    out
}

fn dead_letters(letters: &[Value]) -> String {
    let mut table = Table::new(&["GIVEN UP", "SINCE", "REASON"]);
    for letter in letters {
        let name = format!("{}/{}", text(letter, "bucket"), plain(text(letter, "key")));
        table.row([name, text(letter, "since").to_owned(), plain(text(letter, "reason"))]);
    }
    table.to_string()
}
