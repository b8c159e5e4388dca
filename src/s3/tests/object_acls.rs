//! ACLs of objects by their effects.

use super::{ADMIN, ALT, Gateway, MAIN, NOBODY, READER};

const PUBLIC: (&str, &str) = ("x-amz-acl", "public-read");

fn rule(ownership: &str) -> String {
    format!(
        "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule>\
         </OwnershipControls>"
    )
}

impl Gateway {
    /// A gateway with a bucket of `MAIN` in which `ALT` may write.
    async fn with_ownership(ownership: &str) -> Self {
        let gateway = Self::with_bucket().await;
        let rule = rule(ownership);
        let set = gateway.send(MAIN, "PUT", "/b12?ownershipControls", &[], rule.as_bytes()).await;
        assert_eq!(set.status, 200);
        let writers =
            [("x-amz-grant-write", "id=\"alt-id\""), ("x-amz-grant-read", "id=\"alt-id\"")];
        assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &writers, b"").await.status, 200);
        gateway
    }

    async fn puts(&self, who: &str, key: &str, headers: &[(&str, &str)]) {
        let put = self.send(who, "PUT", &format!("/b12/{key}"), headers, b"x").await;
        assert_eq!(put.status, 200, "{key}: {}", put.text());
    }

    /// The statuses of reads by the owner, the other account, and nobody.
    async fn readers(&self, key: &str) -> [u16; 3] {
        let target = format!("/b12/{key}");
        let mut statuses = [0; 3];
        for (status, who) in statuses.iter_mut().zip([MAIN, ALT, NOBODY]) {
            *status = self.send(who, "GET", &target, &[], b"").await.status.as_u16();
        }
        statuses
    }

    /// Whose an object is, by its ACL.
    async fn owner(&self, key: &str) -> String {
        let acl = self.send(ADMIN, "GET", &format!("/b12/{key}?acl"), &[], b"").await;
        let text = acl.text().to_owned();
        text.split("<ID>").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_canned_acl_says_who_reads() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    for (name, expected) in [
        ("private", [200, 403, 403]),
        ("public-read", [200, 200, 200]),
        ("public-read-write", [200, 200, 200]),
        ("authenticated-read", [200, 200, 403]),
        ("bucket-owner-read", [200, 403, 403]),
        ("bucket-owner-full-control", [200, 403, 403]),
    ] {
        gateway.puts(MAIN, name, &[("x-amz-acl", name)]).await;
        assert_eq!(gateway.readers(name).await, expected, "{name}");
        gateway.puts(MAIN, "later", &[]).await;
        assert_eq!(gateway.readers("later").await, [200, 403, 403]);
        let set = gateway.send(MAIN, "PUT", "/b12/later?acl", &[("x-amz-acl", name)], b"").await;
        assert_eq!(set.status, 200);
        assert_eq!(gateway.readers("later").await, expected, "{name}");
        // What replaces the object has nothing of its ACL.
        gateway.puts(MAIN, name, &[]).await;
        assert_eq!(gateway.readers(name).await, [200, 403, 403], "{name}");
    }
    let unknown = gateway.send(MAIN, "PUT", "/b12/k", &[("x-amz-acl", "mine")], b"x").await;
    assert_eq!(unknown.error(), (400, "InvalidArgument"));
    let both = [PUBLIC, ("x-amz-grant-read", "id=\"alt-id\"")];
    let both = gateway.send(MAIN, "PUT", "/b12/k", &both, b"x").await;
    assert_eq!(both.error(), (400, "InvalidRequest"));
    assert_eq!(
        gateway.readers("k").await,
        [404, 404, 403],
        "who may list learns what is not there"
    );
}

