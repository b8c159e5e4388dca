//! Which of S3's own condition keys a request for an action has (Service Authorization Reference,
//! "Actions, resources, and condition keys for Amazon S3").
//!
//! Whoever asks chooses their headers and parameters: one that an action has no use for must never
//! make a statement hold.

use super::action::{Action, ActionKind};
use super::pattern::ConditionKey;

/// Keys that every action has.
const ALWAYS: [&str; 8] = [
    "s3:accesspointnetworkorigin",
    "s3:authtype",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:x-amz-content-sha256",
];

const LISTING: [&str; 3] = ["s3:prefix", "s3:delimiter", "s3:max-keys"];

const ACL: [&str; 6] = [
    "s3:x-amz-acl",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
];

/// Keys of new objects, beside those of their ACLs and tags.
const NEW_OBJECT: [&str; 14] = [
    "s3:if-match",
    "s3:if-none-match",
    "s3:object-lock-legal-hold",
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
    "s3:objectcreationoperation",
    "s3:x-amz-copy-source",
    "s3:x-amz-copy-source-server-side-encryption-customer-algorithm",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
];

/// Whether requests for the action have such a key. What is not S3's own they all may have.
pub(super) fn has(action: Action, key: &ConditionKey) -> bool {
    let name = key.as_str();
    if !name.starts_with("s3:") || ALWAYS.contains(&name) || action.kind() == ActionKind::Elsewhere
    {
        return true;
    }
    let requested = name == "s3:requestobjecttagkeys" || name.starts_with("s3:requestobjecttag/");
    let existing = name.starts_with("s3:existingobjecttag/");
    match action {
        Action::ListBucket | Action::ListBucketVersions => LISTING.contains(&name),
        Action::CreateBucket => ACL.contains(&name) || name == "s3:x-amz-object-ownership",
        Action::PutBucketAcl => ACL.contains(&name),
        Action::PutObject => {
            requested
                || ACL.contains(&name)
                || NEW_OBJECT.contains(&name)
                || name == "s3:x-amz-website-redirect-location"
        }
        Action::PutObjectAcl | Action::PutObjectVersionAcl => {
            existing
                || ACL.contains(&name)
                || name == "s3:x-amz-storage-class"
                || is_version(action, name)
        }
        Action::PutObjectTagging | Action::PutObjectVersionTagging => {
            existing || requested || is_version(action, name)
        }
        Action::DeleteObject => name == "s3:if-match",
        Action::DeleteObjectTagging
        | Action::DeleteObjectVersionTagging
        | Action::GetObject
        | Action::GetObjectAcl
        | Action::GetObjectAttributes
        | Action::GetObjectTagging
        | Action::GetObjectVersion
        | Action::GetObjectVersionAcl
        | Action::GetObjectVersionAttributes
        | Action::GetObjectVersionTagging => existing || is_version(action, name),
        other => is_version(other, name),
    }
}

/// Whether it is the key of actions on versions that names the version.
fn is_version(action: Action, name: &str) -> bool {
    name == "s3:versionid"
        && action.kind() == ActionKind::Object
        && action.name().contains("Version")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions_with(key: &str) -> usize {
        let key = ConditionKey::new(key);
        let kinds = [ActionKind::Bucket, ActionKind::Object];
        let ours = Action::ALL.iter().filter(|action| kinds.contains(&action.kind()));
        ours.filter(|action| has(**action, &key)).count()
    }

    #[test]
    fn keys_belong_to_the_actions_that_have_a_use_for_them() {
        for (key, count) in [
            ("s3:prefix", 2),
            ("s3:max-keys", 2),
            ("s3:x-amz-acl", 5),
            ("s3:x-amz-copy-source", 1),
            ("s3:if-none-match", 1),
            ("s3:if-match", 2),
            ("s3:RequestObjectTag/a", 3),
            ("s3:ExistingObjectTag/a", 14),
        ] {
            assert_eq!(actions_with(key), count, "{key}");
        }
        assert!(!has(Action::PutBucketPolicy, &ConditionKey::new("s3:prefix")));
        assert!(!has(Action::DeleteObject, &ConditionKey::new("s3:ExistingObjectTag/a")));
        assert!(!has(Action::PutObject, &ConditionKey::new("s3:VersionId")));
        assert!(has(Action::GetObjectVersion, &ConditionKey::new("s3:VersionId")));
        assert!(has(Action::DeleteBucket, &ConditionKey::new("aws:SourceIp")));
        assert!(has(Action::DeleteBucket, &ConditionKey::new("s3:authType")));
    }
}
