//! One object into a file: whole, or not at all.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use super::bucket::{Bucket, Head, Listed, S3Fault};
use super::moment::Moment;
use super::place::{Place, WORKSHOP, make_folder, place};
use super::send::{part_size, patiently};
use super::walk::Stat;
use super::{CopyArgs, Outcome, read};
use crate::body::{BodyError, Expected, Payload, digesting};

/// Writes files below a root.
pub(super) struct Writer<'a> {
    pub(super) bucket: Bucket<'a>,
    pub(super) root: PathBuf,
    pub(super) how: CopyArgs,
    pub(super) received: Arc<AtomicU64>,
}

/// Why an object was not written.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    S3(#[from] S3Fault),
    #[error("{0}")]
    Place(String),
}

/// A file that has no name yet; it goes away unless it gets one.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    #[allow(clippy::disallowed_methods, reason = "the user's tree is not the store's")]
    fn drop(&mut self) {
        // Named by now, or of no use to anyone.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Writer<'_> {
    /// Writes an object's file, unless it is there already. `name` is its key without the prefix.
    pub(super) async fn receive(&self, name: &str, object: &Listed) -> Outcome {
        match self.settle(name, object).await {
            Ok(outcome) => outcome,
            Err(fault) => Outcome::Failed(fault.to_string()),
        }
    }

    async fn settle(&self, name: &str, object: &Listed) -> Result<Outcome, Fault> {
        let below = match place(name, object.size).map_err(|why| Fault::Place(why.to_owned()))? {
            Place::Folder(below) => {
                make_folder(&self.root, &below).await.map_err(Fault::Place)?;
                return Ok(Outcome::Copied(0));
            }
            Place::File(below) => below,
        };
        let above = below.parent().unwrap_or(Path::new(""));
        make_folder(&self.root, above).await.map_err(Fault::Place)?;
        let path = self.root.join(&below);
        if let Some(outcome) = self.compare(&path, &object.key).await? {
            return Ok(outcome);
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.write(&path, &object.key).await {
                Err(Fault::S3(fault)) if fault.may_pass() && attempt < 3 => {}
                result => return result,
            }
        }
    }

    /// What there is to say where something is at the path already; `None` where it is to be
    /// written.
    async fn compare(&self, path: &Path, key: &str) -> Result<Option<Outcome>, Fault> {
        let metadata = match tokio::fs::symlink_metadata(path).await {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !metadata.is_file() {
            return Err(Fault::Place("something that is no file has its name".to_owned()));
        }
        let file = Stat::of(path.to_owned(), &metadata);
        let Some(head) = patiently(async || self.bucket.head(key).await).await? else {
            return Ok(Some(Outcome::Left("it was deleted meanwhile")));
        };
        if self.is_same(&head, &file).await? {
            return Ok(Some(Outcome::Same));
        }
        let newer = head.modified.or(head.stored).is_some_and(|at| at > file.modified);
        if newer || self.how.overwrite {
            return Ok(None);
        }
        let why = "there is another file of this name, which is not older; --overwrite replaces it";
        Ok(Some(Outcome::Failed(why.to_owned())))
    }

    async fn is_same(&self, head: &Head, file: &Stat) -> Result<bool, Fault> {
        if head.size != file.size {
            return Ok(false);
        }
        let modified = head.modified.or(head.stored);
        if !self.how.checksum && modified.is_some_and(|at| at.agrees(file.modified)) {
            return Ok(true);
        }
        Ok(read::is_content(&file.path, file.size, head, part_size(file.size)).await?)
    }

    async fn write(&self, path: &Path, key: &str) -> Result<Outcome, Fault> {
        let Some((head, content)) = patiently(async || self.bucket.get(key).await).await? else {
            return Ok(Outcome::Left("it was deleted meanwhile"));
        };
        let unfinished = self.root.join(WORKSHOP).join(Uuid::new_v4().simple().to_string());
        let unfinished = Unfinished(unfinished);
        let file = File::create_new(&unfinished.0).await?;
        self.fill(file, &head, content).await?;
        tokio::fs::rename(&unfinished.0, path).await?;
        Ok(Outcome::Copied(head.size))
    }

    /// Writes the content, held against ETag and checksum, and gives the file its time.
    async fn fill(&self, mut file: File, head: &Head, content: Payload) -> Result<(), Fault> {
        let expected = Expected {
            md5: head.etag.md5(),
            checksum: head.checksum.clone(),
            ..Expected::default()
        };
        let mut content = digesting(content, expected);
        let mut received = 0;
        let written = async {
            while let Some(piece) = content.next().await {
                let piece = piece.map_err(|error| Fault::S3(broken(error)))?;
                file.write_all(&piece).await?;
                received += piece.len() as u64;
                self.received.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            Ok(())
        };
        let written: Result<(), Fault> = written.await;
        if written.is_err() {
            self.received.fetch_sub(received, Ordering::Relaxed);
            return written;
        }
        file.flush().await?;
        let modified = head.modified.or(head.stored).and_then(Moment::time);
        let file = file.into_std().await;
        let ended = tokio::task::spawn_blocking(move || {
            if let Some(modified) = modified {
                file.set_modified(modified)?;
            }
            file.sync_all()
        });
        Ok(ended.await.map_err(io::Error::other)??)
    }
}

/// What came is not what the object is, or not all of it; another time it may be.
fn broken(error: BodyError) -> S3Fault {
    S3Fault::Body(error)
}
