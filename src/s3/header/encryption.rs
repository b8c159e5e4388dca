//! Headers of server-side encryption, asked and told (S3 User Guide, "Protecting data with
//! server-side encryption").

use super::Head;
use crate::object::{CustomerKey, CustomerKeyError, Encrypted, Encryption};
use crate::s3::error::{Code, S3Error};
use crate::s3::reply::Reply;

const MANAGED: &str = "x-amz-server-side-encryption";
const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";
const CUSTOMER: &str = "x-amz-server-side-encryption-customer-";
const SOURCE: &str = "x-amz-copy-source-server-side-encryption-customer-";
const AES256: &str = "AES256";

/// What a request that stores an object asks for.
pub(in crate::s3) fn encryption(head: &Head) -> Result<Option<Encryption>, S3Error> {
    let managed = managed(head)?;
    match (customer_key_of(head, CUSTOMER)?, managed) {
        (Some(_), true) => Err(S3Error::invalid_argument(
            ALGORITHM,
            AES256,
            "Server Side Encryption with Customer provided key is incompatible with the \
             encryption method specified",
        )),
        (Some(key), false) => Ok(Some(Encryption::Customer(key))),
        (None, true) => Ok(Some(Encryption::Managed)),
        (None, false) => Ok(None),
    }
}

/// The customer's key of a request that reads an object or stores a part of one.
pub(in crate::s3) fn customer_key(head: &Head) -> Result<Option<CustomerKey>, S3Error> {
    if let Some(value) = head.header(MANAGED) {
        return Err(S3Error::invalid_argument(
            MANAGED,
            value,
            "x-amz-server-side-encryption header is not supported for this operation.",
        ));
    }
    customer_key_of(head, CUSTOMER)
}

/// The customer's key with which an upload was begun that is to be completed. That it is encrypted
/// otherwise was said when it was begun, and is not said again.
pub(in crate::s3) fn completing_key(head: &Head) -> Result<Option<CustomerKey>, S3Error> {
    customer_key_of(head, CUSTOMER)
}

/// The customer's key of the source of a copy.
pub(in crate::s3) fn source_key(head: &Head) -> Result<Option<CustomerKey>, S3Error> {
    customer_key_of(head, SOURCE)
}

/// Says how something is encrypted. `key` is the customer's, as the request gave it.
pub(in crate::s3) fn tell_encryption(
    reply: Reply,
    encryption: Option<Encrypted>,
    key: Option<&CustomerKey>,
) -> Reply {
    match (encryption, key) {
        (Some(Encrypted::Managed { .. }), _) => reply.amz(MANAGED, AES256),
        (Some(Encrypted::Customer), Some(key)) => {
            reply.amz(ALGORITHM, AES256).amz(KEY_MD5, key.md5_base64())
        }
        (Some(Encrypted::Customer), None) => reply.amz(ALGORITHM, AES256),
        (None, _) => reply,
    }
}

/// Whether a request asks for encryption with the store's own key.
fn managed(head: &Head) -> Result<bool, S3Error> {
    for kms in ["aws-kms-key-id", "context", "bucket-key-enabled"] {
        let name = format!("{MANAGED}-{kms}");
        // What is false asks for nothing.
        if head.header(&name).is_some_and(|value| !value.eq_ignore_ascii_case("false")) {
            return Err(S3Error::not_implemented(&name));
        }
    }
    match head.header(MANAGED).as_deref() {
        None => Ok(false),
        Some(AES256) => Ok(true),
        Some(kms @ ("aws:kms" | "aws:kms:dsse")) => {
            Err(S3Error::not_implemented(&format!("{MANAGED}: {kms}")))
        }
        Some(other) => Err(S3Error::new(Code::InvalidEncryptionAlgorithmError)
            .with("ArgumentName", MANAGED)
            .with("ArgumentValue", other)),
    }
}

