//! Buckets as websites, as browsers see them.

use super::configurations::put;
use super::{Answer, Gateway, MAIN, NOBODY};

const HOST: (&str, &str) = ("host", "pages.site.localhost:9000");
const INDEX: &str = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";
const ERROR: &str = "<ErrorDocument><Key>errors/page.html</Key></ErrorDocument>";

fn website(content: &str) -> String {
    format!("<WebsiteConfiguration>{content}</WebsiteConfiguration>")
}

/// With the bucket `pages`, which everybody may read, and `closed`, which nobody may.
async fn gateway(content: &str) -> Gateway {
    let gateway = Gateway::new();
    for bucket in ["pages", "closed"] {
        assert_eq!(gateway.send(MAIN, "PUT", &format!("/{bucket}"), &[], b"").await.status, 200);
        let target = format!("/{bucket}?website");
        assert_eq!(put(&gateway, MAIN, &target, &website(content)).await.status, 200);
        for key in ["index.html", "docs/index.html", "docs/page.html", "errors/page.html"] {
            let html = [("content-type", "text/html")];
            let target = format!("/{bucket}/{key}");
            let stored = gateway.send(MAIN, "PUT", &target, &html, key.as_bytes()).await;
            assert_eq!(stored.status, 200);
        }
    }
    gateway
}

async fn visit(gateway: &Gateway, method: &str, target: &str) -> Answer {
    gateway.send(NOBODY, method, target, &[HOST], b"").await
}

#[tokio::test]
async fn objects_are_pages_and_directories_have_an_index() {
    let gateway = gateway(INDEX).await;
    for (target, key) in [
        ("/", "index.html"),
        ("/index.html", "index.html"),
        ("/docs/", "docs/index.html"),
        ("/docs/page.html", "docs/page.html"),
        ("/docs/page.html?versionId=x&acl&response-content-type=a/b", "docs/page.html"),
    ] {
        let seen = visit(&gateway, "GET", target).await;
        assert_eq!((seen.status.as_u16(), seen.text()), (200, key), "{target}");
        assert_eq!(seen.header("content-type"), "text/html");
        let head = visit(&gateway, "HEAD", target).await;
        assert_eq!((head.status.as_u16(), head.text()), (200, ""));
        assert_eq!(head.header("content-length"), key.len().to_string());
    }
    let part = [HOST, ("range", "bytes=0-4")];
    let part = gateway.send(NOBODY, "GET", "/docs/", &part, b"").await;
    assert_eq!((part.status.as_u16(), part.text()), (206, "docs/"));
    let tag = visit(&gateway, "GET", "/").await.header("etag").to_owned();
    let known = [HOST, ("if-none-match", tag.as_str())];
    assert_eq!(gateway.send(NOBODY, "GET", "/", &known, b"").await.status, 304);
}

#[tokio::test]
async fn a_directory_without_its_slash_is_redirected() {
    let gateway = gateway(&format!("{INDEX}{ERROR}")).await;
    gateway.send(MAIN, "PUT", "/pages/a%20b%3F/index.html", &[], b"x").await;
    for (target, location) in [("/docs", "/docs/"), ("/a%20b%3F", "/a%20b%3F/")] {
        let seen = visit(&gateway, "GET", target).await;
        assert_eq!((seen.status.as_u16(), seen.header("location")), (302, location));
        assert_eq!(seen.text(), "");
    }
    // There is one, and it is found.
    gateway.send(MAIN, "PUT", "/pages/docs", &[], b"the object").await;
    assert_eq!(visit(&gateway, "GET", "/docs").await.text(), "the object");
}

#[tokio::test]
async fn errors_are_pages() {
    let gateway = gateway(INDEX).await;
    let missing = visit(&gateway, "GET", "/none/x.html").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.audit.error_code, Some("NoSuchKey"));
    assert_eq!(missing.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(missing.header("x-amz-error-code"), "NoSuchKey");
    assert_eq!(missing.header("x-amz-error-detail-key"), "none/x.html");
    for line in ["<h1>404 Not Found</h1>", "<li>Code: NoSuchKey</li>", "<li>Key: none/x.html</li>"]
    {
        assert!(missing.text().contains(line), "{}", missing.text());
    }
    let head = visit(&gateway, "HEAD", "/none/x.html").await;
    assert_eq!((head.status.as_u16(), head.text()), (404, ""));
    for method in ["PUT", "POST", "DELETE", "PATCH"] {
        let refused = visit(&gateway, method, "/index.html").await;
        assert_eq!(refused.status, 405);
        assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS");
        assert!(refused.text().contains("<li>Code: MethodNotAllowed</li>"));
    }
    for (host, code) in [
        ("nowhere.site.localhost", "NoSuchBucket"),
        ("b12.site.localhost", "NoSuchWebsiteConfiguration"),
        ("No_Name.site.localhost", "InvalidBucketName"),
    ] {
        gateway.send(MAIN, "PUT", "/b12", &[], b"").await;
        let refused = gateway.send(NOBODY, "GET", "/", &[("host", host)], b"").await;
        assert_eq!(refused.header("x-amz-error-code"), code, "{host}");
        assert!(refused.text().contains(&format!("<li>Code: {code}</li>")));
    }
}

