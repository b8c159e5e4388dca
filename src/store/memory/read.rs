//! What a read comes to on an object: conditions, then the selection.

use bytes::Bytes;

use super::state::Object;
use super::{MemoryStore, Result, StoreError};
use crate::object::{
    ByteRange, CustomerKey, KeyFault, ObjectPart, PartNumber, ReadConditions, ReadVerdict,
    VersionId,
};
use crate::store::{GetRequest, Head, ObjectPath, Selection};

impl MemoryStore {
    /// The head that the request selects, and the object as it is now.
    pub(super) fn selected(&self, at: &ObjectPath, request: &GetRequest) -> Result<(Head, Object)> {
        let object = self.state().object(at, request.version)?.clone();
        let info = &object.info;
        match request.conditions.evaluate(&info.etag, info.last_modified, self.clock.now()) {
            ReadVerdict::Proceed => {}
            ReadVerdict::NotModified => {
                return Err(StoreError::NotModified {
                    etag: info.etag.clone(),
                    last_modified: info.last_modified,
                    caching: Box::new(info.metadata.headers.caching()),
                });
            }
            ReadVerdict::Failed(header) => return Err(StoreError::PreconditionFailed(header)),
        }
        let (range, part) = resolve(&object, request.selection)?;
        Ok((Head { object: info.clone(), range, part }, object))
    }

    /// The source of a copy, as it is now.
    pub(super) fn source(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        conditions: &ReadConditions,
    ) -> Result<Object> {
        let object = self.state().object(at, version)?.clone();
        let info = &object.info;
        match conditions.evaluate_copy(&info.etag, info.last_modified, self.clock.now()) {
            ReadVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
            ReadVerdict::Proceed | ReadVerdict::NotModified => Ok(object),
        }
    }
}

impl Object {
    /// Whether the customer's key is the one that the content needs.
    pub(super) fn check_key(&self, given: Option<&CustomerKey>) -> Result<()> {
        key_fault(self.key.as_ref(), given).map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// The same of the source of a copy.
    pub(super) fn check_source_key(&self, given: Option<&CustomerKey>) -> Result<()> {
        let fault = key_fault(self.key.as_ref(), given);
        fault.map_or(Ok(()), |fault| Err(StoreError::SourceKey(fault)))
    }
}

/// What is wrong with the key that was given, where this is the one that is needed.
pub(super) fn key_fault(
    needed: Option<&CustomerKey>,
    given: Option<&CustomerKey>,
) -> Option<KeyFault> {
    match (needed, given) {
        (None, None) => None,
        (Some(_), None) => Some(KeyFault::Missing),
        (None, Some(_)) => Some(KeyFault::Unneeded),
        (Some(needed), Some(given)) => (needed != given).then_some(KeyFault::Wrong),
    }
}

fn resolve(
    object: &Object,
    selection: Selection,
) -> Result<(Option<ByteRange>, Option<ObjectPart>)> {
    match selection {
        Selection::Whole => Ok((None, None)),
        Selection::Range(spec) => match spec.resolve(object.info.size) {
            Ok(range) => Ok((Some(range), None)),
            Err(outside) => Err(StoreError::InvalidRange { size: outside.size }),
        },
        Selection::Part(number) => part(object, number),
    }
}

fn part(object: &Object, number: PartNumber) -> Result<(Option<ByteRange>, Option<ObjectPart>)> {
    let number = u32::from(number.get());
    let Some(count) = object.info.parts_count else {
        // An object of one PUT is its own only part.
        return if number == 1 {
            Ok((None, None))
        } else {
            Err(StoreError::InvalidPartNumber { count: 1 })
        };
    };
    let before = object.parts.iter().take_while(|part| part.number < number);
    let offset = before.map(|part| part.size).sum();
    let part = object.parts.iter().find(|part| part.number == number);
    let part = part.ok_or(StoreError::InvalidPartNumber { count })?;
    Ok((Some(ByteRange { offset, length: part.size }), Some(part.clone())))
}

/// The bytes of a range that lies within the content.
pub(super) fn slice(content: &Bytes, range: ByteRange) -> Bytes {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
    content.slice(at(range.offset)..at(range.end()))
}
