use std::fmt::Write as _;

use crate::auth::Role;
use crate::object::{ContentHeaders, ObjectMetadata};
use crate::s3::testing::{Answer, Gateway, texts};
use crate::s3::xml::Element;
use crate::store::NewObject;

fn invalid() -> (u16, String) {
    (400, "InvalidArgument".to_owned())
}

async fn filled(keys: &[&str]) -> Gateway {
    let gateway = Gateway::new().await;
    for key in keys {
        gateway.put(key, "body").await;
    }
    gateway
}

async fn list(gateway: &Gateway, query: &str) -> Element {
    gateway.ok("GET", &format!("/bucket{query}"), &[], "").await.xml("ListBucketResult")
}

fn text<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element.child_text(name).unwrap()
}

/// The document without declaration and namespace.
fn document(answer: &Answer) -> String {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.replace(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", "")
        .replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "")
}

#[tokio::test]
async fn the_first_version_in_full() {
    let gateway = filled(&["a", "d/e", "d/f"]).await;
    let answer = gateway.ok("GET", "/bucket?delimiter=/&max-keys=2", &[], "").await;
    assert_eq!(answer.header("x-amz-bucket-region"), Some("us-east-1"));
    assert_eq!(
        document(&answer),
        "<ListBucketResult><Name>bucket</Name><Prefix></Prefix><Marker></Marker>\
         <MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>\
         <Contents><Key>a</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>\
         <ETag>&quot;841a2d689ad86bd1611447453c22c6fc&quot;</ETag>\
         <ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>\
         <Size>4</Size><Owner><ID>alice</ID><DisplayName>alice&#39;s name</DisplayName></Owner>\
         <StorageClass>STANDARD</StorageClass></Contents>\
         <CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes></ListBucketResult>"
    );
}

#[tokio::test]
async fn the_second_version_in_full() {
    let gateway = filled(&["a", "d/e", "z"]).await;
    let answer = gateway.ok("GET", "/bucket?list-type=2&delimiter=/&max-keys=2", &[], "").await;
    let page = answer.xml("ListBucketResult");
    let token = text(&page, "NextContinuationToken").unwrap();
    assert_eq!(
        document(&answer),
        format!(
            "<ListBucketResult><Name>bucket</Name><Prefix></Prefix><KeyCount>2</KeyCount>\
             <MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>{token}</NextContinuationToken>\
             <Contents><Key>a</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>\
             <ETag>&quot;841a2d689ad86bd1611447453c22c6fc&quot;</ETag>\
             <ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>\
             <Size>4</Size><StorageClass>STANDARD</StorageClass></Contents>\
             <CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes></ListBucketResult>"
        )
    );
    let rest =
        list(&gateway, &format!("?list-type=2&delimiter=/&continuation-token={token}")).await;
    assert_eq!(texts(&rest, "Contents/Key"), ["z"]);
    assert_eq!(text(&rest, "ContinuationToken"), Some(token));
    assert_eq!(text(&rest, "NextContinuationToken"), None);
}

#[tokio::test]
async fn an_empty_bucket_is_an_empty_document_and_a_missing_one_an_error() {
    let gateway = Gateway::new().await;
    for query in ["", "?list-type=2"] {
        let page = list(&gateway, query).await;
        assert_eq!(text(&page, "IsTruncated"), Some("false"));
        assert!(texts(&page, "Contents/Key").is_empty());
        let missing = gateway.refused("GET", &format!("/missing{query}"), &[], "").await;
        assert_eq!(missing, (404, "NoSuchBucket".to_owned()));
    }
}