#[tokio::test]
async fn a_website_may_have_its_own_page_of_errors() {
    let gateway = gateway(&format!("{INDEX}{ERROR}")).await;
    let conditions = [HOST, ("range", "bytes=1-2"), ("if-none-match", "*")];
    let missing = gateway.send(NOBODY, "GET", "/none", &conditions, b"").await;
    assert_eq!((missing.status.as_u16(), missing.text()), (404, "errors/page.html"));
    assert_eq!(missing.header("content-type"), "text/html");
    assert_eq!(missing.header("x-amz-error-code"), "NoSuchKey");
    assert_eq!(missing.audit.error_code, Some("NoSuchKey"));
    let head = visit(&gateway, "HEAD", "/none").await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (404, "16"));
    gateway.send(MAIN, "DELETE", "/pages/errors/page.html", &[], b"").await;
    let missing = visit(&gateway, "GET", "/none").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("Attempting to Retrieve a Custom Error Document"));
}

#[tokio::test]
async fn only_what_anybody_may_read_is_shown() {
    let gateway = gateway(&format!("{INDEX}{ERROR}")).await;
    let host = [("host", "closed.site.localhost")];
    for target in ["/", "/index.html", "/docs", "/none"] {
        for who in [NOBODY, MAIN] {
            let denied = gateway.send(who, "GET", target, &host, b"").await;
            assert_eq!(denied.status, 403, "{target}");
            assert_eq!(denied.header("x-amz-error-code"), "AccessDenied");
            assert!(!denied.text().contains("errors/page.html"), "{}", denied.text());
        }
    }
    // A website's bucket is as closed as any other where S3 is served.
    let denied = gateway.send(NOBODY, "GET", "/pages/index.html", &[], b"").await;
    assert_eq!(denied.error(), (403, "AccessDenied"));
}

#[tokio::test]
async fn redirects_are_those_of_rules_and_objects() {
    let rules = "<RoutingRules><RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals>\
                 </Condition><Redirect><ReplaceKeyPrefixWith>docs/</ReplaceKeyPrefixWith>\
                 </Redirect></RoutingRule><RoutingRule><Condition><HttpErrorCodeReturnedEquals>404\
                 </HttpErrorCodeReturnedEquals></Condition><Redirect><HostName>h.example</HostName>\
                 <HttpRedirectCode>307</HttpRedirectCode></Redirect></RoutingRule></RoutingRules>";
    let gateway = gateway(&format!("{INDEX}{rules}")).await;
    let to = ("x-amz-website-redirect-location", "/docs/page.html");
    gateway.send(MAIN, "PUT", "/pages/moved", &[to], b"x").await;
    for (target, status, location) in [
        ("/old/page.html?a=b", 301, "http://pages.site.localhost:9000/docs/page.html?a=b"),
        ("/none/x", 307, "http://h.example/none/x"),
        ("/moved", 301, "/docs/page.html"),
        ("/docs", 302, "/docs/"),
    ] {
        for method in ["GET", "HEAD"] {
            let seen = visit(&gateway, method, target).await;
            assert_eq!((seen.status.as_u16(), seen.header("location")), (status, location));
            assert_eq!(seen.text(), "");
        }
    }
    let all = "<RedirectAllRequestsTo><HostName>all.example</HostName><Protocol>https</Protocol>\
               </RedirectAllRequestsTo>";
    assert_eq!(put(&gateway, MAIN, "/pages?website", &website(all)).await.status, 200);
    let seen = visit(&gateway, "GET", "/a/b").await;
    let moved = (seen.status.as_u16(), seen.header("location"));
    assert_eq!(moved, (301, "https://all.example/a/b"));
}

#[tokio::test]
async fn pages_elsewhere_may_read_a_website_by_its_rules() {
    let gateway = gateway(INDEX).await;
    let rules = "<CORSConfiguration><CORSRule><AllowedOrigin>http://a</AllowedOrigin>\
                 <AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";
    assert_eq!(put(&gateway, MAIN, "/pages?cors", rules).await.status, 200);
    let asking = [HOST, ("origin", "http://a"), ("access-control-request-method", "GET")];
    let preflight = gateway.send(NOBODY, "OPTIONS", "/docs/", &asking, b"").await;
    assert_eq!(preflight.header("access-control-allow-origin"), "http://a");
    for target in ["/docs/", "/none"] {
        let seen = gateway.send(NOBODY, "GET", target, &[HOST, ("origin", "http://a")], b"").await;
        assert_eq!(seen.header("access-control-allow-origin"), "http://a");
    }
}
