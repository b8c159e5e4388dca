//! What an operation runs with, beside its own input.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access::Gate;
use super::configured::Configured;
use super::error::{Code, S3Error, Subject};
use super::service::Expiring;
use super::token::TokenKey;
use crate::auth::{Authenticator, Caller, Identity};
use crate::object::{Bucket, BucketName, Encryption, Owner, RequestId};
use crate::rules::Rulebook;
use crate::store::Front;

/// Everything around an operation. Cheap to clone, for answers that go on after their head.
#[derive(Clone)]
pub(super) struct Context {
    /// Where objects are.
    pub(super) store: Arc<dyn Front>,
    /// What may be stored.
    pub(super) rules: Arc<Rulebook>,
    /// The gateway's region.
    pub(super) region: Arc<str>,
    /// What continuation tokens are protected with.
    pub(super) token_key: TokenKey,
    /// What is made of the configurations of buckets.
    pub(super) configured: Arc<Configured>,
    /// The buckets that everybody may read as websites.
    pub(super) public_sites: Arc<BTreeSet<BucketName>>,
    /// In which buckets life-cycle rules are carried out.
    pub(super) expiring: Arc<Expiring>,
    /// On whose behalf.
    pub(super) caller: Caller,
    /// Who is known by which id.
    pub(super) auth: Arc<Authenticator>,
    /// What decides whether that may be done which turns out to be wanted.
    pub(super) gate: Gate,
    /// The request's id.
    pub(super) request_id: RequestId,
    /// The bucket that the request names, as it was when access was decided; absent for the
    /// service and for a bucket that is being made.
    pub(super) bucket: Option<Bucket>,
    /// The method, path and names, for errors that are written into answers already begun.
    pub(super) asked: Arc<Asked>,
}

/// What was asked for, as errors repeat it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The method.
    pub(super) method: http::Method,
    /// The path as it came.
    pub(super) path: String,
    /// The bucket's name.
    pub(super) bucket: Option<String>,
    /// The object's key.
    pub(super) key: Option<String>,
}

impl Context {
    /// Who is asking; anonymous callers are nobody that could own anything.
    pub(super) fn identity(&self) -> Result<&Arc<Identity>, S3Error> {
        match &self.caller {
            Caller::Key(identity) => Ok(identity),
            Caller::Anonymous => Err(S3Error::new(Code::AccessDenied)),
        }
    }

    /// The request's bucket. Operations on one run only where there is one.
    pub(super) fn own_bucket(&self) -> Result<&Bucket, S3Error> {
        self.bucket.as_ref().ok_or_else(|| S3Error::internal("no bucket at hand"))
    }

    /// How something new in a bucket is to be encrypted: as the request asks, else as the bucket is
    /// configured to.
    pub(super) async fn encryption(
        &self,
        bucket: &BucketName,
        asked: Option<Encryption>,
    ) -> Result<Option<Encryption>, S3Error> {
        let configured = self.configured.encryption(&*self.store, bucket).await?;
        let Some(configured) = configured else { return Ok(asked) };
        match asked {
            Some(Encryption::Customer(_)) if configured.blocks_customer_keys => {
                Err(S3Error::new(Code::AccessDenied)
                    .message("The bucket blocks encryption with customer provided keys."))
            }
            None if configured.aes256 => Ok(Some(Encryption::Managed)),
            asked => Ok(asked),
        }
    }

    /// Whose the request's bucket is: the owner of every object in it.
    pub(super) fn bucket_owner(&self) -> Result<&Owner, S3Error> {
        Ok(&self.own_bucket()?.owner)
    }

    /// What an error says it was about.
    pub(super) fn subject(&self) -> Subject<'_> {
        self.asked.subject(&self.region, self.request_id)
    }
}

impl Asked {
    /// What an error says it was about.
    pub(super) fn subject<'a>(&'a self, region: &'a str, id: RequestId) -> Subject<'a> {
        Subject {
            method: &self.method,
            resource: &self.path,
            bucket: self.bucket.as_deref(),
            key: self.key.as_deref(),
            region,
            id,
        }
    }
}
