//! Headers that promise what is not kept here: refused, since ignoring them would break the
//! promise silently.

use super::Head;
use crate::s3::error::S3Error;

const ENCRYPTION: &str = "x-amz-server-side-encryption";

/// Refuses encryption, object lock and appending, for whatever stores an object.
pub(in crate::s3) fn refuse_unserved(head: &Head) -> Result<(), S3Error> {
    refuse_object_lock(head)?;
    if head.has_header("x-amz-write-offset-bytes") {
        return Err(S3Error::not_implemented("x-amz-write-offset-bytes"));
    }
    match head.headers_from(ENCRYPTION).next() {
        Some((rest, _)) => Err(S3Error::not_implemented(&format!("{ENCRYPTION}{rest}"))),
        None => Ok(()),
    }
}

/// Refuses the headers of object lock as S3 does in a bucket that was not made for it.
fn refuse_object_lock(head: &Head) -> Result<(), S3Error> {
    match head.headers_from("x-amz-object-lock-").next() {
        Some(_) => Err(S3Error::invalid_request("Bucket is missing Object Lock Configuration")),
        None => Ok(()),
    }
}

/// Refuses a customer's key on a read: nothing here is encrypted with one.
pub(in crate::s3) fn refuse_customer_key(head: &Head) -> Result<(), S3Error> {
    match head.headers_from("x-amz-server-side-encryption-customer-").next() {
        Some(_) => Err(S3Error::invalid_request(
            "The encryption parameters are not applicable to this object.",
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;
    use crate::s3::header::tests::head;

    #[test]
    fn promises_are_refused() {
        let code =
            |name| refuse_unserved(&head("PUT", "/b12/k", &[(name, "x")])).map_err(|e| e.code());
        for name in [
            "x-amz-server-side-encryption",
            "x-amz-server-side-encryption-aws-kms-key-id",
            "x-amz-server-side-encryption-customer-algorithm",
            "x-amz-write-offset-bytes",
        ] {
            assert_eq!(code(name), Err(Code::NotImplemented), "{name}");
        }
        assert_eq!(code("x-amz-object-lock-mode"), Err(Code::InvalidRequest));
        assert_eq!(code("x-amz-request-payer"), Ok(()));
        let read = head("GET", "/b12/k", &[("x-amz-server-side-encryption-customer-key", "x")]);
        assert_eq!(refuse_customer_key(&read).unwrap_err().code(), Code::InvalidRequest);
    }
}
