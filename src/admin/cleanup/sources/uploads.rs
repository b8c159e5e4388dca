//! Multipart uploads that nobody will finish: here those that are older than uploads become, and
//! in both layers those that a migration began which is over. Others' uploads upstream stay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::{Cursor, Source, failed, object};
use crate::admin::cleanup::journal::{Orphan, Outcome, What};
use crate::migrate::Migrations;
use crate::object::{
    BucketName, Timestamp, Upload, UploadEntry, UploadId, UploadsPage, UploadsQuery,
};
use crate::placement::Routes;
use crate::placement::transfer::Direction;
use crate::store::{Home, StoreError, UploadPath};

/// How many uploads are held against the journals of migrations at once.
const PAGE: usize = 1000;

/// The uploads of a layer.
#[async_trait]
pub(in crate::admin::cleanup) trait Layer: Send + Sync {
    /// Where a migration goes that begins uploads there.
    fn direction(&self) -> Direction;

    /// Before when an upload was begun that nobody will finish, whoever began it.
    fn before(&self) -> Option<Timestamp>;

    async fn list(
        &self,
        bucket: &BucketName,
        query: &UploadsQuery,
    ) -> Result<UploadsPage, StoreError>;

    async fn abort(&self, upload: &UploadPath) -> Result<(), StoreError>;
}

/// The local disk.
pub(in crate::admin::cleanup) struct Here {
    pub(in crate::admin::cleanup) home: Arc<dyn Home>,
    pub(in crate::admin::cleanup) before: Timestamp,
}

/// The upstreams.
pub(in crate::admin::cleanup) struct There(pub(in crate::admin::cleanup) Arc<Routes>);

/// The uploads of these buckets.
pub(in crate::admin::cleanup) struct Uploads {
    layer: Box<dyn Layer>,
    migrations: Option<Arc<Migrations>>,
    cursor: Cursor<(String, Option<UploadId>)>,
    begun: bool,
}

#[async_trait]
impl Layer for Here {
    fn direction(&self) -> Direction {
        Direction::ToLocal
    }

    fn before(&self) -> Option<Timestamp> {
        Some(self.before)
    }

    async fn list(
        &self,
        bucket: &BucketName,
        query: &UploadsQuery,
    ) -> Result<UploadsPage, StoreError> {
        self.home.list_uploads(bucket, query).await
    }

    async fn abort(&self, upload: &UploadPath) -> Result<(), StoreError> {
        self.home.abort_upload(upload).await
    }
}

#[async_trait]
impl Layer for There {
    fn direction(&self) -> Direction {
        Direction::ToS3
    }

    fn before(&self) -> Option<Timestamp> {
        None
    }

    async fn list(
        &self,
        bucket: &BucketName,
        query: &UploadsQuery,
    ) -> Result<UploadsPage, StoreError> {
        match &self.0.of(bucket).upstream {
            Some(upstream) => upstream.store.list_uploads(bucket, query).await,
            None => Ok(UploadsPage::default()),
        }
    }

    async fn abort(&self, upload: &UploadPath) -> Result<(), StoreError> {
        match &self.0.of(&upload.object.bucket).upstream {
            Some(upstream) => upstream.store.abort_upload(upload).await,
            None => Err(StoreError::NoSuchUpload),
        }
    }
}

impl Uploads {
    pub(in crate::admin::cleanup) fn of(
        layer: impl Layer + 'static,
        migrations: Option<&Arc<Migrations>>,
        buckets: Vec<BucketName>,
    ) -> Self {
        let (layer, migrations) = (Box::new(layer), migrations.cloned());
        Self { layer, migrations, cursor: Cursor::over(buckets), begun: false }
    }

    /// Where only migrations' uploads are looked for and none was begun, nothing is asked.
    async fn has_any(&self) -> Result<bool, String> {
        if self.layer.before().is_some() {
            return Ok(true);
        }
        let Some(migrations) = &self.migrations else { return Ok(false) };
        migrations.began_uploads(self.layer.direction()).await.map_err(|error| error.to_string())
    }

    /// Which of them a migration began, and which.
    async fn began(&self, uploads: &[Upload]) -> Result<BTreeMap<String, String>, String> {
        let Some(migrations) = &self.migrations else { return Ok(BTreeMap::new()) };
        let ids: BTreeSet<String> = uploads.iter().map(|it| it.id.as_str().to_owned()).collect();
        let found = migrations.left_uploads(self.layer.direction(), &ids).await;
        found.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Source for Uploads {
    async fn page(&mut self) -> Result<Option<Vec<Orphan>>, String> {
        if !std::mem::replace(&mut self.begun, true) && !self.has_any().await? {
            self.cursor.buckets.clear();
        }
        let Some(bucket) = self.cursor.buckets.front().cloned() else { return Ok(None) };
        let after = self.cursor.after.take();
        let query = UploadsQuery { after, limit: PAGE, ..UploadsQuery::default() };
        let page = match self.layer.list(&bucket, &query).await {
            Err(StoreError::NoSuchBucket) => UploadsPage::default(),
            page => page.map_err(|error| format!("the uploads of {bucket}: {error}"))?,
        };
        let uploads: Vec<Upload> = page.entries.into_iter().filter_map(upload).collect();
        let began = self.began(&uploads).await?;
        let orphan = |upload: Upload| {
            let why = match began.get(upload.id.as_str()) {
                Some(id) => format!("the migration {id}, which is over, began it"),
                None if self.layer.before().is_some_and(|before| upload.initiated < before) => {
                    "nobody finished it".to_owned()
                }
                None => return None,
            };
            Some(Orphan {
                what: What::Upload,
                bucket: bucket.as_str().to_owned(),
                key: upload.key.as_str().to_owned(),
                size: 0,
                etag: String::new(),
                at: Some(upload.initiated),
                upload: Some(upload.id.as_str().to_owned()),
                why,
            })
        };
        let orphans = uploads.into_iter().filter_map(orphan).collect();
        self.cursor.advance(page.next);
        Ok(Some(orphans))
    }

    fn young(&self) -> u64 {
        0
    }

    async fn remove(&self, orphan: &Orphan) -> Result<Outcome, String> {
        let Some((object, id)) = object(orphan).zip(orphan.upload.as_ref()) else {
            return Ok(Outcome::Failed("it has no good name".to_owned()));
        };
        match self.layer.abort(&UploadPath { object, id: UploadId::new(id.as_str()) }).await {
            Ok(()) => Ok(Outcome::Deleted),
            Err(StoreError::NoSuchUpload | StoreError::NoSuchBucket) => {
                Ok(Outcome::Kept("it was ended meanwhile".to_owned()))
            }
            Err(error) => failed(&error),
        }
    }
}

fn upload(entry: UploadEntry) -> Option<Upload> {
    match entry {
        UploadEntry::Upload(upload) => Some(*upload),
        UploadEntry::CommonPrefix(_) => None,
    }
}
