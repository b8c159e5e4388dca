//! Removing what trials left: at once what this process left when the upstream went away in the
//! middle, and after a while what others left when they were killed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_s3::types::MultipartUpload;

use super::super::answer::Fault;
use super::super::operation::Operation;
use super::super::{UpstreamStore, timestamp};
use super::probe::{Probe, SWEPT};
use crate::object::Timestamp;

/// What is older than this was left by a trial that was killed, and is in nobody's use.
const ABANDONED_AFTER_MS: i64 = 60 * 60 * 1000;

/// How many probes of this process are remembered. More are removed by later trials.
const KEPT: usize = 100;

/// Probes of this process that may be there still.
#[derive(Debug, Default)]
pub(in super::super) struct Leftovers(Mutex<Vec<Probe>>);

impl Leftovers {
    fn lock(&self) -> MutexGuard<'_, Vec<Probe>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UpstreamStore {
    /// Removes what trials of this process could not, as the upstream had gone away. `false` where
    /// it is away still.
    pub async fn remove_leftovers(&self) -> bool {
        loop {
            let Some(probe) = self.leftovers.lock().last().cloned() else { return true };
            if !self.remove(&probe).await {
                return false;
            }
            self.leftovers.lock().retain(|left| left.key != probe.key);
        }
    }

    /// Remembers a probe that has to be removed later, unless the service does not allow it.
    pub(super) fn leave(&self, probe: &Probe, fault: &Fault) {
        if !is_outage(fault) {
            return;
        }
        let mut leftovers = self.leftovers.lock();
        if leftovers.len() < KEPT && leftovers.iter().all(|left| left.key != probe.key) {
            leftovers.push(probe.clone());
        }
    }

    /// Removes an object and the uploads of its key, as far as that is allowed. `false` where the
    /// upstream is away.
    async fn remove(&self, probe: &Probe) -> bool {
        let call = self.clients.once.delete_object().bucket(&probe.bucket).key(&probe.key);
        match call.send().await.map_err(Fault::from) {
            Err(fault) if is_outage(&fault) => return false,
            Ok(out) => {
                let mut probe = probe.clone();
                probe.note(out.version_id());
                self.remove_versions(&probe).await;
            }
            Err(fault) => tracing::debug!(key = probe.key, ?fault, "a probe stays"),
        }
        self.abort_uploads(probe, &probe.key, |_| true).await
    }

    /// Whether a probe of that time was left by a trial that never ended.
    pub(super) fn is_abandoned(&self, at: Timestamp) -> bool {
        self.clock.now().0.saturating_sub(at.0) > ABANDONED_AFTER_MS
    }

    /// Removes what earlier trials left when they were killed: these objects, and uploads. What
    /// cannot be removed is tried again by the next one.
    pub(super) async fn sweep(&self, probe: &Probe, objects: &[String]) {
        for key in objects {
            let call = self.clients.once.delete_object().bucket(&probe.bucket).key(key);
            if let Err(error) = call.send().await {
                let fault = Fault::from(error);
                tracing::debug!(key, ?fault, "an old probe stays");
            }
        }
        let is_old = |upload: &MultipartUpload| {
            upload.initiated().is_some_and(|at| self.is_abandoned(timestamp(at)))
        };
        self.abort_uploads(probe, &probe.all(), is_old).await;
    }

    /// Gives up uploads of keys that begin so. `false` where the upstream is away.
    async fn abort_uploads(
        &self,
        probe: &Probe,
        prefix: &str,
        which: impl Fn(&MultipartUpload) -> bool + Send + Sync,
    ) -> bool {
        let client = &self.clients.once;
        let listed = client.list_multipart_uploads().bucket(&probe.bucket).prefix(prefix);
        let listed = match listed.max_uploads(SWEPT).send().await.map_err(Fault::from) {
            Ok(listed) => listed,
            Err(fault) => return !is_outage(&fault),
        };
        for upload in listed.uploads().iter().filter(|upload| which(upload)) {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
            // A service that does not know of prefixes lists other uploads as well.
            if !key.starts_with(prefix) {
                continue;
            }
            let call = client.abort_multipart_upload().bucket(&probe.bucket).key(key).upload_id(id);
            if let Err(fault) = call.send().await.map_err(Fault::from) {
                let asked = probe.asked(Operation::AbortMultipartUpload);
                let why = self.site.words(&asked, &fault);
                tracing::debug!(key, why, "a probe's upload stays");
                if is_outage(&fault) {
                    return false;
                }
            }
        }
        true
    }
}

/// Whether it may be otherwise later, without anybody changing anything.
fn is_outage(fault: &Fault) -> bool {
    match fault {
        Fault::Silent { .. } | Fault::Late { .. } | Fault::Garbled { .. } => true,
        Fault::Answered(answer) => {
            answer.status == 429 || answer.status >= 500 && answer.status != 501
        }
        Fault::Unsendable { .. } => false,
    }
}
