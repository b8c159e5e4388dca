use crate::s3::testing::{Gateway, texts};

const TWO: &str = "<Tagging><TagSet><Tag><Key>b</Key><Value>2</Value></Tag>\
                   <Tag><Key>a</Key><Value></Value></Tag></TagSet></Tagging>";

#[tokio::test]
async fn tags_of_an_object_are_set_shown_by_key_and_removed() {
    let gateway = Gateway::new().await;
    gateway.put("key", "body").await;
    let tags = || async {
        let answer = gateway.ok("GET", "/bucket/key?tagging", &[], "").await;
        texts(&answer.xml("Tagging"), "TagSet/Tag/Key")
    };
    assert!(tags().await.is_empty());
    let put = gateway.ask_with_md5("PUT", "/bucket/key?tagging", TWO).await;
    assert_eq!(put.status, 200);
    assert_eq!(tags().await, ["a", "b"]);
    let by_version = gateway.ok("GET", "/bucket/key?tagging&versionId=null", &[], "").await;
    assert_eq!(texts(&by_version.xml("Tagging"), "TagSet/Tag/Value"), ["", "2"]);
    let delete = gateway.ok("DELETE", "/bucket/key?tagging", &[], "").await;
    assert_eq!(delete.status, 204);
    assert!(tags().await.is_empty());
}

#[tokio::test]
async fn tags_of_nothing_are_errors() {
    let gateway = Gateway::new().await;
    let missing = (404, "NoSuchKey".to_owned());
    let target = "/bucket/missing?tagging";
    assert_eq!(gateway.refused("GET", target, &[], "").await, missing);
    assert_eq!(gateway.refused("DELETE", target, &[], "").await, missing);
    assert_eq!(gateway.refused_with_md5("PUT", target, TWO).await, missing);
    gateway.put("key", "body").await;
    let version = "0".repeat(32);
    let refused =
        gateway.refused("GET", &format!("/bucket/key?tagging&versionId={version}"), &[], "").await;
    assert_eq!(refused, (404, "NoSuchVersion".to_owned()));
}

#[tokio::test]
async fn documents_are_checked() {
    let gateway = Gateway::new().await;
    gateway.put("key", "body").await;
    for target in ["/bucket/key?tagging", "/bucket?tagging"] {
        let undigested = gateway.refused("PUT", target, &[], TWO).await;
        assert_eq!(undigested, (400, "InvalidRequest".to_owned()));
        let twice = "<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag>\
                     <Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>";
        let refused = gateway.refused_with_md5("PUT", target, twice).await;
        assert_eq!(refused, (400, "InvalidTag".to_owned()));
        for body in ["", "<Tagging/>", "<Tags/>"] {
            let refused = gateway.refused_with_md5("PUT", target, body).await;
            assert_eq!(refused, (400, "MalformedXML".to_owned()), "{body}");
        }
    }
    let many: String =
        (0..11).map(|n| format!("<Tag><Key>k{n}</Key><Value/></Tag>")).collect::<Vec<_>>().concat();
    let many = format!("<Tagging><TagSet>{many}</TagSet></Tagging>");
    let refused = gateway.refused_with_md5("PUT", "/bucket/key?tagging", &many).await;
    assert_eq!(refused, (400, "BadRequest".to_owned()));
    assert_eq!(gateway.ask_with_md5("PUT", "/bucket?tagging", &many).await.status, 204);
}

#[tokio::test]
async fn tags_of_a_bucket_that_were_never_set_are_an_error() {
    let gateway = Gateway::new().await;
    let none = (404, "NoSuchTagSet".to_owned());
    assert_eq!(gateway.refused("GET", "/bucket?tagging", &[], "").await, none);
    assert_eq!(gateway.ask_with_md5("PUT", "/bucket?tagging", TWO).await.status, 204);
    let tags = gateway.ok("GET", "/bucket?tagging", &[], "").await.xml("Tagging");
    assert_eq!(texts(&tags, "TagSet/Tag/Key"), ["a", "b"]);
    assert_eq!(gateway.ok("DELETE", "/bucket?tagging", &[], "").await.status, 204);
    assert_eq!(gateway.refused("GET", "/bucket?tagging", &[], "").await, none);
}
