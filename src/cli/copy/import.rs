//! `stowgate import`: takes a tree of files over into a bucket.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, stream};

use super::bucket::Bucket;
use super::send::{Sender, patiently};
use super::tally::Tally;
use super::walk::{self, Found};
use super::{CopyArgs, Outcome, folder};
use crate::cli::Failure;
use crate::cli::gateway::{self, Gateway, GatewayArgs};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::OutputArgs;
use crate::object::{BucketName, ObjectKey};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// The tree of files; symbolic links in it are not followed
    dir: PathBuf,
    /// The bucket
    #[arg(long)]
    bucket: String,
    /// The folder of the bucket in which the tree is to be
    #[arg(long, default_value = "")]
    prefix: String,
    /// Make the bucket where there is none
    #[arg(long)]
    make_bucket: bool,
    #[command(flatten)]
    how: CopyArgs,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Copies what is not there yet; says what was not copied and why.
pub(in crate::cli) fn run(args: &ImportArgs) -> Result<(), Failure> {
    if !args.dir.is_dir() {
        return Err(Failure::Usage(format!("{} is no folder", args.dir.display())));
    }
    BucketName::parse(&args.bucket).map_err(|why| Failure::Usage(format!("--bucket: {why}")))?;
    gateway::with(&args.gateway, async |gateway| Box::pin(import(args, gateway)).await)
}

async fn import(args: &ImportArgs, gateway: &Gateway) -> Result<(), Failure> {
    let bucket = Bucket::new(gateway, &args.bucket);
    let failed = |fault: super::bucket::S3Fault| Failure::Failed(fault.to_string());
    if !patiently(async || bucket.exists().await).await.map_err(failed)? {
        if !args.make_bucket {
            let name = &args.bucket;
            let message = format!("there is no bucket {name}; --make-bucket makes it");
            return Err(Failure::Failed(message));
        }
        bucket.make().await.map_err(failed)?;
    }
    let tally = Tally::new("import", args.output.style(), args.how.verbose);
    let sender = Sender { bucket, how: args.how, tally: &tally };
    let prefix = folder(&args.prefix);
    let files = stream::unfold(walk::files(&args.dir), async |mut files| {
        files.recv().await.map(|found| (found, files))
    });
    let files = files.take_until(tally.stopped());
    let copying = files.for_each_concurrent(usize::from(args.how.concurrency), async |found| {
        one(&sender, &prefix, found).await;
    });
    let interrupted =
        Box::pin(tally.while_counting(counted(&args.dir), copying, Interrupt::heed()?)).await;
    tally.finish(interrupted)
}

async fn counted(root: &Path) -> Option<(u64, u64)> {
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || walk::count(&root)).await.ok()
}

async fn one(sender: &Sender<'_>, prefix: &str, found: Found) {
    let tally = sender.tally;
    let Found { name, file } = found;
    let file = match file {
        Ok(file) => file,
        Err(outcome) => return tally.add(&name, 0, outcome),
    };
    let outcome = match ObjectKey::parse(&format!("{prefix}{name}")) {
        Ok(key) => sender.send(key.as_str(), &file).await,
        Err(why) => Outcome::Failed(format!("its name makes no key: {why}")),
    };
    tally.add(&name, file.size, outcome);
}
