//! Objects in buckets of a real S3 service: the only code that names the AWS SDK.
//!
//! Everything is passed through to the service, which decides: ranges, conditions, checksums,
//! versions, parts. What the service cannot be asked in one call is asked in two that are tied by
//! the entity tag. Bodies stream both ways.
//!
//! [`crate::store::StoreError::Unavailable`] means that the service failed or refused the gateway;
//! every other error is its answer to the client. A bucket that is missing there is a failure:
//! whoever routes a bucket to an upstream said that it is there. Only the calls about buckets
//! themselves answer `NoSuchBucket`.
//!
//! What the service does not tell is not made up, with these exceptions: the time of a PUT is the
//! gateway's until it is read back, and a bucket's owner is the configured one.
//!
//! Knows nothing of modes, of the local store, or of what else is done with a key.

mod acls;
mod answer;
mod buckets;
mod checksum;
mod choices;
mod client;
mod completion;
mod copy;
mod encryption;
mod endpoint;
mod error;
mod incoming;
mod listing;
mod marker;
mod metadata;
mod multipart;
mod objects;
mod operation;
mod options;
mod outgoing;
mod parts;
mod presign;
mod put;
mod read;
mod reasons;
mod root_name;
mod tags;
mod tied;
mod trial;
mod upload_id;
mod uploads;
mod versions;

use std::fmt;
use std::sync::Arc;

use aws_sdk_s3::primitives::DateTime;

pub use client::InvalidUpstream;
pub use options::{Quirks, UpstreamBucket, UpstreamKey, UpstreamOptions};
pub use trial::{Ability, Check, Complaint, Trial};

/// What the keys begin with of objects that only try permissions. Listings never show them.
pub const PROBE: &str = ".stowgate-probe-";

use crate::object::{BucketName, Clock, ETagMatch, Timestamp, VersionId};
use crate::store::{ObjectPath, StoreError};

use answer::Fault;
use choices::Choices;
use client::Clients;
use error::{Site, no_bucket};
use operation::{Asked, Operation};
use outgoing::Patience;
use reasons::Reasons;
use trial::Leftovers;

/// Buckets of an S3 service.
pub struct UpstreamStore {
    options: UpstreamOptions,
    site: Site,
    clients: Clients,
    clock: Arc<dyn Clock>,
    choices: Choices,
    reasons: Reasons,
    leftovers: Leftovers,
}

impl UpstreamStore {
    /// Gets everything ready. Asks nothing of the service yet.
    pub async fn connect(
        options: UpstreamOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidUpstream> {
        let clients = Clients::new(&options).await?;
        let site = Site::new(&options);
        let choices = Choices::default();
        let (reasons, leftovers) = (Reasons::default(), Leftovers::default());
        Ok(Self { options, site, clients, clock, choices, reasons, leftovers })
    }

    /// Where a bucket's objects are there: bucket and prefix of the keys.
    pub fn target(&self, bucket: &BucketName) -> (String, String) {
        let UpstreamBucket { bucket, prefix } = self.options.target(bucket);
        (bucket, prefix)
    }

    /// A question about a bucket or what is in it.
    fn asked(&self, operation: Operation, bucket: &BucketName) -> Asked {
        let (bucket, prefix) = self.target(bucket);
        Asked { operation, bucket, prefix }
    }

    /// A question about an object.
    fn asked_about(&self, operation: Operation, at: &ObjectPath) -> Result<Asked, StoreError> {
        let asked = self.asked(operation, &at.bucket);
        at.check_below(&asked.prefix)?;
        Ok(asked)
    }

    /// The store's error for a fault.
    fn refuse(&self, asked: &Asked, fault: impl Into<Fault>) -> StoreError {
        let fault = fault.into();
        self.site.refusal(asked, &self.explained(asked, fault))
    }

    /// A fault with its reason, where it does not say it itself.
    fn explained(&self, asked: &Asked, fault: Fault) -> Fault {
        let Fault::Answered(answer) = &fault else { return fault };
        if asked.operation.is_head() && answer.code.is_none() {
            let reason = self.reasons.of(&asked.bucket, answer.status);
            return reason.map_or(fault, |reason| Fault::Answered(Box::new(reason)));
        }
        if self.site.is_about_all(asked, answer) {
            self.reasons.note(&asked.bucket, answer);
        }
        fault
    }

    /// The error of a bucket that HEAD does not find.
    fn no_bucket(&self, asked: &Asked) -> StoreError {
        self.site.unavailable(asked, &self.words_on_no_bucket(asked))
    }

    fn words_on_no_bucket(&self, asked: &Asked) -> String {
        match self.reasons.of(&asked.bucket, 404) {
            Some(reason) => self.site.words(asked, &Fault::Answered(Box::new(reason))),
            None => no_bucket(&asked.bucket),
        }
    }

    fn patience(&self) -> Patience {
        Patience {
            connect: self.options.connect_timeout,
            stall: self.options.stall_timeout,
            answer: self.options.first_byte_timeout,
        }
    }

    /// The time stamp of what is stored now, as far as the gateway knows.
    fn stamp(&self) -> Timestamp {
        self.clock.now().ceil_second()
    }
}

impl fmt::Debug for UpstreamStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamStore").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Asked {
    /// The key there of an object of the asked bucket.
    fn key(&self, at: &ObjectPath) -> String {
        format!("{}{}", self.prefix, at.key.as_str())
    }
}

/// A version as the service is asked for it.
fn version_text(version: Option<VersionId>) -> Option<String> {
    version.map(|version| version.to_string())
}

/// A version that the service told. Those of other forms than the gateway's own cannot be shown.
fn version_told(text: Option<&str>) -> Option<VersionId> {
    text.and_then(VersionId::parse).filter(|version| *version != VersionId::Null)
}

/// Tags as `If-Match` and `If-None-Match` have them.
fn tags_text(tags: &ETagMatch) -> String {
    match tags {
        ETagMatch::Any => "*".to_owned(),
        ETagMatch::Tags(tags) => {
            tags.iter().map(crate::object::ETag::quoted).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A time of the gateway's for the SDK, in whole seconds as HTTP has them.
fn sdk_time(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.seconds())
}

/// A time of the SDK's, in whole seconds as HTTP has them: some services list parts of seconds.
fn timestamp(at: &DateTime) -> Timestamp {
    Timestamp(at.secs().saturating_mul(1000))
}

/// A size of the SDK's.
fn size(number: Option<i64>) -> u64 {
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

/// A page's length for the SDK: services give at most a thousand lines.
fn page_length(wanted: usize) -> i32 {
    i32::try_from(wanted.clamp(1, 1000)).unwrap_or(1000)
}
