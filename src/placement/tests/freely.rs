//! Steps of a move that nobody holds back, and that remembers what it began.

use std::sync::Mutex;

use async_trait::async_trait;

use crate::body::Payload;
use crate::object::{ETag, UploadId};
use crate::placement::transfer::{Begun, Lane, SentPart, Steps};
use crate::store::StoreError;

#[derive(Default)]
pub(crate) struct Freely(pub(crate) Mutex<Option<Begun>>);

#[async_trait]
impl Steps for Freely {
    async fn lane(&self) -> Option<Lane> {
        Some(Box::new(()))
    }

    async fn turn(&self) {}

    fn paced(&self, body: Payload) -> Payload {
        body
    }

    fn begun(&self) -> Option<Begun> {
        self.0.lock().unwrap().clone()
    }

    async fn begin(&self, id: &UploadId, of: &ETag) -> Result<(), StoreError> {
        let begun = Begun { id: id.clone(), of: of.clone(), parts: Vec::new() };
        *self.0.lock().unwrap() = Some(begun);
        Ok(())
    }

    async fn part(&self, part: &SentPart) -> Result<(), StoreError> {
        if let Some(begun) = &mut *self.0.lock().unwrap() {
            begun.parts.push(part.clone());
        }
        Ok(())
    }

    fn end(&self) {
        *self.0.lock().unwrap() = None;
    }
}
