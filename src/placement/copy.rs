//! Copies: by the layer itself where it has source and target, else by reading and writing.
//!
//! A source that changes between the look at it and the copy is looked at again: what is copied is
//! the object that the conditions were judged on.

use std::sync::Arc;

use super::plan::{self, Known, Write};
use super::read::{Place, only_tag};
use super::route::Upstream;
use super::uploads::check_forwardable;
use super::{Placement, answered};
use crate::body::{BodyError, Expected, Payload, digesting};
use crate::object::{
    ByteRange, CustomerKey, ETag, Encrypted, ObjectInfo, PartNumber, PartSummary, RangeSpec,
    ReadConditions, ReadVerdict, TagSet, VersionId, WriteCondition,
};
use crate::store::{
    CopyPartRequest, CopyRequest, GetRequest, NewObject, ObjectPath, Result, Selection, StoreError,
    Stored, UploadPath,
};

/// How often a source that changes is looked at.
const LOOKS: usize = 4;

/// An object to be copied.
struct Source<'a> {
    at: &'a ObjectPath,
    version: Option<VersionId>,
    /// As clients see it.
    object: ObjectInfo,
    /// The upstream that has it, and its tag there; `None` for home.
    upstream: Option<(&'a Upstream, ETag)>,
}

impl Placement {
    /// Copies an object.
    pub(super) async fn copy(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        mut request: CopyRequest,
    ) -> Result<Stored> {
        let route = self.routes.of(&target.bucket);
        request.acl = self.placed_acl(route, &target.bucket, request.acl).await?;
        for _ in 0..LOOKS {
            let conditions = &request.source_conditions;
            let version = request.source_version;
            let key = request.source_key.as_ref();
            let found = self.source(source, version, conditions, key).await?;
            let (size, limit) = (found.object.size, request.size_limit);
            if size > limit {
                return Err(StoreError::SourceTooLarge { size, limit });
            }
            if let Some(stored) = self.copied(&found, target, &request).await? {
                return Ok(stored);
            }
        }
        Err(StoreError::Conflict)
    }

    /// Stores a part copied from an object.
    pub(super) async fn copy_into_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        let (owner, choice) = self.find_upload(upload).await?;
        let conditions = &request.source_conditions;
        for _ in 0..LOOKS {
            let version = request.source_version;
            let found = self.source(source, version, conditions, request.source_key.as_ref());
            let found = found.await?;
            let range = part_range(found.object.size, request.range)?;
            let (size, limit) = (range.length, request.size_limit);
            if size > limit {
                return Err(StoreError::SourceTooLarge { size, limit });
            }
            let copied = match (&found.upstream, owner) {
                (None, None) => {
                    let route = self.routes.of(&upload.object.bucket);
                    let copied = self.home.copy_part(source, upload, number, request.clone()).await;
                    self.refused_at_home(route, copied)
                }
                (Some((from, tag)), Some(to)) if same(from, to) => {
                    let source_conditions = only_tag(tag);
                    let request = CopyPartRequest { source_conditions, ..request.clone() };
                    let copied = to.store.copy_part(source, upload, number, request).await;
                    answered(to, copied)
                }
                _ => match found.read(self, request.range, request.source_key.clone()).await? {
                    None => continue,
                    Some(body) => {
                        let compute = Some(choice.checksum.algorithm);
                        let body = digesting(body, Expected { compute, ..Expected::default() });
                        let part = self.take_part(upload, number, body, request.key.as_ref()).await;
                        part.map_err(|error| found.unreadable(error))
                    }
                },
            };
            match copied {
                Err(error) if found.may_have_changed(&error) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    /// The source of a copy, on which the conditions hold.
    async fn source<'a>(
        &'a self,
        at: &'a ObjectPath,
        version: Option<VersionId>,
        conditions: &ReadConditions,
        key: Option<&CustomerKey>,
    ) -> Result<Source<'a>> {
        let request = GetRequest { version, key: key.cloned(), ..GetRequest::default() };
        let (object, upstream) = if self.routes.of(&at.bucket).upstream.is_some() {
            self.found(at, version, |place| {
                let request = request.clone();
                Box::pin(async move {
                    let head = self.head_at(&place, at, &request).await.map_err(of_source);
                    let object = head?.object;
                    let upstream = match place {
                        Place::Home(_) => None,
                        Place::Upstream(upstream, remote, _) => {
                            let remote = remote.filter(|remote| remote.etag == object.etag);
                            let tag = remote
                                .map_or_else(|| object.etag.clone(), |remote| remote.upstream_etag);
                            Some((upstream, tag))
                        }
                    };
                    Ok((object, upstream))
                })
            })
            .await?
        } else {
            (self.home.head_object(at, &request).await.map_err(of_source)?.object, None)
        };
        let now = self.clock.now();
        match conditions.evaluate_copy(&object.etag, object.last_modified, now) {
            ReadVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
            ReadVerdict::Proceed | ReadVerdict::NotModified => {
                Ok(Source { at, version, object, upstream })
            }
        }
    }