#[tokio::test]
async fn pages_of_every_size_come_to_the_whole() {
    let keys = ["a", "b/1", "b/2", "b0", "c", "c/", "c/x/y", "é"];
    let gateway = filled(&keys).await;
    for size in 1..10 {
        let mut all = Vec::new();
        let mut query = format!("?list-type=2&max-keys={size}");
        loop {
            let page = list(&gateway, &query).await;
            let found = texts(&page, "Contents/Key");
            assert_eq!(text(&page, "KeyCount"), Some(found.len().to_string().as_str()));
            all.extend(found);
            let Some(token) = text(&page, "NextContinuationToken") else { break };
            query = format!("?list-type=2&max-keys={size}&continuation-token={token}");
        }
        assert_eq!(all, keys, "pages of {size}");

        let mut all = Vec::new();
        let mut marker = String::new();
        loop {
            let query = format!("?max-keys={size}&encoding-type=url&marker={marker}");
            let page = list(&gateway, &query).await;
            all.extend(texts(&page, "Contents/Key"));
            let Some(next) = text(&page, "NextMarker") else { break };
            marker = next.to_owned();
        }
        assert_eq!(all.len(), keys.len(), "pages of {size}");
    }
}

#[tokio::test]
async fn limits_are_capped_and_nonsense_is_refused() {
    let gateway = filled(&["a"]).await;
    for version in ["", "list-type=2&"] {
        let page = list(&gateway, &format!("?{version}max-keys=5000")).await;
        assert_eq!(text(&page, "MaxKeys"), Some("1000"));
        let page = list(&gateway, &format!("?{version}max-keys=0")).await;
        assert_eq!(text(&page, "IsTruncated"), Some("false"));
        assert_eq!(text(&page, "MaxKeys"), Some("0"));
        assert!(texts(&page, "Contents/Key").is_empty());
        for wrong in ["max-keys=-1", "max-keys=x", "encoding-type=hex"] {
            let target = format!("/bucket?{version}{wrong}");
            assert_eq!(gateway.refused("GET", &target, &[], "").await, invalid(), "{target}");
        }
    }
}

#[tokio::test]
async fn url_encoding_covers_keys_prefixes_delimiters_and_markers() {
    let gateway = filled(&["a +/x y", "a +/z", "b c"]).await;
    let query = "?encoding-type=url&prefix=a%20%2B&delimiter=/&marker=a%20";
    let page = list(&gateway, query).await;
    assert_eq!(text(&page, "EncodingType"), Some("url"));
    assert_eq!(text(&page, "Prefix"), Some("a%20%2B"));
    assert_eq!(text(&page, "Delimiter"), Some("/"));
    assert_eq!(text(&page, "Marker"), Some("a%20"));
    assert_eq!(texts(&page, "CommonPrefixes/Prefix"), ["a%20%2B/"]);
    let page = list(&gateway, "?list-type=2&encoding-type=url&start-after=a%20%2B/x%20y").await;
    assert_eq!(text(&page, "StartAfter"), Some("a%20%2B/x%20y"));
    assert_eq!(texts(&page, "Contents/Key"), ["a%20%2B/z", "b%20c"]);
    let page = list(&gateway, "?encoding-type=url&max-keys=2").await;
    assert_eq!(text(&page, "NextMarker"), Some("a%20%2B/z"));
}

#[tokio::test]
async fn the_first_versions_prefix_is_encoded_only_where_it_must_be() {
    let gateway = Gateway::new().await;
    for (prefix, shown) in [
        ("a%20b%0A", "a b\n"),
        ("%C3%A9", "é"),
        ("a%2Bb%20c", "a%2Bb%20c"),
        ("100%25", "100%25"),
        ("%01%20", "%01%20"),
    ] {
        let page = list(&gateway, &format!("?encoding-type=url&prefix={prefix}")).await;
        assert_eq!(text(&page, "Prefix"), Some(shown));
        let page = list(&gateway, &format!("?list-type=2&encoding-type=url&prefix={prefix}")).await;
        assert_eq!(text(&page, "Prefix"), Some(prefix));
    }
}

#[tokio::test]
async fn any_delimiter_groups_and_an_empty_one_does_not() {
    let gateway = filled(&["abcd", "abce", "xy"]).await;
    let page = list(&gateway, "?delimiter=bc").await;
    assert_eq!(texts(&page, "CommonPrefixes/Prefix"), ["abc"]);
    assert_eq!(texts(&page, "Contents/Key"), ["xy"]);
    let page = list(&gateway, "?delimiter=").await;
    assert_eq!(text(&page, "Delimiter"), None);
    assert_eq!(texts(&page, "Contents/Key").len(), 3);
    let page = list(&gateway, "?list-type=2&delimiter=&prefix=").await;
    assert_eq!((text(&page, "Delimiter"), text(&page, "Prefix")), (None, Some("")));
}

