//! Who answers a request: the side API, or S3 once the store is open.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{Request, Response};
use tokio::sync::SetOnce;

use super::side;
use super::storage::Readiness;
use crate::body::Payload;
use crate::config::Config;
use crate::object::RequestId;
use crate::s3::{self, Audit, Encrypted, Service};
use crate::server::{AccessDetail, Handler, Peer, Refusal, Refused};

/// How long a request waits for the store to be opened before it is told to come again.
const OPENING_WAIT: Duration = Duration::from_secs(3);

/// Everything that answers requests.
pub(super) struct Gateway {
    region: Arc<str>,
    base_domains: Vec<String>,
    opened: Arc<SetOnce<Opened>>,
}

struct Opened {
    service: Arc<Service>,
    ready: Readiness,
}

impl Gateway {
    /// A gateway whose store is not open yet.
    pub(super) fn new(config: &Config) -> Self {
        let base_domains = config.server.base_domains.clone();
        Self { region: config.region.as_str().into(), base_domains, opened: Arc::default() }
    }

    /// From now on S3 is served, by `service`.
    pub(super) fn open(&self, service: Service, ready: Readiness) {
        let opened = Opened { service: Arc::new(service), ready };
        if self.opened.set(opened).is_err() {
            tracing::error!("the store was opened twice");
        }
    }

    fn ready(&self) -> bool {
        self.opened.get().is_some_and(|opened| (opened.ready)())
    }
}

impl Handler for Gateway {
    fn handle(&self, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        if let Some(response) = side::answer(&request, &self.base_domains, || self.ready()) {
            return Box::pin(std::future::ready(response));
        }
        if let Some(opened) = self.opened.get() {
            return Box::pin(serve(Arc::clone(&opened.service), request));
        }
        let (opened, region) = (Arc::clone(&self.opened), Arc::clone(&self.region));
        Box::pin(async move {
            match tokio::time::timeout(OPENING_WAIT, opened.wait()).await {
                Ok(opened) => serve(Arc::clone(&opened.service), request).await,
                Err(_) => opening(&request, &region),
            }
        })
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

async fn serve(service: Arc<Service>, mut request: Request<Payload>) -> Response<Payload> {
    if request.extensions().get::<Peer>().is_some_and(|peer| peer.tls) {
        request.extensions_mut().insert(Encrypted);
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
        operation: audit.operation.map(Into::into),
        bucket: audit.bucket,
        key: audit.key,
        error_code: audit.error_code.map(Into::into),
        cause: None,
    }
}
