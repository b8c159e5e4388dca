use crate::auth::Role;
use crate::object::{Algorithm, ObjectMetadata, TagSet, UserMetadata};
use crate::s3::testing::{Answer, Gateway, texts};
use crate::store::NewObject;

const SOURCE: (&str, &str) = ("x-amz-copy-source", "bucket/source");

fn labelled() -> NewObject {
    let mut metadata = ObjectMetadata {
        user: UserMetadata([("color".to_owned(), "blue".to_owned())].into()),
        storage_class: Some("GLACIER".to_owned()),
        ..ObjectMetadata::default()
    };
    metadata.headers.content_type = Some("text/plain".to_owned());
    metadata.headers.website_redirect_location = Some("/there".to_owned());
    let tags = TagSet::from_query("tag=1").unwrap();
    NewObject { metadata, tags, ..NewObject::default() }
}

async fn gateway() -> Gateway {
    let gateway = Gateway::new().await;
    gateway.put_with("source", "body", labelled()).await;
    gateway
}

async fn copy(gateway: &Gateway, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[SOURCE], headers].concat();
    gateway.ok("PUT", "/bucket/target", &headers, "").await
}

async fn refused(gateway: &Gateway, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
    gateway.refused("PUT", target, headers, "").await
}

async fn tags_of(gateway: &Gateway, target: &str) -> Vec<String> {
    let answer = gateway.ok("GET", &format!("{target}?tagging"), &[], "").await;
    texts(&answer.xml("Tagging"), "TagSet/Tag/Key")
}

