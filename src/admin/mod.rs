//! The side API: everything under `/storage/` that is not S3, as JSON.
//!
//! - `GET /storage/health/live`: 200 while the process answers.
//! - `GET /storage/health/ready`: 200 once the store is open and knows all it holds, else 503.
//! - `GET /storage/info`: version, buckets, upstreams, spool and disk, each with its state.
//! - `GET /storage/test-s3`: tries every permission at every upstream; 200 if all are there, else
//!   503.
//! - `GET /storage/spool`: what waits to be forwarded, and what was given up.
//! - `POST /storage/spool/flush?wait=60s`: forwards at once, and waits until all is forwarded.
//! - `POST /storage/spool/retry[?bucket=&key=]`: lets what was given up be tried again.
//! - `GET /storage/usage-by-company`, `GET /storage/stats`: objects and bytes by company, type,
//!   backend and month. `GET /attachments/stats` is the latter while no bucket is called so.
//! - `POST /storage/verify[?bucket=&prefix=&content=&upstream=]`: counts anew and repairs the
//!   counters, checks bodies and what is upstream; `GET /storage/verify[/{id}]` tells how far that
//!   is, and `POST /storage/verify/{id}/cancel` ends it.
//! - `POST /storage/compact[?dead=]`: gives back the room of deleted objects; told of and ended so.
//! - `GET /storage/url?bucket=&name=`: where a stored name can be read.
//! - `GET /storage/objects/{bucket}/{key}`: where an object is, and what became of it.
//! - `POST /storage/cleanup?storage_backend=local|s3`: removes what nothing refers to;
//!   `GET /storage/cleanup[/{id}[/report]]` tells how far that is and what went, and
//!   `POST /storage/cleanup/{id}/cancel` ends it.
//! - `GET /storage/openapi.json`: all of this for machines; the file beside this one.
//! - `GET /storage/metrics`: all that is measured, in Prometheus' text format.
//! - `POST /storage/migrate-to-s3`, `/storage/migrate-to-local`: moves objects, or with
//!   `dry_run=true` shows what would be moved.
//! - `GET /storage/migrations[/{id}[/events|/report]]`: what became of it.
//! - `POST /storage/migrations/{id}/pause|resume|cancel|rollback|limits`: has a hand in it.
//!
//! Health answers anyone, without detail; `access` says who may use the rest. Every other path is
//! 404. Owns the shapes of the answers; knows nothing of the S3 protocol or of the configuration.
//! No answer holds a secret.

mod access;
mod buckets;
mod cleanup;
mod compact;
mod cost;
mod history;
mod job;
mod manifest;
mod metrics;
mod migrations;
mod migrations_order;
mod object;
mod openapi;
mod overview;
mod permissions;
mod query;
mod reply;
mod resource;
mod spool;
mod stream;
mod survey;
mod usage;
mod verify;
mod view;

use std::sync::Arc;

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, uri};
use tokio::sync::SetOnce;

pub use access::{Origin, Rule};
pub use cleanup::{CleanupKeeper, Cleanups};
pub use job::{JobWorker, Jobs};
pub use metrics::{EndedRequest, LifeCycleCounts, Metrics};
pub use survey::Surveys;
pub use view::{
    Counting, Disk, DiskState, Links, Presigner, Prices, Space, Trials, UpstreamView, Usage, Views,
};

use access::Access;
use object::Asker;
use query::Parameters;
use reply::{Fault, json, unserved};
use resource::Resource;

use crate::auth::Authenticator;
use crate::body::Payload;
use crate::object::BucketName;
use crate::placement::Mode;
use crate::placement::transfer::Direction;

/// Another path of `/storage/stats`, for an application that asks there.
const ALIAS: &str = "/attachments/stats";

/// The side API.
pub struct Admin {
    base_domains: Vec<String>,
    access: Access,
    views: SetOnce<Views>,
}

/// Why a request gets no answer of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 400 `RequestHeaderSectionTooLarge`.
    HeadersTooLarge {
        /// The most bytes allowed.
        limit: u64,
    },
    /// 500 `InternalError`.
    Internal,
}

impl Admin {
    /// A side API without anything to show yet. Below the `base_domains` are buckets, whose keys
    /// may begin with `storage/`.
    pub fn new(base_domains: Vec<String>, rule: Rule, authenticator: Arc<Authenticator>) -> Self {
        let access = Access::new(rule, authenticator);
        Self { base_domains, access, views: SetOnce::new() }
    }

