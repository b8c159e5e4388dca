//! What not every service can do, tried where the configuration says that this one can. Each
//! verdict names the switch that says otherwise.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, Tag, Tagging};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::FutureExt as _;

use super::super::UpstreamStore;
use super::super::answer::Fault;
use super::super::error::FEWER_CHECKSUMS;
use super::super::operation::Operation;
use super::super::outgoing::{Stalled, Stream};
use super::probe::{CONTENT, Probe};
use super::{Ability, Check, Timed, Verdict};
use crate::body::{Expected, Payload};

/// Puts a condition on a write.
type Condition = fn(PutObjectFluentBuilder) -> PutObjectFluentBuilder;

/// A tag that no object has.
const OTHER_ETAG: &str = "\"00000000000000000000000000000000\"";

const NO_CONDITIONS: &str = "set conditional_writes = false for this upstream";
const NO_TAGS: &str = "set tags = false for this upstream";

impl UpstreamStore {
    /// Tries on the stored probe what the configuration expects of the service.
    pub(super) async fn try_features(&self, probe: &mut Probe) -> Vec<Check> {
        let quirks = self.options.quirks;
        let mut checks = Vec::new();
        if quirks.conditional_writes {
            let tried = Timed::of(self.try_conditions(probe).boxed()).await;
            checks.push(tried.check(Ability::Conditions));
        }
        if quirks.tags {
            checks.push(Timed::of(self.try_tags(probe).boxed()).await.check(Ability::Tags));
        }
        if quirks.checksums {
            checks
                .push(Timed::of(self.try_checksums(probe).boxed()).await.check(Ability::Checksums));
        }
        checks
    }

    /// Writes that must not be done, as the probe is there and has another tag.
    async fn try_conditions(&self, probe: &mut Probe) -> Verdict {
        let conditions: [(&str, Condition); 2] = [
            ("If-None-Match", |call| call.if_none_match("*")),
            ("If-Match", |call| call.if_match(OTHER_ETAG)),
        ];
        for (name, condition) in conditions {
            let call = self.clients.once.put_object().bucket(&probe.bucket).key(&probe.key);
            let call = condition(call.set_server_side_encryption(self.sse(None)));
            match outcome(call.body(ByteStream::from_static(CONTENT)).send().await) {
                Err(fault) if fault.is(412) || fault.is(409) => {}
                Ok(out) => {
                    probe.note(out.version_id());
                    return Err(format!("PutObject ignores {name}: {NO_CONDITIONS}"));
                }
                Err(fault) => return Err(self.refused(probe, &fault, name, NO_CONDITIONS)),
            }
        }
        Ok("PutObject decides conditions".to_owned())
    }

    /// A key that may not tag is as it should be where nobody tags.
    async fn try_tags(&self, probe: &Probe) -> Verdict {
        let asked = probe.asked(Operation::PutObjectTagging);
        let tag = Tag::builder().key("stowgate").value("probe").build();
        let tags = tag.and_then(|tag| Tagging::builder().tag_set(tag).build());
        let tags = tags.map_err(|error| error.to_string())?;
        let client = &self.clients.once;
        let call = client.put_object_tagging().bucket(&probe.bucket).key(&probe.key).tagging(tags);
        match outcome(call.send().await) {
            Ok(_) => {}
            Err(fault) if fault.is(403) => {
                let words = self.blame(&asked, fault);
                return Ok(format!("{words}; without it only objects that have tags fail"));
            }
            Err(fault) => return Err(self.refused(probe, &fault, "tags", NO_TAGS)),
        }
        let call = client.get_object_tagging().bucket(&probe.bucket).key(&probe.key);
        match outcome(call.send().await) {
            Ok(out) if out.tag_set().iter().any(|tag| tag.key() == "stowgate") => {
                Ok("tags are kept".to_owned())
            }
            Ok(_) => Err(format!("PutObjectTagging ignores tags: {NO_TAGS}")),
            Err(fault) if fault.is(403) => {
                let words = self.blame(&probe.asked(Operation::GetObjectTagging), fault);
                Ok(format!("{words}; without it only reading tags fails"))
            }
            Err(fault) => Err(self.refused(probe, &fault, "tags", NO_TAGS)),
        }
    }

    /// A body with a checksum behind it, as those have that stream. A service that does not know
    /// the form refuses it, or takes what frames the body for a part of it.
    async fn try_checksums(&self, probe: &mut Probe) -> Verdict {
        let (payload, length) = (Payload::from_bytes(CONTENT), CONTENT.len());
        let length = u64::try_from(length).unwrap_or_default();
        let stream = Stream { payload, length, expected: Expected::default() };
        let (body, watch) = stream.start(self.patience());
        let call = self.clients.summed.put_object().bucket(&probe.bucket).key(&probe.key);
        let call = call
            .set_server_side_encryption(self.sse(None))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .content_length(i64::try_from(length).unwrap_or_default())
            .body(ByteStream::new(body));
        match watch.over(call.send()).boxed().await.map(outcome) {
            Ok(Ok(out)) => probe.note(PutObjectOutput::version_id(&out)),
            Ok(Err(fault)) => {
                return Err(self.refused(
                    probe,
                    &fault,
                    "checksums",
                    &format!("set {FEWER_CHECKSUMS}"),
                ));
            }
            Err(Stalled { what, .. }) => {
                return Err(format!("the service {what}: set {FEWER_CHECKSUMS}"));
            }
        }
        match self.content(probe).await {
            Ok(content) if content == CONTENT => Ok("checksums behind bodies are taken".to_owned()),
            Ok(_) => Err(format!(
                "PutObject takes the checksum behind a body for a part of it: set \
                 {FEWER_CHECKSUMS}"
            )),
            // It may be written and not read, which is a verdict of its own.
            Err(_) => Ok("checksums behind bodies are taken".to_owned()),
        }
    }

    /// A service that answers that it does not want something is told from one that fails.
    fn refused(&self, probe: &Probe, fault: &Fault, what: &str, advice: &str) -> String {
        let asked = probe.asked(Operation::PutObject);
        let words = self.site.words(&asked, fault);
        let failed = fault.answer().is_none_or(|answer| {
            matches!(answer.status, 401 | 403 | 404 | 429)
                || (answer.status >= 500 && answer.status != 501)
        });
        if failed { words } else { format!("the service refuses {what}: {advice} ({words})") }
    }
}

fn outcome<T, E>(answer: Result<T, SdkError<E, HttpResponse>>) -> Result<T, Fault>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    answer.map_err(Fault::from)
}
