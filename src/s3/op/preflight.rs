//! A browser's question before a request across origins (S3 User Guide, "Using cross-origin resource
//! sharing"). Never authenticated.

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY};

use crate::s3::configured::Configured;
use crate::s3::cors::{self, Asked};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::Head;
use crate::s3::reply::Reply;
use crate::store::Store;

const NOT_ALLOWED: &str = "CORSResponse: This CORS request is not allowed. This is usually because \
                           the evalution of Origin, request method / Access-Control-Request-Method \
                           or Access-Control-Request-Headers are not whitelisted by the resource's \
                           CORS spec.";

/// What a browser wants to know.
#[derive(Debug)]
struct Question {
    origin: String,
    method: String,
    headers: Vec<String>,
}

/// Answers by the bucket's rules: 400 what is no preflight, 403 what none of them allows.
pub(in crate::s3) async fn answer(
    head: &Head,
    store: &dyn Store,
    configured: &Configured,
) -> Result<Reply, S3Error> {
    let question = Question::parse(head)?;
    let refused = |resource: &str| {
        S3Error::new(Code::AccessForbidden)
            .with("Method", question.method.as_str())
            .with("ResourceType", resource)
            .header(VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
    };
    let Some(bucket) = &head.target().bucket else { return Err(refused("BUCKET")) };
    let rules = match configured.cors(store, bucket).await {
        Err(error) if error.code() == Code::NoSuchBucket => {
            return Err(refused("BUCKET").message("CORSResponse: Bucket not found"));
        }
        rules => rules?.ok_or_else(|| refused("BUCKET"))?,
    };
    let asked =
        Asked { origin: &question.origin, method: &question.method, headers: &question.headers };
    let allowed = rules.find(asked).ok_or_else(|| refused("OBJECT").message(NOT_ALLOWED))?;
    let mut reply = Reply::ok().length(0);
    cors::allow(reply.headers_mut(), allowed, asked);
    cors::vary(reply.headers_mut());
    Ok(reply)
}

impl Question {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let invalid = |message: String| Err(S3Error::new(Code::BadRequest).message(message));
        let Some(origin) = head.header(ORIGIN.as_str()) else {
            return invalid("Insufficient information. Origin request header needed.".to_owned());
        };
        let method = head.header(ACCESS_CONTROL_REQUEST_METHOD.as_str());
        let Some(method) = method.as_deref().filter(|method| cors::is_method(method)) else {
            let method = method.as_deref().unwrap_or("null");
            return invalid(format!("Invalid Access-Control-Request-Method: {method}"));
        };
        let headers = head.header(ACCESS_CONTROL_REQUEST_HEADERS.as_str()).unwrap_or_default();
        Ok(Self {
            origin: origin.into_owned(),
            method: method.to_owned(),
            headers: cors::header_names(&headers),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    #[test]
    fn a_question_names_origin_and_method() {
        let parse = |headers: &[_]| {
            Question::parse(&head("OPTIONS", "/b12/k", headers))
                .map_err(|error| (error.code(), error.text().to_owned()))
        };
        let origin = ("origin", "http://example.com");
        let method = |method| ("access-control-request-method", method);
        let names = ("access-control-request-headers", "X-One, x-two");
        let question = parse(&[origin, method("PUT"), names]).unwrap();
        assert_eq!(question.headers, ["x-one", "x-two"]);
        for (headers, text) in [
            (vec![method("PUT")], "Insufficient information. Origin request header needed."),
            (vec![origin], "Invalid Access-Control-Request-Method: null"),
            (vec![origin, method("put")], "Invalid Access-Control-Request-Method: put"),
            (vec![origin, method("PATCH")], "Invalid Access-Control-Request-Method: PATCH"),
        ] {
            let (code, said) = parse(&headers).unwrap_err();
            assert_eq!((code, said.as_str()), (Code::BadRequest, text));
        }
    }
}
