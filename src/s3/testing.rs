//! A gateway over a store in memory for tests of operations: requests go the way of
//! [`super::Service`] except that the caller is given, not proved by a signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use md5::{Digest as _, Md5};

use super::access::Gate;
use super::addressing::{BaseDomains, resolve};
use super::context::{Asked, Context};
use super::error::{S3Error, error_reply};
use super::header::Head;
use super::header::tests::head;
use super::reply::Reply;
use super::request_facts::Nearby;
use super::request_facts::RequestFacts;
use super::xml::{self, Element};
use super::{TokenKey, access, op, route};
use crate::auth::{AuthSettings, Authenticator, Caller, Identity, Keyring, Role, Scheme};
use crate::body::{Expected, Payload, digesting};
use crate::object::{
    Algorithm, BucketName, Clock, EncryptionDefaults, ObjectInfo, ObjectKey, Owner, RequestId,
    Timestamp,
};
use crate::store::{Front, GetRequest, MemoryStore, NewObject, ObjectPath, Store};

/// 2015-10-21T07:28:00Z, as long as nobody moves it.
pub(super) struct StoppedClock(AtomicI64);

impl StoppedClock {
    pub(super) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The gateway.
pub(super) struct Gateway {
    pub(super) store: Arc<dyn Front>,
    pub(super) clock: Arc<StoppedClock>,
    caller: Caller,
}

/// What it answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The caller of that name.
pub(super) fn key(owner: &str, role: Role) -> Caller {
    let named = Owner { id: owner.to_owned(), display_name: format!("{owner}'s name") };
    Caller::Key(Arc::new(Identity::new(format!("{owner}-key"), role, named)))
}

impl Gateway {
    /// One with the empty bucket `bucket`, which belongs to `alice`, who is asking.
    pub(super) async fn new() -> Self {
        Self::encrypting(EncryptionDefaults::default()).await
    }

    /// The same where buckets have these defaults.
    pub(super) async fn encrypting(defaults: EncryptionDefaults) -> Self {
        let clock = Arc::new(StoppedClock(AtomicI64::new(1_445_412_480_000)));
        let store = MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let store = Arc::new(store.encrypting(defaults));
        let gateway = Self { store, clock, caller: key("alice", Role::ReadWrite) };
        gateway.put_bucket("bucket").await;
        gateway
    }

    /// The same gateway, asked by another.
    pub(super) fn asked_by(&self, owner: &str, role: Role) -> Self {
        Self {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            caller: key(owner, role),
        }
    }

    /// Makes a bucket of the caller's.
    pub(super) async fn put_bucket(&self, name: &str) {
        let Caller::Key(identity) = &self.caller else { panic!("an anonymous caller") };
        let name = BucketName::parse(name).unwrap();
        self.store.create_bucket(&name, &identity.owner).await.unwrap();
    }

    /// Stores an object in `bucket`, with the CRC-32 of its content.
    pub(super) async fn put(&self, key: &str, body: &'static str) -> ObjectInfo {
        self.put_with(key, body, NewObject::default()).await
    }

    /// Stores an object in `bucket` with what `new` says.
    pub(super) async fn put_with(
        &self,
        key: &str,
        body: &'static str,
        new: NewObject,
    ) -> ObjectInfo {
        let at = ObjectPath {
            bucket: BucketName::parse("bucket").unwrap(),
            key: ObjectKey::parse(key).unwrap(),
        };
        let expected = Expected { compute: Some(Algorithm::Crc32), ..Expected::default() };
        let body = digesting(Payload::from_bytes(body), expected);
        self.store.put_object(&at, new, body).await.unwrap().object
    }

    /// The head of an object in `bucket`.
    pub(super) async fn info(&self, key: &str) -> ObjectInfo {
        let bucket = BucketName::parse("bucket").unwrap();
        let at = ObjectPath { bucket, key: ObjectKey::parse(key).unwrap() };
        self.store.head_object(&at, &GetRequest::default()).await.unwrap().object
    }

    /// Asks, expecting success.
    pub(super) async fn ok(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let answer = self.ask(method, target, headers, body).await;
        assert!(answer.status.is_success(), "{method} {target}: {answer:?}");
        answer
    }

