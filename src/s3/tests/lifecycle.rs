//! Life-cycle configurations: set, shown, removed, and told by other answers.

use super::configurations::put;
use super::{ALT, Gateway, MAIN, READER};
use crate::object::Algorithm;

const RULES: &str = "<LifecycleConfiguration><Rule><ID>old drafts/1</ID><Filter><Prefix>drafts/\
                     </Prefix></Filter><Status>Enabled</Status><Expiration><Days>30</Days>\
                     </Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>3\
                     </DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>\
                     <Rule><ID>tagged</ID><Filter><Tag><Key>keep</Key><Value>no</Value></Tag>\
                     </Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>\
                     </Rule></LifecycleConfiguration>";
const MINIMUM: &str = "x-amz-transition-default-minimum-object-size";
/// Of what is stored at the start of the clock, 2015-10-21T07:28.
const DRAFT: &str = "expiry-date=\"Sat, 21 Nov 2015 00:00:00 GMT\", rule-id=\"old%20drafts%2F1\"";
const TAGGED: &str = "expiry-date=\"Fri, 23 Oct 2015 00:00:00 GMT\", rule-id=\"tagged\"";

async fn with_rules() -> Gateway {
    let gateway = Gateway::with_bucket().await;
    let set = put(&gateway, MAIN, "/b12?lifecycle", RULES).await;
    assert_eq!((set.status.as_u16(), set.text()), (200, ""));
    assert_eq!(set.header(MINIMUM), "all_storage_classes_128K");
    gateway
}

#[tokio::test]
async fn rules_are_set_shown_and_removed() {
    let gateway = with_rules().await;
    let get = async |who| gateway.send(who, "GET", "/b12?lifecycle", &[], b"").await;
    let shown = get(READER).await;
    let (root, rest) = RULES.split_once('>').unwrap();
    let expected = format!("{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{rest}");
    assert!(shown.text().ends_with(&expected), "{}", shown.text());
    assert_eq!(shown.header(MINIMUM), "all_storage_classes_128K");
    assert_eq!(put(&gateway, MAIN, "/b12?lifecycle", shown.text()).await.status, 200);
    assert_eq!(get(MAIN).await.body, shown.body);
    let bare = gateway.send(MAIN, "PUT", "/b12?lifecycle", &[], RULES.as_bytes()).await;
    assert_eq!(bare.error(), (400, "InvalidRequest"));
    let wrong = put(&gateway, MAIN, "/b12?lifecycle", "<Other/>").await;
    assert_eq!(wrong.error(), (400, "MalformedXML"));
    assert_eq!(get(MAIN).await.body, shown.body);
    for _ in 0..2 {
        assert_eq!(gateway.send(MAIN, "DELETE", "/b12?lifecycle", &[], b"").await.status, 204);
        assert_eq!(get(MAIN).await.error(), (404, "NoSuchLifecycleConfiguration"));
    }
    let missing = put(&gateway, MAIN, "/b13?lifecycle", RULES).await;
    assert_eq!(missing.error(), (404, "NoSuchBucket"));
}

#[tokio::test]
async fn the_minimum_for_transitions_is_kept_beside_the_document() {
    let gateway = Gateway::with_bucket().await;
    let checksum = Algorithm::Crc32.digest(RULES.as_bytes()).to_base64();
    let headers = [(MINIMUM, "varies_by_storage_class"), ("x-amz-checksum-crc32", &*checksum)];
    let target = "/b12?lifecycle";
    let set = gateway.send(MAIN, "PUT", target, &headers, RULES.as_bytes()).await;
    assert_eq!((set.status.as_u16(), set.header(MINIMUM)), (200, "varies_by_storage_class"));
    let shown = gateway.send(MAIN, "GET", target, &[], b"").await;
    assert_eq!(shown.header(MINIMUM), "varies_by_storage_class");
    assert!(!shown.text().contains("Minimum"));
}

#[tokio::test]
async fn rules_are_the_owners_to_change() {
    let gateway = with_rules().await;
    for who in [ALT, READER] {
        let denied = put(&gateway, who, "/b12?lifecycle", RULES).await;
        assert_eq!(denied.error(), (403, "AccessDenied"), "{who}");
        let denied = gateway.send(who, "DELETE", "/b12?lifecycle", &[], b"").await;
        assert_eq!(denied.error(), (403, "AccessDenied"), "{who}");
    }
    let denied = gateway.send(ALT, "GET", "/b12?lifecycle", &[], b"").await;
    assert_eq!(denied.error(), (403, "AccessDenied"));
}

#[tokio::test]
async fn transitions_are_refused_and_explained() {
    let gateway = Gateway::with_bucket().await;
    let moving = RULES.replace(
        "<Expiration><Days>1</Days></Expiration>",
        "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>",
    );
    let refused = put(&gateway, MAIN, "/b12?lifecycle", &moving).await;
    assert_eq!(refused.error(), (501, "NotImplemented"));
    assert!(refused.element("Message").contains("one storage class"));
}

#[tokio::test]
async fn answers_tell_when_an_object_goes() {
    let gateway = with_rules().await;
    let sends = async |method, target, headers: &[(&str, &str)]| {
        let answer = gateway.send(MAIN, method, target, headers, b"").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("x-amz-expiration").to_owned()
    };
    assert_eq!(sends("PUT", "/b12/drafts/a", &[]).await, DRAFT);
    assert_eq!(sends("GET", "/b12/drafts/a", &[]).await, DRAFT);
    assert_eq!(sends("HEAD", "/b12/drafts/a", &[]).await, DRAFT);
    assert_eq!(sends("PUT", "/b12/kept", &[]).await, "");
    assert_eq!(sends("GET", "/b12/kept", &[]).await, "");
    let tags = [("x-amz-tagging", "keep=no")];
    assert_eq!(sends("PUT", "/b12/drafts/b", &tags).await, TAGGED);
    assert_eq!(sends("HEAD", "/b12/drafts/b", &[]).await, TAGGED);
    let copy = [("x-amz-copy-source", "/b12/drafts/b")];
    assert_eq!(sends("PUT", "/b12/copy", &copy).await, TAGGED);
    assert_eq!(sends("PUT", "/b12/drafts/c", &[("x-amz-tagging", "keep=yes")]).await, DRAFT);
    gateway.send(MAIN, "DELETE", "/b12?lifecycle", &[], b"").await;
    assert_eq!(sends("HEAD", "/b12/drafts/a", &[]).await, "");
}

#[tokio::test]
async fn answers_tell_when_an_upload_goes() {
    let gateway = with_rules().await;
    let begun = gateway.send(MAIN, "POST", "/b12/drafts/u?uploads", &[], b"").await;
    let id = begun.element("UploadId");
    gateway.advance(40 * 60 * 60 * 1000);
    let parts = gateway.send(MAIN, "GET", &format!("/b12/drafts/u?uploadId={id}"), &[], b"").await;
    for answer in [&begun, &parts] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-amz-abort-date"), "Sun, 25 Oct 2015 00:00:00 GMT");
        assert_eq!(answer.header("x-amz-abort-rule-id"), "old%20drafts%2F1");
    }
    let other = gateway.send(MAIN, "POST", "/b12/u?uploads", &[], b"").await;
    assert_eq!((other.status.as_u16(), other.header("x-amz-abort-date")), (200, ""));
}
