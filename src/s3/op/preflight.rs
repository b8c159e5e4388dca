//! A browser's question before a request across origins (S3 User Guide, "Using cross-origin resource
//! sharing"). Never authenticated. No bucket has a CORS configuration yet.

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY};

use crate::s3::error::{Code, S3Error};
use crate::s3::header::Head;
use crate::s3::reply::Reply;

/// Refuses: 400 what is no preflight, 403 what no rule allows.
pub(in crate::s3) fn answer(head: &Head) -> Result<Reply, S3Error> {
    if !head.has_header(ORIGIN.as_str()) {
        return Err(S3Error::new(Code::BadRequest)
            .message("Insufficient information. Origin request header needed."));
    }
    if !head.has_header(ACCESS_CONTROL_REQUEST_METHOD.as_str()) {
        return Err(
            S3Error::new(Code::BadRequest).message("Invalid Access-Control-Request-Method: null")
        );
    }
    Err(S3Error::new(Code::AccessForbidden)
        .header(VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    #[test]
    fn a_preflight_without_configuration_is_forbidden() {
        let code =
            |headers: &[_]| answer(&head("OPTIONS", "/b12/k", headers)).map_err(|e| e.code());
        let origin = ("origin", "http://example.com");
        let method = ("access-control-request-method", "PUT");
        assert_eq!(code(&[origin, method]).err(), Some(Code::AccessForbidden));
        assert_eq!(code(&[origin]).err(), Some(Code::BadRequest));
        assert_eq!(code(&[method]).err(), Some(Code::BadRequest));
    }
}
