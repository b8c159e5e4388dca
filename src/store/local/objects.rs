//! Objects.

use async_trait::async_trait;

use super::LocalStore;
use super::blob::BlobFooter;
use super::commit::Command;
use super::commit::decide::check_condition;
use super::format::meta::Described;
use super::format::place::Body;
use super::format::seal::Sealing;
use super::listing;
use super::read::{blocking, find, manifest};
use super::receive::{Received, distrust, own_fault, receive};
use super::sealing::{NewBody, NewSeal, new_body, new_seal, secret_tag, told};
use crate::body::{Expected, Payload, digesting};
use crate::object::{
    BucketName, BucketSetting, ByteRange, Checksum, ETag, Encrypted, Encryption, ListPage,
    ListQuery, ObjectInfo, ObjectPart, VersionId, VersionsPage, VersionsQuery, WriteCondition,
    encrypts_by_default,
};
use crate::store::{
    Buckets, CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head, NewObject, ObjectParts,
    ObjectPath, Objects, Result, StoreError, Stored,
};

#[async_trait]
impl Objects for LocalStore {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        self.core.writable()?;
        self.bucket_now(&at.bucket)?;
        self.may_have_acl(new.acl.as_ref()).await?;
        self.store(at, new, body).await
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        let (at, condition) = (at.clone(), condition.clone());
        blocking(&self.core, move |core| match find(core, &at, None) {
            Ok(found) => check_condition(Some(&condition), Some(&found.entry)),
            Err(StoreError::NoSuchKey) => check_condition(Some(&condition), None),
            Err(error) => Err(error),
        })
        .await
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
        let at = at.clone();
        blocking(&self.core, move |core| {
            let found = find(core, &at, version)?;
            let Body::Manifest(record) = found.entry.body else {
                return Ok(ObjectParts::default());
            };
            let assembly = manifest(core, record)?;
            let numbered = (1_u32..).zip(assembly.parts).skip_while(|(number, _)| *number <= after);
            let mut rest = numbered.map(|(number, part)| ObjectPart {
                number,
                size: part.size,
                checksum: part.checksum,
            });
            let parts: Vec<ObjectPart> = rest.by_ref().take(limit).collect();
            let more = rest.next().is_some();
            let next = parts.last().filter(|_| more).map(|last| last.number);
            Ok(ObjectParts { parts, next })
        })
        .await
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        self.core.writable()?;
        if let Some(VersionId::Id(_)) = request.version {
            // No object has such a version: deleting what isn't there succeeds.
            self.bucket_now(&at.bucket)?;
            if let Some(condition) = &request.condition {
                match self.check_condition(at, condition).await {
                    Ok(()) | Err(StoreError::NoSuchKey) => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(Deleted::default());
        }
        let command = Command::Delete { at: at.clone(), condition: request.condition.clone() };
        self.submitter.submit(command).await?;
        Ok(Deleted::default())
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        self.core.writable()?;
        let (version, limit) = (request.source_version, request.size_limit);
        let whole = move |size| {
            if size > limit {
                return Err(StoreError::SourceTooLarge { size, limit });
            }
            Ok(ByteRange::whole(size))
        };
        let conditions = &request.source_conditions;
        let source = self.source(source, version, conditions, request.source_key, whole);
        let (object, body) = source.await?;
        self.bucket_now(&target.bucket)?;
        let compute = request.checksum.or(object.checksum.map(|checksum| checksum.value.algorithm));
        let body = digesting(body, Expected { compute, ..Expected::default() });
        let encryption = match request.encryption {
            None => self.kept_encryption(object.sealing.as_ref(), &target.bucket).await?,
            asked => asked,
        };
        let new = NewObject {
            metadata: request.metadata.unwrap_or(object.metadata),
            tags: request.tags.unwrap_or(object.tags),
            condition: request.condition,
            original: None,
            encryption,
            acl: request.acl,
        };
        self.may_have_acl(new.acl.as_ref()).await?;
        self.store(target, new, body).await.map_err(own_fault)
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        let (bucket, query) = (bucket.clone(), query.clone());
        blocking(&self.core, move |core| listing::objects(core, &bucket, &query)).await
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        let (bucket, query) = (bucket.clone(), query.clone());
        blocking(&self.core, move |core| listing::versions(core, &bucket, &query)).await
    }
}

impl LocalStore {
    /// Takes the body in and makes the object, if its condition holds then.
    async fn store(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        let core = &self.core;
        let seal = self.seal(at, new.encryption.as_ref()).await?;
        let (body_key, sealing) = match &seal {
            None => (None, None),
            Some(sealed) => {
                let NewBody { key, id } = new_body(&sealed.key)?;
                (Some(key), Some(Sealing { seal: Some(sealed.seal.clone()), body: Some(id) }))
            }
        };
        let secret_tag = match &new.encryption {
            Some(Encryption::Customer(_)) => Some(secret_tag()?),
            Some(Encryption::Managed) | None => None,
        };
        let described = |digests: &Received| Described {
            version: VersionId::Null,
            size: digests.size,
            modified: match &new.original {
                Some(original) => original.last_modified,
                None => core.clock.now().ceil_second(),
            },
            tag: match (&new.original, &secret_tag) {
                (Some(original), _) => (&original.etag).into(),
                (None, Some(secret)) => secret.into(),
                (None, None) => (&ETag::from_md5(digests.md5)).into(),
            },
            checksum: digests.checksum.clone().map(Checksum::full_object),
            parts_count: None,
            metadata: new.metadata.clone(),
            tags: new.tags.clone(),
            sealing: sealing.clone(),
            acl: new.acl.clone(),
        };
        let footer = |digests: &Received| footer(at, described(digests));
        let (content, digests) = receive(core, body, body_key, footer).await?;
        let object = described(&digests);
        let info = described_info(at, &object);
        let (at, condition) = (at.clone(), new.condition);
        let command = Command::Put { at, object: Box::new(object), content, condition };
        self.submitter.submit_under(command, seal.and_then(|seal| seal.keys)).await?;
        Ok(Stored { object: info, version: None })
    }