    /// From now on this is shown.
    pub fn open(&self, views: Views) {
        if self.views.set(views).is_err() {
            tracing::error!("the side API was opened twice");
        }
    }

    /// From now on this holds.
    pub fn replace_rule(&self, rule: Rule) {
        self.access.replace(rule);
    }

    /// What is answered where nobody could be asked.
    pub fn refuse(&self, why: Refusal) -> Response<Payload> {
        let (status, code, message) = match why {
            Refusal::HeadersTooLarge { limit } => {
                let message = format!("names and values of the headers exceed {limit} bytes");
                (StatusCode::BAD_REQUEST, "RequestHeaderSectionTooLarge", message)
            }
            Refusal::Internal => {
                let message = "the gateway failed; its log says how".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
            }
        };
        Fault::new(status, code, message).answer()
    }

    /// Whether the request is for the side API rather than for S3; `None` where nobody can tell
    /// yet.
    pub fn owns<B>(&self, request: &Request<B>) -> Option<bool> {
        let path = request.uri().path();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if self.is_virtual_host(request) {
            return Some(false);
        }
        if path == ALIAS && reads { self.has_alias() } else { Some(below_storage(path).is_some()) }
    }

    /// Whether the alias is no object's path, as there is no such bucket. While the store is opened,
    /// and where what it lost may have made that bucket, it is not known.
    fn has_alias(&self) -> Option<bool> {
        let Some(bucket) = ALIAS.split('/').nth(1).and_then(|name| BucketName::parse(name).ok())
        else {
            return Some(false);
        };
        let views = self.views.get()?;
        // In local mode a bucket is one that is here, whatever upstream it has.
        let route = views.routes.of(&bucket);
        if route.configured || route.mode != Mode::Local {
            return Some(false);
        }
        views.disk.has(&bucket).map(|there| !there)
    }

    /// Waits until there is something to show.
    pub async fn opened(&self) {
        self.views.wait().await;
    }

    /// What is answered where it cannot be told whether a request is for the side API: nothing of
    /// either, but that it may be asked again.
    pub fn undecided(&self) -> Response<Payload> {
        starting()
    }

    /// Answers a request that it owns; `None` for the origin is a caller of whom nothing is known.
    pub async fn handle(
        &self,
        request: Request<Payload>,
        origin: Option<Origin>,
    ) -> Response<Payload> {
        let (head, body) = request.into_parts();
        let resource = match head.uri.path() {
            ALIAS => Some((Resource::Stats, "")),
            path => below_storage(path).and_then(Resource::named),
        };
        if let Some((resource, _)) = resource.filter(|(resource, _)| resource.is_open()) {
            return match resource.refuses(&head.method) {
                Some(allowed) => Fault::method(allowed).answer(),
                None => self.health(resource),
            };
        }
        let length = body.length();
        let body = match self.check(&head, origin.as_ref(), body) {
            Ok(body) => body,
            Err(fault) => return fault.answer(),
        };
        let Some((resource, rest)) = resource else {
            return unserved(head.uri.path()).answer();
        };
        if let Some(allowed) = resource.refuses(&head.method) {
            return Fault::method(allowed).answer();
        }
        let framed = head.headers.contains_key(TRANSFER_ENCODING);
        let has_body = framed || length.is_some_and(|length| length > 0);
        if has_body && !resource.takes_manifest(&head.method) {
            return Fault::parameter("parameters stand in the query; there is no body here")
                .answer();
        }
        let authenticator = self.access.authenticator();
        let asker = Asker { head: &head, origin: origin.as_ref(), authenticator };
        match self.views.get() {
            Some(views) => resource
                .answer(views, &asker, rest, has_body.then_some(body))
                .await
                .unwrap_or_else(|fault| fault.answer()),
            None => starting(),
        }
    }

    fn check(
        &self,
        head: &Parts,
        origin: Option<&Origin>,
        body: Payload,
    ) -> Result<Payload, Fault> {
        let fault = Fault::new(StatusCode::FORBIDDEN, "AccessDenied", "the caller is not known");
        self.access.check(head, origin.ok_or(fault)?, body)
    }

