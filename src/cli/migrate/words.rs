//! Migrations in words.

use std::fmt::Write as _;

use indicatif::HumanCount;
use serde_json::{Map, Value};

use super::super::output::{Table, bytes, count, flag, list, moment, number, plain, text, wrapped};
use super::id;

/// Migrations, a line each.
pub(super) fn table(answer: &Value) -> String {
    let mut table = Table::new(&["ID", "STATE", "TO", "MOVED", "CREATED"]);
    for migration in list(answer, "migrations") {
        let of = |field| migration.get("progress").map_or(0, |counts| number(counts, field));
        let created = moment(text(migration, "created_at"));
        table.row([
            id(migration).to_owned(),
            text(migration, "state").replace('_', " "),
            direction(migration).to_owned(),
            format!("{}/{}", of("moved"), of("moved").max(of("objects"))),
            created.get(..16).unwrap_or(&created).to_owned(),
        ]);
    }
    if table.is_empty() { "there is no migration".to_owned() } else { table.to_string() }
}

/// One migration.
pub(super) fn whole(migration: &Value) -> String {
    let state = text(migration, "state").replace('_', " ");
    let mut out = format!("migration {} to {}: {state}\n", id(migration), direction(migration));
    if let Some(progress) = migration.get("progress") {
        let total = count(number(progress, "objects"), "object");
        let _ = writeln!(out, "  {}", counts(progress, &format!(" of {total} moved")));
    }
    if let Some(back) = migration.get("rollback").filter(|back| back.is_object()) {
        let _ = writeln!(out, "  {}", counts(back, " put back"));
    }
    if let Some(why) = migration.get("waiting").and_then(Value::as_str) {
        let _ = write!(out, "{}", wrapped(&format!("  waits: {}", plain(why)), 4));
    }
    if let Some(error) = migration.get("error").filter(|error| error.is_object()) {
        let _ = write!(out, "{}", wrapped(&format!("  {}", plain(text(error, "message"))), 4));
    }
    if flag(migration, "keep_source") {
        out.push_str("  the objects are kept where they were as well\n");
    }
    out
}

/// What a dry run has found, and how to run it.
pub(super) fn plan(plan: &Value, call: &str) -> String {
    let (objects, size) = (number(plan, "objects"), number(plan, "bytes"));
    let mut out = format!(
        "{} ({}) would go to {}\n",
        count(objects, "object"),
        bytes(size),
        direction(plan),
    );
    for (field, title) in [("by_company", "COMPANY"), ("by_type", "TYPE")] {
        let amounts = plan.get(field).and_then(Value::as_object);
        if let Some(amounts) = amounts.filter(|amounts| !amounts.is_empty()) {
            let _ = write!(out, "\n{}", amounts_of(amounts, title));
        }
    }
    out.push_str(&cost(plan));
    out.push_str(&left(plan));
    let own = plan.get("plan").and_then(Value::as_str).unwrap_or(id(plan));
    let action = call.trim_start_matches("migrate-");
    if objects > 0 {
        let _ = writeln!(out, "\nrun exactly this:\n  stowgate migrate {action} --plan {own}");
    }
    out
}

fn amounts_of(amounts: &Map<String, Value>, title: &str) -> Table {
    let mut table = Table::new(&[title, "OBJECTS", "BYTES"]);
    for (name, amount) in amounts {
        let name = if name.is_empty() { "(none)".to_owned() } else { plain(name) };
        table.row([name, number(amount, "objects").to_string(), bytes(number(amount, "bytes"))]);
    }
    table
}

/// What the objects cost in a month, now and afterwards.
fn cost(plan: &Value) -> String {
    let Some(cost) = plan.get("monthly_cost").filter(|cost| cost.is_object()) else {
        return String::new();
    };
    let total = |when: &str| {
        let total = cost.get(when).and_then(|of| of.get("total"));
        total.and_then(Value::as_f64).unwrap_or_default()
    };
    let (before, after, currency) = (total("before"), total("after"), text(cost, "currency"));
    format!("\na month costs {before:.2} {currency} now, {after:.2} {currency} afterwards\n")
}

/// What a plan leaves where it is.
fn left(plan: &Value) -> String {
    let mut out = String::new();
    if let Some(skipped) = plan.get("skipped") {
        let of = |field| skipped.get(field).map_or(0, |amount| number(amount, "objects"));
        let reasons = [
            (of("filtered"), "left out by the filters"),
            (of("waits_in_spool"), "waiting in the spool"),
            (number(skipped, "not_there"), "listed, and not there to be moved"),
        ];
        for (objects, why) in reasons.iter().filter(|(objects, _)| *objects > 0) {
            let _ = writeln!(out, "{} {why}", count(*objects, "object"));
        }
    }
    if let Some(conflicts) = plan.get("conflicts").filter(|it| number(it, "objects") > 0) {
        let objects = count(number(conflicts, "objects"), "object");
        let _ = writeln!(out, "{objects} stay: the target has another under the key");
        for example in list(conflicts, "examples") {
            let (bucket, key) = (text(example, "bucket"), plain(text(example, "key")));
            let _ = writeln!(out, "  {bucket}/{key}");
        }
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

fn counts(counts: &Value, done: &str) -> String {
    let moved = bytes(number(counts, "moved_bytes"));
    let mut out = format!("{}{done} ({moved})", HumanCount(number(counts, "moved")));
    for (field, name) in
        [("skipped", "skipped"), ("conflicts", "in conflict"), ("failed", "failed")]
    {
        let number = number(counts, field);
        if number > 0 {
            let _ = write!(out, ", {} {name}", HumanCount(number));
        }
    }
    out
}

fn direction(migration: &Value) -> &'static str {
    match text(migration, "direction") {
        "to_s3" | "to-s3" | "s3" => "s3",
        _ => "local",
    }
}
