//! The actions of S3 (Service Authorization Reference, "Actions, resources, and condition keys for
//! Amazon S3").

use super::malformed::Malformed;
use super::pattern::{Case, Pattern, Reading};

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// No bucket in particular.
    Service,
    /// A bucket.
    Bucket,
    /// An object.
    Object,
    /// Something that there is none of here; policies may name it.
    Elsewhere,
}

macro_rules! actions {
    ($($kind:ident: $($name:ident)*;)*) => {
        /// An action; the variants are the very words behind `s3:`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are those of the reference")]
        pub enum Action {
            $($($name,)*)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// The name with its prefix.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!("s3:", stringify!($name)),)*)*
                }
            }

            /// What it is done to.
            pub fn kind(self) -> ActionKind {
                match self {
                    $($(Self::$name)|* => ActionKind::$kind,)*
                }
            }
        }
    };
}

actions! {
    Service: ListAllMyBuckets;
    Bucket: CreateBucket DeleteBucket DeleteBucketOwnershipControls DeleteBucketPolicy
        DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAcl
        GetBucketCORS GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration
        GetBucketNotification GetBucketObjectLockConfiguration GetBucketOwnershipControls
        GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment
        GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration
        GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration
        GetMetricsConfiguration GetReplicationConfiguration ListBucket ListBucketMultipartUploads
        ListBucketVersions PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAcl
        PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration
        PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock
        PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
        PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration
        PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration;
    Object: AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging
        DeleteObjectVersion DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes
        GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion
        GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication
        GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication
        ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl
        PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl
        PutObjectVersionTagging ReplicateDelete ReplicateObject ReplicateTags RestoreObject
        UpdateObjectEncryption;
    Elsewhere: AssociateAccessGrantsIdentityCenter CreateAccessGrant CreateAccessPoint
        CreateAccessPointForObjectLambda CreateJob CreateMultiRegionAccessPoint
        CreateStorageLensGroup DeleteAccessPoint DeleteAccessPointPolicy DeleteJobTagging
        DeleteStorageLensConfiguration DescribeJob GetAccessPoint GetAccessPointPolicy
        GetAccessPointPolicyStatus GetAccountPublicAccessBlock GetDataAccess GetJobTagging
        GetStorageLensConfiguration GetStorageLensDashboard ListAccessGrants ListAccessPoints
        ListAccessPointsForObjectLambda ListJobs ListMultiRegionAccessPoints
        ListStorageLensConfigurations ListTagsForResource PauseReplication PutAccessPointPolicy
        PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock PutJobTagging
        PutStorageLensConfiguration TagResource UntagResource UpdateJobPriority UpdateJobStatus;
}

impl Action {
    /// Whether it changes nothing.
    pub fn is_read(self) -> bool {
        let name = self.name();
        name.starts_with("s3:Get") || name.starts_with("s3:List")
    }

    /// Whether it is done to an object that somebody made before, whose owner may be another than
    /// the bucket's.
    pub fn needs_object_owner(self) -> bool {
        matches!(
            self,
            Self::GetObject
                | Self::GetObjectAcl
                | Self::GetObjectAttributes
                | Self::GetObjectTagging
                | Self::GetObjectVersion
                | Self::GetObjectVersionAcl
                | Self::GetObjectVersionAttributes
                | Self::GetObjectVersionTagging
                | Self::PutObjectAcl
                | Self::PutObjectTagging
                | Self::PutObjectVersionAcl
                | Self::PutObjectVersionTagging
                | Self::DeleteObjectTagging
                | Self::DeleteObjectVersionTagging
        )
    }

    /// Whether it is about the bucket's policy, from which the bucket's owner cannot be locked out.
    pub(super) fn is_policy(self) -> bool {
        matches!(
            self,
            Self::GetBucketPolicy
                | Self::PutBucketPolicy
                | Self::DeleteBucketPolicy
                | Self::GetBucketPolicyStatus
        )
    }
}

/// The pattern of a policy's `Action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ActionPattern(Pattern);

impl ActionPattern {
    /// Reads `*`, or a service's prefix and a name; wildcards may stand in both. Behind `s3:` an
    /// action must exist that it stands for.
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let pattern = Pattern::parse(text, Reading::WILDCARDS).map_err(|_| Malformed::Action)?;
        let pattern = Self(pattern);
        let plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '?' | ':' | '-' | '_' | '.');
        let prefix = text.split_once(':').map(|(prefix, _)| prefix.to_ascii_lowercase());
        let known = match prefix.as_deref() {
            None => text == "*",
            Some("s3") => Action::ALL.iter().any(|action| pattern.matches(*action)),
            Some(other) => !other.is_empty(),
        };
        if known && text.chars().all(plain) { Ok(pattern) } else { Err(Malformed::Action) }
    }

    /// Whether it stands for the action.
    pub(super) fn matches(&self, action: Action) -> bool {
        self.0.matches_plain(action.name(), Case::Ignored)
    }

    /// The kinds of what it stands for are done to.
    pub(super) fn kinds(&self) -> impl Iterator<Item = ActionKind> {
        Action::ALL.iter().filter(|action| self.matches(**action)).map(|action| action.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(text: &str) -> bool {
        ActionPattern::parse(text).is_ok()
    }

    #[test]
    fn patterns_stand_for_actions_without_case() {
        let get = ActionPattern::parse("S3:getobject").unwrap();
        assert!(get.matches(Action::GetObject) && !get.matches(Action::GetObjectVersion));
        let list = ActionPattern::parse("s3:List*").unwrap();
        assert!(list.matches(Action::ListBucket) && list.matches(Action::ListAllMyBuckets));
        assert!(ActionPattern::parse("*").unwrap().matches(Action::PutObject));
    }

    #[test]
    fn what_no_action_is_called_is_refused() {
        assert!(parses("s3:*") && parses("sts:AssumeRole") && parses("s3:?etObject"));
        for text in
            ["", "s3", "GetObject", "s3:", "s3:Foo", "s3:Foo*", ":GetObject", "s3:Get Object"]
        {
            assert!(!parses(text), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_reference() {
        assert_eq!(Action::GetBucketCORS.name(), "s3:GetBucketCORS");
        assert!(Action::ListMultipartUploadParts.is_read() && !Action::PutObject.is_read());
        assert_eq!(Action::ALL.iter().filter(|a| a.kind() == ActionKind::Service).count(), 1);
    }
}
