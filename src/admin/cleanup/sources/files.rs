//! Files that no record names, which the store set aside when it was opened after a crash.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Source, failed};
use crate::admin::cleanup::journal::{Orphan, Outcome, What};
use crate::admin::view::Disk;

/// All of them, a page each time.
pub(in crate::admin::cleanup) struct Files {
    disk: Arc<dyn Disk>,
    /// Those that are left to be told of.
    left: Option<Vec<(String, u64)>>,
}

impl Files {
    pub(in crate::admin::cleanup) fn on(disk: &Arc<dyn Disk>) -> Self {
        Self { disk: Arc::clone(disk), left: None }
    }
}

#[async_trait]
impl Source for Files {
    async fn page(&mut self) -> Result<Option<Vec<Orphan>>, String> {
        let mut left = match self.left.take() {
            Some(left) => left,
            None => self.disk.set_aside().await.map_err(|error| error.to_string())?,
        };
        if left.is_empty() {
            return Ok(None);
        }
        let rest = left.split_off(left.len().min(super::PAGE));
        self.left = Some(rest);
        let orphan = |(name, size): (String, u64)| Orphan {
            what: What::File,
            bucket: String::new(),
            key: name,
            size,
            etag: String::new(),
            at: None,
            upload: None,
            why: "no record names it".to_owned(),
        };
        Ok(Some(left.into_iter().map(orphan).collect()))
    }

    fn young(&self) -> u64 {
        0
    }

    async fn remove(&self, orphan: &Orphan) -> Result<Outcome, String> {
        match self.disk.remove_set_aside(&orphan.key).await {
            Ok(true) => Ok(Outcome::Deleted),
            Ok(false) => Ok(Outcome::Kept("it was gone already".to_owned())),
            Err(error) => failed(&error),
        }
    }
}
