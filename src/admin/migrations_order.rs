//! An order to migrate, as its parameters give it.

use std::sync::LazyLock;

use super::query::Parameters;
use super::reply::Fault;
use crate::migrate::{Amendment, Filter, Limits, List, MOST_AT_ONCE, Spec};
use crate::object::BucketName;
use crate::placement::transfer::Direction;

/// What an order asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To see what would be moved.
    Plan(Spec),
    /// To move it.
    Start(Spec),
    /// To run a plan.
    RunPlan(String, Amendment),
}

/// The parameters of limits.
pub(super) const LIMITS: &[&str] = &["concurrency", "bytes_per_second", "requests_per_second"];
/// Those that say which objects.
const FILTERS: &[&str] = &[
    "company_id",
    "type",
    "bucket",
    "prefix",
    "min_size",
    "max_size",
    "older_than",
    "newer_than",
    "failed_of",
];
/// Those that say how an order is carried out.
const MANNERS: &[&str] = &["dry_run", "plan", "keep_source", "verify", "max_deletions"];
/// The parameters of an order: all of these.
pub(super) static PARAMETERS: LazyLock<Vec<&str>> =
    LazyLock::new(|| [MANNERS, FILTERS, LIMITS].concat());
/// Those that may be repeated.
pub(super) const REPEATED: &[&str] = &["company_id", "type"];

/// Reads an order. `manifest` says whether a list of keys came with it.
pub(super) fn order(
    given: &Parameters,
    direction: Direction,
    manifest: bool,
) -> Result<Order, Fault> {
    let (limits, dry_run) = (limits(given, Limits::default())?, given.flag("dry_run")?);
    let amendment = Amendment {
        keep_source: given.flag("keep_source")?,
        read_back: given.parsed("verify", "etag or read", |text| match text {
            "etag" => Some(false),
            "read" => Some(true),
            _ => None,
        })?,
        max_deletions: given.number("max_deletions", 0..=1_000_000_000_000)?,
        limits,
    };
    if let Some(plan) = given.get("plan") {
        return run_plan(given, plan, dry_run, amendment, manifest);
    }
    let spec = Spec {
        direction,
        filter: filter(given, manifest)?,
        keep_source: amendment.keep_source.unwrap_or(false),
        read_back: amendment.read_back.unwrap_or(false),
        max_deletions: amendment.max_deletions,
        exact: false,
        limits: limits.unwrap_or_default(),
    };
    Ok(if dry_run == Some(true) { Order::Plan(spec) } else { Order::Start(spec) })
}

fn run_plan(
    given: &Parameters,
    plan: &str,
    dry_run: Option<bool>,
    amendment: Amendment,
    manifest: bool,
) -> Result<Order, Fault> {
    if let Some(name) = FILTERS.iter().find(|name| given.get(name).is_some()) {
        let message = format!("{name} comes with plan, which says by itself what is moved");
        return Err(Fault::parameter(message));
    }
    if manifest || dry_run == Some(true) {
        let message =
            "plan runs what a dry run has shown: without dry_run=true, and without a body";
        return Err(Fault::parameter(message));
    }
    Ok(Order::RunPlan(plan.to_owned(), amendment))
}

fn filter(given: &Parameters, manifest: bool) -> Result<Filter, Fault> {
    let bucket = given.get("bucket");
    if let Some(Err(why)) = bucket.map(BucketName::parse) {
        return Err(Fault::parameter(format!("bucket: {why}")));
    }
    for name in ["company_id", "type"] {
        if given.all(name).iter().any(String::is_empty) {
            return Err(Fault::parameter(format!("{name} is empty; leave it out for all of them")));
        }
    }
    let list = match (manifest, given.get("failed_of")) {
        (true, Some(_)) => {
            let message = "failed_of comes with a body; one list of keys is enough";
            return Err(Fault::parameter(message));
        }
        (true, None) => Some(List::Manifest),
        (false, other) => other.map(|id| List::FailedOf(id.to_owned())),
    };
    let filter = Filter {
        bucket: bucket.map(str::to_owned),
        prefix: given.get("prefix").unwrap_or_default().to_owned(),
        companies: given.all("company_id"),
        types: given.all("type"),
        min_size: given.parsed("min_size", BYTES, bytes)?,
        max_size: given.parsed("max_size", BYTES, bytes)?,
        min_age: given.parsed("older_than", AGE, age)?,
        max_age: given.parsed("newer_than", AGE, age)?,
        list,
    };
    if filter.min_size.zip(filter.max_size).is_some_and(|(least, most)| least > most) {
        return Err(Fault::parameter("min_size is more than max_size: nothing is of such a size"));
    }
    Ok(filter)
}

