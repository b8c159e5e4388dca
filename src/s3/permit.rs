//! Which actions an operation needs, and on what (Service Authorization Reference, "Actions defined
//! by Amazon S3"; S3 User Guide, "Required permissions for Amazon S3 API operations").

use super::header::{FORM_TAGS, Head};
use super::operation::{Configured, Operation, Setting};
use crate::auth::grants::{Action, Reach, Target};

/// What an operation needs of its own bucket and object. What it needs of another's, such as a
/// copy's source or each key of DeleteObjects, is asked for where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permit {
    /// All of these.
    pub(super) actions: Vec<Action>,
    /// What else the headers of a new object ask for. Who may make an object by an ACL alone is
    /// its owner, and needs no permission for these.
    pub(super) extras: Vec<Action>,
}

/// The parameter that keys of a listing begin with.
const PREFIX: &str = "prefix";

impl Permit {
    /// What the operation needs.
    pub(super) fn of(operation: Operation, head: &Head) -> Self {
        let actions = actions(operation, head);
        let extras = match operation {
            Operation::CreateBucket => bucket_extras(head),
            Operation::CopyObject
            | Operation::CreateMultipartUpload
            | Operation::PostObject
            | Operation::PutObject => object_extras(head),
            _ => Vec::new(),
        };
        Self { actions, extras }
    }
}

/// What the operation is done to.
pub(super) fn target(head: &Head) -> Target<'_> {
    match (&head.target().bucket, &head.target().key) {
        (None, _) => Target::Service,
        (Some(bucket), None) => Target::Bucket(bucket.as_str()),
        (Some(bucket), Some(key)) => Target::Object(bucket.as_str(), key.as_str()),
    }
}

/// Which keys an operation on a bucket could tell something about.
pub(super) fn reach(operation: Operation, head: &Head) -> Reach<'_> {
    match operation {
        Operation::HeadBucket | Operation::GetBucketLocation => Reach::Nothing,
        Operation::ListObjects
        | Operation::ListObjectsV2
        | Operation::ListObjectVersions
        | Operation::ListMultipartUploads => {
            Reach::Prefix(head.parameter(PREFIX).unwrap_or_default())
        }
        _ => Reach::Everything,
    }
}

fn actions(operation: Operation, head: &Head) -> Vec<Action> {
    use Action as A;
    let versioned = head.parameter("versionId").is_some();
    let either = |current, version| vec![if versioned { version } else { current }];
    match operation {
        // Each key of a deletion needs its own.
        Operation::DeleteObjects | Operation::Preflight => Vec::new(),
        Operation::AbortMultipartUpload => vec![A::AbortMultipartUpload],
        // Whoever asks whether the object is still the one they know has to be one who may read it.
        Operation::CompleteMultipartUpload | Operation::CopyObject | Operation::PutObject
            if head.has_header("if-match") =>
        {
            vec![A::PutObject, A::GetObject]
        }
        Operation::CompleteMultipartUpload
        | Operation::CopyObject
        | Operation::CreateMultipartUpload
        | Operation::PostObject
        | Operation::PutObject
        | Operation::UploadPart
        | Operation::UploadPartCopy => vec![A::PutObject],
        Operation::CreateBucket => vec![A::CreateBucket],
        Operation::DeleteBucket => vec![A::DeleteBucket],
        Operation::DeleteBucketTagging | Operation::PutBucketTagging => vec![A::PutBucketTagging],
        Operation::DeleteObject if !versioned && head.has_header("if-match") => {
            vec![A::DeleteObject, A::GetObject]
        }
        Operation::DeleteObject => either(A::DeleteObject, A::DeleteObjectVersion),
        Operation::DeleteObjectTagging => {
            either(A::DeleteObjectTagging, A::DeleteObjectVersionTagging)
        }
        Operation::GetBucketLocation => vec![A::GetBucketLocation],
        Operation::GetBucketTagging => vec![A::GetBucketTagging],
        Operation::GetObject | Operation::HeadObject => either(A::GetObject, A::GetObjectVersion),
        Operation::GetObjectAcl => either(A::GetObjectAcl, A::GetObjectVersionAcl),
        Operation::GetObjectAttributes if versioned => {
            vec![A::GetObjectVersion, A::GetObjectVersionAttributes]
        }
        Operation::GetObjectAttributes => vec![A::GetObject, A::GetObjectAttributes],
        Operation::GetObjectLegalHold => vec![A::GetObjectLegalHold],
        Operation::GetObjectRetention => vec![A::GetObjectRetention],
        Operation::GetObjectTagging => either(A::GetObjectTagging, A::GetObjectVersionTagging),
        Operation::GetObjectTorrent => either(A::GetObjectTorrent, A::GetObjectVersionTorrent),
        Operation::HeadBucket | Operation::ListObjects | Operation::ListObjectsV2 => {
            vec![A::ListBucket]
        }
        Operation::ListBuckets => vec![A::ListAllMyBuckets],
        Operation::ListMultipartUploads => vec![A::ListBucketMultipartUploads],
        Operation::ListObjectVersions => vec![A::ListBucketVersions],
        Operation::ListParts => vec![A::ListMultipartUploadParts],
        Operation::PutObjectAcl => either(A::PutObjectAcl, A::PutObjectVersionAcl),
        Operation::PutObjectTagging => either(A::PutObjectTagging, A::PutObjectVersionTagging),
        Operation::GetConfiguration(which) => vec![reads_configuration(which)],
        Operation::PutConfiguration(which) | Operation::DeleteConfiguration(which) => {
            vec![changes_configuration(which, operation)]
        }
        Operation::GetSetting(setting) => vec![reads(setting)],
        Operation::PutSetting(Setting::Policy) => vec![Action::PutBucketPolicy],
        Operation::PutSetting(setting) | Operation::DeleteSetting(setting) => {
            vec![removes(setting)]
        }
        Operation::Unserved(name) => vec![unserved(name, head.target().key.is_some())],
    }
}

