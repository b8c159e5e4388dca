//! CORS, encryption and website configurations: set, shown, removed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};

use super::{ALT, Answer, Gateway, MAIN, NOBODY, READER};

const CORS: &str = "<CORSConfiguration><CORSRule><ID>1</ID><AllowedHeader>*</AllowedHeader>\
                    <AllowedMethod>PUT</AllowedMethod><AllowedOrigin>http://a</AllowedOrigin>\
                    </CORSRule></CORSConfiguration>";
const ENCRYPTION: &str = "<ServerSideEncryptionConfiguration><Rule>\
                          <ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
                          </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true\
                          </BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>";
const WEBSITE: &str = "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix>\
                       </IndexDocument><ErrorDocument><Key>error.html</Key></ErrorDocument>\
                       </WebsiteConfiguration>";

/// Sends a document with its MD5.
pub(super) async fn put(gateway: &Gateway, who: &str, target: &str, document: &str) -> Answer {
    let md5 = BASE64_STANDARD.encode(Md5::digest(document));
    gateway.send(who, "PUT", target, &[("content-md5", &md5)], document.as_bytes()).await
}

#[tokio::test]
async fn are_set_shown_and_removed() {
    for (name, document, absent) in [
        ("cors", CORS, "NoSuchCORSConfiguration"),
        ("encryption", ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError"),
        ("website", WEBSITE, "NoSuchWebsiteConfiguration"),
    ] {
        let gateway = Gateway::with_bucket().await;
        let target = format!("/b12?{name}");
        let get = async |who| gateway.send(who, "GET", &target, &[], b"").await;
        assert_eq!(get(MAIN).await.error(), (404, absent));
        let set = put(&gateway, MAIN, &target, document).await;
        assert_eq!((set.status.as_u16(), set.text()), (200, ""), "{name}");
        let shown = get(READER).await;
        assert_eq!(shown.header("content-type"), "application/xml");
        let (root, rest) = document.split_once('>').unwrap();
        let expected = format!("{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{rest}");
        assert!(shown.text().ends_with(&expected), "{}", shown.text());
        assert_eq!(put(&gateway, MAIN, &target, shown.text()).await.status, 200);
        assert_eq!(get(MAIN).await.body, shown.body);
        let wrong = put(&gateway, MAIN, &target, "<Other/>").await;
        assert_eq!(wrong.error(), (400, "MalformedXML"));
        let undigested = gateway.send(MAIN, "PUT", &target, &[], document.as_bytes()).await;
        assert_eq!(undigested.error(), (400, "InvalidRequest"));
        assert_eq!(get(MAIN).await.body, shown.body);
        let missing = put(&gateway, MAIN, &format!("/b13?{name}"), document).await;
        assert_eq!(missing.error(), (404, "NoSuchBucket"));
        for _ in 0..2 {
            assert_eq!(gateway.send(MAIN, "DELETE", &target, &[], b"").await.status, 204);
            assert_eq!(get(MAIN).await.error(), (404, absent));
        }
    }
}

#[tokio::test]
async fn are_the_owners_to_change() {
    for (name, document) in [("cors", CORS), ("encryption", ENCRYPTION), ("website", WEBSITE)] {
        let gateway = Gateway::with_bucket().await;
        let target = format!("/b12?{name}");
        for who in [ALT, READER, NOBODY] {
            let denied = put(&gateway, who, &target, document).await;
            assert_eq!(denied.error(), (403, "AccessDenied"), "{name} {who}");
            let denied = gateway.send(who, "DELETE", &target, &[], b"").await;
            assert_eq!(denied.error(), (403, "AccessDenied"), "{name} {who}");
        }
        for who in [ALT, NOBODY] {
            let denied = gateway.send(who, "GET", &target, &[], b"").await;
            assert_eq!(denied.error(), (403, "AccessDenied"), "{name} {who}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_explained() {
    let gateway = Gateway::with_bucket().await;
    let kms =
        put(&gateway, MAIN, "/b12?encryption", &ENCRYPTION.replace("AES256", "aws:kms")).await;
    assert_eq!(kms.error(), (501, "NotImplemented"));
    assert!(kms.element("Message").contains("key management service"));
    let method = put(&gateway, MAIN, "/b12?cors", &CORS.replace("PUT", "PATCH")).await;
    assert_eq!(method.error(), (400, "InvalidRequest"));
    assert!(method.element("Message").ends_with("Unsupported method is PATCH"));
    let origin = format!("<AllowedOrigin>http://{}</AllowedOrigin>", "o".repeat(2000));
    let rule = format!("<CORSRule>{origin}<AllowedMethod>GET</AllowedMethod></CORSRule>");
    let many = rule.repeat(100);
    let document = format!("<CORSConfiguration>{many}</CORSConfiguration>");
    let large = put(&gateway, MAIN, "/b12?cors", &document).await;
    assert_eq!(large.error(), (400, "MaxMessageLengthExceeded"));
}

#[tokio::test]
async fn go_with_their_bucket() {
    let gateway = Gateway::with_bucket().await;
    assert_eq!(put(&gateway, MAIN, "/b12?cors", CORS).await.status, 200);
    assert_eq!(gateway.send(MAIN, "DELETE", "/b12", &[], b"").await.status, 204);
    assert_eq!(gateway.send(MAIN, "PUT", "/b12", &[], b"").await.status, 200);
    let gone = gateway.send(MAIN, "GET", "/b12?cors", &[], b"").await;
    assert_eq!(gone.error(), (404, "NoSuchCORSConfiguration"));
}
