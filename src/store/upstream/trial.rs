//! Permissions tried one by one on a key of their own, with a verdict on each.
//!
//! Whatever is made is removed again, also where a later check fails.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use tokio::time::Instant;
use uuid::Uuid;

use super::answer::Fault;
use super::operation::{Asked, Operation};
use super::{PROBE, UpstreamStore};
use crate::object::BucketName;

const CONTENT: &[u8] = b"stowgate tries its permissions; this object may be deleted";

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Asking for the bucket.
    Head,
    /// Listing it.
    List,
    /// Storing an object.
    Put,
    /// Reading one.
    Get,
    /// Deleting one.
    Delete,
    /// Uploading in parts, and giving it up.
    Multipart,
}

/// What a trial of one permission came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was tried.
    pub permission: Permission,
    /// Whether it works.
    pub ok: bool,
    /// How long it took.
    pub latency: Duration,
    /// What happened, in words that a person can act on.
    pub verdict: String,
}

/// A trial of everything that a bucket's mode needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// One of each permission, in the order in which they were tried.
    pub checks: Vec<Check>,
}

/// What one check found.
type Verdict = Result<String, String>;

/// The key that a trial works on.
struct Probe {
    bucket: String,
    prefix: String,
    key: String,
    /// Versions that were made on the way, where the bucket keeps any.
    versions: Vec<String>,
    stored: bool,
}

impl Permission {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::List => "list",
            Self::Put => "put",
            Self::Get => "get",
            Self::Delete => "delete",
            Self::Multipart => "multipart",
        }
    }
}

impl Trial {
    /// Whether everything works.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

impl Check {
    async fn of(permission: Permission, trial: BoxFuture<'_, Verdict>) -> Self {
        let began = Instant::now();
        let outcome = trial.await;
        let latency = began.elapsed();
        let ok = outcome.is_ok();
        Self { permission, ok, latency, verdict: outcome.unwrap_or_else(|words| words) }
    }
}

impl Probe {
    fn asked(&self, operation: Operation) -> Asked {
        Asked { operation, bucket: self.bucket.clone(), prefix: self.prefix.clone() }
    }
}

impl UpstreamStore {
    /// Tries what the gateway needs of a bucket; with `reads_only` nothing is written.
    pub async fn try_permissions(&self, bucket: &BucketName, reads_only: bool) -> Trial {
        let (bucket, prefix) = self.target(bucket);
        let key = format!("{prefix}{PROBE}{}", Uuid::new_v4());
        let mut probe = Probe { bucket, prefix, key, versions: Vec::new(), stored: false };
        let mut checks = vec![
            Check::of(Permission::Head, self.try_head(&probe).boxed()).await,
            Check::of(Permission::List, self.try_list(&probe).boxed()).await,
        ];
        if reads_only {
            checks.push(Check::of(Permission::Get, self.try_get(&probe).boxed()).await);
            return Trial { checks };
        }
        checks.push(Check::of(Permission::Put, self.try_put(&mut probe).boxed()).await);
        checks.push(Check::of(Permission::Get, self.try_get(&probe).boxed()).await);
        checks.push(Check::of(Permission::Delete, self.try_delete(&mut probe).boxed()).await);
        self.remove_versions(&probe).await;
        checks.push(Check::of(Permission::Multipart, self.try_multipart(&probe).boxed()).await);
        Trial { checks }
    }

    async fn try_head(&self, probe: &Probe) -> Verdict {
        let asked = probe.asked(Operation::HeadBucket);
        match self.clients.plain.head_bucket().bucket(&probe.bucket).send().await {
            Ok(_) => Ok("HeadBucket works".to_owned()),
            Err(error) => match Fault::from(error) {
                fault if fault.is(404) => Err(format!(
                    "NoSuchBucket on HeadBucket: there is no bucket {}; make it or correct its \
                     name",
                    probe.bucket
                )),
                fault => Err(self.site.words(&asked, &fault)),
            },
        }
    }

    async fn try_list(&self, probe: &Probe) -> Verdict {
        let asked = probe.asked(Operation::ListObjectsV2);
        let call = self.clients.plain.list_objects_v2().bucket(&probe.bucket).max_keys(1);
        let call = call.prefix(&probe.key);
        match call.send().await {
            Ok(_) => Ok("ListObjectsV2 works".to_owned()),
            Err(error) => Err(self.site.words(&asked, &error.into())),
        }
    }

    async fn try_put(&self, probe: &mut Probe) -> Verdict {
        let asked = probe.asked(Operation::PutObject);
        let call = self
            .clients
            .plain
            .put_object()
            .bucket(&probe.bucket)
            .key(&probe.key)
            .set_server_side_encryption(self.sse())
            .body(ByteStream::from_static(CONTENT));
        match call.send().await {
            Ok(out) => {
                probe.stored = true;
                probe.versions.extend(out.version_id().map(str::to_owned));
                Ok("PutObject works".to_owned())
            }
            Err(error) => Err(self.site.words(&asked, &error.into())),
        }
    }