    /// The encryption of a new object or upload.
    pub(super) async fn seal(
        &self,
        at: &ObjectPath,
        asked: Option<&Encryption>,
    ) -> Result<Option<NewSeal>> {
        if asked.is_none() && !self.encrypts_by_default(&at.bucket).await? {
            return Ok(None);
        }
        let (at, asked) = (at.clone(), asked.cloned());
        let seal = blocking(&self.core, move |core| new_seal(core, &at, asked.as_ref())).await;
        seal.map(Some).inspect_err(|error| distrust(&self.core, error))
    }

    /// Whether the bucket encrypts what nobody asked to be encrypted: by the store's settings, or
    /// by its own.
    async fn encrypts_by_default(&self, bucket: &BucketName) -> Result<bool> {
        if self.core.keyring.encrypts(bucket) {
            return Ok(true);
        }
        let document = self.bucket_setting(bucket, BucketSetting::Encryption).await?;
        Ok(document.is_some_and(|document| encrypts_by_default(document.bytes())))
    }

    /// What a copy keeps of its source's encryption: what is encrypted with a key of the store's
    /// own is never in the clear.
    async fn kept_encryption(
        &self,
        source: Option<&Sealing>,
        target: &BucketName,
    ) -> Result<Option<Encryption>> {
        let keeps = match told(source.and_then(|sealing| sealing.seal.as_ref())) {
            Some(Encrypted::Managed { asked: true }) => true,
            Some(Encrypted::Managed { asked: false }) => !self.encrypts_by_default(target).await?,
            Some(Encrypted::Customer) | None => false,
        };
        Ok(keeps.then_some(Encryption::Managed))
    }
}

fn footer(at: &ObjectPath, object: Described) -> BlobFooter {
    BlobFooter {
        bucket: at.bucket.as_str().to_owned(),
        key: at.key.as_str().to_owned(),
        version: Some(object.version),
        part: None,
        etag: object.tag.etag(),
        checksum: object.checksum,
        metadata: object.metadata,
        tags: object.tags,
        created: object.modified,
        sealing: object.sealing,
    }
}

/// An object as its description says.
pub(crate) fn described_info(at: &ObjectPath, object: &Described) -> ObjectInfo {
    ObjectInfo {
        key: at.key.clone(),
        version: object.version,
        size: object.size,
        etag: object.tag.etag(),
        last_modified: object.modified,
        metadata: object.metadata.clone(),
        checksum: object.checksum.clone(),
        tag_count: u32::try_from(object.tags.len()).unwrap_or(u32::MAX),
        parts_count: object.parts_count,
        replication: None,
        encryption: told(object.sealing.as_ref().and_then(|sealing| sealing.seal.as_ref())),
    }
}
