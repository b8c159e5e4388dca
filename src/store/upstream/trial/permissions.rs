//! The permissions: one call each, but for uploads in parts, which are begun, given a part and
//! given up.

use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};

use super::super::UpstreamStore;
use super::super::answer::{Fault, chain};
use super::super::operation::Operation;
use super::super::timestamp;
use super::probe::{CONTENT, Probe, SWEPT};
use super::{Timed, Verdict};

/// Whether nobody answered.
pub(super) fn is_silent<T>(outcome: &Result<T, Fault>) -> bool {
    matches!(outcome, Err(Fault::Silent { .. } | Fault::Late { .. }))
}

impl UpstreamStore {
    pub(super) async fn try_head(&self, probe: &Probe) -> Result<(), Fault> {
        let call = self.clients.once.head_bucket().bucket(&probe.bucket);
        call.send().await.map(drop).map_err(Fault::from)
    }

    /// A listing that was tried at the same time is judged first: it may say why this is refused.
    pub(super) fn verdict_on_head(&self, probe: &Probe, head: Result<(), Fault>) -> Verdict {
        let asked = probe.asked(Operation::HeadBucket);
        match head {
            Ok(()) => Ok("HeadBucket works".to_owned()),
            Err(fault) if fault.is(404) => Err(self.words_on_no_bucket(&asked)),
            Err(fault) => Err(self.blame(&asked, fault)),
        }
    }

    /// Lists the probes, and gives those that earlier trials left behind.
    pub(super) async fn try_list(&self, probe: &Probe) -> Result<Vec<String>, Fault> {
        let call = self.clients.once.list_objects_v2().bucket(&probe.bucket);
        let out = call.max_keys(SWEPT).prefix(probe.all()).send().await.map_err(Fault::from)?;
        let old = out.contents().iter().filter(|object| {
            object.last_modified().is_some_and(|at| self.is_abandoned(timestamp(at)))
        });
        let keys = old.filter_map(|object| object.key().map(str::to_owned));
        Ok(keys.filter(|key| key.starts_with(&probe.all())).collect())
    }

    pub(super) fn verdict_on_list(
        &self,
        probe: &Probe,
        list: Timed<Result<Vec<String>, Fault>>,
    ) -> (Timed<Verdict>, Vec<String>) {
        let verdict = |list| match list {
            Ok(abandoned) => (Ok("ListObjectsV2 works".to_owned()), abandoned),
            Err(fault) => {
                let words = self.blame(&probe.asked(Operation::ListObjectsV2), fault);
                (Err(words), Vec::new())
            }
        };
        list.map(verdict).map_apart()
    }

    pub(super) async fn try_put(&self, probe: &mut Probe) -> Verdict {
        let call = self.clients.once.put_object().bucket(&probe.bucket).key(&probe.key);
        let call = call.set_server_side_encryption(self.sse(None));
        match call.body(ByteStream::from_static(CONTENT)).send().await {
            Ok(out) => {
                probe.stored = true;
                probe.note(out.version_id());
                Ok("PutObject works".to_owned())
            }
            Err(error) => Err(self.blame(&probe.asked(Operation::PutObject), error)),
        }
    }

    /// A key that isn't there shows as well as one that is whether objects can be read.
    pub(super) async fn try_get(&self, probe: &Probe) -> Verdict {
        match self.content(probe).await {
            Ok(content) if content == CONTENT => Ok("GetObject works".to_owned()),
            Ok(_) => Err("GetObject gives other bytes than PutObject stored".to_owned()),
            Err(fault) if fault.has_code("NoSuchKey") && !probe.stored => {
                Ok("GetObject works".to_owned())
            }
            Err(fault) if fault.has_code("NoSuchKey") => {
                Err("GetObject does not find what PutObject stored".to_owned())
            }
            Err(fault) => Err(self.blame(&probe.asked(Operation::GetObject), fault)),
        }
    }

    /// What lies under the probe's key.
    pub(super) async fn content(&self, probe: &Probe) -> Result<Vec<u8>, Fault> {
        let call = self.clients.once.get_object().bucket(&probe.bucket).key(&probe.key);
        let out = call.send().await.map_err(Fault::from)?;
        let limit = self.options.stall_timeout;
        match tokio::time::timeout(limit, out.body.collect()).await {
            Ok(Ok(content)) => Ok(AggregatedBytes::to_vec(content)),
            Ok(Err(error)) => Err(Fault::Silent { chain: chain(&error) }),
            Err(_) => Err(Fault::Late { what: format!("stopped giving the body for {limit:?}") }),
        }
    }

    pub(super) async fn try_delete(&self, probe: &mut Probe) -> Verdict {
        let call = self.clients.plain.delete_object().bucket(&probe.bucket).key(&probe.key);
        match call.send().await.map_err(Fault::from) {
            Ok(out) => {
                probe.note(out.version_id());
                Ok("DeleteObject works".to_owned())
            }
            Err(fault) if fault.has_code("NoSuchKey") => Ok("DeleteObject works".to_owned()),
            Err(fault) => {
                self.leave(probe, &fault);
                Err(self.blame(&probe.asked(Operation::DeleteObject), fault))
            }
        }
    }

    /// Gives the key as well of an upload that could not be given up.
    pub(super) async fn try_multipart(&self, probe: &Probe) -> (Verdict, Option<String>) {
        let call = self.clients.once.create_multipart_upload().bucket(&probe.bucket);
        let call = call.key(&probe.key).set_server_side_encryption(self.sse(None));
        let out = match call.send().await.map_err(Fault::from) {
            Ok(out) => out,
            Err(fault) => {
                // It may be begun all the same.
                self.leave(probe, &fault);
                let asked = probe.asked(Operation::CreateMultipartUpload);
                return (Err(self.blame(&asked, fault)), None);
            }
        };
        let Some(id) = out.upload_id().filter(|id| !id.is_empty()) else {
            return (Err("CreateMultipartUpload gives no upload id".to_owned()), None);
        };
        let part = self.try_part(probe, id).await;
        let aborted = self.try_abort(probe, id).await;
        let left = aborted.is_err().then(|| probe.key.clone());
        (part.and(aborted), left)
    }

    async fn try_part(&self, probe: &Probe, id: &str) -> Verdict {
        let call = self.clients.once.upload_part().bucket(&probe.bucket).key(&probe.key);
        let call = call.upload_id(id).part_number(1).body(ByteStream::from_static(CONTENT));
        match call.send().await {
            Ok(_) => Ok("UploadPart works".to_owned()),
            Err(error) => Err(self.blame(&probe.asked(Operation::UploadPart), error)),
        }
    }

    async fn try_abort(&self, probe: &Probe, id: &str) -> Verdict {
        let call = self.clients.plain.abort_multipart_upload().bucket(&probe.bucket);
        match call.key(&probe.key).upload_id(id).send().await.map_err(Fault::from) {
            Ok(_) => Ok("uploads in parts work".to_owned()),
            // The first attempt's answer was lost.
            Err(fault) if fault.has_code("NoSuchUpload") => Ok("uploads in parts work".to_owned()),
            Err(fault) => {
                self.leave(probe, &fault);
                Err(self.blame(&probe.asked(Operation::AbortMultipartUpload), fault))
            }
        }
    }
}
