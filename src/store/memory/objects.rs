//! Objects in memory.

use std::convert::Infallible;

use async_trait::async_trait;
use bytes::Bytes;

use super::read::slice;
use super::state::{Bin, Object};
use super::{MemoryStore, Result, StoreError, decide, received, tag_of};
use crate::body::{Digests, Expected, Payload, digesting};
use crate::object::{
    BucketName, ByteRange, Checksum, ETag, Encrypted, Encryption, ListEntry, ListPage, ListQuery,
    ObjectInfo, Original, Roll, Rolled, RolledPage, Start, Timestamp, VersionEntry, VersionId,
    VersionMarker, VersionsPage, VersionsQuery, WriteCondition, fill_page,
};
use crate::store::{
    CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head, NewObject, ObjectParts, ObjectPath,
    Objects, Stored,
};

#[async_trait]
impl Objects for MemoryStore {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        self.state().bin(&at.bucket)?;
        let (content, digests) = received(body).await?;
        self.store(at, new, content, digests)
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        decide(Some(condition), self.state().bin(&at.bucket)?.current_tag(at))
    }

    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        let (head, object) = self.selected(at, request)?;
        // Only the content needs a key.
        if request.key.is_some() {
            object.check_key(request.key.as_ref())?;
        }
        Ok(head)
    }

    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        let (head, object) = self.selected(at, request)?;
        object.check_key(request.key.as_ref())?;
        let range = head.range.unwrap_or(ByteRange::whole(object.info.size));
        Ok(Got { head, body: Payload::from_bytes(slice(&object.content, range)) })
    }

    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        let state = self.state();
        let mut rest = state.object(at, version)?.parts.iter().filter(|part| part.number > after);
        let parts: Vec<_> = rest.by_ref().take(limit).cloned().collect();
        let more = rest.next().is_some();
        let next = parts.last().filter(|_| more).map(|last| last.number);
        Ok(ObjectParts { parts, next })
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        let mut state = self.state();
        let bin = state.bin_mut(&at.bucket)?;
        let current = bin.current_tag(at);
        if current.is_some() {
            decide(request.condition.as_ref(), current)?;
        }
        if matches!(request.version, None | Some(VersionId::Null)) {
            bin.objects.remove(at.key.as_str().as_bytes());
        }
        Ok(Deleted::default())
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        let from = self.source(source, request.source_version, &request.source_conditions)?;
        let (size, limit) = (from.info.size, request.size_limit);
        if size > limit {
            return Err(StoreError::SourceTooLarge { size, limit });
        }
        from.check_source_key(request.source_key.as_ref())?;
        self.state().bin(&target.bucket)?;
        let compute =
            request.checksum.or(from.info.checksum.as_ref().map(|sum| sum.value.algorithm));
        let expected = Expected { compute, ..Expected::default() };
        let body = digesting(Payload::from_bytes(from.content), expected);
        let (content, digests) = received(body).await?;
        let new = NewObject {
            metadata: request.metadata.unwrap_or(from.info.metadata),
            tags: request.tags.unwrap_or(from.tags),
            condition: request.condition,
            original: None,
            encryption: request.encryption.or(match from.info.encryption {
                Some(Encrypted::Managed { asked })
                    if asked || !self.defaults.of(&target.bucket) =>
                {
                    Some(Encryption::Managed)
                }
                Some(Encrypted::Managed { .. } | Encrypted::Customer) | None => None,
            }),
            acl: request.acl,
        };
        self.store(target, new, content, digests)
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        let state = self.state();
        let start = query.after.clone().map_or(Start::Beginning, Start::After);
        let roll = Roll::new(&query.prefix, query.delimiter.as_deref(), start, query.limit);
        let page = page_of_objects(state.bin(bucket)?, roll);
        let more = page.more;
        let entries: Vec<ListEntry> = page
            .entries
            .into_iter()
            .map(|line| match line {
                Rolled::Item(object) => object.entry(),
                Rolled::Prefix(prefix) => ListEntry::CommonPrefix(prefix),
            })
            .collect();
        let next = entries.last().filter(|_| more).map(|last| match last {
            ListEntry::Object { key, .. } => key.as_str().to_owned(),
            ListEntry::CommonPrefix(prefix) => prefix.clone(),
        });
        Ok(ListPage { entries, next })
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        let state = self.state();
        // A key has one version, and none is older than it.
        let start = query.after.as_ref().map(|marker| Start::After(marker.key.clone()));
        let start = start.unwrap_or_default();
        let roll = Roll::new(&query.prefix, query.delimiter.as_deref(), start, query.limit);
        let page = page_of_objects(state.bin(bucket)?, roll);
        let next = page.entries.last().filter(|_| page.more).map(|last| match last {
            Rolled::Item(object) => VersionMarker {
                key: object.info.key.as_str().to_owned(),
                version: Some(object.info.version),
            },
            Rolled::Prefix(prefix) => VersionMarker { key: prefix.clone(), version: None },
        });
        let entry = |line| match line {
            Rolled::Item(object) => version_entry(object),
            Rolled::Prefix(prefix) => VersionEntry::CommonPrefix(prefix),
        };
        Ok(VersionsPage { entries: page.entries.into_iter().map(entry).collect(), next })
    }
}

impl MemoryStore {
    /// Makes the object of one PUT or copy, if its condition holds now.
    fn store(
        &self,
        at: &ObjectPath,
        new: NewObject,
        content: Bytes,
        digests: Digests,
    ) -> Result<Stored> {
        let mut state = self.state();
        let bin = state.bin_mut(&at.bucket)?;
        decide(new.condition.as_ref(), bin.current_tag(at))?;
        let original = new.original.unwrap_or_else(|| Original {
            etag: tag_of(new.encryption.as_ref(), &content, &digests),
            last_modified: self.stamp(),
        });
        let key = new.encryption.as_ref().and_then(Encryption::customer_key).cloned();
        let info = ObjectInfo {
            key: at.key.clone(),
            version: VersionId::Null,
            size: digests.size,
            etag: original.etag,
            last_modified: original.last_modified,
            metadata: new.metadata,
            checksum: digests.checksum.map(Checksum::full_object),
            tag_count: u32::try_from(new.tags.len()).unwrap_or(u32::MAX),
            parts_count: None,
            replication: None,
            encryption: self.encrypted(&at.bucket, new.encryption.as_ref()),
        };
        Ok(bin.place(Object {
            info,
            tags: new.tags,
            acl: new.acl,
            content,
            parts: Vec::new(),
            key,
        }))
    }
}

impl Bin {
    /// Tag and Last-Modified of the key's current object.
    pub(super) fn current_tag(&self, at: &ObjectPath) -> Option<(&ETag, Timestamp)> {
        let object = self.objects.get(at.key.as_str().as_bytes())?;
        Some((&object.info.etag, object.info.last_modified))
    }

    /// Puts the object in the place of its key's current one.
    pub(super) fn place(&mut self, object: Object) -> Stored {
        let stored = Stored { object: object.info.clone(), version: None };
        self.objects.insert(object.info.key.as_str().as_bytes().to_vec(), object);
        stored
    }
}

fn page_of_objects(bin: &Bin, roll: Roll) -> RolledPage<&Object> {
    let seek = |from: &[u8]| Ok::<_, Infallible>(bin.objects_from(from).map(Ok));
    match fill_page(roll, seek, |object: &&Object| object.info.key.as_str()) {
        Ok(page) => page,
        Err(never) => match never {},
    }
}

fn version_entry(object: &Object) -> VersionEntry {
    VersionEntry::Object { version: object.info.version, latest: true, entry: object.entry() }
}
