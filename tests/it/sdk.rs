//! aws-sdk-s3 for Rust against the binary: the client that signs trailers of streamed bodies.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, Delete,
    ObjectIdentifier,
};
use bytes::Bytes;
use http_body_util::Full;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const BUCKET: &str = "rust-sdk";
const MIB: usize = 1 << 20;

/// A gateway with its default keys in a folder of its own, and a client of it.
struct Session {
    process: Child,
    address: String,
    client: Client,
    _folder: TempDir,
}

impl Session {
    async fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut process = Command::new(env!("CARGO_BIN_EXE_stowgate"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .current_dir(folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = lines
            .find_map(|line| {
                let line = line.expect("text");
                line.split_once("listening on http://").map(|(_, address)| address.to_owned())
            })
            .expect("the listening line");
        // Whatever it says later must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        let client = client(&address);
        let session = Self { process, address, client, _folder: folder };
        session.ready().await;
        session.client.create_bucket().bucket(BUCKET).send().await.expect("a bucket");
        session
    }

    /// Asks until objects are served; the server answers at once either way.
    async fn ready(&self) {
        for _ in 0..500 {
            if self.exchange("GET", "/storage/health/ready", "").await.contains(" 200 ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not ready within its time");
    }

    /// A request as a client that knows nothing of S3 would send it.
    async fn exchange(&self, method: &str, target: &str, body: &str) -> String {
        let mut socket = tokio::net::TcpStream::connect(&self.address).await.expect("connected");
        let (host, length) = (&self.address, body.len());
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    async fn put(&self, key: &str, body: impl Into<ByteStream>) {
        self.client.put_object().bucket(BUCKET).key(key).body(body.into()).send().await.expect(key);
    }

    async fn get(&self, key: &str) -> Bytes {
        let got = self.client.get_object().bucket(BUCKET).key(key).send().await.expect(key);
        got.body.collect().await.expect("its body").into_bytes()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }
}

fn client(address: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new("stowgate", "stowgate-secret", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

/// A body that can be sent only once, as one that comes from somewhere else.
fn streamed(bytes: Bytes) -> ByteStream {
    ByteStream::new(SdkBody::from_body_1_x(Full::new(bytes)))
}

fn content(size: usize) -> Bytes {
    (0..size).map(|n| u8::try_from(n * 7 % 251).expect("small")).collect()
}

#[tokio::test]
async fn objects_come_back_as_they_went() {
    let session = Session::start().await;
    for size in [0, 1, 70_000, 3 * MIB] {
        session.put("bytes", content(size)).await;
        assert_eq!(session.get("bytes").await, content(size));
    }
    let put = session.client.put_object().bucket(BUCKET).key("rich").body(content(9).into());
    let put = put.metadata("Colour", "rot-grün").content_type("text/plain").send().await;
    assert!(put.expect("stored").checksum_crc32().is_some());
    let head = session.client.head_object().bucket(BUCKET).key("rich").send().await.expect("it");
    assert_eq!(head.content_length(), Some(9));
    assert_eq!(head.content_type(), Some("text/plain"));
    // Not ASCII: it comes back as an encoded word.
    let colour = head.metadata().and_then(|all| all.get("colour")).expect("metadata");
    assert!(colour.starts_with("=?UTF-8?"), "{colour}");
    let missing = session.client.get_object().bucket(BUCKET).key("none").send().await;
    assert!(missing.expect_err("missing").into_service_error().is_no_such_key());
}

#[tokio::test]
async fn streamed_bodies_carry_signed_trailers() {
    let session = Session::start().await;
    for size in [0, 1, 65_536, 65_537, 5 * MIB + 3] {
        session.put("streamed", streamed(content(size))).await;
        assert_eq!(session.get("streamed").await, content(size), "{size}");
    }
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let put = session.client.put_object().bucket(BUCKET).key("sum");
        let put = put.checksum_algorithm(algorithm.clone()).body(streamed(content(100_000)));
        put.send().await.expect("stored");
        let got = session.client.get_object().bucket(BUCKET).key("sum");
        let got = got.checksum_mode(ChecksumMode::Enabled).send().await.expect("it");
        assert_eq!(got.content_encoding(), None);
        // The SDK checks what it receives against the stored checksum.
        assert_eq!(got.body.collect().await.expect("whole").into_bytes(), content(100_000));
    }
}

#[tokio::test]
async fn uploads_in_parts() {
    let session = Session::start().await;
    let client = &session.client;
    let upload = client.create_multipart_upload().bucket(BUCKET).key("parts").send().await;
    let upload = upload.expect("an upload").upload_id().expect("its id").to_owned();
    let bodies = [content(5 * MIB), content(5 * MIB + 1), content(10)];
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        let part = client.upload_part().bucket(BUCKET).key("parts").upload_id(&upload);
        let part = part.part_number(number).body(streamed(body.clone())).send().await;
        let part = part.expect("a part");
        let tag = part.e_tag().expect("a tag");
        parts.push(CompletedPart::builder().part_number(number).e_tag(tag).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let done = client.complete_multipart_upload().bucket(BUCKET).key("parts").upload_id(&upload);
    let done = done.multipart_upload(parts).send().await.expect("completed");
    assert!(done.e_tag().expect("a tag").ends_with("-3\""));
    assert_eq!(session.get("parts").await, bodies.concat());
    let range = client.get_object().bucket(BUCKET).key("parts").range("bytes=5242879-5242880");
    let range = range.send().await.expect("a range").body.collect().await.expect("its body");
    assert_eq!(range.into_bytes(), [&bodies[0][5 * MIB - 1..], &bodies[1][..1]].concat());
}

#[tokio::test]
async fn listings_by_paginator() {
    let session = Session::start().await;
    let keys: Vec<String> = (0..23).map(|n| format!("list/{n:03}")).collect();
    for key in &keys {
        session.put(key, content(3)).await;
    }
    let pages = session.client.list_objects_v2().bucket(BUCKET).prefix("list/").max_keys(10);
    let mut pages = pages.into_paginator().send();
    let mut sizes = Vec::new();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        sizes.push(page.contents().len());
        found.extend(page.contents().iter().filter_map(|o| o.key().map(str::to_owned)));
    }
    assert_eq!(sizes, [10, 10, 3]);
    assert_eq!(found, keys);
    let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build().expect("it"));
    let delete = Delete::builder().set_objects(Some(objects.collect())).build().expect("a list");
    let gone = session.client.delete_objects().bucket(BUCKET).delete(delete).send().await;
    assert_eq!(gone.expect("deleted").deleted().len(), 23);
    let left = session.client.list_objects_v2().bucket(BUCKET).prefix("list/").send().await;
    assert_eq!(left.expect("a page").key_count(), Some(0));
}

#[tokio::test]
async fn odd_keys() {
    let session = Session::start().await;
    let keys = [
        "a b+c",
        "a//b",
        "/lead",
        "../up/./x",
        "..",
        "q?a=1&b",
        "h#h",
        "100%",
        "%41",
        "ü-日本-🦀",
        "<&>\"'",
        "tail/",
        "!*'()~@$,;:=",
        "new\nline",
        "one\u{1}two",
    ];
    for key in keys {
        session.put(key, Bytes::from(key)).await;
        assert_eq!(session.get(key).await, key);
    }
    let page = session.client.list_objects_v2().bucket(BUCKET);
    let page = page.encoding_type(aws_sdk_s3::types::EncodingType::Url).send().await;
    assert_eq!(page.expect("a page").contents().len(), keys.len());
    for key in keys {
        let source = percent(&format!("{BUCKET}/{key}"));
        let copy = session.client.copy_object().bucket(BUCKET).key("copy").copy_source(source);
        copy.send().await.expect(key);
        assert_eq!(session.get("copy").await, key);
        session.client.delete_object().bucket(BUCKET).key(key).send().await.expect(key);
    }
}

fn percent(text: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(b);
    text.bytes()
        .map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[tokio::test]
async fn presigned_urls() {
    let session = Session::start().await;
    let minute = PresigningConfig::expires_in(Duration::from_mins(1)).expect("a minute");
    let put = session.client.put_object().bucket(BUCKET).key("signed key");
    let put = put.presigned(minute.clone()).await.expect("signed");
    let target = |uri: &str| uri.split_once(&session.address).expect("ours").1.to_owned();
    let answer = session.exchange("PUT", &target(put.uri()), "by hand").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let get = session.client.get_object().bucket(BUCKET).key("signed key");
    let get = get.presigned(minute).await.expect("signed");
    let answer = session.exchange("GET", &target(get.uri()), "").await;
    assert!(answer.ends_with("\r\n\r\nby hand"), "{answer}");
    let answer = session.exchange("DELETE", &target(get.uri()), "").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn conditions() {
    let session = Session::start().await;
    let put = || session.client.put_object().bucket(BUCKET).key("k").body(content(5).into());
    let first = put().if_none_match("*").send().await.expect("the first");
    let second = put().if_none_match("*").send().await.expect_err("the second");
    assert_eq!(second.into_service_error().code(), Some("PreconditionFailed"));
    put().if_match(first.e_tag().expect("a tag")).send().await.expect("the same");
}