    /// The copy; `None` where the source has changed.
    async fn copied(
        &self,
        source: &Source<'_>,
        target: &ObjectPath,
        request: &CopyRequest,
    ) -> Result<Option<Stored>> {
        let route = self.routes.of(&target.bucket);
        check_forwardable(route, target, request.encryption.as_ref())?;
        let mut writing = None;
        let write = if route.upstream.is_some() {
            writing = Some(self.passing.write(target));
            let record = self.locations.of(target).await?;
            plan::write(route.mode, Known::of(record.as_ref()))
        } else {
            Write::Home
        };
        if write != Write::Home || source.upstream.is_some() {
            writing = None;
        }
        let copied = match (write, &source.upstream, &route.upstream) {
            (Write::Home, None, _) => {
                self.home.copy_object(source.at, target, request.clone()).await
            }
            (Write::Upstream | Write::Both, Some((from, tag)), Some(to)) if same(from, to) => {
                match self.copy_upstream(source.at, target, request, (to, tag)).await {
                    // The target is to be written at home after all.
                    Ok(None) => return self.copy_bytes(source, target, request).await,
                    Ok(Some(stored)) => Ok(stored),
                    Err(error) => Err(error),
                }
            }
            _ => return self.copy_bytes(source, target, request).await,
        };
        drop(writing);
        match copied {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if !is_of_target(&error, request) && source.may_have_changed(&error) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Lets the upstream copy; `None` where the target may not be written there now.
    async fn copy_upstream(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: &CopyRequest,
        (upstream, tag): (&Upstream, &ETag),
    ) -> Result<Option<Stored>> {
        let route = self.routes.of(&target.bucket);
        let mut locked = self.locked(route, upstream, target, false).await?;
        match plan::write(route.mode, locked.known()) {
            Write::Home | Write::HomeAndRecord | Write::Spool => return Ok(None),
            Write::Upstream | Write::Both => {}
        }
        let condition = locked.left_to_upstream(request.condition.as_ref())?;
        let bound = CopyRequest { source_conditions: only_tag(tag), condition, ..request.clone() };
        let announced = locked.announce(Some(tag)).await?;
        let copied = answered(upstream, upstream.store.copy_object(source, target, bound).await);
        locked.heard(announced, copied).await.map(Some)
    }

    async fn copy_bytes(
        &self,
        source: &Source<'_>,
        target: &ObjectPath,
        request: &CopyRequest,
    ) -> Result<Option<Stored>> {
        let key = request.source_key.clone();
        let Some(body) = source.read(self, None, key).await? else { return Ok(None) };
        let object = &source.object;
        let tags = match &request.tags {
            Some(tags) => tags.clone(),
            None if object.tag_count == 0 => TagSet::default(),
            None => self.tags(source.at, source.version).await?,
        };
        let kept = object.checksum.as_ref().map(|checksum| checksum.value.algorithm);
        let compute = request.checksum.or(kept);
        let new = NewObject {
            metadata: request.metadata.clone().unwrap_or_else(|| object.metadata.clone()),
            tags,
            condition: request.condition.clone(),
            original: None,
            encryption: request.encryption.clone().or_else(|| match source.upstream {
                Some(_) => Encrypted::taken_home(object.encryption, false),
                None => Encrypted::passed_on(object.encryption),
            }),
            acl: request.acl.clone(),
        };
        let body = digesting(body, Expected { compute, ..Expected::default() });
        let stored = self.put(target, new, body).await;
        stored.map(Some).map_err(|error| source.unreadable(error))
    }
}

impl Source<'_> {
    /// Its bytes, all or of a range that lies inside; `None` where it has changed.
    async fn read(
        &self,
        placement: &Placement,
        range: Option<(u64, u64)>,
        key: Option<CustomerKey>,
    ) -> Result<Option<Payload>> {
        let selection = match range {
            None => Selection::Whole,
            Some((first, last)) => Selection::Range(RangeSpec::Closed { first, last }),
        };
        let conditions = only_tag(&self.object.etag);
        let request = GetRequest { version: self.version, selection, conditions, key };
        match placement.get(self.at, &request).await.map_err(of_source) {
            Ok(got) => Ok(Some(got.body)),
            Err(StoreError::PreconditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a refusal may come from the source being another one, or elsewhere, by now.
    fn may_have_changed(&self, error: &StoreError) -> bool {
        match error {
            StoreError::NoSuchKey | StoreError::NoSuchVersion => true,
            StoreError::PreconditionFailed(_) => self.upstream.is_some(),
            _ => false,
        }
    }

    /// A source that cannot be read to its end is not the fault of who wants it copied.
    fn unreadable(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Body(BodyError::Store(what)) if self.upstream.is_some() => {
                StoreError::Unavailable { what }
            }
            other => other,
        }
    }
}

/// The fault of a customer's key, as it is told of the source.
fn of_source(error: StoreError) -> StoreError {
    match error {
        StoreError::CustomerKey(fault) => StoreError::SourceKey(fault),
        other => other,
    }
}

/// Whether a refusal may be one by the condition on the target.
fn is_of_target(error: &StoreError, request: &CopyRequest) -> bool {
    match (error, &request.condition) {
        (StoreError::PreconditionFailed(_) | StoreError::NoSuchKey, Some(condition)) => {
            matches!(
                condition,
                WriteCondition::Matches(_) | WriteCondition::Unchanged(..) | WriteCondition::Absent
            )
        }
        _ => false,
    }
}

fn same(one: &Upstream, other: &Upstream) -> bool {
    Arc::ptr_eq(&one.store, &other.store)
}

/// The range of a part copy is never cut to the source: it lies inside or is refused.
fn part_range(size: u64, range: Option<(u64, u64)>) -> Result<ByteRange> {
    match range {
        None => Ok(ByteRange::whole(size)),
        Some((first, last)) if first <= last && last < size => {
            Ok(ByteRange { offset: first, length: last - first + 1 })
        }
        Some(_) => Err(StoreError::SourceRange { size }),
    }
}
