//! `stowgate usage`: objects and bytes by company, type, backend or month.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, Table, bytes, flag, lines, list, number, plain, text};
use super::{Failure, query::Target};

#[derive(Debug, clap::Args)]
pub(super) struct UsageArgs {
    /// What to sum up by
    #[arg(long, value_enum, default_value_t = By::Company)]
    by: By,
    /// Only this bucket
    #[arg(long)]
    bucket: Option<String>,
    /// Only this company
    #[arg(long)]
    company: Option<String>,
    /// Only this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only objects last modified in this month, such as 2025-03
    #[arg(long)]
    month: Option<String>,
    /// Only objects on this backend
    #[arg(long)]
    storage_backend: Option<Backend>,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    Company,
    Type,
    Backend,
    Month,
}

/// Where objects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Backend {
    /// On the gateway's disk
    Local,
    /// Upstream
    S3,
}

impl Backend {
    /// As the side API calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::S3 => "s3",
        }
    }
}

impl By {
    fn field(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Type => "by_type",
            Self::Backend => "by_backend",
            Self::Month => "by_month",
        }
    }
}

pub(super) fn run(args: &UsageArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let path = if args.by == By::Company { "usage-by-company" } else { "stats" };
        let target = Target::new(path)
            .maybe("bucket", args.bucket.as_ref())
            .maybe("company", args.company.as_ref())
            .maybe("type", args.kind.as_ref())
            .maybe("month", args.month.as_ref())
            .maybe("storage_backend", args.storage_backend.map(Backend::name));
        let answer = gateway.get(target.as_str()).await?.done()?;
        args.output.style().show(
            &answer,
            |answer| {
                if args.by == By::Company { companies(answer) } else { stats(answer, args.by) }
            },
            |answer| match args.by {
                By::Company => lines(answer, "companies"),
                by => parts(answer, by),
            },
        );
        Ok(())
    })
}

fn companies(answer: &Value) -> String {
    let costs = list(answer, "companies").iter().any(|company| !cost(company).is_empty());
    let heads = ["COMPANY", "OBJECTS", "BYTES", "LOCAL", "S3", "MONTHLY COST"];
    let shown = if costs { &heads[..] } else { heads.split_last().map_or(&[][..], |it| it.1) };
    let mut table = Table::new(shown);
    for company in list(answer, "companies") {
        let name = company.get("company").and_then(Value::as_str).unwrap_or("(none)");
        let backends = company.get("by_backend");
        let held = |name| backends.and_then(|it| it.get(name)).map_or(0, |it| number(it, "bytes"));
        let mut row = vec![
            plain(name),
            number(company, "objects").to_string(),
            bytes(number(company, "bytes")),
            bytes(held("local")),
            bytes(held("s3")),
        ];
        row.extend(costs.then(|| cost(company)));
        table.row(row);
    }
    if table.is_empty() {
        return "there are no objects".to_owned();
    }
    format!("{table}{}", standing(answer))
}

fn stats(answer: &Value, by: By) -> String {
    let mut table = Table::new(&[
        by.field().trim_start_matches("by_").to_uppercase().as_str(),
        "OBJECTS",
        "BYTES",
    ]);
    for part in parts(answer, by) {
        let name = text(&part, "name");
        let name = if name.is_empty() { "(none)".to_owned() } else { plain(name) };
        table.row([name, number(&part, "objects").to_string(), bytes(number(&part, "bytes"))]);
    }
    let total = (number(answer, "objects").to_string(), bytes(number(answer, "bytes")));
    table.row(["total".to_owned(), total.0, total.1]);
    let cost = cost(answer);
    let cost = if cost.is_empty() { cost } else { format!("monthly cost: {cost}\n") };
    format!("{table}{cost}{}", standing(answer))
}

fn parts(answer: &Value, by: By) -> Vec<Value> {
    let parts = answer.get(by.field()).and_then(Value::as_object);
    let parts = parts.into_iter().flatten();
    parts
        .map(|(name, held)| {
            let (objects, bytes) = (number(held, "objects"), number(held, "bytes"));
            json!({ "name": name, "objects": objects, "bytes": bytes })
        })
        .collect()
}

fn cost(of: &Value) -> String {
    let Some(cost) = of.get("monthly_cost").filter(|cost| cost.is_object()) else {
        return String::new();
    };
    let total = cost.get("total").and_then(Value::as_f64).unwrap_or_default();
    format!("{total:.2} {}", text(cost, "currency"))
}

/// How sure the figures are.
fn standing(answer: &Value) -> String {
    if flag(answer, "exact") {
        return String::new();
    }
    let mut out = String::new();
    for bucket in list(answer, "buckets").iter().filter(|it| text(it, "state") != "exact") {
        let (name, state) = (text(bucket, "name"), text(bucket, "state"));
        let _ = match bucket.get("as_of").and_then(Value::as_str) {
            Some(at) => writeln!(out, "{name}: as of {at}"),
            None => writeln!(out, "{name}: {state}"),
        };
    }
    out
}
