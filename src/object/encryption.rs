//! Encryption at rest as it is asked for and told (S3 User Guide, "Protecting data with
//! server-side encryption").

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

use super::BucketName;

/// What a write asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// SSE-S3: with a key of the store's own (`x-amz-server-side-encryption: AES256`).
    Managed,
    /// SSE-C: with the customer's key, which is never kept.
    Customer(CustomerKey),
}

/// How an object, upload or part is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encrypted {
    /// With a key of the store's own.
    Managed {
        /// Whether the client asked for it; otherwise it was the bucket's default, and no one
        /// else is asked for the same.
        asked: bool,
    },
    /// With a customer's key, without which nothing of it can be read.
    Customer,
}

/// A key that a customer sends with each request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CustomerKey {
    key: [u8; 32],
    md5: [u8; 16],
}

/// Why texts are not a customer's key. The words are S3's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CustomerKeyError {
    /// Not 32 bytes in base64.
    #[error("The secret key was invalid for the specified algorithm.")]
    Key,
    /// The digest is that of another key, or none at all.
    #[error("The calculated MD5 hash of the key did not match the hash that was provided.")]
    Md5,
}

/// What is wrong with a customer's key that a request gave, or did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The object cannot be read without one.
    #[error("the object is encrypted with a customer's key, and none was given")]
    Missing,
    /// The object is not encrypted with one.
    #[error("the object is not encrypted with a customer's key, and one was given")]
    Unneeded,
    /// It is not the object's.
    #[error("the customer's key is not the object's")]
    Wrong,
    /// The upload was started with one, and the part came without.
    #[error("the upload is encrypted with a customer's key, and the part came without")]
    PartMissing,
    /// The upload was started without one.
    #[error("the upload is not encrypted with a customer's key, and the part came with one")]
    PartUnneeded,
    /// The upload was started with another.
    #[error("the customer's key of the part is not the upload's")]
    PartWrong,
}

/// Which buckets encrypt what nobody asked to be encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionDefaults {
    /// Those that nothing else is said of.
    pub everywhere: bool,
    /// Those of which something is said.
    pub buckets: BTreeMap<BucketName, bool>,
}

/// Whether the document of a bucket's default encryption says that it encrypts with the store's own
/// key: for stores, which know nothing of the document's language but that it was checked.
pub fn encrypts_by_default(document: &[u8]) -> bool {
    let says = b"<SSEAlgorithm>AES256</SSEAlgorithm>";
    document.windows(says.len()).any(|window| window == says)
}

impl EncryptionDefaults {
    /// Whether a bucket does.
    pub fn of(&self, bucket: &BucketName) -> bool {
        self.buckets.get(bucket).copied().unwrap_or(self.everywhere)
    }
}

impl CustomerKey {
    /// A key of those bytes.
    pub fn new(key: [u8; 32]) -> Self {
        let md5 = Md5::digest(key).into();
        Self { key, md5 }
    }

    /// Reads a key and its MD5, both in base64.
    pub fn parse(key: &str, md5: &str) -> Result<Self, CustomerKeyError> {
        let key = BASE64_STANDARD.decode(key.trim()).map_err(|_| CustomerKeyError::Key)?;
        let key = Self::new(key.try_into().map_err(|_| CustomerKeyError::Key)?);
        let given = BASE64_STANDARD.decode(md5.trim()).map_err(|_| CustomerKeyError::Md5)?;
        if given == key.md5 { Ok(key) } else { Err(CustomerKeyError::Md5) }
    }

    /// The key's bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    /// The key in base64.
    pub fn expose_base64(&self) -> String {
        BASE64_STANDARD.encode(self.key)
    }

    /// Its MD5 in base64, which answers repeat.
    pub fn md5_base64(&self) -> String {
        BASE64_STANDARD.encode(self.md5)
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(hidden)")
    }
}

impl Encryption {
    /// The customer's key, where it is one.
    pub fn customer_key(&self) -> Option<&CustomerKey> {
        match self {
            Self::Managed => None,
            Self::Customer(key) => Some(key),
        }
    }

