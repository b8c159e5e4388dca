//! Headers that promise what is not kept here: refused, since ignoring them would break the
//! promise silently.

use super::Head;
use crate::s3::error::S3Error;

/// Refuses object lock and appending, for whatever stores an object.
pub(in crate::s3) fn refuse_unserved(head: &Head) -> Result<(), S3Error> {
    refuse_object_lock(head)?;
    if head.has_header("x-amz-write-offset-bytes") {
        return Err(S3Error::not_implemented("x-amz-write-offset-bytes"));
    }
    Ok(())
}

/// Refuses the headers of object lock as S3 does in a bucket that was not made for it.
fn refuse_object_lock(head: &Head) -> Result<(), S3Error> {
    match head.headers_from("x-amz-object-lock-").next() {
        Some(_) => Err(S3Error::invalid_request("Bucket is missing Object Lock Configuration")),
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
        assert_eq!(code("x-amz-write-offset-bytes"), Err(Code::NotImplemented));
        assert_eq!(code("x-amz-object-lock-mode"), Err(Code::InvalidRequest));
        assert_eq!(code("x-amz-request-payer"), Ok(()));
    }
}
