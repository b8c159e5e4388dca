//! Reports of any length: to standard output, or to a file.

use std::path::Path;

use tokio::io::AsyncWriteExt as _;

use super::gateway::Gateway;
use super::output::raw;
use super::query::Target;
use super::{Failure, say};
use crate::body::BodyError;

/// How the lines of a report look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    Csv,
    Ndjson,
}

impl Form {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// What a file of that name is to hold: CSV, unless its name says that it is JSON.
    pub(super) fn of(path: &Path) -> Self {
        let is_json = path.extension().is_some_and(|it| {
            ["json", "ndjson", "jsonl"].iter().any(|json| it.eq_ignore_ascii_case(json))
        });
        if is_json { Self::Ndjson } else { Self::Csv }
    }
}

/// Prints a report.
pub(super) async fn print(gateway: &Gateway, target: &Target) -> Result<(), Failure> {
    let mut report = gateway.stream(target.as_str()).await?;
    while let Some(piece) = report.next().await {
        raw(&piece.map_err(|error| broken(&error))?);
    }
    Ok(())
}

/// Writes a report to a file, over whatever the file holds.
pub(super) async fn write(gateway: &Gateway, target: &Target, path: &Path) -> Result<(), Failure> {
    let mut report = gateway.stream(target.as_str()).await?;
    let fault = |error| Failure::Failed(format!("{}: {error}", path.display()));
    let mut file = tokio::fs::File::create(path).await.map_err(fault)?;
    while let Some(piece) = report.next().await {
        file.write_all(&piece.map_err(|error| broken(&error))?).await.map_err(fault)?;
    }
    file.sync_all().await.map_err(fault)
}

/// Says where a report was written.
pub(super) fn written(path: &Path) {
    say(format_args!("{}", path.display()));
}

fn broken(error: &BodyError) -> Failure {
    Failure::Failed(format!("the report broke off: {error}"))
}
