//! Encryption as the protocol asks for it and tells it.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};

use crate::object::{EncryptionDefaults, KeyFault};
use crate::s3::testing::{Answer, Gateway};
use crate::store::{Call, FaultStore, StoreError};

const MANAGED: (&str, &str) = ("x-amz-server-side-encryption", "AES256");
const TELLS: &str = "x-amz-server-side-encryption";
const TELLS_CUSTOMER: &str = "x-amz-server-side-encryption-customer-algorithm";
const TELLS_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";

/// The headers of a customer's key, with this before their names.
struct Key {
    names: [String; 3],
    values: [String; 3],
}

impl Key {
    fn new(before: &str, byte: u8) -> Self {
        let names = ["algorithm", "key", "key-MD5"];
        let names = names.map(|it| format!("{before}server-side-encryption-customer-{it}"));
        let values = [
            "AES256".to_owned(),
            BASE64_STANDARD.encode([byte; 32]),
            BASE64_STANDARD.encode(Md5::digest([byte; 32])),
        ];
        Self { names, values }
    }

    fn own(byte: u8) -> Self {
        Self::new("x-amz-", byte)
    }

    fn of_source(byte: u8) -> Self {
        Self::new("x-amz-copy-source-", byte)
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let all = self.names.iter().zip(&self.values);
        all.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

fn managed(answer: &Answer) -> bool {
    answer.header(TELLS) == Some("AES256") && answer.header(TELLS_CUSTOMER).is_none()
}

fn customers(answer: &Answer, key: &Key) -> bool {
    answer.header(TELLS).is_none()
        && answer.header(TELLS_CUSTOMER) == Some("AES256")
        && answer.header(TELLS_MD5) == Some(&key.values[2])
}

async fn begin(gateway: &Gateway, key: &str, headers: &[(&str, &str)]) -> (Answer, String) {
    let answer = gateway.ok("POST", &format!("/bucket/{key}?uploads"), headers, "").await;
    let id = answer.xml("InitiateMultipartUploadResult");
    let id = id.required_text("UploadId").unwrap().to_owned();
    (answer, id)
}

fn list(etag: &str) -> String {
    format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>\
         </CompleteMultipartUpload>",
        etag.replace('"', "&quot;")
    )
}

#[tokio::test]
async fn every_answer_about_an_encrypted_object_says_so() {
    let gateway = Gateway::new().await;
    assert!(managed(&gateway.ok("PUT", "/bucket/a", &[MANAGED], "abc").await));
    assert!(managed(&gateway.ok("GET", "/bucket/a", &[], "").await));
    assert!(managed(&gateway.ok("HEAD", "/bucket/a", &[], "").await));
    let ranged = gateway.ok("GET", "/bucket/a", &[("range", "bytes=1-")], "").await;
    assert!(managed(&ranged) && &ranged.body[..] == b"bc");
    let from = ("x-amz-copy-source", "/bucket/a");
    assert!(managed(&gateway.ok("PUT", "/bucket/b", &[from], "").await));
    let (begun, id) = begin(&gateway, "c", &[MANAGED]).await;
    assert!(managed(&begun));
    let target = format!("/bucket/c?partNumber=1&uploadId={id}");
    let part = gateway.ok("PUT", &target, &[], "abc").await;
    assert!(managed(&part));
    assert!(managed(&gateway.ok("PUT", &target, &[from], "").await));
    let list = list(part.header("etag").unwrap());
    let done = gateway.ok("POST", &format!("/bucket/c?uploadId={id}"), &[], list).await;
    assert!(managed(&done));
    let plain = gateway.ok("PUT", "/bucket/plain", &[], "abc").await;
    assert_eq!(plain.header(TELLS), None);
    // Encrypting an object is a change, so that it may be copied onto itself.
    let onto = ("x-amz-copy-source", "/bucket/plain");
    let same = gateway.refused("PUT", "/bucket/plain", &[onto], "").await;
    assert_eq!(same, (400, "InvalidRequest".to_owned()));
    assert!(managed(&gateway.ok("PUT", "/bucket/plain", &[onto, MANAGED], "").await));
}

#[tokio::test]
async fn a_default_is_told_like_a_wish() {
    let defaults = EncryptionDefaults { everywhere: true, ..EncryptionDefaults::default() };
    let gateway = Gateway::encrypting(defaults).await;
    assert!(managed(&gateway.ok("PUT", "/bucket/a", &[], "abc").await));
    assert!(managed(&begin(&gateway, "b", &[]).await.0));
}

#[tokio::test]
async fn a_configured_default_is_shown_as_the_buckets() {
    let defaults = EncryptionDefaults { everywhere: true, ..EncryptionDefaults::default() };
    let gateway = Gateway::encrypting(defaults).await;
    let shown = async |gateway: &Gateway| {
        let answer = gateway.ok("GET", "/bucket?encryption", &[], "").await;
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    assert!(shown(&gateway).await.contains("<SSEAlgorithm>AES256</SSEAlgorithm>"));
    let plain = Gateway::new().await;
    let none = plain.refused("GET", "/bucket?encryption", &[], "").await;
    assert_eq!(none.1, "ServerSideEncryptionConfigurationNotFoundError");
}

#[tokio::test]
async fn what_a_customer_encrypted_takes_the_customers_key() {
    let gateway = Gateway::new().await;
    let (key, other) = (Key::own(1), Key::own(2));
    let put = gateway.ok("PUT", "/bucket/a", &key.headers(), "abc").await;
    assert!(customers(&put, &key));
    assert_ne!(put.header("etag"), Some("\"900150983cd24fb0d6963f7d28e17f72\""), "the MD5");
    let got = gateway.ok("GET", "/bucket/a", &key.headers(), "").await;
    assert!(customers(&got, &key) && &got.body[..] == b"abc");
    assert!(customers(&gateway.ok("HEAD", "/bucket/a", &key.headers(), "").await, &key));
    let refused = async |method: &str, headers: &[(&str, &str)]| {
        let answer = gateway.ask(method, "/bucket/a", headers, "").await;
        answer.status.as_u16()
    };
    for method in ["GET", "HEAD"] {
        assert_eq!(refused(method, &[]).await, 400, "{method}");
        assert_eq!(refused(method, &other.headers()).await, 403, "{method}");
    }
    let without = gateway.ask("GET", "/bucket/a", &[], "").await;
    let message = without.xml("Error").required_text("Message").unwrap().to_owned();
    assert!(message.starts_with("The object was stored using a form of Server Side"), "{message}");
    let attributes = [("x-amz-object-attributes", "ObjectSize")];
    let (status, _) = gateway.refused("GET", "/bucket/a?attributes", &attributes, "").await;
    assert_eq!(status, 400);
    let mut keyed = key.headers();
    keyed.extend(attributes);
    gateway.ok("GET", "/bucket/a?attributes", &keyed, "").await;
    gateway.ok("PUT", "/bucket/plain", &[], "abc").await;
    let unneeded = gateway.refused("GET", "/bucket/plain", &key.headers(), "").await;
    assert_eq!(unneeded, (400, "InvalidRequest".to_owned()));
}

#[tokio::test]
async fn copies_open_with_one_key_and_close_with_another() {
    let gateway = Gateway::new().await;
    let (one, two) = (Key::own(1), Key::own(2));
    gateway.ok("PUT", "/bucket/a", &one.headers(), "abc").await;
    let from = ("x-amz-copy-source", "/bucket/a");
    let missing = gateway.refused("PUT", "/bucket/b", &[from], "").await;
    assert_eq!(missing, (400, "InvalidRequest".to_owned()));
    let wrong = Key::of_source(3);
    let mut headers = wrong.headers();
    headers.push(from);
    let wrong = gateway.refused("PUT", "/bucket/b", &headers, "").await;
    assert_eq!(wrong, (403, "AccessDenied".to_owned()));
    let source = Key::of_source(1);
    let mut headers = source.headers();
    headers.extend(two.headers());
    headers.push(from);
    assert!(customers(&gateway.ok("PUT", "/bucket/b", &headers, "").await, &two));
    let got = gateway.ok("GET", "/bucket/b", &two.headers(), "").await;
    assert_eq!(&got.body[..], b"abc");
}

#[tokio::test]
async fn parts_take_the_key_that_the_upload_was_begun_with() {
    let gateway = Gateway::new().await;
    let (key, other) = (Key::own(1), Key::own(2));
    let (begun, id) = begin(&gateway, "a", &key.headers()).await;
    assert!(customers(&begun, &key));
    let target = format!("/bucket/a?partNumber=1&uploadId={id}");
    for headers in [Vec::new(), other.headers()] {
        let refused = gateway.refused("PUT", &target, &headers, "abc").await;
        assert_eq!(refused, (400, "InvalidRequest".to_owned()));
    }
    let unneeded = gateway.refused("PUT", &target, &[MANAGED], "abc").await;
    assert_eq!(unneeded, (400, "InvalidArgument".to_owned()));
    let part = gateway.ok("PUT", &target, &key.headers(), "abc").await;
    assert!(customers(&part, &key));
    let list = list(part.header("etag").unwrap());
    let complete = format!("/bucket/a?uploadId={id}");
    let done = gateway.ok("POST", &complete, &[], list).await;
    assert_eq!(done.header(TELLS_CUSTOMER), Some("AES256"));
    let got = gateway.ok("GET", "/bucket/a", &key.headers(), "").await;
    assert_eq!(&got.body[..], b"abc");
    let (_, id) = begin(&gateway, "b", &[]).await;
    let target = format!("/bucket/b?partNumber=1&uploadId={id}");
    let keyed = gateway.refused("PUT", &target, &key.headers(), "abc").await;
    assert_eq!(keyed, (400, "InvalidRequest".to_owned()));
}

/// A store that shows parts to nobody without the key is asked for them with it.
#[tokio::test]
async fn attributes_of_parts_are_read_with_the_key() {
    let mut gateway = Gateway::new().await;
    let key = Key::own(1);
    let (_, id) = begin(&gateway, "a", &key.headers()).await;
    let target = format!("/bucket/a?partNumber=1&uploadId={id}");
    let part = gateway.ok("PUT", &target, &key.headers(), "abc").await;
    let list = list(part.header("etag").unwrap());
    let complete = format!("/bucket/a?uploadId={id}");
    let done = gateway.ok("POST", &complete, &key.headers(), list).await;
    assert!(customers(&done, &key));
    let faults = FaultStore::new(Arc::clone(&gateway.store));
    faults.fail_always(Call::ObjectParts, || StoreError::CustomerKey(KeyFault::Missing));
    gateway.store = Arc::new(faults);
    let mut headers = key.headers();
    headers.push(("x-amz-object-attributes", "ObjectParts,ObjectSize"));
    let told = gateway.ok("GET", "/bucket/a?attributes", &headers, "").await;
    let told = String::from_utf8(told.body.to_vec()).unwrap();
    for expected in ["<PartsCount>1</PartsCount>", "<PartNumber>1</PartNumber><Size>3</Size>"] {
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn what_is_not_served_is_refused_and_stores_nothing() {
    let gateway = Gateway::new().await;
    for (value, code) in
        [("aws:kms", "NotImplemented"), ("aes256", "InvalidEncryptionAlgorithmError")]
    {
        let headers = [(TELLS, value)];
        let (_, found) = gateway.refused("PUT", "/bucket/a", &headers, "abc").await;
        assert_eq!(found, code);
        let (_, found) = gateway.refused("POST", "/bucket/a?uploads", &headers, "").await;
        assert_eq!(found, code);
    }
    assert_eq!(gateway.ask("HEAD", "/bucket/a", &[], "").await.status, 404);
}