fn reads_configuration(which: Configured) -> Action {
    match which {
        Configured::Cors => Action::GetBucketCORS,
        Configured::Encryption => Action::GetEncryptionConfiguration,
        Configured::Lifecycle => Action::GetLifecycleConfiguration,
        Configured::Website => Action::GetBucketWebsite,
    }
}

fn changes_configuration(which: Configured, operation: Operation) -> Action {
    match which {
        Configured::Cors => Action::PutBucketCORS,
        Configured::Encryption => Action::PutEncryptionConfiguration,
        Configured::Lifecycle => Action::PutLifecycleConfiguration,
        Configured::Website if operation == Operation::DeleteConfiguration(which) => {
            Action::DeleteBucketWebsite
        }
        Configured::Website => Action::PutBucketWebsite,
    }
}

fn reads(setting: Setting) -> Action {
    match setting {
        Setting::Accelerate => Action::GetAccelerateConfiguration,
        Setting::Acl => Action::GetBucketAcl,
        Setting::Logging => Action::GetBucketLogging,
        Setting::Notification => Action::GetBucketNotification,
        Setting::ObjectLock => Action::GetBucketObjectLockConfiguration,
        Setting::OwnershipControls => Action::GetBucketOwnershipControls,
        Setting::Policy => Action::GetBucketPolicy,
        Setting::PolicyStatus => Action::GetBucketPolicyStatus,
        Setting::PublicAccessBlock => Action::GetBucketPublicAccessBlock,
        Setting::Replication => Action::GetReplicationConfiguration,
        Setting::RequestPayment => Action::GetBucketRequestPayment,
        Setting::Versioning => Action::GetBucketVersioning,
    }
}

/// What setting or removing one needs; most have one action for both.
fn removes(setting: Setting) -> Action {
    match setting {
        Setting::Accelerate => Action::PutAccelerateConfiguration,
        Setting::Acl => Action::PutBucketAcl,
        Setting::Logging => Action::PutBucketLogging,
        Setting::Notification => Action::PutBucketNotification,
        Setting::ObjectLock => Action::PutBucketObjectLockConfiguration,
        Setting::OwnershipControls => Action::PutBucketOwnershipControls,
        Setting::Policy | Setting::PolicyStatus => Action::DeleteBucketPolicy,
        Setting::PublicAccessBlock => Action::PutBucketPublicAccessBlock,
        Setting::Replication => Action::PutReplicationConfiguration,
        Setting::RequestPayment => Action::PutBucketRequestPayment,
        Setting::Versioning => Action::PutBucketVersioning,
    }
}

/// What is not served is told to those alone who could do what it changes.
fn unserved(name: &str, on_object: bool) -> Action {
    match name {
        "PutObjectLegalHold" => Action::PutObjectLegalHold,
        "PutObjectRetention" => Action::PutObjectRetention,
        "PutBucketLogging" => Action::PutBucketLogging,
        "PutBucketNotificationConfiguration" => Action::PutBucketNotification,
        "PutBucketReplication" => Action::PutReplicationConfiguration,
        "PutBucketVersioning" => Action::PutBucketVersioning,
        _ if on_object => Action::PutObject,
        _ => Action::PutBucketOwnershipControls,
    }
}

fn object_extras(head: &Head) -> Vec<Action> {
    let tagging = head.has_header("x-amz-tagging") || head.field(FORM_TAGS).is_some();
    let tagging = tagging.then_some(Action::PutObjectTagging);
    tagging.into_iter().chain(acl(head).then_some(Action::PutObjectAcl)).collect()
}

fn bucket_extras(head: &Head) -> Vec<Action> {
    let ownership = head.has_header("x-amz-object-ownership");
    let ownership = ownership.then_some(Action::PutBucketOwnershipControls);
    ownership.into_iter().chain(acl(head).then_some(Action::PutBucketAcl)).collect()
}

/// Whether the headers say what the ACL is.
fn acl(head: &Head) -> bool {
    head.has_header("x-amz-acl") || head.headers_from("x-amz-grant-").next().is_some()
}

#[cfg(test)]
#[path = "permit_tests.rs"]
mod tests;
