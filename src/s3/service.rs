//! The way of every request: addressing, routing, authentication, access, parsing, running; and the one
//! place where errors become responses.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};

use super::access::{self, Gate};
use super::addressing::{self, BaseDomains, Serving, Target};
use super::audit::Audit;
use super::configured::Configured;
use super::context::{Asked, Context};
use super::cors;
use super::error::{Code, S3Error, error_reply};
use super::form::Form;
use super::header::Head;
use super::naming;
use super::op;
use super::operation::Operation;
use super::reply::Reply;
use super::request_facts::RequestFacts;
use super::route;
use super::sts;
use super::token::TokenKey;
use super::website::{Failure, Seen, Visit};
use crate::auth::grants::OwnershipDefaults;
use crate::auth::{Authenticator, Caller, Scheme, Verified};
use crate::body::Payload;
use crate::object::{Bucket, BucketName, KeyTemplates, RequestId};
use crate::rules::Rulebook;
use crate::store::{Front, Store};

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
    /// The shapes of buckets' keys, by which companies know theirs.
    pub templates: KeyTemplates,
    /// Buckets as websites.
    pub websites: Websites,
    /// Whose the objects are of buckets that do not say so themselves.
    pub ownerships: OwnershipDefaults,
    /// In which buckets life-cycle rules are carried out.
    pub expiring: Expiring,
}

/// Buckets in which life-cycle rules are carried out, so that answers tell what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// Whether it is so in every bucket but those of `others`.
    pub everywhere: bool,
    /// The buckets in which it is the other way round.
    pub others: BTreeSet<BucketName>,
}

impl Expiring {
    /// Whether it is so in this bucket.
    pub fn contains(&self, bucket: &BucketName) -> bool {
        self.everywhere != self.others.contains(bucket)
    }
}

impl Default for Expiring {
    /// Everywhere.
    fn default() -> Self {
        Self { everywhere: true, others: BTreeSet::new() }
    }
}

/// Which buckets are websites, and where.
#[derive(Debug, Clone, Default)]
pub struct Websites {
    /// The domains whose subdomains are websites, without port.
    pub domains: Vec<String>,
    /// The buckets whose objects everybody may read there, whatever else says so or not.
    pub public: BTreeSet<BucketName>,
}

/// The S3 protocol over a store.
pub struct Service {
    region: Arc<str>,
    token_key: TokenKey,
    domains: BaseDomains,
    public_sites: Arc<BTreeSet<BucketName>>,
    configured: Arc<Configured>,
    store: Arc<dyn Front>,
    rules: Arc<Rulebook>,
    auth: Arc<Authenticator>,
    templates: Arc<KeyTemplates>,
    expiring: Arc<Expiring>,
}

/// What is known of a request so far, for the answer and the log.
struct Progress {
    asked: Asked,
    id: RequestId,
    operation: Option<Operation>,
    /// Who it is, for the log.
    who: Audit,
    bucket: Option<BucketName>,
    unknown_domain: bool,
    error_code: Option<&'static str>,
    cause: Option<String>,
}

impl Service {
    /// Serves `store` to those whom `auth` knows.
    pub fn new(settings: Settings, store: Arc<dyn Front>, auth: Arc<Authenticator>) -> Self {
        let Settings { region, base_domains, token_key, templates, websites, .. } = settings;
        let Settings { ownerships, rules, expiring, .. } = settings;
        Self {
            region: region.into(),
            token_key,
            domains: BaseDomains::new(base_domains, websites.domains),
            public_sites: Arc::new(websites.public),
            configured: Arc::new(Configured::new(ownerships)),
            store,
            rules: Arc::new(rules),
            auth,
            templates: Arc::new(templates),
            expiring: Arc::new(expiring),
        }
    }

    /// Answers a request. The response's extensions hold an [`Audit`].
    pub async fn handle(&self, request: Request<Payload>) -> Response<Payload> {
        let (parts, body) = request.into_parts();
        if addressing::is_service(&self.domains, &parts) && sts::is_call(&parts) {
            return sts::answer(&self.auth, &parts, body).await;
        }
        let mut progress = Progress::new(&parts);
        let mut response = match addressing::serving(&self.domains, &parts) {
            Serving::Websites if parts.method != Method::OPTIONS => {
                self.visited(&parts, &mut progress).await
            }
            Serving::Websites | Serving::Buckets => {
                self.answered(&parts, body, &mut progress).await
            }
        };
        self.tell_pages(&parts, &progress, response.headers_mut()).await;
        response.extensions_mut().insert(progress.audit());
        response
    }

    async fn answered(
        &self,
        parts: &Parts,
        body: Payload,
        progress: &mut Progress,
    ) -> Response<Payload> {
        let answer = AssertUnwindSafe(self.answer(parts, body, progress)).catch_unwind();
        let answer = answer.await.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        answer.map_or_else(
            |error| {
                let error = progress.explained(error);
                progress.failed(&error);
                error_reply(&error, &progress.asked.subject(&self.region, progress.id))
            },
            Reply::into_response,
        )
    }

    async fn visited(&self, parts: &Parts, progress: &mut Progress) -> Response<Payload> {
        let seen = AssertUnwindSafe(self.visit(parts, progress)).catch_unwind().await;
        match seen.unwrap_or_else(|panic| Err(panicked(panic.as_ref()).into())) {
            Ok((reply, error)) => {
                progress.error_code = error.map(Code::as_str);
                reply.into_response()
            }
            Err(failure) => {
                progress.failed(failure.error());
                failure.page(&progress.asked.subject(&self.region, progress.id))
            }
        }
    }

