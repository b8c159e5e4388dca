//! How a bucket's new objects are encrypted where a request does not say (S3 User Guide, "Setting
//! default server-side encryption behavior"). Pure; encrypts nothing.

use bytes::Bytes;

use super::configured::Configuration;
use super::error::{Code, S3Error};
use super::xml::{self, DefaultEncryptionDocument, EncryptionDocument};
use crate::object::BucketSetting;

const AES256: &str = "AES256";
/// What needs a key management service.
const KMS: [&str; 2] = ["aws:kms", "aws:kms:dsse"];
const CUSTOMER_KEYS: &str = "SSE-C";

/// A bucket's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BucketEncryption {
    /// Whether objects are encrypted with the gateway's keys (`AES256`).
    pub(super) aes256: bool,
    /// Whether writes with a customer's key are refused (`BlockedEncryptionTypes`).
    pub(super) blocks_customer_keys: bool,
}

impl Configuration for BucketEncryption {
    const SETTING: BucketSetting = BucketSetting::Encryption;

    fn check(bytes: &[u8]) -> Result<Bytes, S3Error> {
        let document = EncryptionDocument::parse(bytes)?;
        document.default.as_ref().map_or(Ok(()), check_default)?;
        for blocked in document.blocked.iter().flatten() {
            if blocked != CUSTOMER_KEYS && blocked != "NONE" {
                return Err(malformed());
            }
        }
        Ok(xml::document(EncryptionDocument::ROOT, |writer| document.write(writer)))
    }

    fn read(bytes: &[u8]) -> Result<Self, S3Error> {
        let document = EncryptionDocument::parse(bytes)?;
        Ok(Self {
            aes256: document.default.is_some_and(|default| default.algorithm == AES256),
            blocks_customer_keys: document.blocked.iter().flatten().any(|it| it == CUSTOMER_KEYS),
        })
    }
}

impl BucketEncryption {
    /// The document of a bucket whose objects are encrypted with the gateway's keys.
    pub(super) fn aes256_document() -> Bytes {
        let algorithm = AES256.to_owned();
        let default =
            DefaultEncryptionDocument { algorithm, ..DefaultEncryptionDocument::default() };
        let document =
            EncryptionDocument { default: Some(default), ..EncryptionDocument::default() };
        xml::document(EncryptionDocument::ROOT, |writer| document.write(writer))
    }
}

fn check_default(default: &DefaultEncryptionDocument) -> Result<(), S3Error> {
    let algorithm = default.algorithm.as_str();
    if KMS.contains(&algorithm) {
        return Err(S3Error::new(Code::NotImplemented).message(format!(
            "There is no key management service here, so that SSEAlgorithm {algorithm} cannot be \
             used. Use AES256."
        )));
    }
    if algorithm != AES256 {
        return Err(malformed());
    }
    match &default.kms_key {
        None => Ok(()),
        Some(key) => Err(S3Error::invalid_argument(
            "ApplyServerSideEncryptionByDefault",
            key,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms",
        )),
    }
}

fn malformed() -> S3Error {
    S3Error::new(Code::MalformedXML)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str) -> Result<BucketEncryption, Code> {
        let root = EncryptionDocument::ROOT;
        let document = format!("<{root}><Rule>{content}</Rule></{root}>");
        let stored = BucketEncryption::check(document.as_bytes()).map_err(|error| error.code())?;
        Ok(BucketEncryption::read(&stored).unwrap())
    }

    fn by_default(algorithm: &str, rest: &str) -> String {
        format!(
            "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>{rest}\
             </ApplyServerSideEncryptionByDefault>"
        )
    }

    #[test]
    fn the_gateways_own_encryption_can_be_the_default() {
        let plain = BucketEncryption { aes256: true, blocks_customer_keys: false };
        assert_eq!(check(&by_default("AES256", "")), Ok(plain));
        let with_key = by_default("AES256", "") + "<BucketKeyEnabled>true</BucketKeyEnabled>";
        assert_eq!(check(&with_key), Ok(plain));
        let only_key = "<BucketKeyEnabled>false</BucketKeyEnabled>";
        assert_eq!(check(only_key), Ok(BucketEncryption { aes256: false, ..plain }));
        for (blocked, blocks_customer_keys) in [("SSE-C", true), ("NONE", false)] {
            let blocked = format!(
                "<BlockedEncryptionTypes><EncryptionType>{blocked}</EncryptionType>\
                 </BlockedEncryptionTypes>"
            );
            let expected = BucketEncryption { blocks_customer_keys, ..plain };
            assert_eq!(check(&(by_default("AES256", "") + &blocked)), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for algorithm in KMS {
            assert_eq!(check(&by_default(algorithm, "")), Err(Code::NotImplemented));
        }
        for algorithm in ["", "aes256", "AES128"] {
            assert_eq!(check(&by_default(algorithm, "")), Err(Code::MalformedXML));
        }
        let key = by_default("AES256", "<KMSMasterKeyID>k</KMSMasterKeyID>");
        assert_eq!(check(&key), Err(Code::InvalidArgument));
        let blocked = "<BlockedEncryptionTypes><EncryptionType>SSE-X</EncryptionType>\
                       </BlockedEncryptionTypes>";
        assert_eq!(check(blocked), Err(Code::MalformedXML));
        assert_eq!(check(""), Err(Code::MalformedXML));
    }
}
