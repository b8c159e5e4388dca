//! Preflights, and what answers tell the pages that asked.

use super::configurations::put;
use super::{Answer, Gateway, MAIN, NOBODY};

const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>http://app.example</AllowedOrigin>\
    <AllowedOrigin>https://*.app.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>\
    <AllowedMethod>GET</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>\
    Content-Type</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>600\
    </MaxAgeSeconds></CORSRule><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET\
    </AllowedMethod></CORSRule></CORSConfiguration>";

async fn gateway() -> Gateway {
    let gateway = Gateway::with_bucket().await;
    assert_eq!(put(&gateway, MAIN, "/b12?cors", RULES).await.status, 200);
    gateway
}

async fn preflight(
    gateway: &Gateway,
    target: &str,
    origin: &str,
    method: &str,
    headers: &str,
) -> Answer {
    let mut asking = vec![("origin", origin), ("access-control-request-method", method)];
    if !headers.is_empty() {
        asking.push(("access-control-request-headers", headers));
    }
    gateway.send(NOBODY, "OPTIONS", target, &asking, b"").await
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_first_rule_that_fits() {
    let gateway = gateway().await;
    let headers = "X-Amz-Date, content-type";
    for target in ["/b12", "/b12/k", "/b12/k?uploads", "/b12/k?X-Amz-Signature=x"] {
        let allowed = preflight(&gateway, target, "http://app.example", "PUT", headers).await;
        assert_eq!(allowed.status, 200, "{target}");
        for (name, value) in [
            ("access-control-allow-origin", "http://app.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "PUT, GET"),
            ("access-control-allow-headers", "x-amz-date, content-type"),
            ("access-control-expose-headers", "ETag"),
            ("access-control-max-age", "600"),
            ("vary", VARY),
            ("content-length", "0"),
        ] {
            assert_eq!(allowed.header(name), value, "{name}");
        }
    }
    let anyone = preflight(&gateway, "/b12/k", "http://other", "GET", "").await;
    assert_eq!(anyone.header("access-control-allow-origin"), "*");
    for absent in ["access-control-allow-credentials", "access-control-max-age"] {
        assert_eq!(anyone.header(absent), "");
    }
}

#[tokio::test]
async fn a_preflight_that_no_rule_fits_is_forbidden_and_says_why() {
    let gateway = gateway().await;
    for (origin, method, headers) in [
        ("http://other", "PUT", ""),
        ("http://app.example", "DELETE", ""),
        ("http://app.example", "PUT", "authorization"),
        ("http://other", "GET", "x-amz-date"),
    ] {
        let refused = preflight(&gateway, "/b12/k", origin, method, headers).await;
        assert_eq!(refused.error(), (403, "AccessForbidden"));
        assert!(refused.element("Message").starts_with("CORSResponse: This CORS request is not"));
        assert_eq!(
            (refused.element("Method"), refused.element("ResourceType")),
            (method, "OBJECT")
        );
        assert_eq!(refused.header("vary"), VARY);
        assert_eq!(refused.header("access-control-allow-origin"), "");
    }
    gateway.send(MAIN, "DELETE", "/b12?cors", &[], b"").await;
    let none = preflight(&gateway, "/b12/k", "http://app.example", "PUT", "").await;
    assert_eq!(none.error(), (403, "AccessForbidden"));
    assert_eq!(none.element("Message"), "CORSResponse: CORS is not enabled for this bucket.");
    let missing = preflight(&gateway, "/b13/k", "http://app.example", "PUT", "").await;
    assert_eq!(missing.error(), (403, "AccessForbidden"));
    assert_eq!(missing.element("Message"), "CORSResponse: Bucket not found");
}

#[tokio::test]
async fn what_is_no_preflight_is_a_bad_request() {
    let gateway = gateway().await;
    let origin = ("origin", "http://app.example");
    for headers in [
        vec![],
        vec![origin],
        vec![("access-control-request-method", "PUT")],
        vec![origin, ("access-control-request-method", "PATCH")],
    ] {
        let refused = gateway.send(NOBODY, "OPTIONS", "/b12/k", &headers, b"").await;
        assert_eq!(refused.error(), (400, "BadRequest"), "{headers:?}");
    }
}

#[tokio::test]
async fn answers_say_which_pages_may_read_them_errors_too() {
    let gateway = gateway().await;
    let from = |origin| [("origin", origin)];
    let app = "https://www.app.example";
    let stored = gateway.send(MAIN, "PUT", "/b12/k", &from(app), b"content").await;
    let tag = stored.header("etag").to_owned();
    let allows = |answer: &Answer, status: u16, origin: &str| {
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("vary"), VARY);
    };
    allows(&stored, 200, app);
    assert_eq!(stored.header("access-control-expose-headers"), "ETag");
    let got = gateway.send(MAIN, "GET", "/b12/k", &from(app), b"").await;
    allows(&got, 200, app);
    assert_eq!(got.text(), "content");
    allows(&gateway.send(MAIN, "GET", "/b12/none", &from(app), b"").await, 404, app);
    allows(&gateway.send(NOBODY, "GET", "/b12/k", &from(app), b"").await, 403, app);
    allows(&gateway.send(MAIN, "GET", "/b12/k", &from("http://other"), b"").await, 200, "*");
    let same = [("origin", app), ("if-none-match", tag.as_str())];
    allows(&gateway.send(MAIN, "GET", "/b12/k", &same, b"").await, 304, app);
    let bad = [("origin", app), ("authorization", "AWS4-HMAC-SHA256 nonsense")];
    allows(&gateway.send(NOBODY, "GET", "/b12/k", &bad, b"").await, 400, app);
    allows(&gateway.send(MAIN, "PUT", "/b12/k", &from("http://other"), b"x").await, 200, "");
    // A method that the page asks for counts in place of the request's own.
    let asking = [("origin", "http://other"), ("access-control-request-method", "GET")];
    allows(&gateway.send(NOBODY, "PUT", "/b12/k", &asking, b"x").await, 403, "*");
}

#[tokio::test]
async fn answers_vary_also_for_those_who_come_from_no_page() {
    let gateway = gateway().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"content").await;
    let got = gateway.send(MAIN, "GET", "/b12/k", &[], b"").await;
    assert_eq!((got.header("vary"), got.header("access-control-allow-origin")), (VARY, ""));
    gateway.send(MAIN, "DELETE", "/b12?cors", &[], b"").await;
    let page = [("origin", "http://app.example")];
    let got = gateway.send(MAIN, "GET", "/b12/k", &page, b"").await;
    assert_eq!((got.header("vary"), got.header("access-control-allow-origin")), ("", ""));
    let missing = gateway.send(MAIN, "GET", "/b13/k", &page, b"").await;
    assert_eq!(missing.error(), (404, "NoSuchBucket"));
}