    /// Asks, expecting an error: its status and code.
    pub(super) async fn refused(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> (u16, String) {
        let answer = self.ask(method, target, headers, body).await;
        assert!(!answer.status.is_success(), "{method} {target}: {answer:?}");
        (answer.status.as_u16(), answer.xml("Error").required_text("Code").unwrap().to_owned())
    }

    /// Asks with a document and its MD5.
    pub(super) async fn ask_with_md5(&self, method: &str, target: &str, body: &str) -> Answer {
        let md5 = BASE64_STANDARD.encode(Md5::digest(body));
        self.ask(method, target, &[("content-md5", &md5)], body.to_owned()).await
    }

    /// Asks with a document and its MD5, expecting an error: its status and code.
    pub(super) async fn refused_with_md5(
        &self,
        method: &str,
        target: &str,
        body: &str,
    ) -> (u16, String) {
        let md5 = BASE64_STANDARD.encode(Md5::digest(body));
        self.refused(method, target, &[("content-md5", &md5)], body.to_owned()).await
    }

    /// Asks.
    pub(super) async fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = http::Request::builder().method(method).uri(target);
        request = request.header("host", "localhost").extension(Nearby);
        for (name, value) in headers {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request = request.header(*name, value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let asked = Asked {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            bucket: None,
            key: None,
        };
        let answer = self.answer(&parts, asked.clone(), Payload::from_bytes(body)).await;
        let response = match answer {
            Ok(reply) => reply.into_response(),
            Err(error) => error_reply(&error, &asked.subject("us-east-1", RequestId(7))),
        };
        let (parts, body) = response.into_parts();
        let body = body.collect(1 << 26).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn answer(
        &self,
        parts: &http::request::Parts,
        asked: Asked,
        body: Payload,
    ) -> Result<Reply, S3Error> {
        let head = Arc::new(Head::new(parts, resolve(&BaseDomains::default(), parts)?)?);
        let operation = route::route(&head)?;
        let gate = self.gate(head.clone());
        let bucket = access::authorize(&gate, operation, &head).await?;
        let ctx = Context { bucket, gate, asked: Arc::new(asked), ..self.context() };
        let sealed = unsigned().verify(parts, None, body)?.body;
        op::run(operation, &head, &ctx, sealed).await
    }

    fn gate(&self, head: Arc<Head>) -> Gate {
        Gate::new(access::Inner {
            caller: self.caller.clone(),
            facts: RequestFacts {
                head,
                scheme: Scheme::None,
                now: self.clock.now(),
                region: Arc::from("us-east-1"),
            },
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            configured: Arc::default(),
            templates: Arc::default(),
        })
    }

    /// What an operation on nothing in particular runs with.
    pub(super) fn context(&self) -> Context {
        Context {
            store: Arc::clone(&self.store),
            rules: Arc::default(),
            region: Arc::from("us-east-1"),
            token_key: TokenKey::new([1; 32]),
            configured: Arc::default(),
            public_sites: Arc::default(),
            expiring: Arc::default(),
            caller: self.caller.clone(),
            auth: Arc::new(unsigned()),
            gate: self.gate(Arc::new(head("GET", "/", &[]))),
            request_id: RequestId(7),
            bucket: None,
            asked: Arc::new(Asked {
                method: http::Method::GET,
                path: "/".to_owned(),
                bucket: None,
                key: None,
            }),
        }
    }
}

impl Answer {
    /// The body as a document of that root.
    pub(super) fn xml(&self, root: &str) -> Element {
        assert_eq!(self.headers["content-type"], "application/xml");
        xml::parse_root(&self.body, root).unwrap()
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The texts at `path` under each element of the path's first name.
pub(super) fn texts(element: &Element, path: &str) -> Vec<String> {
    match path.split_once('/') {
        None => element.children(path).map(|child| child.text().unwrap().to_owned()).collect(),
        Some((name, rest)) => element.children(name).flat_map(|child| texts(child, rest)).collect(),
    }
}

fn unsigned() -> Authenticator {
    let settings =
        AuthSettings { sigv2: false, region: "us-east-1".to_owned(), strict_region: false };
    Authenticator::new(Keyring::default(), settings, Arc::new(crate::object::SystemClock))
}
