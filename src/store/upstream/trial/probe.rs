//! The key that a trial works on.

use uuid::Uuid;

use super::super::answer::Fault;
use super::super::operation::{Asked, Operation};
use super::super::{PROBE, UpstreamStore};

/// What a probe holds.
pub(super) const CONTENT: &[u8] = b"Stowgate tries its permissions here. This may be deleted.\n";

/// How many old probes and uploads of them are removed at a time.
pub(super) const SWEPT: i32 = 10;

/// A key that nobody else has.
#[derive(Debug, Clone)]
pub(in super::super) struct Probe {
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
}
