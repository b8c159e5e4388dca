//! The S3 operations that the upstream is asked for, and what a key must be allowed for each.

/// An operation by its S3 name.
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
    GetBucketTagging,
    GetObject,
    GetObjectAcl,
    GetObjectAttributes,
    GetObjectTagging,
    HeadBucket,
    HeadObject,
    ListBuckets,
    ListMultipartUploads,
    ListObjectVersions,
    ListObjectsV2,
    ListParts,
    PutBucketTagging,
    PutObject,
    PutObjectAcl,
    PutObjectTagging,
    UploadPart,
    UploadPartCopy,
}

/// What a permission is granted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    Bucket,
    Objects,
}

/// A question to the upstream, for words about its answer.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// What was asked.
    pub(super) operation: Operation,
    /// Of which bucket of the upstream.
    pub(super) bucket: String,
    /// The prefix that the gateway's keys have there.
    pub(super) prefix: String,
}

impl Operation {
    /// The name in S3's documentation.
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    /// The IAM action (Service Authorization Reference, "Actions, resources, and condition keys
    /// for Amazon S3").
    fn action(self) -> &'static str {
        match self {
            Self::AbortMultipartUpload => "s3:AbortMultipartUpload",
            Self::CreateBucket => "s3:CreateBucket",
            Self::DeleteBucket => "s3:DeleteBucket",
            Self::DeleteBucketTagging | Self::PutBucketTagging => "s3:PutBucketTagging",
            Self::DeleteObject => "s3:DeleteObject",
            Self::DeleteObjectTagging => "s3:DeleteObjectTagging",
            Self::GetBucketTagging => "s3:GetBucketTagging",
            Self::GetObject | Self::HeadObject => "s3:GetObject",
            Self::GetObjectAcl => "s3:GetObjectAcl",
            Self::GetObjectAttributes => "s3:GetObjectAttributes",
            Self::GetObjectTagging => "s3:GetObjectTagging",
            Self::HeadBucket | Self::ListObjectsV2 => "s3:ListBucket",
            Self::ListBuckets => "s3:ListAllMyBuckets",
            Self::ListMultipartUploads => "s3:ListBucketMultipartUploads",
            Self::ListObjectVersions => "s3:ListBucketVersions",
            Self::ListParts => "s3:ListMultipartUploadParts",
            Self::PutObjectAcl => "s3:PutObjectAcl",
            Self::PutObjectTagging => "s3:PutObjectTagging",
            Self::CompleteMultipartUpload
            | Self::CopyObject
            | Self::CreateMultipartUpload
            | Self::PutObject
            | Self::UploadPart
            | Self::UploadPartCopy => "s3:PutObject",
        }
    }

    /// Whether its answers have no document.
    pub(super) fn is_head(self) -> bool {
        matches!(self, Self::HeadBucket | Self::HeadObject)
    }

    fn scope(self) -> Scope {
        match self {
            Self::ListBuckets => Scope::Everything,
            Self::CreateBucket
            | Self::DeleteBucket
            | Self::DeleteBucketTagging
            | Self::GetBucketTagging
            | Self::HeadBucket
            | Self::ListMultipartUploads
            | Self::ListObjectVersions
            | Self::ListObjectsV2
            | Self::PutBucketTagging => Scope::Bucket,
            _ => Scope::Objects,
        }
    }
}

impl Asked {
    /// The permission that the operation needs: `s3:PutObject on arn:aws:s3:::bucket/prefix*`.
    pub(super) fn permission(&self) -> String {
        let Self { operation, bucket, prefix } = self;
        let action = operation.action();
        match operation.scope() {
            Scope::Everything => format!("{action} on *"),
            Scope::Bucket => format!("{action} on arn:aws:s3:::{bucket}"),
            Scope::Objects => format!("{action} on arn:aws:s3:::{bucket}/{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_name_action_and_resource() {
        let of = |operation| {
            Asked { operation, bucket: "b".to_owned(), prefix: "p/".to_owned() }.permission()
        };
        assert_eq!(of(Operation::UploadPart), "s3:PutObject on arn:aws:s3:::b/p/*");
        assert_eq!(of(Operation::ListObjectsV2), "s3:ListBucket on arn:aws:s3:::b");
        assert_eq!(of(Operation::ListBuckets), "s3:ListAllMyBuckets on *");
        assert_eq!(Operation::HeadObject.name(), "HeadObject");
    }
}
