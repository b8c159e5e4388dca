//! One file into the bucket: whole, or not at all.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::super::files::FileBody;
use super::bucket::{Bucket, Head, S3Fault};
use super::tally::Tally;
use super::walk::Stat;
use super::{CopyArgs, Outcome, framed, kind, moment, read};
use crate::body::Payload;
use crate::object::ETag;
use crate::object::percent::{Slash, encode};
use crate::s3::xml;

/// Files longer than this are sent in parts of it.
pub(super) const PART: u64 = 64 << 20;
/// The most parts of an object.
const MOST_PARTS: u64 = 10_000;
/// How often a call is made, and how long is waited before the second time.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Sends files.
pub(super) struct Sender<'a> {
    pub(super) bucket: Bucket<'a>,
    pub(super) how: CopyArgs,
    pub(super) tally: &'a Tally,
}

/// Why a file was not sent.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    S3(#[from] S3Fault),
    #[error("it changed while it was read; run it again")]
    Changed,
    #[error("interrupted")]
    Interrupted,
}

/// What an upload stands under.
struct Upload<'f> {
    key: &'f str,
    file: &'f Stat,
    headers: HeaderMap,
    condition: Option<(&'static str, String)>,
}

impl Sender<'_> {
    /// Sends a file, unless it is there already.
    pub(super) async fn send(&self, key: &str, file: &Stat) -> Outcome {
        match self.settle(key, file).await {
            Ok(outcome) => outcome,
            Err(Fault::S3(fault)) if fault.is_conflict() => Outcome::Failed(
                "somebody else wrote the key meanwhile; theirs was left as it is".to_owned(),
            ),
            Err(fault) => Outcome::Failed(fault.to_string()),
        }
    }

    async fn settle(&self, key: &str, file: &Stat) -> Result<Outcome, Fault> {
        let there = patiently(async || self.bucket.head(key).await).await?;
        if let Some(head) = &there {
            if self.is_same(head, file).await? {
                return Ok(Outcome::Same);
            }
            let older = head.modified.is_some_and(|at| at < file.modified);
            if !older && !self.how.overwrite {
                return Ok(Outcome::Failed(
                    "the bucket has another object under this key, which no older file of this \
                     name made; --overwrite replaces it"
                        .to_owned(),
                ));
            }
        }
        let condition = match &there {
            Some(head) => Some(("if-match", head.etag.quoted())),
            None => Some(("if-none-match", "*".to_owned())),
        };
        let upload = Upload { key, file, headers: described(file).await?, condition };
        if file.size > PART {
            self.in_parts(&upload).await?;
        } else {
            self.at_once(&upload).await?;
        }
        Ok(Outcome::Copied(file.size))
    }

    async fn is_same(&self, head: &Head, file: &Stat) -> Result<bool, Fault> {
        if head.size != file.size {
            return Ok(false);
        }
        if !self.how.checksum && head.modified.is_some_and(|at| at.agrees(file.modified)) {
            return Ok(true);
        }
        Ok(read::is_content(&file.path, file.size, head, part_size(file.size)).await?)
    }

    async fn at_once(&self, upload: &Upload<'_>) -> Result<(), Fault> {
        let mut headers = upload.headers.clone();
        if let Some((name, value)) = &upload.condition {
            headers.insert(*name, header(value));
        }
        self.stretch(upload, "", headers, 0, upload.file.size).await?;
        unchanged(upload.file).await
    }

    async fn in_parts(&self, upload: &Upload<'_>) -> Result<(), Fault> {
        let mut headers = upload.headers.clone();
        headers.insert("x-amz-checksum-algorithm", header("CRC64NVME"));
        let begun = patiently(async || {
            let nothing = Payload::empty();
            self.bucket.call(Method::POST, upload.key, "?uploads", headers.clone(), nothing).await
        });
        let (_, document) = begun.await?;
        let id = xml::parse_root(&document, "InitiateMultipartUploadResult")
            .and_then(|root| root.required_text("UploadId").map(str::to_owned))
            .map_err(|_| S3Fault::Answer("an upload without an id"))?;
        let result = tokio::select! {
            result = self.parts(upload, &id) => result,
            () = self.tally.stopped() => Err(Fault::Interrupted),
        };
        if result.is_err() {
            self.abandon(upload.key, &id).await;
        }
        result
    }

    async fn parts(&self, upload: &Upload<'_>, id: &str) -> Result<(), Fault> {
        let (size, step) = (upload.file.size, part_size(upload.file.size));
        let id = encode(id, Slash::Encode);
        let mut etags: Vec<ETag> = Vec::new();
        let mut at = 0;
        while at < size {
            let length = step.min(size - at);
            let query = format!("?partNumber={}&uploadId={id}", etags.len() + 1);
            etags.push(self.stretch(upload, &query, HeaderMap::new(), at, length).await?);
            at += length;
        }
        unchanged(upload.file).await?;
        let document = completion(&etags);
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = &upload.condition {
            headers.insert(*name, header(value));
        }
        let query = format!("?uploadId={id}");
        patiently(async || {
            let body = Payload::from_bytes(document.clone());
            self.bucket.call(Method::POST, upload.key, &query, headers.clone(), body).await
        })
        .await?;
        Ok(())
    }

    /// So that nothing is left of it; where that fails, the gateway drops it in time.
    async fn abandon(&self, key: &str, id: &str) {
        let query = format!("?uploadId={}", encode(id, Slash::Encode));
        let nothing = (HeaderMap::new(), Payload::empty());
        if let Err(error) =
            self.bucket.call(Method::DELETE, key, &query, nothing.0, nothing.1).await
        {
            tracing::debug!(%error, "an upload could not be aborted");
        }
    }

    /// Sends a stretch of the file; the ETag of what it became.
    async fn stretch(
        &self,
        upload: &Upload<'_>,
        query: &str,
        mut headers: HeaderMap,
        at: u64,
        length: u64,
    ) -> Result<ETag, Fault> {
        headers.insert("x-amz-trailer", header(framed::trailer_name()));
        headers.insert("x-amz-decoded-content-length", header(&length.to_string()));
        headers.insert("content-encoding", header("aws-chunked"));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut file = File::open(&upload.file.path).await?;
            file.seek(io::SeekFrom::Start(at)).await?;
            let sent = Sent { all: &self.tally.sent, these: Arc::default() };
            let body = framed::body(FileBody::new(file, length), length, Arc::clone(&sent.these));
            let call = self.bucket.call(Method::PUT, upload.key, query, headers.clone(), body);
            match sent.counting(call).await {
                Ok((head, _)) => {
                    sent.keep();
                    let etag = head.headers.get("etag").and_then(|etag| etag.to_str().ok());
                    let etag = etag.ok_or(S3Fault::Answer("an object without ETag"))?;
                    return Ok(ETag::parse(etag));
                }
                Err(fault) if fault.may_pass() && attempt < ATTEMPTS => pause(attempt).await,
                Err(fault) => return Err(fault.into()),
            }
        }
    }
}

