//! Who answers a request: the side API, or S3 once the store is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{Request, Response};
use tokio::sync::SetOnce;

use crate::admin::{Admin, EndedRequest, Metrics, Origin};
use crate::body::Payload;
use crate::config::Config;
use crate::object::RequestId;
use crate::s3::{self, Audit, ClientAddress, Encrypted, Nearby, PublicHost, Service};
use crate::server::{AccessDetail, Ended, Handler, Peer, Refusal, Refused, Remote};

/// How long a request waits for the store to be opened before it is told to come again.
const OPENING_WAIT: Duration = Duration::from_secs(3);

/// Everything that answers requests.
#[derive(Clone)]
pub(super) struct Gateway {
    region: Arc<str>,
    /// The side API, where it has no listener of its own.
    admin: Option<Arc<Admin>>,
    metrics: Arc<Metrics>,
    service: Arc<SetOnce<Arc<Service>>>,
    /// How many requests of S3 clients are being answered.
    requests: Arc<AtomicUsize>,
}

/// A request that is being answered.
struct Answering(Arc<AtomicUsize>);

impl Answering {
    fn one_of(requests: &Arc<AtomicUsize>) -> Self {
        requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(requests))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gateway {
    /// A gateway whose store is not open yet.
    pub(super) fn new(config: &Config, admin: &Arc<Admin>, metrics: Arc<Metrics>) -> Self {
        let admin = config.admin_listen.is_none().then(|| Arc::clone(admin));
        Self {
            region: config.region.as_str().into(),
            admin,
            metrics,
            service: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// How many requests of S3 clients are being answered, up to the heads of their answers.
    pub(super) fn requests(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.requests)
    }

    /// From now on S3 is served, by `service`.
    pub(super) fn open(&self, service: Service) {
        if self.service.set(Arc::new(service)).is_err() {
            tracing::error!("the store was opened twice");
        }
    }
}

impl Handler for Gateway {
    fn handle(&self, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        let Some(admin) = &self.admin else { return self.serve(request) };
        match admin.owns(&request) {
            Some(false) => self.serve(request),
            Some(true) => side(Arc::clone(admin), request),
            None => {
                let (gateway, admin) = (self.clone(), Arc::clone(admin));
                Box::pin(async move {
                    let _ = tokio::time::timeout(OPENING_WAIT, admin.opened()).await;
                    match admin.owns(&request) {
                        Some(false) => gateway.serve(request).await,
                        Some(true) => side(admin, request).await,
                        None => admin.undecided(),
                    }
                })
            }
        }
    }

    fn ended(&self, ended: Ended<'_>) {
        let Ended { detail, path, status, took, received, sent } = ended;
        let operation = match (&detail.operation, &self.admin) {
            (Some(operation), _) => operation.clone(),
            (None, Some(_)) => side_operation(path).into(),
            (None, None) => NO_OPERATION.into(),
        };
        let status = status.unwrap_or_default();
        self.metrics.request(EndedRequest { operation, status, took, received, sent });
    }

    fn refuse(&self, refused: &Refused) -> Response<Payload> {
        let refusal = match refused.reason {
            Refusal::HeadersTooLarge { limit, .. } => s3::Refusal::HeadersTooLarge { limit },
            Refusal::Panicked => s3::Refusal::Internal,
        };
        let path = refused.uri.path();
        audited(s3::refuse(refusal, &refused.method, path, &self.region, refused.id))
    }
}

impl Gateway {
    /// Answers as S3.
    fn serve(&self, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        let answering = Answering::one_of(&self.requests);
        if let Some(service) = self.service.get() {
            let service = Arc::clone(service);
            return Box::pin(async move {
                let _answering = answering;
                serve(service, request).await
            });
        }
        let (service, region) = (Arc::clone(&self.service), Arc::clone(&self.region));
        Box::pin(async move {
            let _answering = answering;
            match tokio::time::timeout(OPENING_WAIT, service.wait()).await {
                Ok(service) => serve(Arc::clone(service), request).await,
                Err(_) => opening(&request, &region),
            }
        })
    }
}

/// What a request counts as that is no S3 operation: names that clients make up are none.
const NO_OPERATION: &str = "none";

/// What a request counts as that may be the side API's.
pub(super) fn side_operation(path: &str) -> &'static str {
    if path.starts_with("/storage/") { "SideApi" } else { NO_OPERATION }
}

fn side(admin: Arc<Admin>, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
    let origin = origin(&request);
    Box::pin(async move { admin.handle(request, origin).await })
}

/// Where a request for the side API comes from. The rule that lets callers on this machine in asks
/// for the socket, whatever proxies say.
pub(super) fn origin(request: &Request<Payload>) -> Option<Origin> {
    let peer = request.extensions().get::<Peer>()?;
    let remote = request.extensions().get::<Remote>()?;
    let (address, host) = (peer.address.ip(), remote.host.clone());
    Some(Origin { address, encrypted: remote.encrypted, host })
}

async fn serve(service: Arc<Service>, mut request: Request<Payload>) -> Response<Payload> {
    let known = request.extensions_mut();
    if let Some(Remote { address, encrypted, host, nearby, .. }) = known.remove() {
        address.map(|address| known.insert(ClientAddress(address)));
        host.map(|host| known.insert(PublicHost(host)));
        encrypted.then(|| known.insert(Encrypted));
        nearby.then(|| known.insert(Nearby));
    }
    audited(service.handle(request).await)
}

/// Hands what S3 says for the access log to the server.
fn audited(mut response: Response<Payload>) -> Response<Payload> {
    if let Some(audit) = response.extensions_mut().remove::<Audit>() {
        response.extensions_mut().insert(detail(audit));
    }
    response
}

fn opening(request: &Request<Payload>, region: &str) -> Response<Payload> {
    let id = request.extensions().get().copied().unwrap_or(RequestId(0));
    let (method, path) = (request.method(), request.uri().path());
    audited(s3::refuse(s3::Refusal::Opening, method, path, region, id))
}

fn detail(audit: Audit) -> AccessDetail {
    AccessDetail {
        access_key: audit.access_key,
        role: audit.role,
        session: audit.session,
        operation: audit.operation.map(Into::into),
        bucket: audit.bucket,
        key: audit.key,
        error_code: audit.error_code.map(Into::into),
        cause: audit.cause,
    }
}