    /// A key that isn't there shows as well as one that is whether objects can be read.
    async fn try_get(&self, probe: &Probe) -> Verdict {
        let asked = probe.asked(Operation::GetObject);
        let call = self.clients.plain.get_object().bucket(&probe.bucket).key(&probe.key);
        let out = match call.send().await.map_err(Fault::from) {
            Ok(out) => out,
            Err(fault) if !probe.stored && fault.has_code("NoSuchKey") => {
                return Ok("GetObject works".to_owned());
            }
            Err(fault) if fault.has_code("NoSuchKey") => {
                return Err("GetObject does not find what PutObject stored".to_owned());
            }
            Err(fault) => return Err(self.site.words(&asked, &fault)),
        };
        let limit = self.options.stall_timeout;
        let content =
            async { out.body.collect().await.map(aws_sdk_s3::primitives::AggregatedBytes::to_vec) };
        match tokio::time::timeout(limit, content).await {
            Ok(Ok(content)) if content == CONTENT => Ok("GetObject works".to_owned()),
            Ok(Ok(_)) => Err("GetObject gives other bytes than PutObject stored".to_owned()),
            Ok(Err(error)) => {
                Err(format!("the body of GetObject broke off: {}", super::answer::chain(&error)))
            }
            Err(_) => Err(format!("the body of GetObject stalled for {limit:?}")),
        }
    }

    /// Deletes the probe whether or not storing it seemed to work: it may have been stored all
    /// the same.
    async fn try_delete(&self, probe: &mut Probe) -> Verdict {
        let asked = probe.asked(Operation::DeleteObject);
        let call = self.clients.plain.delete_object().bucket(&probe.bucket).key(&probe.key);
        match call.send().await.map_err(Fault::from) {
            Ok(out) => {
                probe.versions.extend(out.version_id().map(str::to_owned));
                Ok("DeleteObject works".to_owned())
            }
            Err(fault) if fault.has_code("NoSuchKey") => Ok("DeleteObject works".to_owned()),
            Err(fault) => {
                let words = self.site.words(&asked, &fault);
                Err(if probe.stored {
                    format!("{words} (the object {} is left behind)", probe.key)
                } else {
                    words
                })
            }
        }
    }

    /// In a bucket with versions a delete only hides. What cannot be removed stays hidden.
    async fn remove_versions(&self, probe: &Probe) {
        for version in &probe.versions {
            let call = self.clients.plain.delete_object().bucket(&probe.bucket).key(&probe.key);
            if let Err(error) = call.version_id(version).send().await {
                let fault = Fault::from(error);
                tracing::debug!(key = probe.key, version, ?fault, "a probe's version stays");
            }
        }
    }

    async fn try_multipart(&self, probe: &Probe) -> Verdict {
        let asked = probe.asked(Operation::CreateMultipartUpload);
        let call = self.clients.once.create_multipart_upload().bucket(&probe.bucket);
        let call = call.key(&probe.key).set_server_side_encryption(self.sse());
        let out = call.send().await.map_err(|error| self.site.words(&asked, &error.into()))?;
        let Some(id) = out.upload_id() else {
            return Err("CreateMultipartUpload gives no upload id".to_owned());
        };
        let part = self.try_part(probe, id).await;
        let aborted = self.try_abort(probe, id).await;
        part.and(aborted)
    }

    async fn try_part(&self, probe: &Probe, id: &str) -> Verdict {
        let asked = probe.asked(Operation::UploadPart);
        let call = self
            .clients
            .plain
            .upload_part()
            .bucket(&probe.bucket)
            .key(&probe.key)
            .upload_id(id)
            .part_number(1)
            .body(ByteStream::from_static(CONTENT));
        match call.send().await {
            Ok(_) => Ok("UploadPart works".to_owned()),
            Err(error) => Err(self.site.words(&asked, &error.into())),
        }
    }

    async fn try_abort(&self, probe: &Probe, id: &str) -> Verdict {
        let asked = probe.asked(Operation::AbortMultipartUpload);
        let call = self.clients.plain.abort_multipart_upload().bucket(&probe.bucket);
        match call.key(&probe.key).upload_id(id).send().await.map_err(Fault::from) {
            Ok(_) => Ok("uploads in parts work".to_owned()),
            // The first attempt's answer was lost.
            Err(fault) if fault.has_code("NoSuchUpload") => Ok("uploads in parts work".to_owned()),
            Err(fault) => {
                let words = self.site.words(&asked, &fault);
                Err(format!("{words} (an upload of {} is left behind)", probe.key))
            }
        }
    }
}
