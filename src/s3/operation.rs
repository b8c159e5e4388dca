//! The operations by name, and what each needs to be allowed.

/// What a request asks for. Matched without a wildcard wherever it decides something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CopyObject,
    CreateBucket,
    CreateMultipartUpload,
    DeleteBucket,
    DeleteBucketTagging,
    DeleteObject,
    DeleteObjectTagging,
    DeleteObjects,
    GetBucketLocation,
    GetBucketTagging,
    GetObject,
    GetObjectAcl,
    GetObjectAttributes,
    GetObjectLegalHold,
    GetObjectRetention,
    GetObjectTagging,
    GetObjectTorrent,
    HeadBucket,
    HeadObject,
    ListBuckets,
    ListMultipartUploads,
    ListObjectVersions,
    ListObjects,
    ListObjectsV2,
    ListParts,
    PostObject,
    Preflight,
    PutBucketTagging,
    PutObject,
    PutObjectAcl,
    PutObjectTagging,
    UploadPart,
    UploadPartCopy,
    /// Reads a bucket's configuration.
    GetConfiguration(Configured),
    /// Sets a bucket's configuration.
    PutConfiguration(Configured),
    /// Removes a bucket's configuration.
    DeleteConfiguration(Configured),
    /// Reads a bucket setting.
    GetSetting(Setting),
    /// Sets who may do what with a bucket.
    PutSetting(Setting),
    /// Removes a bucket setting.
    DeleteSetting(Setting),
    /// An operation that is not served, by its name or its sub-resource's.
    Unserved(&'static str),
}

/// A configuration of a bucket that is kept as a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Configured {
    Cors,
    Encryption,
    Lifecycle,
    Website,
}

/// A bucket's setting: who may do what with it, and those that have their initial value everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Accelerate,
    Acl,
    Logging,
    Notification,
    ObjectLock,
    OwnershipControls,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    Replication,
    RequestPayment,
    Versioning,
}

/// What an operation does to what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing: browsers ask without credentials.
    Anyone,
    /// Reads what belongs to the caller, in no particular bucket.
    Service,
    /// Makes a bucket, which is not there to ask.
    NewBucket,
    /// Reads a bucket or something in it.
    Read,
    /// Changes a bucket or something in it.
    Write,
}

impl Operation {
    /// The name in the S3 API Reference.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::CopyObject => "CopyObject",
            Self::CreateBucket => "CreateBucket",
            Self::CreateMultipartUpload => "CreateMultipartUpload",
            Self::DeleteBucket => "DeleteBucket",
            Self::DeleteBucketTagging => "DeleteBucketTagging",
            Self::DeleteObject => "DeleteObject",
            Self::DeleteObjectTagging => "DeleteObjectTagging",
            Self::DeleteObjects => "DeleteObjects",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::GetBucketTagging => "GetBucketTagging",
            Self::GetObject => "GetObject",
            Self::GetObjectAcl => "GetObjectAcl",
            Self::GetObjectAttributes => "GetObjectAttributes",
            Self::GetObjectLegalHold => "GetObjectLegalHold",
            Self::GetObjectRetention => "GetObjectRetention",
            Self::GetObjectTagging => "GetObjectTagging",
            Self::GetObjectTorrent => "GetObjectTorrent",
            Self::HeadBucket => "HeadBucket",
            Self::HeadObject => "HeadObject",
            Self::ListBuckets => "ListBuckets",
            Self::ListMultipartUploads => "ListMultipartUploads",
            Self::ListObjectVersions => "ListObjectVersions",
            Self::ListObjects => "ListObjects",
            Self::ListObjectsV2 => "ListObjectsV2",
            Self::ListParts => "ListParts",
            Self::PostObject => "PostObject",
            Self::Preflight => "Preflight",
            Self::PutBucketTagging => "PutBucketTagging",
            Self::PutObject => "PutObject",
            Self::PutObjectAcl => "PutObjectAcl",
            Self::PutObjectTagging => "PutObjectTagging",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::GetConfiguration(which) => which.get_name(),
            Self::PutConfiguration(which) => which.put_name(),
            Self::DeleteConfiguration(which) => which.delete_name(),
            Self::GetSetting(setting) => setting.get_name(),
            Self::PutSetting(setting) => setting.put_name(),
            Self::DeleteSetting(setting) => setting.delete_name(),
            Self::Unserved(name) => name,
        }
    }

    /// What it needs to be allowed.
    pub(super) fn access(self) -> Access {
        match self {
            Self::Preflight => Access::Anyone,
            Self::ListBuckets => Access::Service,
            Self::CreateBucket => Access::NewBucket,
            Self::GetBucketLocation
            | Self::GetBucketTagging
            | Self::GetObject
            | Self::GetObjectAcl
            | Self::GetObjectAttributes
            | Self::GetObjectLegalHold
            | Self::GetObjectRetention
            | Self::GetObjectTagging
            | Self::GetObjectTorrent
            | Self::GetConfiguration(_)
            | Self::GetSetting(_)
            | Self::HeadBucket
            | Self::HeadObject
            | Self::ListMultipartUploads
            | Self::ListObjectVersions
            | Self::ListObjects
            | Self::ListObjectsV2
            | Self::ListParts => Access::Read,
            Self::AbortMultipartUpload
            | Self::CompleteMultipartUpload
            | Self::CopyObject
            | Self::CreateMultipartUpload
            | Self::DeleteBucket
            | Self::DeleteBucketTagging
            | Self::DeleteObject
            | Self::DeleteObjectTagging
            | Self::DeleteObjects
            | Self::DeleteConfiguration(_)
            | Self::DeleteSetting(_)
            | Self::PostObject
            | Self::PutBucketTagging
            | Self::PutConfiguration(_)
            | Self::PutObject
            | Self::PutObjectAcl
            | Self::PutObjectTagging
            | Self::PutSetting(_)
            | Self::Unserved(_)
            | Self::UploadPart
            | Self::UploadPartCopy => Access::Write,
        }
    }

    /// Whether it fails where its object is not there, so that it tells whether there is one.
    pub(super) fn tells_existence(self) -> bool {
        matches!(
            self,
            Self::GetObject
                | Self::GetObjectAcl
                | Self::GetObjectAttributes
                | Self::GetObjectLegalHold
                | Self::GetObjectRetention
                | Self::GetObjectTagging
                | Self::GetObjectTorrent
                | Self::DeleteObjectTagging
                | Self::HeadObject
                | Self::PutObject
                | Self::PutObjectAcl
                | Self::PutObjectTagging
        )
    }

    /// Whether its body may be framed as aws-chunked.
    pub(super) fn takes_chunks(self) -> bool {
        matches!(self, Self::PutObject | Self::UploadPart)
    }

    /// Whether parameters may replace headers of its response.
    pub(super) fn takes_overrides(self) -> bool {
        matches!(self, Self::GetObject | Self::HeadObject)
    }

    /// Whether it copies, so that `x-amz-copy-source` means something.
    pub(super) fn copies(self) -> bool {
        matches!(self, Self::CopyObject | Self::UploadPartCopy)
    }
}

