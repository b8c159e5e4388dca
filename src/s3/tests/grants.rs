//! Policies, ACLs, public access block and ownership controls by their effects.

use super::{ADMIN, ALT, Gateway, MAIN, NOBODY, READER, USER};

const EVERYONE_READS: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow",
    "Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b12/public/*"}]}"#;

const WRITERS: &[u8] = b"<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership>\
                         </Rule></OwnershipControls>";

fn block(switch: &str) -> String {
    format!(
        "<PublicAccessBlockConfiguration><{switch}>true</{switch}></PublicAccessBlockConfiguration>"
    )
}

impl Gateway {
    async fn put(&self, target: &str, body: &[u8]) -> (u16, String) {
        let answer = self.send(MAIN, "PUT", target, &[], body).await;
        (answer.status.as_u16(), answer.audit.error_code.unwrap_or_default().to_owned())
    }

    async fn status(&self, who: &str, method: &str, target: &str) -> u16 {
        self.send(who, method, target, &[], b"").await.status.as_u16()
    }
}

fn done(status: u16) -> (u16, String) {
    (status, String::new())
}

#[tokio::test]
async fn a_policy_lets_everyone_in_exactly_where_it_says() {
    let gateway = Gateway::with_bucket().await;
    for key in ["public/a", "private/a"] {
        gateway.put(&format!("/b12/{key}"), b"x").await;
    }
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/public/a").await, 403);
    assert_eq!(gateway.put("/b12?policy", EVERYONE_READS.as_bytes()).await, done(204));
    for (method, target, expected) in [
        ("GET", "/b12/public/a", 200),
        ("HEAD", "/b12/public/a", 200),
        // Whoever may not list does not learn what is not there.
        ("GET", "/b12/public/none", 403),
        ("HEAD", "/b12/public/none", 403),
        ("GET", "/b12/private/a", 403),
        ("PUT", "/b12/public/b", 403),
        ("DELETE", "/b12/public/a", 403),
        ("GET", "/b12/public/a?acl", 403),
        ("GET", "/b12/public/a?tagging", 403),
        ("GET", "/b12", 403),
        ("GET", "/b12?policy", 403),
    ] {
        assert_eq!(gateway.status(NOBODY, method, target).await, expected, "{method} {target}");
    }
    assert_eq!(gateway.status(MAIN, "GET", "/b12/public/none").await, 404);
    assert_eq!(gateway.send(MAIN, "GET", "/b12?policy", &[], b"").await.text(), EVERYONE_READS);
    let status = gateway.send(MAIN, "GET", "/b12?policyStatus", &[], b"").await;
    assert_eq!(status.element("IsPublic"), "true");
    assert_eq!(gateway.status(MAIN, "DELETE", "/b12?policy").await, 204);
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/public/a").await, 403);
}

#[tokio::test]
async fn a_denial_beats_roles_and_never_locks_the_owner_out() {
    let gateway = Gateway::with_bucket().await;
    gateway.put("/b12/k", b"x").await;
    let denial = r#"{"Version":"2012-10-17","Statement":[{"Sid":"locked","Effect":"Deny","Principal":"*",
        "Action":"s3:*","Resource":["arn:aws:s3:::b12","arn:aws:s3:::b12/*"]}]}"#;
    assert_eq!(gateway.put("/b12?policy", denial.as_bytes()).await, done(204));
    for who in [MAIN, READER, ADMIN, ALT, NOBODY] {
        let get = gateway.send(who, "GET", "/b12/k", &[], b"").await;
        assert_eq!(get.error(), (403, "AccessDenied"), "{who}");
        assert!(!get.text().contains("locked"), "why is for the log alone");
        let cause = get.audit.cause.unwrap();
        assert_eq!(cause, "the bucket's policy denies it, statement \"locked\"");
    }
    assert_eq!(gateway.status(READER, "GET", "/b12?policy").await, 403);
    assert_eq!(gateway.status(MAIN, "GET", "/b12?policy").await, 200);
    assert_eq!(gateway.status(MAIN, "DELETE", "/b12?policy").await, 204);
    assert_eq!(gateway.status(MAIN, "GET", "/b12/k").await, 200);
}