#[tokio::test]
async fn grants_give_what_they_say() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    let alt = "id=\"alt-id\"";
    let status = async |who: &str, method: &str, target: &str, headers: &[(&str, &str)]| {
        gateway.send(who, method, target, headers, b"").await.status.as_u16()
    };
    for (permission, read, read_acp, write_acp) in [
        ("read", 200, 403, 403),
        ("read-acp", 403, 200, 403),
        ("write-acp", 403, 403, 200),
        ("full-control", 200, 200, 200),
    ] {
        let name = format!("x-amz-grant-{permission}");
        gateway.puts(MAIN, "k", &[(&name, alt)]).await;
        assert_eq!(status(ALT, "GET", "/b12/k", &[]).await, read, "{permission}");
        assert_eq!(status(ALT, "HEAD", "/b12/k", &[]).await, read, "{permission}");
        assert_eq!(status(ALT, "GET", "/b12/k?acl", &[]).await, read_acp, "{permission}");
        assert_eq!(status(ALT, "PUT", "/b12/k?acl", &[PUBLIC]).await, write_acp, "{permission}");
        assert_eq!(status(NOBODY, "GET", "/b12/k", &[]).await == 200, write_acp == 200);
        assert_eq!(status(ALT, "DELETE", "/b12/k", &[]).await, 403);
    }
    let shown = gateway.send(MAIN, "GET", "/b12/k?acl", &[], b"").await;
    assert!(shown.text().contains("<Permission>FULL_CONTROL</Permission>"));
    assert_eq!(shown.text().matches("<Grant>").count(), 2, "{}", shown.text());
    // What was shown is what can be set.
    let document = shown.text().replace("AllUsers", "AuthenticatedUsers");
    let set = gateway.send(MAIN, "PUT", "/b12/k?acl", &[], document.as_bytes()).await;
    assert_eq!(set.status, 200, "{}", set.text());
    assert_eq!(gateway.readers("k").await, [200, 200, 403]);
    let unknown = [("x-amz-grant-read", "id=\"nobody\"")];
    let unknown = gateway.send(MAIN, "PUT", "/b12/k?acl", &unknown, b"").await;
    assert_eq!(unknown.error(), (400, "InvalidArgument"));
    let theirs = document.replacen("main-id", "alt-id", 1);
    let theirs = gateway.send(MAIN, "PUT", "/b12/k?acl", &[], theirs.as_bytes()).await;
    assert_eq!(theirs.error(), (403, "AccessDenied"), "an object is not given away");
    let nothing = gateway.send(MAIN, "PUT", "/b12/k?acl", &[], b"").await;
    assert_eq!(nothing.error(), (400, "MissingSecurityHeader"));
    let two = gateway.send(MAIN, "PUT", "/b12/k?acl", &[PUBLIC], document.as_bytes()).await;
    assert_eq!(two.error(), (400, "UnexpectedContent"));
    for target in ["/b12/none?acl", "/b12/k?acl&versionId=0123456789abcdef0123456789abcdef"] {
        let code = if target.contains("none") { "NoSuchKey" } else { "NoSuchVersion" };
        let missing = gateway.send(MAIN, "PUT", target, &[PUBLIC], b"").await;
        assert_eq!(missing.error(), (404, code), "{target}");
        let hidden = gateway.send(NOBODY, "PUT", target, &[PUBLIC], b"").await;
        assert_eq!(hidden.error(), (403, "AccessDenied"), "{target}");
    }
}

#[tokio::test]
async fn without_acls_only_what_changes_nothing_is_taken() {
    let gateway = Gateway::with_bucket().await;
    for name in ["private", "bucket-owner-full-control"] {
        gateway.puts(MAIN, "k", &[("x-amz-acl", name)]).await;
        let set = gateway.send(MAIN, "PUT", "/b12/k?acl", &[("x-amz-acl", name)], b"").await;
        assert_eq!(set.status, 200, "{name}");
    }
    let grant = ("x-amz-grant-read", "id=\"alt-id\"");
    let source = ("x-amz-copy-source", "/b12/k");
    for header in [PUBLIC, ("x-amz-acl", "bucket-owner-read"), grant] {
        for (method, target, more) in [
            ("PUT", "/b12/n", None),
            ("PUT", "/b12/n", Some(source)),
            ("POST", "/b12/n?uploads", None),
            ("PUT", "/b12/k?acl", None),
        ] {
            if target == "/b12/k?acl" && header.1 == "bucket-owner-read" {
                // Of the owner's own object it gives the owner what the owner has.
                continue;
            }
            let headers: Vec<_> = [header].into_iter().chain(more).collect();
            let refused = gateway.send(MAIN, method, target, &headers, b"").await;
            assert_eq!(refused.error(), (400, "AccessControlListNotSupported"), "{headers:?}");
        }
    }
    assert_eq!(gateway.readers("n").await[0], 404);
    let shown = gateway.send(MAIN, "GET", "/b12/k?acl", &[], b"").await;
    assert_eq!(shown.element("Permission"), "FULL_CONTROL");
}

