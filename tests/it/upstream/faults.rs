//! Wrong configurations, each named in one sentence and none of them a client's fault.

use std::sync::Arc;
use std::time::Duration;

use stowgate::auth::Role;
use stowgate::object::{Algorithm, BucketName, ListQuery, ObjectKey, SystemClock};
use stowgate::server::TlsConfig;
use stowgate::store::conformance::{body, content};
use stowgate::store::upstream::{UpstreamOptions, UpstreamStore};
use stowgate::store::{GetRequest, NewObject, ObjectPath, Objects, StoreError};

use super::{Upstream, connect, owner};

fn at() -> ObjectPath {
    let bucket = BucketName::parse("bills").unwrap();
    ObjectPath { bucket, key: ObjectKey::parse("key").unwrap() }
}

/// What GET, HEAD, PUT and a listing say.
async fn words(options: UpstreamOptions) -> Vec<String> {
    let store = connect(options, Arc::new(SystemClock)).await;
    let all = ListQuery { limit: 1, ..ListQuery::default() };
    let errors = [
        store.get_object(&at(), &GetRequest::default()).await.err(),
        store.head_object(&at(), &GetRequest::default()).await.err(),
        put(&store, 10).await.err(),
        put(&store, 100_000).await.err(),
        store.list_objects(&at().bucket, &all).await.err(),
    ];
    let word = |error: Option<StoreError>| match error {
        Some(StoreError::Unavailable { what }) => what,
        other => panic!("expected Unavailable, got {other:?}"),
    };
    errors.into_iter().map(word).collect()
}

async fn put(store: &UpstreamStore, size: usize) -> Result<(), StoreError> {
    let body = body(&content(1, size), Some(Algorithm::Crc32));
    store.put_object(&at(), NewObject::default(), body).await.map(|_| ())
}

fn all_say(said: &[String], words: &str) {
    for what in said {
        assert!(what.starts_with("upstream main (") && what.contains(words), "{words}: {what}");
        assert!(!what.contains("secret-of-ours"), "{what}");
    }
}

async fn with_bucket(tls: Option<TlsConfig>) -> Upstream {
    let upstream = Upstream::start_as(Arc::new(SystemClock), Role::Admin, tls).await;
    upstream.store.create_bucket(&at().bucket, &owner()).await.unwrap();
    upstream
}

#[tokio::test]
async fn wrong_keys() {
    let upstream = with_bucket(None).await;
    let mut options = upstream.options();
    let key = options.credentials.as_mut().unwrap();
    key.secret_key = "secret-of-ours".to_owned();
    let said = words(options).await;
    all_say(&said, "the key AKUPSTREAM");
    // A HEAD is not told why; what the GET before it was told is the reason.
    assert!(said[0].contains("SignatureDoesNotMatch: the secret key"), "{}", said[0]);
    assert!(said[1].contains("SignatureDoesNotMatch"), "a HEAD: {}", said[1]);

    let mut options = upstream.options();
    let key = options.credentials.as_mut().unwrap();
    key.access_key = "AKNOBODY".to_owned();
    let said = words(options).await;
    all_say(&said, "the key AKNOBODY");
    assert!(said[3].contains("InvalidAccessKeyId: the service"), "{}", said[3]);
}

#[tokio::test]
async fn a_key_that_may_not_write() {
    let upstream = Upstream::start_as(Arc::new(SystemClock), Role::ReadOnly, None).await;
    upstream.store.create_bucket(&at().bucket, &owner()).await.unwrap();
    let store = connect(upstream.options(), Arc::new(SystemClock)).await;
    let Err(StoreError::Unavailable { what }) = put(&store, 100_000).await else { panic!() };
    assert!(what.contains("AccessDenied on PutObject"), "{what}");
    assert!(what.contains("the key AKUPSTREAM needs s3:PutObject on arn:aws:s3:::bills/*"));
}

#[tokio::test]
async fn a_wrong_region() {
    let upstream = with_bucket(None).await;
    let mut options = upstream.options();
    options.region = "eu-west-1".to_owned();
    let said = words(options).await;
    assert!(said[0].contains("the bucket is in region us-east-1, not in eu-west-1"), "{}", said[0]);
    assert!(said[4].contains("the bucket is in region us-east-1, not in eu-west-1"), "{}", said[4]);
}

#[tokio::test]
async fn a_missing_bucket() {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    all_say(&words(upstream.options()).await, "there is no bucket bills");
}

#[tokio::test]
async fn nobody_there() {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    let mut options = upstream.options();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    options.endpoint = Some(format!("http://{free}"));
    all_say(&words(options).await, "connection refused: is the service running");
    let mut options = upstream.options();
    options.endpoint = Some("http://no-such-host.invalid".to_owned());
    all_say(&words(options).await, "the endpoint's name cannot be resolved");
}

#[tokio::test]
async fn one_with_tls_and_one_without() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = TlsConfig::from_pem(certificate.as_bytes(), key.as_bytes()).expect("usable");
    let upstream = with_bucket(Some(tls)).await;
    let port = upstream.address.port();

    let mut clear = upstream.options();
    clear.endpoint = Some(format!("http://localhost:{port}"));
    all_say(&words(clear).await, "is it https:// instead of http://");

    let mut untrusted = upstream.options();
    untrusted.endpoint = Some(format!("https://localhost:{port}"));
    all_say(&words(untrusted.clone()).await, "the service's certificate is not trusted");

    let mut trusted = untrusted;
    trusted.trusted = Some(certificate.clone().into_bytes());
    let store = connect(trusted.clone(), Arc::new(SystemClock)).await;
    for size in [10, 100_000, 3 << 20] {
        put(&store, size).await.unwrap();
        let got = store.get_object(&at(), &GetRequest::default()).await.unwrap();
        let sum = got.head.object.checksum.unwrap().value;
        assert_eq!(sum, Algorithm::Crc32.digest(&content(1, size)));
        assert_eq!(got.body.collect(usize::MAX).await.unwrap(), content(1, size));
    }
    let mut other_name = trusted;
    other_name.endpoint = Some(format!("https://127.0.0.1:{port}"));
    all_say(&words(other_name).await, "is for another name");

    let plain = with_bucket(None).await;
    let mut encrypted = plain.options();
    encrypted.endpoint = Some(format!("https://{}", plain.address));
    encrypted.trusted = Some(certificate.into_bytes());
    all_say(&words(encrypted).await, "is it http:// instead of https://");
}

#[tokio::test]
async fn endpoints_that_are_none() {
    let mut options = UpstreamOptions::new("main");
    options.endpoint = Some("localhost:9000".to_owned());
    options.connect_timeout = Duration::from_millis(100);
    let error = UpstreamStore::connect(options, Arc::new(SystemClock)).await.unwrap_err();
    assert!(error.to_string().contains("http:// or https://"), "{error}");
}
