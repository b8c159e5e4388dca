//! Who owns what is put into a bucket, and whether ACLs count (S3 User Guide, "Controlling ownership
//! of objects").

use std::collections::BTreeMap;

use crate::object::BucketName;

/// `ObjectOwnership`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Ownership {
    /// The bucket's owner owns everything; ACLs are off.
    #[default]
    BucketOwnerEnforced,
    /// The bucket's owner owns what is put with `bucket-owner-full-control`.
    BucketOwnerPreferred,
    /// Whoever puts an object owns it.
    ObjectWriter,
}

/// Whose the objects are of buckets that do not say so themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnershipDefaults {
    /// Of those that nothing else is said of.
    pub everywhere: Ownership,
    /// Of those of which something is said.
    pub buckets: BTreeMap<BucketName, Ownership>,
}

impl OwnershipDefaults {
    /// A bucket's.
    pub fn of(&self, bucket: &BucketName) -> Ownership {
        self.buckets.get(bucket).copied().unwrap_or(self.everywhere)
    }
}

impl Ownership {
    /// The setting of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "BucketOwnerEnforced" => Some(Self::BucketOwnerEnforced),
            "BucketOwnerPreferred" => Some(Self::BucketOwnerPreferred),
            "ObjectWriter" => Some(Self::ObjectWriter),
            _ => None,
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }

    /// Whether ACLs count.
    pub fn has_acls(self) -> bool {
        self != Self::BucketOwnerEnforced
    }
}