/// The limits given, on top of those in force; `None` where none is given.
pub(super) fn limits(given: &Parameters, now: Limits) -> Result<Option<Limits>, Fault> {
    if LIMITS.iter().all(|name| given.get(name).is_none()) {
        return Ok(None);
    }
    let concurrency = given.number("concurrency", 1..=MOST_AT_ONCE as u64)?;
    let concurrency = concurrency.and_then(|number| usize::try_from(number).ok());
    let rate = |name: &str, before| -> Result<Option<u64>, Fault> {
        let rate = given.parsed(name, "number such as 500 or 10MiB, or 0 for no bound", bytes)?;
        Ok(rate.map_or(before, |rate| Some(rate).filter(|rate| *rate > 0)))
    };
    Ok(Some(Limits {
        concurrency: concurrency.unwrap_or(now.concurrency),
        bytes_per_second: rate("bytes_per_second", now.bytes_per_second)?,
        requests_per_second: rate("requests_per_second", now.requests_per_second)?,
    }))
}

/// Reads new limits of a migration that has these.
pub(super) fn new_limits(given: &Parameters, now: Limits) -> Result<Limits, Fault> {
    limits(given, now)?.ok_or_else(|| {
        Fault::parameter(format!("no limit is given; there are {}", LIMITS.join(", ")))
    })
}

const BYTES: &str = "number of bytes such as 4096, 128KiB, 10MiB or 1GiB";
const AGE: &str = "time such as 90s, 5m, 12h or 30d";

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    // Up to so many digits, whatever they are, there is no overflow.
    let (factor, digits) = match unit {
        "" | "B" => (1, 18),
        "KiB" => (1 << 10, 9),
        "MiB" => (1 << 20, 9),
        "GiB" => (1 << 30, 9),
        "TiB" => (1 << 40, 6),
        _ => return None,
    };
    (number < 10_u64.pow(digits)).then(|| number * factor)
}

/// In milliseconds.
fn age(text: &str) -> Option<i64> {
    let (number, unit) = split(text)?;
    let factor: i64 = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let number = i64::try_from(number).ok().filter(|number| *number < 1_000_000_000)?;
    Some(number * factor)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let plain = number == "0" || !number.starts_with('0');
    Some((number.parse().ok().filter(|_| plain)?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Order, Fault> {
        order(&parameters(query)?, Direction::ToS3, false)
    }

    fn parameters(query: &str) -> Result<Parameters, Fault> {
        Parameters::parse(Some(query), &PARAMETERS, REPEATED)
    }

    #[test]
    fn the_lines_of_the_applications_are_read() {
        let Ok(Order::Plan(spec)) = read("dry_run=true&company_id=1") else { panic!("no plan") };
        assert_eq!(spec.filter.companies, ["1"]);
        let Ok(Order::Start(spec)) = read("dry_run=false&company_id=1&company_id=2") else {
            panic!("no order")
        };
        assert_eq!(spec.filter.companies, ["1", "2"]);
        assert!(!spec.keep_source && !spec.read_back && !spec.exact);
        let query = "bucket=b-1&prefix=a%2F&type=invoice&min_size=1KiB&max_size=2MiB&older_than=30d\
                     &newer_than=60d&keep_source=true&verify=read&max_deletions=5&concurrency=3\
                     &bytes_per_second=10MiB&requests_per_second=0";
        let Ok(Order::Start(spec)) = read(query) else { panic!("no order") };
        assert_eq!((spec.filter.min_size, spec.filter.max_size), (Some(1024), Some(2 << 20)));
        assert_eq!(spec.filter.min_age, Some(30 * 86_400_000));
        assert!(spec.keep_source && spec.read_back);
        assert_eq!((spec.max_deletions, spec.limits.concurrency), (Some(5), 3));
        assert_eq!(spec.limits.bytes_per_second, Some(10 << 20));
        assert_eq!(spec.limits.requests_per_second, None);
        let Ok(Order::RunPlan(id, amendment)) = read("plan=x&keep_source=true") else {
            panic!("no plan")
        };
        assert_eq!((id.as_str(), amendment.keep_source), ("x", Some(true)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_name_and_what_would() {
        for (query, hint) in [
            ("dryrun=true", "\"dryrun\" is unknown; known here: dry_run"),
            ("dry_run=yes", "dry_run is \"yes\", which is neither true nor false"),
            ("dry_run=true&dry_run=false", "given twice"),
            ("company_id=", "company_id is empty"),
            ("bucket=A", "bucket: "),
            ("min_size=big", "min_size is \"big\""),
            ("min_size=2&max_size=1", "min_size is more than max_size"),
            ("min_size=1 KiB", "min_size is \"1 KiB\""),
            ("min_size=01", "min_size is \"01\""),
            ("max_size=1000000TiB", "max_size is"),
            ("older_than=1000000000s", "older_than is"),
            ("older_than=3", "older_than is \"3\""),
            ("verify=all", "etag or read"),
            ("concurrency=0", "number from 1 to 64"),
            ("plan=x&bucket=b-1", "bucket comes with plan"),
            ("plan=x&dry_run=true", "without dry_run"),
        ] {
            let fault = read(query).unwrap_err();
            assert_eq!(fault.status.as_u16(), 400, "{query}");
            assert!(fault.message.contains(hint), "{query}: {}", fault.message);
        }
        assert!(order(&parameters("failed_of=x").unwrap(), Direction::ToS3, true).is_err());
        assert!(new_limits(&parameters("").unwrap(), Limits::default()).is_err());
    }
}