fn invalid(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[tokio::test]
async fn a_copy_keeps_metadata_tags_and_checksum_but_not_class_and_redirect() {
    let gateway = gateway().await;
    gateway.clock.advance_seconds(60);
    let result = copy(&gateway, &[("x-amz-meta-color", "ignored")]).await;
    let result = result.xml("CopyObjectResult");
    assert_eq!(result.required_text("ETag"), Ok("\"841a2d689ad86bd1611447453c22c6fc\""));
    assert_eq!(result.required_text("LastModified"), Ok("2015-10-21T07:29:00.000Z"));
    let crc = Algorithm::Crc32.digest(b"body").to_base64();
    assert_eq!(result.required_text("ChecksumCRC32"), Ok(crc.as_str()));
    let copied = gateway.info("target").await;
    assert_eq!(copied.metadata.user.0["color"], "blue");
    assert_eq!(copied.metadata.headers.content_type.as_deref(), Some("text/plain"));
    assert_eq!(copied.metadata.headers.website_redirect_location, None);
    assert_eq!(copied.metadata.storage_class, None);
    assert_eq!(tags_of(&gateway, "/bucket/target").await, ["tag"]);
}

#[tokio::test]
async fn class_and_redirect_are_the_requests_whatever_the_directive() {
    let gateway = gateway().await;
    let headers =
        [("x-amz-storage-class", "STANDARD_IA"), ("x-amz-website-redirect-location", "/else")];
    copy(&gateway, &headers).await;
    let copied = gateway.info("target").await;
    assert_eq!(copied.metadata.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(copied.metadata.headers.website_redirect_location.as_deref(), Some("/else"));
    assert_eq!(copied.metadata.user.0["color"], "blue");
}

#[tokio::test]
async fn replacing_metadata_and_replacing_tags_are_independent() {
    let gateway = gateway().await;
    let new = [("x-amz-meta-shape", "round"), ("x-amz-tagging", "new=1")];
    copy(&gateway, &[&[("x-amz-metadata-directive", "REPLACE")], &new[..]].concat()).await;
    let copied = gateway.info("target").await;
    assert_eq!(copied.metadata.user.0.keys().collect::<Vec<_>>(), ["shape"]);
    assert_eq!(copied.metadata.headers.content_type, None);
    assert_eq!(tags_of(&gateway, "/bucket/target").await, ["tag"]);

    copy(&gateway, &[&[("x-amz-tagging-directive", "REPLACE")], &new[..]].concat()).await;
    assert_eq!(gateway.info("target").await.metadata.user.0["color"], "blue");
    assert_eq!(tags_of(&gateway, "/bucket/target").await, ["new"]);

    for directive in ["x-amz-metadata-directive", "x-amz-tagging-directive"] {
        for value in ["replace", "", "MOVE"] {
            let refused = refused(&gateway, "/bucket/target", &[SOURCE, (directive, value)]).await;
            assert_eq!(refused, invalid("InvalidArgument"), "{directive}: {value}");
        }
    }
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    let gateway = gateway().await;
    let illegal = refused(&gateway, "/bucket/source", &[SOURCE]).await;
    assert_eq!(illegal, invalid("InvalidRequest"));
    for change in [
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-tagging-directive", "REPLACE"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-website-redirect-location", "/x"),
        ("x-amz-checksum-algorithm", "SHA256"),
    ] {
        gateway.ok("PUT", "/bucket/source", &[SOURCE, change], "").await;
    }
    let left = gateway.info("source").await;
    assert_eq!(left.etag.as_str(), "841a2d689ad86bd1611447453c22c6fc");
    assert_eq!(left.checksum.unwrap().value, Algorithm::Sha256.digest(b"body"));
}

#[tokio::test]
async fn another_checksum_is_computed_on_demand() {
    let gateway = gateway().await;
    let result = copy(&gateway, &[("x-amz-checksum-algorithm", "crc64nvme")]).await;
    let expected = Algorithm::Crc64Nvme.digest(b"body").to_base64();
    let result = result.xml("CopyObjectResult");
    assert_eq!(result.required_text("ChecksumCRC64NVME"), Ok(expected.as_str()));
    assert_eq!(result.required_text("ChecksumType"), Ok("FULL_OBJECT"));
    let unknown = [SOURCE, ("x-amz-checksum-algorithm", "XXHASH64")];
    assert_eq!(refused(&gateway, "/bucket/target", &unknown).await, invalid("InvalidRequest"));
}

#[tokio::test]
async fn conditions_on_the_source_fail_with_412() {
    let gateway = gateway().await;
    let etag = "841a2d689ad86bd1611447453c22c6fc";
    let failed = (412, "PreconditionFailed".to_owned());
    let (past, future) = ("Tue, 20 Oct 2015 07:28:00 GMT", "Thu, 22 Oct 2015 07:28:00 GMT");
    gateway.clock.advance_seconds(100_000);
    let name = |name: &str| format!("x-amz-copy-source-{name}");
    for conditions in [
        &[("if-match", "\"other\"")][..],
        &[("if-none-match", etag)],
        &[("if-none-match", "*")],
        &[("if-modified-since", future)],
        &[("if-unmodified-since", past)],
        &[("if-none-match", etag), ("if-modified-since", past)],
    ] {
        let headers: Vec<_> = conditions.iter().map(|(n, value)| (name(n), *value)).collect();
        let headers: Vec<_> = headers.iter().map(|(n, value)| (n.as_str(), *value)).collect();
        let headers = [&[SOURCE], &headers[..]].concat();
        assert_eq!(refused(&gateway, "/bucket/target", &headers).await, failed, "{headers:?}");
    }
    let unmodified = name("if-unmodified-since");
    copy(&gateway, &[(&name("if-match"), etag), (&unmodified, past)]).await;
    copy(&gateway, &[(&name("if-none-match"), "\"other\"")]).await;
}

#[tokio::test]
async fn conditions_on_the_target_hold_as_for_any_write() {
    let gateway = gateway().await;
    copy(&gateway, &[("if-none-match", "*")]).await;
    let exists = refused(&gateway, "/bucket/target", &[SOURCE, ("if-none-match", "*")]).await;
    assert_eq!(exists, (412, "PreconditionFailed".to_owned()));
    let absent = refused(&gateway, "/bucket/new", &[SOURCE, ("if-match", "\"x\"")]).await;
    assert_eq!(absent, (404, "NoSuchKey".to_owned()));
    let both = [SOURCE, ("if-match", "\"x\""), ("if-none-match", "*")];
    assert_eq!(refused(&gateway, "/bucket/new", &both).await, (501, "NotImplemented".to_owned()));
}

#[tokio::test]
async fn sources_that_are_none_are_refused() {
    let gateway = gateway().await;
    for (source, code) in [
        ("bucket", (400, "InvalidArgument")),
        ("bucket/", (400, "InvalidArgument")),
        ("bucket/%zz", (400, "InvalidArgument")),
        ("Bucket_/source", (400, "InvalidArgument")),
        ("bucket/source?versionId=nonsense", (400, "InvalidArgument")),
        ("missing/source", (404, "NoSuchBucket")),
        ("bucket/missing", (404, "NoSuchKey")),
        ("bucket/source?versionId=00000000000000000000000000000001", (404, "NoSuchVersion")),
    ] {
        let refused = refused(&gateway, "/bucket/target", &[("x-amz-copy-source", source)]).await;
        assert_eq!(refused, (code.0, code.1.to_owned()), "{source}");
    }
}

#[tokio::test]
async fn the_source_must_be_the_callers_to_read() {
    let gateway = gateway().await;
    let bob = gateway.asked_by("bob", Role::ReadWrite);
    bob.put_bucket("bobs").await;
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(refused(&bob, "/bobs/target", &[SOURCE]).await, denied);
    assert_eq!(refused(&gateway, "/bobs/target", &[SOURCE]).await, denied);
    let reader = gateway.asked_by("alice", Role::ReadOnly);
    assert_eq!(refused(&reader, "/bucket/target", &[SOURCE]).await, denied);
    let other = [SOURCE, ("x-amz-source-expected-bucket-owner", "bob")];
    assert_eq!(refused(&gateway, "/bucket/target", &other).await, denied);
    let own = [("x-amz-source-expected-bucket-owner", "alice")];
    copy(&gateway, &own).await;
    gateway.asked_by("root", Role::Admin).ok("PUT", "/bobs/target", &[SOURCE], "").await;
}

#[tokio::test]
async fn names_in_the_header_are_encoded_or_not() {
    let gateway = Gateway::new().await;
    gateway.put("a b+c?d", "body").await;
    for source in ["/bucket/a%20b%2Bc%3Fd", "bucket/a b+c?d", "bucket/a b+c?d?versionId=null"] {
        gateway.ok("PUT", "/bucket/target", &[("x-amz-copy-source", source)], "").await;
    }
}
