//! A response's body on its way out, and what ends with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::access_log::Record;
use super::activity::Busy;
use crate::body::{BodyError, Payload};

/// A response's body. An `Err` in it breaks the connection, so that the client never takes a part
/// for the whole. Dropping it ends the request: the access log line is written, and the
/// connection is idle again.
pub(super) struct Outgoing {
    payload: Payload,
    record: Record,
    _busy: Busy,
}

impl Outgoing {
    /// `has_body` is false where HTTP sends none: the answer is then whole already.
    pub(super) fn new(payload: Payload, mut record: Record, busy: Busy, has_body: bool) -> Self {
        if !has_body || payload.length() == Some(0) {
            record.complete();
        }
        Self { payload, record, _busy: busy }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = std::task::ready!(Pin::new(&mut self.payload).poll_frame(cx));
        match &next {
            None => self.record.complete(),
            Some(Ok(frame)) => {
                let count = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.record.sent(count);
                // A body of known length is not polled again after its last byte.
                if self.payload.length() == Some(self.record.sent_so_far()) {
                    self.record.complete();
                }
            }
            Some(Err(error)) => tracing::error!(%error, "an answer broke off"),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}