#[tokio::test]
async fn a_key_with_a_policy_does_what_it_says() {
    let gateway = Gateway::with_bucket().await;
    for key in ["user/a", "user/secret", "other"] {
        gateway.put(&format!("/b12/{key}"), b"x").await;
    }
    for (method, target, expected) in [
        ("GET", "/b12/user/a", 200),
        ("GET", "/b12/user/secret", 403),
        ("GET", "/b12/other", 403),
        // What may be listed may be known not to be there.
        ("GET", "/b12/user/none", 404),
        ("PUT", "/b12/user/a", 403),
        ("GET", "/b12?prefix=user%2Fx", 200),
        ("GET", "/b12?prefix=other", 403),
        ("GET", "/b12", 403),
        ("HEAD", "/b12", 403),
        ("GET", "/b12/user/a?tagging", 403),
        ("GET", "/", 403),
        ("PUT", "/new", 403),
    ] {
        assert_eq!(gateway.status(USER, method, target).await, expected, "{method} {target}");
    }
    let keys = "<Delete><Object><Key>user/a</Key></Object><Object><Key>other</Key></Object>\
                <Object><Key>user/secret</Key></Object></Delete>";
    let deleted =
        gateway.send(USER, "POST", "/b12?delete", &[MD5_OF_NOTHING], keys.as_bytes()).await;
    assert_eq!(deleted.error(), (400, "BadDigest"));
    let crc = [("x-amz-checksum-crc32", crc32(keys.as_bytes()))];
    let crc: Vec<(&str, &str)> = crc.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let deleted = gateway.send(USER, "POST", "/b12?delete", &crc, keys.as_bytes()).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert_eq!(deleted.text().matches("<Deleted>").count(), 1);
    assert_eq!(deleted.text().matches("<Code>AccessDenied</Code>").count(), 2);
    assert_eq!(gateway.status(MAIN, "GET", "/b12/other").await, 200);
    assert_eq!(gateway.status(MAIN, "GET", "/b12/user/a").await, 404);
}

const MD5_OF_NOTHING: (&str, &str) = ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");

pub(super) fn crc32(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, bytes);
    base64::prelude::BASE64_STANDARD.encode(u32::try_from(crc).unwrap().to_be_bytes())
}