fn customer_key_of(head: &Head, prefix: &'static str) -> Result<Option<CustomerKey>, S3Error> {
    let of = |rest| head.header(&format!("{prefix}{rest}"));
    let (algorithm, key, md5) = (of("algorithm"), of("key"), of("key-md5"));
    if algorithm.is_none() && key.is_none() && md5.is_none() {
        return Ok(None);
    }
    if !head.is_secure() {
        return Err(S3Error::invalid_request(
            "Requests specifying Server Side Encryption with Customer provided keys must be made \
             over a secure connection.",
        ));
    }
    // The value is never repeated: it may be the key, in the wrong place.
    let invalid = |message: String| {
        Err(S3Error::new(Code::InvalidArgument).message(message).with("ArgumentName", prefix))
    };
    let requests = "Requests specifying Server Side Encryption with Customer provided keys must \
                    provide";
    match algorithm.as_deref() {
        Some(AES256) => {}
        Some(_) => return Err(S3Error::new(Code::InvalidEncryptionAlgorithmError)),
        None => return invalid(format!("{requests} a valid encryption algorithm.")),
    }
    let Some(key) = key else { return invalid(format!("{requests} an appropriate secret key.")) };
    let Some(md5) = md5 else {
        return invalid(format!("{requests} the client calculated MD5 of the secret key."));
    };
    match CustomerKey::parse(&key, &md5) {
        Ok(key) => Ok(Some(key)),
        Err(error @ (CustomerKeyError::Key | CustomerKeyError::Md5)) => invalid(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use md5::{Digest, Md5};

    use super::*;
    use crate::s3::addressing::Target;
    use crate::s3::header::tests::{head, near};

    fn key_text() -> (String, String) {
        (BASE64_STANDARD.encode([7; 32]), BASE64_STANDARD.encode(Md5::digest([7; 32])))
    }

    #[test]
    fn managed_encryption_is_taken_and_foreign_keys_are_not() {
        let asked = |headers: &[(&str, &str)]| {
            encryption(&head("PUT", "/b12/k", headers)).map_err(|error| error.code())
        };
        let name = "x-amz-server-side-encryption";
        assert_eq!(asked(&[]), Ok(None));
        assert_eq!(asked(&[(name, "AES256")]), Ok(Some(Encryption::Managed)));
        assert_eq!(asked(&[(name, "aws:kms")]), Err(Code::NotImplemented));
        assert_eq!(asked(&[(name, "aws:kms:dsse")]), Err(Code::NotImplemented));
        assert_eq!(asked(&[(name, "aes")]), Err(Code::InvalidEncryptionAlgorithmError));
        let id = "x-amz-server-side-encryption-aws-kms-key-id";
        assert_eq!(asked(&[(name, "AES256"), (id, "k")]), Err(Code::NotImplemented));
        let bucket_key = "x-amz-server-side-encryption-bucket-key-enabled";
        assert_eq!(asked(&[(bucket_key, "false")]), Ok(None));
        let read = head("GET", "/b12/k", &[(name, "AES256")]);
        assert_eq!(customer_key(&read).unwrap_err().code(), Code::InvalidArgument);
    }

    #[test]
    fn customer_keys_are_whole_and_come_over_secure_connections() {
        let (key, md5) = key_text();
        let whole = [
            ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            ("x-amz-server-side-encryption-customer-key", key.as_str()),
            ("x-amz-server-side-encryption-customer-key-MD5", md5.as_str()),
        ];
        let read = |headers: &[(&str, &str)]| {
            customer_key(&near("GET", "/b12/k", headers)).map_err(|error| error.code())
        };
        assert_eq!(read(&whole), Ok(Some(CustomerKey::new([7; 32]))));
        assert_eq!(read(&[]), Ok(None));
        for missing in 0..3 {
            let mut some = whole.to_vec();
            some.remove(missing);
            assert_eq!(read(&some), Err(Code::InvalidArgument), "{missing}");
        }
        let mut other = whole;
        other[0].1 = "AES128";
        assert_eq!(read(&other), Err(Code::InvalidEncryptionAlgorithmError));
        let mut short = whole;
        short[1].1 = "c2hvcnQ=";
        assert_eq!(read(&short), Err(Code::InvalidArgument));
        let far = customer_key(&head("GET", "/b12/k", &whole)).unwrap_err();
        assert_eq!(far.code(), Code::InvalidRequest);
        assert!(far.text().contains("secure connection"));
    }

    #[test]
    fn a_customers_key_is_not_taken_out_of_a_url_nor_beside_a_managed_one() {
        let (key, md5) = key_text();
        let parameters = [
            "x-amz-server-side-encryption-customer-algorithm",
            "X-Amz-Server-Side-Encryption-Customer-Key",
            "x-amz-copy-source-server-side-encryption-customer-key-MD5",
        ];
        for parameter in parameters {
            let value = key.replace('=', "%3D");
            let uri = format!("/b12/k?X-Amz-Signature=s&{parameter}={value}");
            let parts = http::Request::put(uri).body(()).unwrap().into_parts().0;
            let refused = Head::new(&parts, Target::default()).unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{parameter}");
            assert!(!format!("{refused:?} {}", refused.text()).contains(&key[..8]), "{parameter}");
        }
        // In the query of a URL that is not signed there are no headers.
        let unsigned = near("GET", "/b12/k?x-amz-server-side-encryption-customer-key=k", &[]);
        assert_eq!(customer_key(&unsigned).unwrap(), None);
        let both = near(
            "PUT",
            "/b12/k",
            &[
                ("x-amz-server-side-encryption", "AES256"),
                ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
                ("x-amz-server-side-encryption-customer-key", &key),
                ("x-amz-server-side-encryption-customer-key-MD5", &md5),
            ],
        );
        assert_eq!(encryption(&both).unwrap_err().code(), Code::InvalidArgument);
    }
}
