//! Bodies kept for a while.

use bytes::Bytes;

use super::{body, content, failing};
use crate::body::{BodyError, Payload, Source};
use crate::store::{Holding, StoreError};

/// Runs every function.
pub async fn all(home: &dyn Holding) {
    bodies_come_back(home).await;
    broken_ones_do_not(home).await;
}

/// What was taken in comes out, with its length and all that was computed.
pub async fn bodies_come_back(home: &dyn Holding) {
    for size in [0, 1, 65_536, 131_072, 131_073, 700_000] {
        let whole = content(size as u64, size);
        let unmeasured = Payload::new(None, Unmeasured(body(&whole, None)));
        let mut held = home.hold(unmeasured).await.expect("it is taken");
        assert_eq!(held.length(), Some(size as u64));
        assert!(held.digests().is_none(), "nothing is known before the end");
        let mut read = Vec::new();
        while let Some(chunk) = held.next().await {
            read.extend_from_slice(&chunk.expect("it is readable"));
        }
        assert_eq!(Bytes::from(read), whole);
        let digests = held.digests().expect("they were computed");
        assert_eq!(digests.size, size as u64);
    }
}

/// A body that ends in an error is an error at once.
pub async fn broken_ones_do_not(home: &dyn Holding) {
    for size in [10, 300_000] {
        let broken = failing(&content(1, size), BodyError::Stalled);
        refused!(home.hold(broken).await, StoreError::Body(BodyError::Stalled));
    }
}

/// A body whose length nobody tells.
struct Unmeasured(Payload);

impl Source for Unmeasured {
    fn poll_chunk(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, BodyError>>> {
        self.0.poll_chunk(cx)
    }

    fn digests(&self) -> Option<&crate::body::Digests> {
        self.0.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.0.trailer(name)
    }

    fn expected(&self) -> Option<&crate::body::Expected> {
        self.0.expected()
    }
}