    async fn visit(&self, parts: &Parts, progress: &mut Progress) -> Result<Seen, Failure> {
        let target = addressing::resolve(&self.domains, parts)?;
        progress.names(&target);
        progress.operation = match parts.method {
            Method::GET => Some(Operation::GetObject),
            Method::HEAD => Some(Operation::HeadObject),
            _ => None,
        };
        let head = Arc::new(Head::of_page(parts, &parts.method, target.clone()));
        let gate = self.gate(&Caller::Anonymous, Scheme::None, &head);
        let ctx = self.context(Caller::Anonymous, gate, None, progress);
        Visit { parts, target: &target, ctx: &ctx }.answer().await
    }

    /// Tells browsers which pages may read an answer, and caches what it depends on. Failing to
    /// find the bucket's rules fails no request: browsers then keep the answer to themselves.
    async fn tell_pages(&self, parts: &Parts, progress: &Progress, headers: &mut HeaderMap) {
        let Some(bucket) = &progress.bucket else { return };
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let origin = text(ORIGIN);
        let may_be_cached = matches!(parts.method, Method::GET | Method::HEAD);
        if progress.operation == Some(Operation::Preflight) || (origin.is_none() && !may_be_cached)
        {
            return;
        }
        let rules = self.configured.cors(&*self.store, bucket).await;
        let Ok(Some(rules)) = rules else { return };
        cors::vary(headers);
        let Some(origin) = origin else { return };
        let method = text(ACCESS_CONTROL_REQUEST_METHOD).unwrap_or(parts.method.as_str());
        let asked = cors::Asked { origin, method, headers: &[] };
        if let Some(allowed) = rules.find(asked) {
            cors::allow(headers, allowed, asked);
        }
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
            return op::preflight(&head, &*self.store, &self.configured).await;
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

    /// Access is decided of the key that is really written.
    async fn run(
        &self,
        operation: Operation,
        head: Head,
        verified: Verified,
        progress: &mut Progress,
    ) -> Result<Reply, S3Error> {
        let head = Arc::new(naming::settled(&self.rules, operation, head)?);
        progress.names(head.target());
        let gate = self.gate(&verified.caller, verified.scheme, &head);
        let bucket = access::authorize(&gate, operation, &head).await?;
        let context = self.context(verified.caller, gate, bucket, progress);
        match op::run(operation, &head, &context, verified.body).await {
            Ok(reply) => Ok(match head.other_key() {
                Some(key) => reply.amz(STORED_KEY, naming::shown_key(key)),
                None => reply,
            }),
            Err(error) if operation.tells_existence() => {
                let (bucket, at) = (context.own_bucket()?, head.object()?);
                Err(context.gate.veil(error, bucket, &at.key).await)
            }
            Err(error) => Err(error),
        }
    }

    fn gate(&self, caller: &Caller, scheme: Scheme, head: &Arc<Head>) -> Gate {
        Gate::new(access::Inner {
            caller: caller.clone(),
            facts: RequestFacts {
                head: Arc::clone(head),
                scheme,
                now: self.auth.now(),
                region: Arc::clone(&self.region),
            },
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            configured: Arc::clone(&self.configured),
            templates: Arc::clone(&self.templates),
        })
    }

    fn verify(&self, parts: &Parts, head: &Head, body: Payload) -> Result<Verified, S3Error> {
        let target = head.target();
        let bucket = target.bucket.as_ref().filter(|_| target.virtual_host);
        Ok(self.auth.verify(parts, bucket.map(BucketName::as_str), body)?)
    }

    fn context(
        &self,
        caller: Caller,
        gate: Gate,
        bucket: Option<Bucket>,
        progress: &Progress,
    ) -> Context {
        Context {
            store: Arc::clone(&self.store),
            rules: Arc::clone(&self.rules),
            region: Arc::clone(&self.region),
            token_key: self.token_key.clone(),
            configured: Arc::clone(&self.configured),
            public_sites: Arc::clone(&self.public_sites),
            expiring: Arc::clone(&self.expiring),
            caller,
            auth: Arc::clone(&self.auth),
            gate,
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
        Self {
            asked,
            id,
            operation: None,
            who: Audit::default(),
            bucket: None,
            unknown_domain: false,
            error_code: None,
            cause: None,
        }
    }

    fn names(&mut self, target: &Target) {
        self.asked.bucket = target.bucket.as_ref().map(|bucket| bucket.as_str().to_owned());
        self.asked.key = target.key.as_ref().map(|key| key.as_str().to_owned());
        self.bucket.clone_from(&target.bucket);
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
        self.who = match caller {
            Caller::Anonymous => Audit::default(),
            Caller::Key(identity) => Audit::of(identity),
        };
    }

    fn failed(&mut self, error: &S3Error) {
        error.log(self.operation.map(Operation::name));
        self.error_code = Some(error.code().as_str());
        self.cause = error.why_denied().map(str::to_owned);
    }

    fn audit(self) -> Audit {
        Audit {
            operation: self.operation.map(Operation::name),
            bucket: self.asked.bucket,
            key: self.asked.key,
            error_code: self.error_code,
            cause: self.cause,
            ..self.who
        }
    }
}

/// A fault in this program: the client sees an internal error, the server lives on.
fn panicked(panic: &(dyn Any + Send)) -> S3Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    S3Error::internal(format!("an operation panicked: {}", text.unwrap_or("without a message")))
}