#[tokio::test]
async fn objects_are_whose_the_ownership_says() {
    let full = [("x-amz-acl", "bucket-owner-full-control")];
    for (ownership, plain, given) in
        [("ObjectWriter", "alt-id", "alt-id"), ("BucketOwnerPreferred", "alt-id", "main-id")]
    {
        let gateway = Gateway::with_ownership(ownership).await;
        gateway.puts(ALT, "plain", &[]).await;
        gateway.puts(ALT, "given", &full).await;
        assert_eq!(gateway.owner("plain").await, plain, "{ownership}");
        assert_eq!(gateway.owner("given").await, given, "{ownership}");
        assert_eq!(gateway.readers("plain").await, [403, 200, 403], "{ownership}");
        let alt = if given == "alt-id" { 200 } else { 403 };
        assert_eq!(gateway.readers("given").await, [200, alt, 403], "{ownership}");
        for target in ["/b12/plain?tagging", "/b12/plain?acl"] {
            let get = gateway.send(MAIN, "GET", target, &[], b"").await;
            assert_eq!(get.status, 403, "{target}");
            assert_eq!(gateway.send(ADMIN, "GET", target, &[], b"").await.status, 200);
        }
        // What is there may be replaced by whoever may write, and is another's then.
        gateway.puts(MAIN, "plain", &[PUBLIC]).await;
        assert_eq!(gateway.owner("plain").await, "main-id");
        gateway.puts(ALT, "plain", &[]).await;
        let gone = gateway.send(MAIN, "DELETE", "/b12/plain", &[], b"").await;
        assert_eq!(gone.status, 204);
        // Where ACLs are off, everything is the bucket owner's.
        let clear = [("x-amz-acl", "private")];
        assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &clear, b"").await.status, 200);
        let off = rule("BucketOwnerEnforced");
        gateway.send(MAIN, "PUT", "/b12?ownershipControls", &[], off.as_bytes()).await;
        assert_eq!(gateway.readers("given").await, [200, 403, 403]);
        assert_eq!(gateway.owner("given").await, "main-id");
    }
}

#[tokio::test]
async fn what_nobody_signed_for_is_nobodys() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    let open = [("x-amz-acl", "public-read-write")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &open, b"").await.status, 200);
    gateway.puts(NOBODY, "k", &[]).await;
    assert_eq!(gateway.owner("k").await, "65a011a29cdf8ec533ec3d1ccaae921c");
    assert_eq!(gateway.readers("k").await, [403, 403, 403]);
    gateway.puts(NOBODY, "k", &[("x-amz-acl", "bucket-owner-full-control")]).await;
    assert_eq!(gateway.readers("k").await, [200, 403, 403]);
    assert_eq!(gateway.send(MAIN, "DELETE", "/b12/k", &[], b"").await.status, 204);
}

#[tokio::test]
async fn the_public_access_block_reaches_objects() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    gateway.puts(MAIN, "k", &[PUBLIC]).await;
    let block = |switch: &str| {
        format!(
            "<PublicAccessBlockConfiguration><{switch}>true</{switch}>\
             </PublicAccessBlockConfiguration>"
        )
    };
    let target = "/b12?publicAccessBlock";
    gateway.send(MAIN, "PUT", target, &[], block("IgnorePublicAcls").as_bytes()).await;
    assert_eq!(gateway.readers("k").await, [200, 403, 403]);
    gateway.send(MAIN, "PUT", target, &[], block("BlockPublicAcls").as_bytes()).await;
    assert_eq!(gateway.readers("k").await, [200, 200, 200]);
    for (method, target) in [("PUT", "/b12/n"), ("PUT", "/b12/k?acl"), ("POST", "/b12/n?uploads")] {
        let refused = gateway.send(MAIN, method, target, &[PUBLIC], b"").await;
        assert_eq!(refused.error(), (403, "AccessDenied"), "{target}");
    }
    gateway.puts(MAIN, "n", &[("x-amz-grant-read", "id=\"alt-id\"")]).await;
    assert_eq!(gateway.readers("n").await, [200, 200, 403]);
}

