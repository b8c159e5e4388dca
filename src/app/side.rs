//! The side API on a listener of its own.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use http::{Request, Response};

use super::gateway::{origin, side_operation};
use crate::admin::{Admin, EndedRequest, Metrics, Refusal};
use crate::body::Payload;
use crate::server::{self, Ended, Handler, Refused};

/// Answers everything that comes to that listener.
pub(super) struct Side {
    admin: Arc<Admin>,
    metrics: Arc<Metrics>,
}

impl Side {
    pub(super) fn new(admin: Arc<Admin>, metrics: Arc<Metrics>) -> Self {
        Self { admin, metrics }
    }
}

impl Handler for Side {
    fn handle(&self, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        let (admin, origin) = (Arc::clone(&self.admin), origin(&request));
        Box::pin(async move { admin.handle(request, origin).await })
    }

    fn ended(&self, ended: Ended<'_>) {
        let Ended { path, status, took, received, sent, .. } = ended;
        let (operation, status) = (side_operation(path).into(), status.unwrap_or_default());
        self.metrics.request(EndedRequest { operation, status, took, received, sent });
    }

    fn refuse(&self, refused: &Refused) -> Response<Payload> {
        self.admin.refuse(match refused.reason {
            server::Refusal::HeadersTooLarge { limit, .. } => Refusal::HeadersTooLarge { limit },
            server::Refusal::Panicked => Refusal::Internal,
        })
    }
}
