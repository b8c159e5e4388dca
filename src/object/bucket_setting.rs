//! Which configurations a bucket can have, and what one of them is to whoever only keeps it.

use std::fmt;

use bytes::Bytes;

/// The longest document that is kept, in bytes.
pub const MAX_SETTING_BYTES: usize = 128 << 10;

macro_rules! settings {
    ($($(#[$docs:meta])* $variant:ident = $name:literal,)+) => {
        /// A configuration of a bucket. Each is set, read and removed on its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BucketSetting {
            $($(#[$docs])* $variant,)+
        }

        impl BucketSetting {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name under which it lies on the disk. It never changes, and none is used again
            /// for anything else.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

settings! {
    /// `PutBucketAcl`.
    Acl = "acl",
    /// `PutBucketCors`.
    Cors = "cors",
    /// `PutBucketEncryption`.
    Encryption = "encryption",
    /// `PutBucketLifecycleConfiguration`.
    Lifecycle = "lifecycle",
    /// `PutBucketOwnershipControls`.
    OwnershipControls = "ownership-controls",
    /// `PutBucketPolicy`.
    Policy = "policy",
    /// `PutPublicAccessBlock`.
    PublicAccessBlock = "public-access-block",
    /// `PutBucketVersioning`.
    Versioning = "versioning",
    /// `PutBucketWebsite`.
    Website = "website",
}

/// The text of a setting. Its owner knows how to read it, everyone else only keeps it.
///
/// Cheap to clone. Two clones of one document are [`SettingDocument::same`], whatever their
/// length: who made something out of a document can tell that way whether it still holds.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingDocument(Bytes);

/// A document is longer than [`MAX_SETTING_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document has {0} bytes, more than {MAX_SETTING_BYTES}")]
pub struct SettingTooLong(pub usize);

impl SettingDocument {
    /// A document of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, SettingTooLong> {
        let bytes = bytes.into();
        if bytes.len() > MAX_SETTING_BYTES {
            Err(SettingTooLong(bytes.len()))
        } else {
            Ok(Self(bytes))
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether `other` is a clone of this one. Two that were made apart are not the same, even
    /// where they are equal.
    pub fn same(&self, other: &Self) -> bool {
        self.0.as_ptr() == other.0.as_ptr() && self.0.len() == other.0.len()
    }
}

impl fmt::Debug for SettingDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SettingDocument({})", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_the_disks_own_and_differ() {
        let names: BTreeSet<&str> = BucketSetting::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), BucketSetting::ALL.len());
        assert!(!names.contains("tags"), "bucket tags lie under that name");
        let expected = "acl cors encryption lifecycle ownership-controls policy \
                        public-access-block versioning website";
        assert_eq!(names.into_iter().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn documents_are_bounded() {
        assert!(SettingDocument::new(vec![0; MAX_SETTING_BYTES]).is_ok());
        let long = SettingDocument::new(vec![0; MAX_SETTING_BYTES + 1]);
        assert_eq!(long, Err(SettingTooLong(MAX_SETTING_BYTES + 1)));
    }

    #[test]
    fn clones_are_the_same_and_equals_are_not() {
        let one = SettingDocument::new(b"text".to_vec()).unwrap();
        let equal = SettingDocument::new(b"text".to_vec()).unwrap();
        assert!(one.same(&one.clone()));
        assert_eq!(one, equal);
        assert!(!one.same(&equal));
    }
}
