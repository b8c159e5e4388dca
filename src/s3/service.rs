//! The way of every request: addressing, routing, authentication, access, parsing, running; and the one
//! place where errors become responses.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Request, Response};

use super::access;
use super::addressing::{self, BaseDomains, Target};
use super::audit::Audit;
use super::context::{Asked, Context};
use super::error::{Code, S3Error, error_reply};
use super::form::Form;
use super::header::Head;
use super::naming;
use super::op;
use super::operation::Operation;
use super::reply::Reply;
use super::route;
use super::token::TokenKey;
use crate::auth::{Authenticator, Caller, Verified};
use crate::body::Payload;
use crate::object::{Bucket, BucketName, RequestId};
use crate::rules::Rulebook;
use crate::store::Front;

/// The key under which an upload was stored, where that is not the one that was asked for.
const STORED_KEY: &str = "x-stowgate-key";

/// What can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The gateway's region.
    pub region: String,
    /// The domains whose subdomains are buckets, without port.
    pub base_domains: Vec<String>,
    /// What continuation tokens are protected with: the same for every gateway that serves the
    /// same buckets.
    pub token_key: TokenKey,
    /// What may be stored.
    pub rules: Rulebook,
}

/// The S3 protocol over a store.
pub struct Service {
    region: Arc<str>,
    token_key: TokenKey,
    domains: BaseDomains,
    store: Arc<dyn Front>,
    rules: Arc<Rulebook>,
    auth: Arc<Authenticator>,
}

/// What is known of a request so far, for the answer and the log.
struct Progress {
    asked: Asked,
    id: RequestId,
    operation: Option<Operation>,
    access_key: Option<String>,
    unknown_domain: bool,
}

impl Service {
    /// Serves `store` to those whom `auth` knows.
    pub fn new(settings: Settings, store: Arc<dyn Front>, auth: Arc<Authenticator>) -> Self {
        let Settings { region, base_domains, token_key, rules } = settings;
        let domains = BaseDomains::new(base_domains);
        let rules = Arc::new(rules);
        Self { region: region.into(), token_key, domains, store, rules, auth }
    }

    /// Answers a request. The response's extensions hold an [`Audit`].
    pub async fn handle(&self, request: Request<Payload>) -> Response<Payload> {
        let (parts, body) = request.into_parts();
        let mut progress = Progress::new(&parts);
        let answer = AssertUnwindSafe(self.answer(&parts, body, &mut progress)).catch_unwind();
        let answer = answer.await.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        let mut error_code = None;
        let mut response = answer.map_or_else(
            |error| {
                let error = progress.explained(error);
                error.log(progress.operation.map(Operation::name));
                error_code = Some(error.code().as_str());
                error_reply(&error, &progress.asked.subject(&self.region, progress.id))
            },
            Reply::into_response,
        );
        response.extensions_mut().insert(progress.audit(error_code));
        response
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: Payload,
        progress: &mut Progress,
    ) -> Result<Reply, S3Error> {
        let target = addressing::resolve(&self.domains, parts)?;
        progress.names(&target);
        let head = Head::new(parts, target)?;
        let operation = route::route(&head)?;
        progress.operation = Some(operation);
        if operation == Operation::Preflight {
            return op::preflight(&head);
        }
        if operation == Operation::PostObject {
            return self.post(parts, &head, body, progress).await;
        }
        let verified = self.verify(parts, &head, body)?;
        progress.caller(&verified.caller);
        if verified.body.is_streaming() && !operation.takes_chunks() {
            return Err(S3Error::invalid_request(
                "An aws-chunked body is only supported by PutObject and UploadPart.",
            ));
        }
        self.run(operation, head, verified, progress).await
    }

    /// A form: who sent it, and what it asks for, stands in its fields.
    async fn post(
        &self,
        parts: &Parts,
        head: &Head,
        body: Payload,
        progress: &mut Progress,
    ) -> Result<Reply, S3Error> {
        let form = Form::read(head, body).await?;
        let head = form.head(head)?;
        progress.names(head.target());
        let verified = self.auth.verify_form(parts, &form.fields, form.file)?;
        progress.caller(&verified.caller);
        self.run(Operation::PostObject, head, verified, progress).await
    }

    async fn run(
        &self,
        operation: Operation,
        head: Head,
        verified: Verified,
        progress: &mut Progress,
    ) -> Result<Reply, S3Error> {
        let head = naming::settled(&self.rules, operation, head)?;
        progress.names(head.target());
        let store = &*self.store;
        let bucket = access::authorize(store, &verified.caller, operation, &head).await?;
        let context = self.context(verified.caller, bucket, progress);
        let reply = op::run(operation, &head, &context, verified.body).await?;
        Ok(match head.other_key() {
            Some(key) => reply.amz(STORED_KEY, naming::shown_key(key)),
            None => reply,
        })
    }

    fn verify(&self, parts: &Parts, head: &Head, body: Payload) -> Result<Verified, S3Error> {
        let target = head.target();
        let bucket = target.bucket.as_ref().filter(|_| target.virtual_host);
        Ok(self.auth.verify(parts, bucket.map(BucketName::as_str), body)?)
    }

    fn context(&self, caller: Caller, bucket: Option<Bucket>, progress: &Progress) -> Context {
        Context {
            store: Arc::clone(&self.store),
            rules: Arc::clone(&self.rules),
            region: Arc::clone(&self.region),
            token_key: self.token_key.clone(),
            caller,
            request_id: progress.id,
            bucket,
            asked: Arc::new(progress.asked.clone()),
        }
    }
}

impl Progress {
    fn new(parts: &Parts) -> Self {
        let asked = Asked {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            bucket: None,
            key: None,
        };
        let id = parts.extensions.get().copied().unwrap_or(RequestId(0));
        Self { asked, id, operation: None, access_key: None, unknown_domain: false }
    }

    fn names(&mut self, target: &Target) {
        self.asked.bucket = target.bucket.as_ref().map(|bucket| bucket.as_str().to_owned());
        self.asked.key = target.key.as_ref().map(|key| key.as_str().to_owned());
        self.unknown_domain = target.unknown_domain;
    }

    /// Says where the bucket was looked for, where the client may have meant it elsewhere.
    fn explained(&self, error: S3Error) -> S3Error {
        if !self.unknown_domain || error.code() != Code::NoSuchBucket {
            return error;
        }
        let message = error.text().to_owned();
        error.message(format!(
            "{message} (Its name was read from the path: the request's host is not under a base \
             domain of this server. Use path-style requests, or have the domain added.)"
        ))
    }

    fn caller(&mut self, caller: &Caller) {
        self.access_key = match caller {
            Caller::Anonymous => None,
            Caller::Key(identity) => Some(identity.access_key.clone()),
        };
    }

    fn audit(self, error_code: Option<&'static str>) -> Audit {
        Audit {
            access_key: self.access_key,
            operation: self.operation.map(Operation::name),
            bucket: self.asked.bucket,
            key: self.asked.key,
            error_code,
        }
    }
}

/// A fault in this program: the client sees an internal error, the server lives on.
fn panicked(panic: &(dyn Any + Send)) -> S3Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    S3Error::internal(format!("an operation panicked: {}", text.unwrap_or("without a message")))
}
