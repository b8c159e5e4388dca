//! The store's calls about objects.

use async_trait::async_trait;

use super::answer::Fault;
use super::operation::Operation;
use super::{UpstreamStore, version_text, version_told};
use crate::body::Payload;
use crate::object::{
    BucketName, ListPage, ListQuery, VersionId, VersionsPage, VersionsQuery, WriteCondition,
    WriteVerdict,
};
use crate::store::{
    CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head, NewObject, ObjectParts, ObjectPath,
    Objects, Result, StoreError, Stored,
};

#[async_trait]
impl Objects for UpstreamStore {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        self.put(at, new, body).await
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        self.check_conditional()?;
        let current = match self.current(at).await {
            Ok(current) => Some(current),
            Err(StoreError::NoSuchKey) => None,
            Err(error) => return Err(error),
        };
        match condition.check(current.as_ref().map(|(etag, modified)| (etag, *modified))) {
            WriteVerdict::Proceed => Ok(()),
            WriteVerdict::Missing => Err(StoreError::NoSuchKey),
            WriteVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
        }
    }

    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        self.head(at, request).await
    }

    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        self.get(at, request).await
    }

    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        self.parts(at, version, after, limit).await
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        let asked = self.asked_about(Operation::DeleteObject, at)?;
        let tied = match self.tie(at, request.condition.clone()).await {
            // Where there is none, there is nothing to protect.
            Err(StoreError::NoSuchKey) => return Ok(Deleted::default()),
            tied => tied?,
        };
        let client = if tied.is_conditional() { &self.clients.once } else { &self.clients.plain };
        let call = client
            .delete_object()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(request.version))
            .set_if_match(tied.if_match());
        match call.send().await.map_err(Fault::from) {
            Ok(out) => Ok(Deleted {
                version: version_told(out.version_id()),
                delete_marker: out.delete_marker().unwrap_or_default(),
            }),
            // What isn't there need not be deleted, also where the service has another opinion.
            Err(fault) if fault.has_code("NoSuchKey") || fault.has_code("NoSuchVersion") => {
                Ok(Deleted::default())
            }
            Err(fault) if request.version.is_some() && fault.has_code("InvalidArgument") => {
                Ok(Deleted::default())
            }
            Err(fault) => Err(self.refuse_write(&asked, &tied, fault)),
        }
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        self.copy(source, target, request).await
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        self.list(bucket, query).await
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        self.versions(bucket, query).await
    }
}
