//! Listings of objects, versions and uploads.

use std::sync::Arc;

use super::catalog::{Catalog, decoded};
use super::core::Core;
use super::format::entry::{BucketEntry, ObjectEntry, UploadEntry as StoredUpload};
use super::index::IndexError;
use super::index::list::{self, After, Found, Lane, Line, Lookup, Page};
use super::uploads::upload_of;
use crate::object::{
    BucketName, ListEntry, ListPage, ListQuery, ObjectKey, Upload, UploadEntry, UploadId,
    UploadsPage, UploadsQuery, VersionEntry, VersionMarker, VersionsPage, VersionsQuery,
};
use crate::store::{Result, StoreError};

fn whole(core: &Core, bucket: &BucketName) -> Result<(Catalog, BucketEntry)> {
    let catalog = core.whole_catalog()?;
    let bucket = core.bucket(bucket)?;
    core.believe_all()?;
    Ok((catalog, bucket))
}

fn lost(error: &dyn std::fmt::Display) -> IndexError {
    IndexError::Lost(error.to_string())
}

fn key_of(found: &Found<'_>) -> std::result::Result<ObjectKey, IndexError> {
    ObjectKey::parse(found.key).map_err(|error| lost(&error))
}

fn object_line(found: Found<'_>) -> std::result::Result<Option<ListEntry>, IndexError> {
    let entry: ObjectEntry = decoded(found.value).map_err(|error| lost(&error))?;
    Ok(Some(ListEntry::Object {
        key: key_of(&found)?,
        size: entry.size,
        etag: entry.tag.etag(),
        last_modified: entry.modified,
        checksum: entry.checksum.map(|checksum| (checksum.value.algorithm, checksum.kind)),
        storage_class: entry.storage_class,
    }))
}

fn object_page(core: &Core, bucket: &BucketName, lookup: &Lookup<'_>) -> Result<Page<ListEntry>> {
    let (catalog, bucket) = whole(core, bucket)?;
    Ok(list::page(catalog.index(), &Lane::current(bucket.id), lookup, object_line)?)
}

/// A page of objects.
pub(crate) fn objects(core: &Core, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
    let lookup = Lookup {
        prefix: &query.prefix,
        delimiter: query.delimiter.as_deref(),
        after: query.after.clone().map(|text| After { text, tail: None }),
        limit: query.limit,
    };
    let page = object_page(core, bucket, &lookup)?;
    let entries: Vec<ListEntry> = page
        .lines
        .into_iter()
        .map(|line| match line {
            Line::Entry(entry) => entry,
            Line::CommonPrefix(prefix) => ListEntry::CommonPrefix(prefix),
        })
        .collect();
    let next = entries.last().filter(|_| page.more).map(|last| text_of(last).to_owned());
    Ok(ListPage { entries, next })
}

fn text_of(entry: &ListEntry) -> &str {
    match entry {
        ListEntry::Object { key, .. } => key.as_str(),
        ListEntry::CommonPrefix(prefix) => prefix,
    }
}

/// A page of versions: while no bucket keeps versions, each object is its key's only one.
pub(crate) fn versions(
    core: &Core,
    bucket: &BucketName,
    query: &VersionsQuery,
) -> Result<VersionsPage> {
    let after = query.after.as_ref();
    let lookup = Lookup {
        prefix: &query.prefix,
        delimiter: query.delimiter.as_deref(),
        after: after.map(|marker| After { text: marker.key.clone(), tail: None }),
        limit: query.limit,
    };
    let page = object_page(core, bucket, &lookup)?;
    let version = crate::object::VersionId::Null;
    let next = page.lines.last().filter(|_| page.more).map(|last| match last {
        Line::Entry(entry) => {
            VersionMarker { key: text_of(entry).to_owned(), version: Some(version) }
        }
        Line::CommonPrefix(prefix) => VersionMarker { key: prefix.clone(), version: None },
    });
    let line = |line| match line {
        Line::Entry(entry) => VersionEntry::Object { version, latest: true, entry },
        Line::CommonPrefix(prefix) => VersionEntry::CommonPrefix(prefix),
    };
    Ok(VersionsPage { entries: page.lines.into_iter().map(line).collect(), next })
}

/// A page of uploads.
pub(crate) fn uploads(
    core: &Arc<Core>,
    bucket: &BucketName,
    query: &UploadsQuery,
) -> Result<UploadsPage> {
    let _reading = core.garbage.enter();
    let (catalog, bucket) = whole(core, bucket)?;
    let tail = |id: &Option<UploadId>| {
        id.as_ref().map(|id| marker_tail(id.as_str()).to_be_bytes().to_vec())
    };
    let lookup = Lookup {
        prefix: &query.prefix,
        delimiter: query.delimiter.as_deref(),
        after: query.after.as_ref().map(|(key, id)| After { text: key.clone(), tail: tail(id) }),
        limit: query.limit,
    };
    let mut failed: Option<StoreError> = None;
    let page =
        list::page(catalog.index(), &Lane::uploads(bucket.id), &lookup, |found| match upload_line(
            core, &found,
        ) {
            Ok(upload) => Ok(Some(upload)),
            Err(error) => {
                let why = lost(&error);
                failed = Some(error);
                Err(why)
            }
        });
    let page = match (page, failed) {
        (_, Some(error)) => return Err(error),
        (page, None) => page?,
    };
    let next = page.lines.last().filter(|_| page.more).map(|last| match last {
        Line::Entry(upload) => (upload.key.as_str().to_owned(), Some(upload.id.clone())),
        Line::CommonPrefix(prefix) => (prefix.clone(), None),
    });
    let line = |line| match line {
        Line::Entry(upload) => UploadEntry::Upload(Box::new(upload)),
        Line::CommonPrefix(prefix) => UploadEntry::CommonPrefix(prefix),
    };
    Ok(UploadsPage { entries: page.lines.into_iter().map(line).collect(), next })
}

/// The last id that is not greater than `text`, in the order of ids as texts.
fn marker_tail(text: &str) -> u128 {
    let digits = *b"0123456789abcdef";
    let mut head = 0_u128;
    for left in (0..32_u32).rev() {
        let Some(byte) = text.as_bytes().get(31 - left as usize) else {
            return (head << 4 << (4 * left)).saturating_sub(1);
        };
        let less = digits.iter().filter(|digit| *digit < byte).count() as u128;
        if !digits.contains(byte) {
            let first_greater =
                (head << 4).checked_add(less).and_then(|n| n.checked_mul(1 << (4 * left)));
            return first_greater.map_or(u128::MAX, |first| first.saturating_sub(1));
        }
        head = (head << 4) | less;
    }
    head
}

fn upload_line(core: &Core, found: &Found<'_>) -> Result<Upload> {
    let entry: StoredUpload = decoded(found.value)?;
    let key = key_of(found)?;
    let id = found.tail.try_into().map(u128::from_be_bytes).map_err(|_| lost(&"an upload"))?;
    upload_of(core, key, id, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_that_are_no_ids_stand_where_their_text_does() {
        let ids = [1_u128, 0xa << 124, (0xa << 124) | 7, u128::MAX];
        let texts = ["", "0", "a", "a0", "b", "g", "A", "~", "0000000000000000000000000000000"];
        let ids_as_texts = ids.map(|id| format!("{id:032x}"));
        let markers = texts.iter().map(|text| (*text).to_owned()).chain(ids_as_texts);
        for marker in markers {
            for id in ids {
                let greater = format!("{id:032x}") > marker;
                assert_eq!(id > marker_tail(&marker), greater, "{marker} {id:032x}");
            }
        }
    }
}
