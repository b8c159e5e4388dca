//! The key that a trial works on, and removing what trials left.

use aws_sdk_s3::Client;
use uuid::Uuid;

use super::super::answer::Fault;
use super::super::operation::{Asked, Operation};
use super::super::{PROBE, UpstreamStore, timestamp};
use crate::object::Timestamp;

/// What a probe holds.
pub(super) const CONTENT: &[u8] = b"Stowgate tries its permissions here. This may be deleted.\n";

/// What is older than this was left by a trial that was killed, and is in nobody's use.
const ABANDONED_AFTER_MS: i64 = 60 * 60 * 1000;

/// How much of it is removed at a time.
pub(super) const SWEPT: i32 = 10;

/// A key that nobody else has.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) key: String,
    /// Versions that were made on the way, where the bucket keeps any.
    pub(super) versions: Vec<String>,
    /// Whether a put was answered well.
    pub(super) stored: bool,
}

impl Probe {
    pub(super) fn new(bucket: String, prefix: String) -> Self {
        let key = format!("{prefix}{PROBE}{}", Uuid::new_v4().simple());
        Self { bucket, prefix, key, versions: Vec::new(), stored: false }
    }

    /// What the keys of all probes of the bucket begin with.
    pub(super) fn all(&self) -> String {
        format!("{}{PROBE}", self.prefix)
    }

    pub(super) fn asked(&self, operation: Operation) -> Asked {
        Asked { operation, bucket: self.bucket.clone(), prefix: self.prefix.clone() }
    }

    /// Remembers what has to be removed.
    pub(super) fn note(&mut self, version: Option<&str>) {
        self.versions.extend(version.map(str::to_owned));
    }
}

impl UpstreamStore {
    /// Whether a probe of that time was left by a trial that never ended.
    pub(super) fn is_abandoned(&self, at: Timestamp) -> bool {
        self.clock.now().0.saturating_sub(at.0) > ABANDONED_AFTER_MS
    }

    /// In a bucket with versions a delete only hides. What cannot be removed stays hidden.
    pub(super) async fn remove_versions(&self, probe: &Probe) {
        for version in &probe.versions {
            let call = self.clients.plain.delete_object().bucket(&probe.bucket).key(&probe.key);
            if let Err(error) = call.version_id(version).send().await {
                let fault = Fault::from(error);
                tracing::debug!(key = probe.key, version, ?fault, "a probe's version stays");
            }
        }
    }

    /// Removes what earlier trials left when they were killed: these objects, and uploads. What
    /// cannot be removed is tried again by the next one.
    pub(super) async fn sweep(&self, probe: &Probe, objects: &[String]) {
        let client: &Client = &self.clients.once;
        for key in objects {
            let call = client.delete_object().bucket(&probe.bucket).key(key);
            if let Err(error) = call.send().await {
                let fault = Fault::from(error);
                tracing::debug!(key, ?fault, "an old probe stays");
            }
        }
        let listed = client.list_multipart_uploads().bucket(&probe.bucket).prefix(probe.all());
        let Ok(listed) = listed.max_uploads(SWEPT).send().await else { return };
        let is_old = |at: Option<&_>| at.is_some_and(|at| self.is_abandoned(timestamp(at)));
        for upload in listed.uploads().iter().filter(|upload| is_old(upload.initiated())) {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
            // A service that does not know of prefixes lists other uploads as well.
            if !key.starts_with(&probe.all()) {
                continue;
            }
            let call = client.abort_multipart_upload().bucket(&probe.bucket).key(key).upload_id(id);
            if let Err(error) = call.send().await {
                let fault = Fault::from(error);
                tracing::debug!(key, ?fault, "an old probe's upload stays");
            }
        }
    }
}