#[tokio::test]
async fn conditions_see_the_request() {
    let gateway = Gateway::with_bucket().await;
    gateway.put("/b12/k", b"x").await;
    let policy = |condition: &str| {
        EVERYONE_READS.replace("public/*\"", &format!("*\",\"Condition\":{condition}"))
    };
    let referer = policy(r#"{"StringLike":{"aws:Referer":"https://example.com/*"}}"#);
    assert_eq!(gateway.put("/b12?policy", referer.as_bytes()).await, done(204));
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/k").await, 403);
    let from = [("referer", "https://example.com/page")];
    assert_eq!(gateway.send(NOBODY, "GET", "/b12/k", &from, b"").await.status, 200);
    let tagged = policy(r#"{"StringEquals":{"s3:ExistingObjectTag/state":"public"}}"#);
    assert_eq!(gateway.put("/b12?policy", tagged.as_bytes()).await, done(204));
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/k").await, 403);
    let tags = [("x-amz-tagging", "state=public")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12/k", &tags, b"x").await.status, 200);
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/k").await, 200);
}

#[tokio::test]
async fn what_is_no_policy_is_refused() {
    let gateway = Gateway::with_bucket().await;
    for (text, message) in [
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
        (&EVERYONE_READS.replace("b12", "b13"), "Policy has invalid resource"),
        (&EVERYONE_READS.replace("GetObject", "Get"), "Policy has invalid action"),
    ] {
        let put = gateway.send(MAIN, "PUT", "/b12?policy", &[], text.as_bytes()).await;
        assert_eq!(put.error(), (400, "MalformedPolicy"), "{text}");
        assert_eq!(put.element("Message").replace("&#39;", "'"), message);
    }
    assert_eq!(gateway.status(MAIN, "GET", "/b12?policy").await, 404);
    assert_eq!(gateway.status(READER, "DELETE", "/b12?policy").await, 403);
}

#[tokio::test]
async fn a_policy_names_only_whom_there_is() {
    let gateway = Gateway::with_bucket().await;
    let named =
        |who: &str| EVERYONE_READS.replace("\"*\",\"Action\"", &format!("{who},\"Action\""));
    for known in [
        r#"{"AWS":"*"}"#,
        r#"{"AWS":"alt-id"}"#,
        r#"{"CanonicalUser":"alt-id"}"#,
        r#"{"AWS":["arn:aws:iam::alt-id:root","arn:aws:iam::alt-id:user/AKALT"]}"#,
        r#"{"AWS":"arn:aws:iam:::user/alt-id"}"#,
        r#"{"AWS":"arn:aws:iam:::user/AKALT"}"#,
        r#"{"Service":"logging.s3.amazonaws.com"}"#,
    ] {
        assert_eq!(gateway.put("/b12?policy", named(known).as_bytes()).await, done(204), "{known}");
    }
    for unknown in [
        r#"{"AWS":"123456789012"}"#,
        r#"{"CanonicalUser":"nobody"}"#,
        r#"{"AWS":"arn:aws:iam::nobody:root"}"#,
        r#"{"AWS":"arn:aws:iam::alt-id:user/AKMAIN"}"#,
        r#"{"AWS":"arn:aws:iam:::user/nobody"}"#,
        r#"{"AWS":"arn:aws:iam::main-id:role/none"}"#,
        r#"{"AWS":"arn:aws:sts::main-id:assumed-role/none/s"}"#,
        r#"{"AWS":["alt-id","nobody"]}"#,
    ] {
        let policy = named(unknown);
        let put = gateway.send(MAIN, "PUT", "/b12?policy", &[], policy.as_bytes()).await;
        assert_eq!(put.error(), (400, "MalformedPolicy"), "{unknown}");
        assert_eq!(put.element("Message"), "Invalid principal in policy");
    }
}

#[tokio::test]
async fn whoever_may_list_a_prefix_learns_what_is_not_below_it() {
    let gateway = Gateway::with_bucket().await;
    let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket",
        "Resource":"arn:aws:s3:::b12","Condition":{"StringLike":{"s3:prefix":"public/*"}}}}"#;
    assert_eq!(gateway.put("/b12?policy", policy.as_bytes()).await, done(204));
    gateway.put("/b12/public/there", b"x").await;
    assert_eq!(gateway.status(ALT, "HEAD", "/b12/public/there").await, 403);
    assert_eq!(gateway.status(ALT, "GET", "/b12?prefix=public%2F").await, 200);
    assert_eq!(gateway.status(ALT, "GET", "/b12?prefix=private%2F").await, 403);
    assert_eq!(gateway.status(ALT, "HEAD", "/b12/private/none").await, 403);
}

#[tokio::test]
async fn who_began_an_upload_may_look_at_it_and_end_it() {
    let gateway = Gateway::with_bucket().await;
    assert_eq!(gateway.put("/b12?ownershipControls", WRITERS).await, done(200));
    let open = [("x-amz-acl", "public-read-write")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &open, b"").await.status, 200);
    let begin = async |who: &str| {
        let begun = gateway.send(who, "POST", "/b12/k?uploads", &[], b"").await;
        begun.element("UploadId").to_owned()
    };
    let (own, other) = (begin(ALT).await, begin(MAIN).await);
    let listed = gateway.send(MAIN, "GET", "/b12?uploads", &[], b"").await;
    assert_eq!(listed.text().matches("<Owner><ID>alt-id</ID>").count(), 1);
    assert_eq!(listed.text().matches("<Owner><ID>main-id</ID>").count(), 1);
    for method in ["GET", "DELETE"] {
        let refused = gateway.status(ALT, method, &format!("/b12/k?uploadId={other}")).await;
        assert_eq!(refused, 403, "{method}");
        assert_eq!(gateway.status(ALT, method, "/b12/k?uploadId=none").await, 403, "{method}");
        assert_eq!(gateway.status(NOBODY, method, &format!("/b12/k?uploadId={own}")).await, 403);
    }
    assert_eq!(gateway.status(ALT, "GET", &format!("/b12/k?uploadId={own}")).await, 200);
    assert_eq!(gateway.status(ALT, "DELETE", &format!("/b12/k?uploadId={own}")).await, 204);
    assert_eq!(gateway.status(MAIN, "DELETE", &format!("/b12/k?uploadId={other}")).await, 204);
}