    /// How what is stored so is encrypted.
    pub fn told(&self) -> Encrypted {
        match self {
            Self::Managed => Encrypted::Managed { asked: true },
            Self::Customer(_) => Encrypted::Customer,
        }
    }
}

impl Encrypted {
    /// Whether a client asked for it.
    pub fn was_asked(encrypted: Option<Self>) -> bool {
        matches!(encrypted, Some(Self::Managed { asked: true }))
    }

    /// What the gateway's own disk is asked for where it takes over what lay upstream: whatever was
    /// encrypted there, or was to be, is not in the clear here. Services that encrypt everything do
    /// not tell what was asked of them.
    pub fn taken_home(encrypted: Option<Self>, asked: bool) -> Option<Encryption> {
        let managed = matches!(encrypted, Some(Self::Managed { .. }));
        (asked || managed).then_some(Encryption::Managed)
    }

    /// What whoever takes the object over is asked for; nothing that it would not have been asked
    /// for by the client, and nothing that needs the customer's key.
    pub fn passed_on(encrypted: Option<Self>) -> Option<Encryption> {
        match encrypted {
            Some(Self::Managed { asked: true }) => Some(Encryption::Managed),
            Some(Self::Managed { asked: false } | Self::Customer) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customer_keys_are_read_and_never_shown() {
        let bytes = [7; 32];
        let (text, md5) =
            (BASE64_STANDARD.encode(bytes), BASE64_STANDARD.encode(Md5::digest(bytes)));
        let key = CustomerKey::parse(&text, &md5).unwrap();
        assert_eq!(key, CustomerKey::new(bytes));
        assert_eq!((key.expose_base64(), key.md5_base64()), (text.clone(), md5.clone()));
        assert_eq!(format!("{key:?}"), "CustomerKey(hidden)");
        for wrong in ["", "not base64", "AAAA", &BASE64_STANDARD.encode([7; 33])] {
            assert_eq!(CustomerKey::parse(wrong, &md5), Err(CustomerKeyError::Key), "{wrong}");
        }
        for wrong in ["", "x", &BASE64_STANDARD.encode([0; 16])] {
            assert_eq!(CustomerKey::parse(&text, wrong), Err(CustomerKeyError::Md5), "{wrong}");
        }
    }

    #[test]
    fn a_bucket_of_which_something_is_said_is_no_other() {
        let name = |text| BucketName::parse(text).unwrap();
        let buckets = [(name("open"), false), (name("sealed"), true)].into();
        let mut defaults = EncryptionDefaults { everywhere: false, buckets };
        let all = |it: &EncryptionDefaults| ["open", "sealed", "rest"].map(|at| it.of(&name(at)));
        assert_eq!(all(&defaults), [false, true, false]);
        defaults.everywhere = true;
        assert_eq!(all(&defaults), [false, true, true]);
    }

    #[test]
    fn a_document_says_that_its_bucket_encrypts() {
        let of = |algorithm| format!("<Rule><SSEAlgorithm>{algorithm}</SSEAlgorithm></Rule>");
        assert!(encrypts_by_default(of("AES256").as_bytes()));
        assert!(!encrypts_by_default(of("aws:kms").as_bytes()));
        assert!(!encrypts_by_default(b""));
    }

    #[test]
    fn what_was_encrypted_elsewhere_is_encrypted_at_home() {
        let taken = Encrypted::taken_home;
        for asked in [false, true] {
            let managed = Some(Encrypted::Managed { asked });
            assert_eq!(taken(managed, false), Some(Encryption::Managed));
        }
        assert_eq!(taken(None, true), Some(Encryption::Managed));
        assert_eq!(taken(None, false), None);
    }

    #[test]
    fn only_what_was_asked_for_is_passed_on() {
        let passed = Encrypted::passed_on;
        assert_eq!(passed(Some(Encrypted::Managed { asked: true })), Some(Encryption::Managed));
        assert_eq!(passed(Some(Encrypted::Managed { asked: false })), None);
        assert_eq!(passed(Some(Encrypted::Customer)), None);
        assert_eq!(passed(None), None);
    }
}
