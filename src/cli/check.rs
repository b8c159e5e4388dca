//! `stowgate check`: whether the local store is what it should be, while nobody serves it.

use std::sync::Arc;

use super::{ConfigArgs, Failure, say};
use crate::app::store_options;
use crate::object::SystemClock;
use crate::store::local::{self, CheckOptions};

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Throw the index away first and make it anew from the log
    #[arg(long)]
    rebuild_index: bool,
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

/// Prints what was found; anything wrong is a failure.
pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let config = args.config.load()?;
    let dir = &config.data_dir;
    if !dir.is_dir() {
        return Err(Failure::Failed(format!("there is no store in {}", dir.display())));
    }
    let how = CheckOptions { rebuild_index: args.rebuild_index, ..CheckOptions::default() };
    let report = local::check(dir, store_options(&config.store), how, Arc::new(SystemClock))
        .map_err(|error| Failure::Failed(format!("the store cannot be opened: {error}")))?;
    if args.json {
        let report = serde_json::to_string_pretty(&report);
        say(report.map_err(|error| Failure::Failed(error.to_string()))?);
    } else {
        say(&report);
    }
    match report.problem_count {
        0 => Ok(()),
        problems => Err(Failure::Failed(format!("{problems} problems found in {}", dir.display()))),
    }
}