#[tokio::test]
async fn a_token_wins_over_start_after_and_both_are_echoed() {
    let gateway = filled(&["a", "b", "c", "d"]).await;
    let page = list(&gateway, "?list-type=2&start-after=a&max-keys=1").await;
    assert_eq!(texts(&page, "Contents/Key"), ["b"]);
    let token = text(&page, "NextContinuationToken").unwrap();
    let query = format!("?list-type=2&start-after=c&continuation-token={token}");
    let page = list(&gateway, &query).await;
    assert_eq!(texts(&page, "Contents/Key"), ["c", "d"]);
    assert_eq!(text(&page, "StartAfter"), Some("c"));
    assert_eq!(text(&page, "ContinuationToken"), Some(token));
}

#[tokio::test]
async fn an_empty_token_is_none_and_a_foreign_one_is_refused() {
    let gateway = filled(&["a", "b"]).await;
    gateway.put_bucket("other").await;
    let page = list(&gateway, "?list-type=2&continuation-token=").await;
    assert_eq!(text(&page, "ContinuationToken"), Some(""));
    assert_eq!(texts(&page, "Contents/Key"), ["a", "b"]);
    let page = list(&gateway, "?list-type=2&max-keys=1").await;
    let token = text(&page, "NextContinuationToken").unwrap();
    for target in [
        "/bucket?list-type=2&continuation-token=nonsense".to_owned(),
        format!("/bucket?list-type=2&continuation-token={token}A"),
        format!("/other?list-type=2&continuation-token={token}"),
    ] {
        assert_eq!(gateway.refused("GET", &target, &[], "").await, invalid(), "{target}");
    }
}

#[tokio::test]
async fn owners_are_shown_when_asked_for_and_foreign_buckets_are_not() {
    let gateway = filled(&["a"]).await;
    let page = list(&gateway, "?list-type=2&fetch-owner=true").await;
    assert_eq!(texts(&page, "Contents/Owner/ID"), ["alice"]);
    let page = list(&gateway, "?list-type=2&fetch-owner=false&metadata=true").await;
    assert!(texts(&page, "Contents/Owner/ID").is_empty());
    let stranger = gateway.asked_by("bob", Role::ReadWrite);
    let denied = stranger.refused("GET", "/bucket", &[], "").await;
    assert_eq!(denied, (403, "AccessDenied".to_owned()));
    let admin = gateway.asked_by("root", Role::Admin);
    assert_eq!(texts(&list(&admin, "").await, "Contents/Owner/ID"), ["alice"]);
}

#[tokio::test]
async fn storage_classes_are_shown_and_awkward_keys_are_references() {
    let gateway = Gateway::new().await;
    let metadata = ObjectMetadata {
        headers: ContentHeaders::default(),
        storage_class: Some("GLACIER".to_owned()),
        ..ObjectMetadata::default()
    };
    gateway.put_with("a\u{1}\r<&", "x", NewObject { metadata, ..NewObject::default() }).await;
    let answer = gateway.ok("GET", "/bucket", &[], "").await;
    let text = document(&answer);
    assert!(text.contains("<Key>a&#x1;&#13;&lt;&amp;</Key>"), "{text}");
    assert!(text.contains("<StorageClass>GLACIER</StorageClass>"), "{text}");
}

#[tokio::test]
async fn a_page_of_a_thousand_is_the_default() {
    let gateway = Gateway::new().await;
    for number in 0..1001 {
        let mut key = String::new();
        write!(key, "{number:04}").unwrap();
        gateway.put(&key, "").await;
    }
    let page = list(&gateway, "?list-type=2").await;
    assert_eq!(text(&page, "KeyCount"), Some("1000"));
    assert_eq!(text(&page, "IsTruncated"), Some("true"));
}
