//! Uploads under way, of both layers.
//!
//! Where both have uploads of one key, home's are listed first: they were begun in an earlier mode.

use crate::object::{BucketName, ObjectKey, UploadEntry, UploadId, UploadsPage, UploadsQuery};
use crate::placement::route::Upstream;
use crate::placement::{Placement, answered, plan};
use crate::store::{ObjectPath, Result, StoreError, UploadPath};

/// An id that is less than every other, and not none: the uploads of its key are all behind it.
const LEAST_ID: &str = "!";

impl Placement {
    /// A page of a bucket's uploads.
    pub(in crate::placement) async fn uploads(
        &self,
        bucket: &BucketName,
        query: &UploadsQuery,
    ) -> Result<UploadsPage> {
        let Some(upstream) = self.lists_foreign(bucket) else {
            return self.home.list_uploads(bucket, query).await;
        };
        let (mut here, mut there) = (query.clone(), query.clone());
        if let Some((key, Some(id))) = &query.after {
            if self.is_at_home(bucket, key, id).await? {
                there.after = Some((key.clone(), Some(UploadId::new(LEAST_ID))));
            } else {
                here.after = Some((key.clone(), None));
            }
        }
        let here = self.home.list_uploads(bucket, &here).await?;
        let foreign = upstream.store.list_uploads(bucket, &there).await;
        let foreign = answered(upstream, foreign)?;
        if here.entries.is_empty() && here.next.is_none() {
            return Ok(foreign);
        }
        Ok(merged(here, foreign, query.limit))
    }

    fn lists_foreign(&self, bucket: &BucketName) -> Option<&Upstream> {
        let route = self.routes.of(bucket);
        route.upstream.as_ref().filter(|_| plan::lists_foreign_uploads(route.mode))
    }

    async fn is_at_home(&self, bucket: &BucketName, key: &str, id: &UploadId) -> Result<bool> {
        let Ok(key) = ObjectKey::parse(key) else { return Ok(false) };
        let object = ObjectPath { bucket: bucket.clone(), key };
        match self.home.upload_choice(&UploadPath { object, id: id.clone() }).await {
            Ok(_) => Ok(true),
            Err(StoreError::NoSuchUpload) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The first `limit` lines of two pages that begin at the same place.
fn merged(here: UploadsPage, foreign: UploadsPage, limit: usize) -> UploadsPage {
    let mut more = here.next.is_some() || foreign.next.is_some();
    let mut entries = here.entries;
    entries.extend(foreign.entries);
    // Stable: of one key home's uploads come first, each side's in its order.
    entries.sort_by(|a, b| text(a).cmp(text(b)));
    entries.dedup_by(|a, b| matches!(a, UploadEntry::CommonPrefix(_)) && text(a) == text(b));
    more |= entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| match last {
        UploadEntry::Upload(upload) => (upload.key.as_str().to_owned(), Some(upload.id.clone())),
        UploadEntry::CommonPrefix(prefix) => (prefix.clone(), None),
    });
    UploadsPage { entries, next }
}

fn text(entry: &UploadEntry) -> &str {
    match entry {
        UploadEntry::Upload(upload) => upload.key.as_str(),
        UploadEntry::CommonPrefix(prefix) => prefix,
    }
}
