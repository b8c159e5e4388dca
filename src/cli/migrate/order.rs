//! Ordering a migration, or first seeing what it would move.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::super::Failure;
use super::super::files::FileBody;
use super::super::gateway::Gateway;
use super::super::output::Style;
use super::super::query::Target;
use super::{follow, show, words};

/// How long making a plan may take.
const PLANNING: Duration = Duration::from_hours(2);

#[derive(Debug, clap::Args)]
pub(super) struct OrderArgs {
    /// Only make a plan: show what would be moved, and what not
    #[arg(long)]
    dry_run: bool,
    /// Run exactly the plan that a dry run has made
    #[arg(long, value_name = "ID", conflicts_with_all = ["dry_run", "Filters"])]
    plan: Option<String>,
    #[command(flatten)]
    filters: Filters,
    /// Keep the objects where they are as well
    #[arg(long)]
    keep_source: bool,
    /// How what was moved is verified: by ETag and checksums, or by
    /// reading it back
    #[arg(long, value_enum, value_name = "HOW", verbatim_doc_comment)]
    verify: Option<Proof>,
    /// Refuse where more objects than this would be removed from where
    /// they are
    #[arg(long, value_name = "COUNT", verbatim_doc_comment)]
    max_deletions: Option<u64>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Do not wait: print its id, and let it go on
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
}

/// Which objects.
#[derive(Debug, clap::Args)]
#[group(id = "Filters", multiple = true)]
pub(super) struct Filters {
    /// Only this bucket
    #[arg(long)]
    bucket: Option<String>,
    /// Only keys that begin so
    #[arg(long)]
    prefix: Option<String>,
    /// Only this company; may be given several times
    #[arg(long = "company", value_name = "ID")]
    companies: Vec<String>,
    /// Only this type; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only objects of at least so many bytes: 4096, 128KiB, 10MiB
    #[arg(long, value_name = "SIZE")]
    min_size: Option<String>,
    /// Only objects of at most so many bytes
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// Only objects stored longer ago than this: 90s, 12h, 30d
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,
    /// Only objects stored since
    #[arg(long, value_name = "AGE")]
    newer_than: Option<String>,
    /// Only what failed in this migration
    #[arg(long, value_name = "ID")]
    failed_of: Option<String>,
    /// Only the objects that this file lists: keys, or a report of
    /// another migration
    #[arg(long, value_name = "FILE", conflicts_with = "failed_of", verbatim_doc_comment)]
    manifest: Option<PathBuf>,
}

/// How fast.
#[derive(Debug, clap::Args)]
pub(super) struct LimitArgs {
    /// How many objects are moved at once
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<u32>,
    /// The most bytes a second: 500KiB, 10MiB; 0 for no bound
    #[arg(long, value_name = "SIZE")]
    bytes_per_second: Option<String>,
    /// The most requests of the upstream a second; 0 for no bound
    #[arg(long, value_name = "COUNT")]
    requests_per_second: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Proof {
    Etag,
    Read,
}

impl LimitArgs {
    /// Puts what is given behind a target.
    pub(super) fn put(&self, target: Target) -> Target {
        target
            .maybe("concurrency", self.concurrency)
            .maybe("bytes_per_second", self.bytes_per_second.as_ref())
            .maybe("requests_per_second", self.requests_per_second.as_ref())
    }
}

impl Filters {
    fn put(&self, target: Target) -> Target {
        target
            .maybe("bucket", self.bucket.as_ref())
            .maybe("prefix", self.prefix.as_ref())
            .each("company_id", &self.companies)
            .each("type", &self.types)
            .maybe("min_size", self.min_size.as_ref())
            .maybe("max_size", self.max_size.as_ref())
            .maybe("older_than", self.older_than.as_ref())
            .maybe("newer_than", self.newer_than.as_ref())
            .maybe("failed_of", self.failed_of.as_ref())
    }
}

impl OrderArgs {
    /// Orders it, and, unless that is not wanted, follows it to its end.
    pub(super) async fn run(
        &self,
        gateway: &Gateway,
        call: &str,
        style: Style,
    ) -> Result<(), Failure> {
        if self.detach && gateway.is_own() {
            return Err(Failure::Usage(
                "--detach needs a gateway that goes on: no gateway runs here".to_owned(),
            ));
        }
        let answer = self.order(gateway, call).await?;
        if self.dry_run {
            style.show(&answer, |plan| words::plan(plan, call), |plan| vec![plan.clone()]);
            return Ok(());
        }
        if self.detach {
            show(style, &answer);
            return Ok(());
        }
        follow::to_its_end(gateway, answer, style).await
    }

    async fn order(&self, gateway: &Gateway, call: &str) -> Result<Value, Failure> {
        let proof = self.verify.map(|proof| match proof {
            Proof::Etag => "etag",
            Proof::Read => "read",
        });
        let target = Target::new(call)
            .flag("dry_run", self.dry_run)
            .maybe("plan", self.plan.as_ref())
            .flag("keep_source", self.keep_source)
            .maybe("verify", proof)
            .maybe("max_deletions", self.max_deletions);
        let target = self.limits.put(self.filters.put(target));
        let manifest = match &self.filters.manifest {
            Some(path) => Some(FileBody::whole(path).await?),
            None => None,
        };
        gateway.post_with(target.as_str(), manifest, PLANNING).await?.done()
    }
}
