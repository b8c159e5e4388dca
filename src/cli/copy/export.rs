//! `stowgate export`: writes what a bucket holds as a tree of files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

use super::bucket::{Bucket, Listed, Page, S3Fault};
use super::place::WORKSHOP;
use super::send::patiently;
use super::tally::Tally;
use super::write::Writer;
use super::{CopyArgs, folder};
use crate::cli::Failure;
use crate::cli::gateway::{self, Gateway, GatewayArgs};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::OutputArgs;
use crate::object::BucketName;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// The folder to write to; it is made where it is not there
    dir: PathBuf,
    /// The bucket
    #[arg(long)]
    bucket: String,
    /// The folder of the bucket to write out: files have its keys without it
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    #[command(flatten)]
    how: CopyArgs,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Writes what is not there yet; says what was not written and why.
pub(in crate::cli) fn run(args: &ExportArgs) -> Result<(), Failure> {
    BucketName::parse(&args.bucket).map_err(|why| Failure::Usage(format!("--bucket: {why}")))?;
    gateway::with(&args.gateway, async |gateway| Box::pin(export(args, gateway)).await)
}

async fn export(args: &ExportArgs, gateway: &Gateway) -> Result<(), Failure> {
    let bucket = Bucket::new(gateway, &args.bucket);
    let failed = |fault: S3Fault| Failure::Failed(fault.to_string());
    if !patiently(async || bucket.exists().await).await.map_err(failed)? {
        return Err(Failure::Failed(format!("there is no bucket {}", args.bucket)));
    }
    let workshop = Workshop::open(&args.dir)?;
    let tally = Tally::new("export", args.output.style(), args.how.verbose);
    let (root, sent) = (args.dir.clone(), Arc::clone(&tally.sent));
    let writer = Writer { bucket, root, how: args.how, received: sent };
    let prefix = folder(&args.prefix);
    let broken = tokio::sync::Mutex::new(None);
    let objects = objects(&writer.bucket, &prefix).filter_map(async |listed| match listed {
        Ok(listed) => Some(listed),
        Err(fault) => {
            *broken.lock().await = Some(fault);
            None
        }
    });
    let objects = objects.take_until(tally.stopped());
    let copying = objects.for_each_concurrent(usize::from(args.how.concurrency), async |object| {
        let name = object.key.strip_prefix(&prefix).unwrap_or(&object.key);
        // The folder itself, as some tools mark it.
        if !name.is_empty() {
            let outcome = writer.receive(name, &object).await;
            tally.add(&object.key, object.size, outcome);
        }
    });
    let counting = counted(&writer.bucket, &prefix);
    let interrupted = Box::pin(tally.while_counting(counting, copying, Interrupt::heed()?)).await;
    drop(workshop);
    let broken = broken.into_inner();
    let ended = tally.finish(interrupted);
    match broken {
        Some(fault) => Err(Failure::Failed(format!("the listing broke off: {fault}"))),
        None => ended,
    }
}

/// Every object below the prefix; an `Err` is the last.
fn objects<'a>(
    bucket: &'a Bucket<'a>,
    prefix: &'a str,
) -> impl stream::Stream<Item = Result<Listed, S3Fault>> + 'a {
    let pages = stream::unfold(Some(None::<String>), async move |at| {
        let token = at?;
        match patiently(async || bucket.list(prefix, token.as_deref()).await).await {
            Ok(Page { objects, next }) => {
                let page: Vec<Result<Listed, S3Fault>> = objects.into_iter().map(Ok).collect();
                Some((stream::iter(page), next.map(Some)))
            }
            Err(fault) => Some((stream::iter(vec![Err(fault)]), None)),
        }
    });
    pages.flatten()
}

async fn counted(bucket: &Bucket<'_>, prefix: &str) -> Option<(u64, u64)> {
    let (mut files, mut bytes, mut token) = (0, 0, None::<String>);
    loop {
        let page = bucket.list(prefix, token.as_deref()).await.ok()?;
        for listed in page.objects.iter().filter(|listed| listed.key != prefix) {
            files += 1;
            bytes += listed.size;
        }
        token = page.next;
        if token.is_none() {
            return Some((files, bytes));
        }
    }
}

/// The folder in which files are made, for one export at a time. What an earlier one that was
/// killed has left there goes.
struct Workshop {
    path: PathBuf,
    _lock: std::os::fd::OwnedFd,
}

impl Workshop {
    #[allow(clippy::disallowed_methods, reason = "the user's tree is not the store's")]
    fn open(root: &Path) -> Result<Self, Failure> {
        let path = root.join(WORKSHOP);
        let fault =
            |error: &dyn std::fmt::Display| Failure::Failed(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(&path).map_err(|error| fault(&error))?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = open(&path, flags, Mode::empty()).map_err(|error| fault(&error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::Failed(format!("another export is writing to {}", root.display()))
        })?;
        for entry in std::fs::read_dir(&path).map_err(|error| fault(&error))? {
            let entry = entry.map_err(|error| fault(&error))?;
            std::fs::remove_file(entry.path()).map_err(|error| fault(&error))?;
        }
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Workshop {
    #[allow(clippy::disallowed_methods, reason = "the user's tree is not the store's")]
    fn drop(&mut self) {
        // One with something in it stays, and is emptied by the next export.
        let _ = std::fs::remove_dir(&self.path);
    }
}
