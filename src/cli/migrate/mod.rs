//! `stowgate migrate`: moves objects between the disk and the upstream, and sees to what moves.

mod follow;
mod order;
mod words;

use std::path::PathBuf;

use serde_json::Value;

use self::order::{LimitArgs, OrderArgs};
use super::Failure;
use super::gateway::{self, Gateway, GatewayArgs};
use super::output::{OutputArgs, Style, lines, text};
use super::query::Target;
use super::report::{self, Form};
use crate::object::percent::{Slash, encode};

#[derive(Debug, clap::Args)]
pub(super) struct MigrateArgs {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Move objects from the disk to the upstream
    ToS3(OrderArgs),
    /// Move objects from the upstream to the disk
    ToLocal(OrderArgs),
    /// List migrations, the newest first
    List {
        /// The most to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one as it is
    Show(Id),
    /// Show how far one is until it ends
    Follow(Id),
    /// Let one wait
    Pause(Id),
    /// Let one go on
    Resume(Id),
    /// End one where it is
    Cancel(Id),
    /// Put back what one has moved
    Rollback(Id),
    /// Change how fast one goes
    Limits {
        #[command(flatten)]
        id: Id,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Print what became of every object
    Report(ReportArgs),
}

#[derive(Debug, clap::Args)]
struct Id {
    /// The migration's id
    id: String,
}

#[derive(Debug, clap::Args)]
struct ReportArgs {
    #[command(flatten)]
    id: Id,
    /// How lines look
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// Only this outcome
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Outcome {
    Moved,
    Skipped,
    Conflict,
    Failed,
}

impl Id {
    /// A target below this migration.
    fn target(&self, below: &str) -> Target {
        Target::new(&format!("migrations/{}{below}", encode(&self.id, Slash::Encode)))
    }
}

pub(super) fn run(args: &MigrateArgs) -> Result<(), Failure> {
    let style = args.output.style();
    gateway::with(&args.gateway, async |gateway| match &args.action {
        Action::ToS3(order) => order.run(gateway, "migrate-to-s3", style).await,
        Action::ToLocal(order) => order.run(gateway, "migrate-to-local", style).await,
        Action::List { limit } => {
            let target = Target::new("migrations").with("limit", limit);
            let answer = gateway.get(target.as_str()).await?.done()?;
            style.show(&answer, words::table, |answer| lines(answer, "migrations"));
            Ok(())
        }
        Action::Show(id) => {
            show(style, &gateway.get(id.target("").as_str()).await?.done()?);
            Ok(())
        }
        Action::Follow(id) => {
            let migration = gateway.get(id.target("").as_str()).await?.done()?;
            follow::to_its_end(gateway, migration, style).await
        }
        Action::Pause(id) => ask(gateway, &id.target("/pause"), style).await.map(drop),
        Action::Resume(id) => {
            let migration = ask(gateway, &id.target("/resume"), style).await?;
            // A gateway that ends with this command would leave it where it is.
            if !gateway.is_own() {
                return Ok(());
            }
            follow::to_its_end(gateway, migration, style).await
        }
        Action::Cancel(id) => ask(gateway, &id.target("/cancel"), style).await.map(drop),
        Action::Rollback(id) => {
            let migration = gateway.post(id.target("/rollback").as_str()).await?.done()?;
            follow::to_its_end(gateway, migration, style).await
        }
        Action::Limits { id, limits } => {
            ask(gateway, &limits.put(id.target("/limits")), style).await.map(drop)
        }
        Action::Report(args) => args.run(gateway).await,
    })
}

async fn ask(gateway: &Gateway, target: &Target, style: Style) -> Result<Value, Failure> {
    let migration = gateway.post(target.as_str()).await?.done()?;
    show(style, &migration);
    Ok(migration)
}

fn show(style: Style, migration: &Value) {
    style.show(migration, words::whole, |migration| vec![migration.clone()]);
}

impl ReportArgs {
    async fn run(&self, gateway: &Gateway) -> Result<(), Failure> {
        let outcome = self.outcome.map(|outcome| match outcome {
            Outcome::Moved => "moved",
            Outcome::Skipped => "skipped",
            Outcome::Conflict => "conflict",
            Outcome::Failed => "failed",
        });
        let target = self.id.target("/report").with("format", self.format.name());
        let target = target.maybe("outcome", outcome);
        let Some(path) = &self.out else { return report::print(gateway, &target).await };
        report::write(gateway, &target, path).await?;
        report::written(path);
        Ok(())
    }
}

/// What a command about it is called with.
fn id(migration: &Value) -> &str {
    text(migration, "id")
}