    fn health(&self, resource: Resource) -> Response<Payload> {
        let ready = || self.views.get().is_some_and(|views| views.disk.state() == DiskState::Ready);
        let (status, word) = match resource {
            Resource::Live => (StatusCode::OK, "live"),
            _ if ready() => (StatusCode::OK, "ready"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        };
        json(status, &serde_json::json!({ "status": word }))
    }

    /// Whether the host is a bucket's: a name below a base domain that is not a base domain
    /// itself.
    fn is_virtual_host<B>(&self, request: &Request<B>) -> bool {
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = header.or_else(|| request.uri().authority().map(uri::Authority::as_str));
        let host = host.unwrap_or_default().trim().to_ascii_lowercase();
        let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
        let below = |domain: &String| {
            name.strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        };
        !self.base_domains.iter().any(|domain| domain == name)
            && self.base_domains.iter().any(below)
    }
}

impl Resource {
    async fn answer(
        self,
        views: &Views,
        asker: &Asker<'_>,
        rest: &str,
        manifest: Option<Payload>,
    ) -> Result<Response<Payload>, Fault> {
        let head = asker.head;
        let posts = head.method == Method::POST;
        let known: &[&str] = match self {
            Self::Flush => &["wait"],
            Self::Retry => &["bucket", "key"],
            Self::UsageByCompany | Self::Stats => usage::PARAMETERS,
            Self::Verify if posts => verify::PARAMETERS,
            Self::Compact if posts => compact::PARAMETERS,
            Self::Url => object::URL_PARAMETERS,
            Self::Object => object::PARAMETERS,
            Self::Cleanup if posts => cleanup::PARAMETERS,
            Self::CleanupReport => cleanup::REPORT,
            Self::MigrateToS3 | Self::MigrateToLocal => &migrations_order::PARAMETERS,
            Self::Migrations => &["limit"],
            Self::MigrationReport => migrations::REPORT,
            Self::MigrationLimits => migrations_order::LIMITS,
            _ => &[],
        };
        let repeated: &[&str] = match self {
            Self::MigrateToS3 | Self::MigrateToLocal => migrations_order::REPEATED,
            _ => &[],
        };
        let parameters = Parameters::parse(head.uri.query(), known, repeated)?;
        let p = &parameters;
        match self {
            // Answered before, without access.
            Self::Live | Self::Ready => Ok(starting()),
            Self::Info => overview::answer(views).await,
            Self::TestS3 => Ok(permissions::answer(views).await),
            Self::Spool => Ok(spool::answer(views)),
            Self::Flush => spool::flush(views, p).await,
            Self::Retry => spool::retry(views, p).await,
            Self::UsageByCompany => usage::by_company(views, p).await,
            Self::Stats => usage::stats(views, p).await,
            Self::Verify if posts => verify::begin(views, p).await,
            Self::Compact if posts => compact::begin(views, p),
            Self::Verify => Ok(job::all(views, verify::KIND)),
            Self::VerifyJob => job::one(views, verify::KIND, rest),
            Self::VerifyCancel => job::cancel(views, verify::KIND, rest),
            Self::Compact => Ok(job::all(views, compact::KIND)),
            Self::CompactJob => job::one(views, compact::KIND, rest),
            Self::CompactCancel => job::cancel(views, compact::KIND, rest),
            Self::Metrics => metrics::answer(views).await,
            Self::Url => object::url(views, asker, p).await,
            Self::Object => object::answer(views, rest, p).await,
            Self::OpenApi => Ok(openapi::answer()),
            Self::Cleanup if posts => cleanup::begin(views, p, manifest).await,
            Self::Cleanup => Ok(job::all(views, cleanup::KIND)),
            Self::CleanupJob => cleanup::one(views, rest).await,
            Self::CleanupReport => cleanup::report(views, rest, p),
            Self::CleanupCancel => job::cancel(views, cleanup::KIND, rest),
            Self::MigrateToS3 => migrations::order(views, p, Direction::ToS3, manifest).await,
            Self::MigrateToLocal => migrations::order(views, p, Direction::ToLocal, manifest).await,
            Self::Migrations => migrations::all(views, p),
            Self::Migration => migrations::one(views, rest),
            Self::MigrationEvents => migrations::events(views, rest),
            Self::MigrationReport => migrations::report(views, rest, p),
            Self::MigrationAsk(ask) => migrations::ask(views, rest, ask).await,
            Self::MigrationLimits => migrations::limit(views, rest, p).await,
        }
    }
}

fn below_storage(path: &str) -> Option<&str> {
    path.strip_prefix("/storage/").filter(|rest| !rest.is_empty())
}

fn starting() -> Response<Payload> {
    let message = "the store is being opened; try again soon";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "Starting", message).answer()
}

#[cfg(test)]
mod tests;