impl Configured {
    fn get_name(self) -> &'static str {
        match self {
            Self::Cors => "GetBucketCors",
            Self::Encryption => "GetBucketEncryption",
            Self::Lifecycle => "GetBucketLifecycleConfiguration",
            Self::Website => "GetBucketWebsite",
        }
    }

    fn put_name(self) -> &'static str {
        match self {
            Self::Cors => "PutBucketCors",
            Self::Encryption => "PutBucketEncryption",
            Self::Lifecycle => "PutBucketLifecycleConfiguration",
            Self::Website => "PutBucketWebsite",
        }
    }

    fn delete_name(self) -> &'static str {
        match self {
            Self::Cors => "DeleteBucketCors",
            Self::Encryption => "DeleteBucketEncryption",
            Self::Lifecycle => "DeleteBucketLifecycle",
            Self::Website => "DeleteBucketWebsite",
        }
    }
}

impl Setting {
    fn get_name(self) -> &'static str {
        match self {
            Self::Accelerate => "GetBucketAccelerateConfiguration",
            Self::Acl => "GetBucketAcl",
            Self::Logging => "GetBucketLogging",
            Self::Notification => "GetBucketNotificationConfiguration",
            Self::ObjectLock => "GetObjectLockConfiguration",
            Self::OwnershipControls => "GetBucketOwnershipControls",
            Self::Policy => "GetBucketPolicy",
            Self::PolicyStatus => "GetBucketPolicyStatus",
            Self::PublicAccessBlock => "GetPublicAccessBlock",
            Self::Replication => "GetBucketReplication",
            Self::RequestPayment => "GetBucketRequestPayment",
            Self::Versioning => "GetBucketVersioning",
        }
    }

    fn put_name(self) -> &'static str {
        match self {
            Self::Accelerate => "PutBucketAccelerateConfiguration",
            Self::Acl => "PutBucketAcl",
            Self::Logging => "PutBucketLogging",
            Self::Notification => "PutBucketNotificationConfiguration",
            Self::ObjectLock => "PutObjectLockConfiguration",
            Self::OwnershipControls => "PutBucketOwnershipControls",
            Self::Policy => "PutBucketPolicy",
            Self::PolicyStatus => "PutBucketPolicyStatus",
            Self::PublicAccessBlock => "PutPublicAccessBlock",
            Self::Replication => "PutBucketReplication",
            Self::RequestPayment => "PutBucketRequestPayment",
            Self::Versioning => "PutBucketVersioning",
        }
    }

    fn delete_name(self) -> &'static str {
        match self {
            Self::Accelerate => "DeleteBucketAccelerateConfiguration",
            Self::Acl => "DeleteBucketAcl",
            Self::Logging => "DeleteBucketLogging",
            Self::Notification => "DeleteBucketNotification",
            Self::ObjectLock => "DeleteObjectLockConfiguration",
            Self::OwnershipControls => "DeleteBucketOwnershipControls",
            Self::Policy => "DeleteBucketPolicy",
            Self::PolicyStatus => "DeleteBucketPolicyStatus",
            Self::PublicAccessBlock => "DeletePublicAccessBlock",
            Self::Replication => "DeleteBucketReplication",
            Self::RequestPayment => "DeleteBucketRequestPayment",
            Self::Versioning => "DeleteBucketVersioning",
        }
    }
}