#[tokio::test]
async fn a_denial_and_a_reader_beat_an_acl() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    gateway.puts(MAIN, "k", &[PUBLIC]).await;
    let reader = gateway.send(READER, "PUT", "/b12/k?acl", &[("x-amz-acl", "private")], b"").await;
    assert_eq!(reader.error(), (403, "AccessDenied"));
    let denial = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",
        "Action":"s3:GetObject","Resource":"arn:aws:s3:::b12/*"}]}"#;
    gateway.send(MAIN, "PUT", "/b12?policy", &[], denial.as_bytes()).await;
    assert_eq!(gateway.readers("k").await, [403, 403, 403]);
}

#[tokio::test]
async fn copies_and_objects_of_parts_have_the_acl_of_their_own_request() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    gateway.puts(MAIN, "source", &[PUBLIC]).await;
    let source = ("x-amz-copy-source", "/b12/source");
    gateway.puts(MAIN, "plain", &[source]).await;
    assert_eq!(gateway.readers("plain").await, [200, 403, 403]);
    gateway.puts(MAIN, "public", &[source, PUBLIC]).await;
    assert_eq!(gateway.readers("public").await, [200, 200, 200]);
    gateway.puts(ALT, "theirs", &[source]).await;
    assert_eq!(gateway.readers("theirs").await, [403, 200, 403]);
    let started = gateway.send(ALT, "POST", "/b12/parts?uploads", &[PUBLIC], b"").await;
    let id = started.element("UploadId");
    let part = format!("/b12/parts?partNumber=1&uploadId={id}");
    let part = gateway.send(ALT, "PUT", &part, &[], b"x").await;
    let etag = part.headers["etag"].to_str().unwrap();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    let target = format!("/b12/parts?uploadId={id}");
    let done = gateway.send(ALT, "POST", &target, &[], list.as_bytes()).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(gateway.readers("parts").await, [200, 200, 200]);
    assert_eq!(gateway.owner("parts").await, "alt-id");
}

#[tokio::test]
async fn who_may_put_may_give_to_the_buckets_owner_and_to_nobody_else() {
    let gateway = Gateway::with_ownership("ObjectWriter").await;
    let clear = [("x-amz-acl", "private")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12?acl", &clear, b"").await.status, 200);
    let statement = |effect: &str, action: &str| {
        format!(
            "{{\"Effect\":\"{effect}\",\"Principal\":{{\"CanonicalUser\":\"alt-id\"}},\
             \"Action\":\"s3:{action}\",\"Resource\":\"arn:aws:s3:::b12/*\"}}"
        )
    };
    let policy = async |statements: &[String]| {
        let text =
            format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", statements.join(","));
        let set = gateway.send(MAIN, "PUT", "/b12?policy", &[], text.as_bytes()).await;
        assert_eq!(set.status, 204, "{}", set.text());
    };
    let put = async |header: (&str, &str)| {
        gateway.send(ALT, "PUT", "/b12/k", &[header], b"x").await.status.as_u16()
    };
    let full = ("x-amz-acl", "bucket-owner-full-control");
    let to_owner = ("x-amz-grant-full-control", "id=\"main-id\"");
    let to_others = ("x-amz-grant-read", "id=\"main-id\", id=\"alt-id\"");
    policy(&[statement("Allow", "PutObject")]).await;
    assert_eq!([put(full).await, put(to_owner).await], [200, 200]);
    assert_eq!([put(PUBLIC).await, put(to_others).await], [403, 403]);
    policy(&[statement("Allow", "PutObject"), statement("Deny", "PutObjectAcl")]).await;
    assert_eq!([put(full).await, put(to_owner).await], [403, 403]);
    policy(&[statement("Allow", "PutObject"), statement("Allow", "PutObjectAcl")]).await;
    assert_eq!([put(full).await, put(PUBLIC).await], [200, 200]);
}
