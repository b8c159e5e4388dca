//! Buckets as websites (S3 User Guide, "Website endpoints"): what browsers without credentials get
//! under a website's own domain. Only GET and HEAD, only what anybody may read, errors as pages.

mod configuration;
mod page;

use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode};

pub(super) use configuration::Website;
use configuration::{Entrance, Pages, Redirect, moved};
pub(super) use page::error_page;

use super::access;
use super::addressing::{self, Target};
use super::context::Context;
use super::error::{Code, S3Error};
use super::header::{Encrypted, Head};
use super::op;
use super::reply::Reply;
use crate::body::Payload;
use crate::object::{BucketName, ObjectKey};

/// Where an object says that it is elsewhere.
const REDIRECT_LOCATION: HeaderName = HeaderName::from_static("x-amz-website-redirect-location");
const METHODS: &str = "GET, HEAD, OPTIONS";

/// A request to a website.
pub(super) struct Visit<'a> {
    /// The request's head.
    pub(super) parts: &'a Parts,
    /// The bucket and the path, as a key.
    pub(super) target: &'a Target,
    /// What operations run with; the caller is nobody.
    pub(super) ctx: &'a Context,
}

/// Why a visitor does not see a page.
pub(super) struct Failure {
    error: S3Error,
    /// Why not even the website's own page of errors.
    second: Option<Box<S3Error>>,
}

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        Self { error, second: None }
    }
}

impl Failure {
    /// What went wrong.
    pub(super) fn error(&self) -> &S3Error {
        &self.error
    }

    /// The page that says so.
    pub(super) fn page(&self, subject: &super::error::Subject<'_>) -> Response<Payload> {
        error_page(&self.error, self.second.as_deref(), subject)
    }
}

/// What a visitor sees, and the error that it is about, if it is.
pub(super) type Seen = (Reply, Option<Code>);

impl Visit<'_> {
    /// Answers.
    pub(super) async fn answer(&self) -> Result<Seen, Failure> {
        let method = &self.parts.method;
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(S3Error::method_not_allowed(method, METHODS).into());
        }
        let ctx = self.ctx;
        let bucket = self.bucket()?;
        ctx.store.head_bucket(bucket).await.map_err(S3Error::from)?;
        let website = ctx.configured.website(&*ctx.store, bucket).await?;
        let website = website.ok_or_else(|| S3Error::new(Code::NoSuchWebsiteConfiguration))?;
        match &*website {
            Website::Moved(to) => Ok((redirected(&moved(to, self.path(), self.entrance())), None)),
            Website::Pages(pages) => self.page(pages).await,
        }
    }

    async fn page(&self, pages: &Pages) -> Result<Seen, Failure> {
        let path = self.path();
        if let Some(redirect) = pages.redirect(path, None, self.entrance()) {
            return Ok((redirected(&redirect), None));
        }
        let error = match self.read(&pages.key(path), &self.parts.method).await {
            Ok(reply) => return Ok((elsewhere(reply), None)),
            Err(error) => error,
        };
        if error.code() == Code::NoSuchKey && self.is_directory(pages, path).await {
            let location = format!("/{}/", encoded(path));
            return Ok((redirected(&Redirect { status: StatusCode::FOUND, location }), None));
        }
        let status = error.code().status();
        if let Some(redirect) = pages.redirect(path, Some(status), self.entrance()) {
            return Ok((redirected(&redirect), None));
        }
        match &pages.error {
            Some(key) if status.is_client_error() => self.error_document(key, error).await,
            _ => Err(error.into()),
        }
    }

    /// The website's own page for an error, with the error's status.
    async fn error_document(&self, key: &str, error: S3Error) -> Result<Seen, Failure> {
        // Whatever the request was conditional on was not this page.
        match self.read_plain(key, &self.parts.method).await {
            Ok(reply) => {
                let mut reply = reply.with_status(error.code().status());
                page::describe(reply.headers_mut(), &error, &self.ctx.subject());
                Ok((reply, Some(error.code())))
            }
            Err(second) => Err(Failure { error, second: Some(Box::new(second)) }),
        }
    }

    /// Whether there is a page for the path as a directory, which is not said to whom may not
    /// read it.
    async fn is_directory(&self, pages: &Pages, path: &str) -> bool {
        let index = pages.key(&format!("{path}/"));
        !path.is_empty()
            && !path.ends_with('/')
            && self.read_plain(&index, &Method::HEAD).await.is_ok()
    }

    async fn read(&self, key: &str, method: &Method) -> Result<Reply, S3Error> {
        self.read_as(Head::of_page(self.parts, method, self.at(key)?)).await
    }

    async fn read_plain(&self, key: &str, method: &Method) -> Result<Reply, S3Error> {
        self.read_as(Head::plain(method, self.at(key)?)).await
    }

    async fn read_as(&self, head: Head) -> Result<Reply, S3Error> {
        access::anyone_reads(self.ctx, &head).await?;
        match op::read_page(&head, self.ctx).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(access::veil_page(self.ctx, &head, error).await),
        }
    }

    fn at(&self, key: &str) -> Result<Target, S3Error> {
        let key = ObjectKey::parse(key).map_err(|_| addressing::key_too_long(key.len()))?;
        Ok(Target { key: Some(key), ..self.target.clone() })
    }

    fn bucket(&self) -> Result<&BucketName, S3Error> {
        self.target.bucket.as_ref().ok_or_else(|| S3Error::new(Code::NoSuchBucket))
    }

    fn path(&self) -> &str {
        self.target.key.as_ref().map_or("", ObjectKey::as_str)
    }

    fn entrance(&self) -> Entrance<'_> {
        let encrypted = self.parts.extensions.get::<Encrypted>().is_some();
        let path_and_query = self.parts.uri.path_and_query().map_or("", |both| both.as_str());
        Entrance {
            protocol: if encrypted { "https" } else { "http" },
            host: addressing::public_host(self.parts),
            query: path_and_query.find('?').and_then(|at| path_and_query.get(at..)).unwrap_or(""),
        }
    }
}

fn redirected(redirect: &Redirect) -> Reply {
    Reply::new(redirect.status).header(LOCATION, &redirect.location).length(0)
}

/// An object may say that it is to be looked for elsewhere.
fn elsewhere(mut reply: Reply) -> Reply {
    match reply.headers_mut().remove(REDIRECT_LOCATION) {
        Some(to) => {
            Reply::new(StatusCode::MOVED_PERMANENTLY).header(LOCATION, to.as_bytes()).length(0)
        }
        None => reply,
    }
}

fn encoded(path: &str) -> String {
    crate::object::percent::encode(path, crate::object::percent::Slash::Keep)
}