#[tokio::test]
async fn acls_count_where_ownership_lets_them() {
    let gateway = Gateway::with_bucket().await;
    gateway.put("/b12/k", b"x").await;
    let public = [("x-amz-acl", "public-read")];
    let off = gateway.send(MAIN, "PUT", "/b12?acl", &public, b"").await;
    assert_eq!(off.error(), (400, "AccessControlListNotSupported"));
    assert_eq!(gateway.put("/b12?ownershipControls", WRITERS).await, done(200));
    let shown = gateway.send(MAIN, "GET", "/b12?ownershipControls", &[], b"").await;
    assert_eq!(shown.element("ObjectOwnership"), "ObjectWriter");
    assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &public, b"").await.status, 200);
    assert_eq!(gateway.status(NOBODY, "GET", "/b12").await, 200);
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/k").await, 403);
    assert_eq!(gateway.status(NOBODY, "PUT", "/b12/n").await, 403);
    let acl = gateway.send(MAIN, "GET", "/b12?acl", &[], b"").await;
    assert!(acl.text().contains("groups/global/AllUsers") && acl.text().contains("\"Group\""));
    let enforced = String::from_utf8_lossy(WRITERS).replace("ObjectWriter", "BucketOwnerEnforced");
    let refused = gateway.put("/b12?ownershipControls", enforced.as_bytes()).await;
    assert_eq!(refused, (400, "InvalidBucketAclWithObjectOwnership".to_owned()));
    // What was shown is what can be set.
    let document = acl.text().replace("AllUsers", "AuthenticatedUsers");
    assert_eq!(gateway.put("/b12?acl", document.as_bytes()).await, done(200));
    assert_eq!(gateway.status(NOBODY, "GET", "/b12").await, 403);
    assert_eq!(gateway.status(ALT, "GET", "/b12").await, 200);
    let grant = [("x-amz-grant-write", "id=\"alt-id\"")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &grant, b"").await.status, 200);
    assert_eq!(gateway.status(ALT, "GET", "/b12").await, 403);
    assert_eq!(gateway.status(ALT, "PUT", "/b12/theirs").await, 200);
    let unknown = [("x-amz-grant-read", "id=\"nobody\"")];
    let unknown = gateway.send(MAIN, "PUT", "/b12?acl", &unknown, b"").await;
    assert_eq!(unknown.error(), (400, "InvalidArgument"));
    let nothing = gateway.send(MAIN, "PUT", "/b12?acl", &[], b"").await;
    assert_eq!(nothing.error(), (400, "MissingSecurityHeader"));
    let broken = gateway.send(MAIN, "PUT", "/b12?acl", &[], b"<AccessControlPolicy/>").await;
    assert_eq!(broken.error(), (400, "MalformedACLError"));
}

#[tokio::test]
async fn a_bucket_is_made_with_ownership_and_acl() {
    let gateway = Gateway::new();
    let acl = ("x-amz-acl", "public-read");
    let refused = gateway.send(MAIN, "PUT", "/b12", &[acl], b"").await;
    assert_eq!(refused.error(), (400, "InvalidBucketAclWithObjectOwnership"));
    let both = [acl, ("x-amz-object-ownership", "ObjectWriter")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12", &both, b"").await.status, 200);
    assert_eq!(gateway.status(NOBODY, "GET", "/b12").await, 200);
    for headers in [&both[..], &[]] {
        let again = gateway.send(MAIN, "PUT", "/b12", headers, b"").await;
        assert_eq!(again.error(), (409, "BucketAlreadyExists"));
    }
}

#[tokio::test]
async fn the_public_access_block_takes_public_grants_away() {
    let gateway = Gateway::with_bucket().await;
    gateway.put("/b12/public/a", b"x").await;
    gateway.put("/b12?policy", EVERYONE_READS.as_bytes()).await;
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/public/a").await, 200);
    let restrict = block("RestrictPublicBuckets");
    assert_eq!(gateway.put("/b12?publicAccessBlock", restrict.as_bytes()).await, done(200));
    assert_eq!(gateway.status(NOBODY, "GET", "/b12/public/a").await, 403);
    assert_eq!(gateway.status(MAIN, "GET", "/b12/public/a").await, 200);
    let shown = gateway.send(MAIN, "GET", "/b12?publicAccessBlock", &[], b"").await;
    assert_eq!(shown.element("RestrictPublicBuckets"), "true");
    assert_eq!(shown.element("BlockPublicPolicy"), "false");
    gateway.put("/b12?publicAccessBlock", block("BlockPublicPolicy").as_bytes()).await;
    let public = gateway.put("/b12?policy", EVERYONE_READS.as_bytes()).await;
    assert_eq!(public, (403, "AccessDenied".to_owned()));
    let named = EVERYONE_READS.replace("\"*\"", r#"{"CanonicalUser":"alt-id"}"#);
    assert_eq!(gateway.put("/b12?policy", named.as_bytes()).await, done(204));
    assert_eq!(gateway.status(ALT, "GET", "/b12/public/a").await, 200);
    gateway.put("/b12?ownershipControls", WRITERS).await;
    let acl = [("x-amz-acl", "public-read")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &acl, b"").await.status, 200);
    gateway.put("/b12?publicAccessBlock", block("IgnorePublicAcls").as_bytes()).await;
    assert_eq!(gateway.status(NOBODY, "GET", "/b12").await, 403);
    gateway.put("/b12?publicAccessBlock", block("BlockPublicAcls").as_bytes()).await;
    assert_eq!(gateway.status(NOBODY, "GET", "/b12").await, 200);
    let refused = gateway.send(MAIN, "PUT", "/b12?acl", &acl, b"").await;
    assert_eq!(refused.error(), (403, "AccessDenied"));
    assert_eq!(gateway.status(MAIN, "DELETE", "/b12?publicAccessBlock").await, 204);
    assert_eq!(gateway.status(MAIN, "GET", "/b12?publicAccessBlock").await, 404);
}