/// The bytes of one attempt, which count only if it succeeds.
struct Sent<'a> {
    all: &'a AtomicU64,
    these: Arc<AtomicU64>,
}

impl Sent<'_> {
    async fn counting<T>(&self, call: impl Future<Output = T>) -> T {
        let tick = Duration::from_millis(200);
        let mut told = 0;
        tokio::pin!(call);
        loop {
            let done = tokio::time::timeout(tick, &mut call).await;
            let now = self.these.load(Ordering::Relaxed);
            self.all.fetch_add(now.saturating_sub(told), Ordering::Relaxed);
            told = now;
            if let Ok(done) = done {
                // Taken back here, and given once more by `keep`.
                self.all.fetch_sub(told, Ordering::Relaxed);
                return done;
            }
        }
    }

    fn keep(&self) {
        self.all.fetch_add(self.these.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Calls again, for some time, where that may help.
pub(super) async fn patiently<T>(
    mut call: impl AsyncFnMut() -> Result<T, S3Fault>,
) -> Result<T, S3Fault> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match call().await {
            Err(fault) if fault.may_pass() && attempt < ATTEMPTS => pause(attempt).await,
            result => return result,
        }
    }
}

async fn pause(attempt: u32) {
    tokio::time::sleep(FIRST_PAUSE * 3_u32.pow(attempt.saturating_sub(1))).await;
}

/// How long all parts but the last of a file of that size are.
pub(super) fn part_size(size: u64) -> u64 {
    PART.max(size.div_ceil(MOST_PARTS))
}

/// What is said of a file's object beside its content.
async fn described(file: &Stat) -> io::Result<HeaderMap> {
    let mut begin = Vec::with_capacity(kind::LOOKED_AT);
    let opened = File::open(&file.path).await?;
    opened.take(kind::LOOKED_AT as u64).read_to_end(&mut begin).await?;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", header(&kind::content_type(&file.path, &begin)));
    headers.insert(moment::HEADER, header(&file.modified.to_string()));
    Ok(headers)
}

async fn unchanged(file: &Stat) -> Result<(), Fault> {
    let now = tokio::fs::symlink_metadata(&file.path).await?;
    if Stat::of(file.path.clone(), &now) == *file { Ok(()) } else { Err(Fault::Changed) }
}

fn completion(etags: &[ETag]) -> bytes::Bytes {
    xml::document("CompleteMultipartUpload", |root| {
        for (number, etag) in (1_u32..).zip(etags) {
            root.element("Part", |part| {
                part.text("PartNumber", &number.to_string());
                part.text("ETag", &etag.quoted());
            });
        }
    })
}

/// What this file writes is visible ASCII.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
