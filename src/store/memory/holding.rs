//! Bodies kept for a while, in memory.

use async_trait::async_trait;
use bytes::BytesMut;

use super::{MemoryStore, Result};
use crate::body::Payload;
use crate::store::Holding;
use crate::store::holding::held;

#[async_trait]
impl Holding for MemoryStore {
    async fn hold(&self, mut body: Payload) -> Result<Payload> {
        let mut content = BytesMut::new();
        while let Some(chunk) = body.next().await {
            content.extend_from_slice(&chunk?);
        }
        Ok(held(Payload::from_bytes(content.freeze()), body))
    }
}
