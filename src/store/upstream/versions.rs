//! Listings of versions: ListObjectVersions.
//!
//! The gateway's version ids have one form, the services' have many. A bucket whose ids cannot be
//! shown is listed as one without versions, as is a service that keeps none.

use std::cmp::Reverse;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{CommonPrefix, DeleteMarkerEntry, EncodingType, ObjectVersion};

use super::answer::Fault;
use super::listing::{in_order, is_encoded, own_key, plain};
use super::marker::Marker;
use super::metadata::storage_class;
use super::operation::{Asked, Operation};
use super::{UpstreamStore, checksum, page_length, size, timestamp};
use crate::object::{
    BucketName, ETag, ListEntry, ListPage, ListQuery, ObjectKey, Timestamp, VersionEntry,
    VersionId, VersionMarker, VersionsPage, VersionsQuery,
};
use crate::store::{Result, StoreError};

/// Where the service goes on.
#[derive(Debug, Clone, Default)]
struct Next {
    key: Option<String>,
    version: Option<String>,
}

/// One answer, as far as it can be shown.
struct Shown {
    lines: Vec<(String, VersionEntry)>,
    next: Option<Next>,
}

impl UpstreamStore {
    /// A page of versions.
    pub(super) async fn versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        match self.real_versions(bucket, query).await {
            Ok(Some(page)) => Ok(page),
            Ok(None) | Err(StoreError::Unsupported { .. }) => {
                self.null_versions(bucket, query).await
            }
            Err(StoreError::Refused { code, .. }) if code == "MethodNotAllowed" => {
                self.null_versions(bucket, query).await
            }
            Err(error) => Err(error),
        }
    }

    /// `None` where there are versions that cannot be shown.
    async fn real_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<Option<VersionsPage>> {
        let asked = self.asked(Operation::ListObjectVersions, bucket);
        let after = query.after.as_ref();
        let older_than = after.and_then(|marker| marker.version);
        let delimiter = query.delimiter.as_deref();
        let marker = Marker::new(
            &asked.prefix,
            &query.prefix,
            delimiter,
            after.map(|marker| marker.key.as_str()),
        );
        let within_key = older_than.filter(|_| !marker.is_under_a_prefix());
        let mut next =
            Next { key: marker.behind(), version: within_key.map(|version| version.to_string()) };
        let mut page = VersionsPage::default();
        let more = loop {
            let Some(room) = query.limit.checked_sub(page.entries.len()).filter(|room| *room > 0)
            else {
                break true;
            };
            let out = self.versions_once(&asked, &marker, next, room).await?;
            let goes_on = self.goes_on(&asked, out.is_truncated())?;
            let Some(shown) = shown(&asked, &out, goes_on) else { return Ok(None) };
            let mut wanted = shown.lines.into_iter().filter(|(text, _)| {
                marker.wants(text) || within_key.is_some() && marker.is_start(text)
            });
            page.entries.extend(wanted.by_ref().take(room).map(|(_, entry)| entry));
            if wanted.next().is_some() {
                break true;
            }
            match shown.next {
                Some(going_on) => next = going_on,
                None => break false,
            }
        };
        page.next = page.entries.last().filter(|_| more).and_then(marker_of);
        Ok(Some(page))
    }

    async fn versions_once(
        &self,
        asked: &Asked,
        marker: &Marker,
        next: Next,
        room: usize,
    ) -> Result<ListObjectVersionsOutput> {
        let call = self
            .clients
            .plain
            .list_object_versions()
            .bucket(&asked.bucket)
            .encoding_type(EncodingType::Url)
            .set_prefix(marker.prefix())
            .set_delimiter(marker.delimiter())
            .set_key_marker(next.key)
            .set_version_id_marker(next.version)
            .max_keys(page_length(room));
        let out = call.send().await.map_err(|error| self.refuse(asked, Fault::from(error)))?;
        let keys = out.versions().iter().filter_map(ObjectVersion::key);
        let markers = out.delete_markers().iter().filter_map(DeleteMarkerEntry::key);
        let prefixes = out.common_prefixes().iter().filter_map(CommonPrefix::prefix);
        let texts = keys.chain(markers).chain(prefixes).chain(out.next_key_marker());
        self.check_encoding(asked, out.encoding_type(), texts)?;
        Ok(out)
    }

    /// The current objects, each as its version `null`.
    async fn null_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        let query = ListQuery {
            prefix: query.prefix.clone(),
            delimiter: query.delimiter.clone(),
            after: query.after.as_ref().map(|marker| marker.key.clone()),
            limit: query.limit,
        };
        let ListPage { entries, next } = self.list(bucket, &query).await?;
        let entries: Vec<VersionEntry> = entries
            .into_iter()
            .map(|entry| match entry {
                ListEntry::CommonPrefix(prefix) => VersionEntry::CommonPrefix(prefix),
                entry @ ListEntry::Object { .. } => {
                    VersionEntry::Object { version: VersionId::Null, latest: true, entry }
                }
            })
            .collect();
        let next = next.and_then(|_| entries.last().and_then(marker_of));
        Ok(VersionsPage { entries, next })
    }
}

fn marker_of(entry: &VersionEntry) -> Option<VersionMarker> {
    Some(match entry {
        VersionEntry::CommonPrefix(prefix) => VersionMarker { key: prefix.clone(), version: None },
        VersionEntry::Object { version, entry: ListEntry::Object { key, .. }, .. }
        | VersionEntry::DeleteMarker { key, version, .. } => {
            VersionMarker { key: key.as_str().to_owned(), version: Some(*version) }
        }
        VersionEntry::Object { .. } => return None,
    })
}

/// An answer's lines in order; `None` where a version cannot be shown.
fn shown(asked: &Asked, out: &ListObjectVersionsOutput, goes_on: bool) -> Option<Shown> {
    let url = is_encoded(out.encoding_type());
    let mut dated: Vec<(String, VersionEntry, Timestamp)> = Vec::new();
    for version in out.versions() {
        let Some(text) = version.key().and_then(|key| plain(url, key)) else { continue };
        let Some(key) = own_key(asked, &text) else { continue };
        let (entry, at) = object_version(key, version)?;
        dated.push((text, entry, at));
    }
    for marker in out.delete_markers() {
        let Some(text) = marker.key().and_then(|key| plain(url, key)) else { continue };
        let Some(key) = own_key(asked, &text) else { continue };
        let last_modified = marker.last_modified().map_or(Timestamp(0), timestamp);
        let version = VersionId::parse(marker.version_id().unwrap_or("null"))?;
        let latest = marker.is_latest().unwrap_or_default();
        let entry = VersionEntry::DeleteMarker { key, version, latest, last_modified };
        dated.push((text, entry, last_modified));
    }
    // Objects and delete markers come apart; within a key the newest stands first.
    dated.sort_by_key(|(_, entry, at)| (!is_latest(entry), Reverse(*at)));
    let prefixes = out.common_prefixes().iter().filter_map(|prefix| {
        let text = plain(url, prefix.prefix()?)?;
        let shown = text.strip_prefix(asked.prefix.as_str())?.to_owned();
        Some((text, VersionEntry::CommonPrefix(shown)))
    });
    let entries = dated.into_iter().map(|(text, entry, _)| (text, entry));
    let lines = in_order(entries.chain(prefixes).collect());
    let next = goes_on.then(|| Next {
        key: out
            .next_key_marker()
            .and_then(|key| plain(url, key))
            .or_else(|| lines.last().map(|(text, _)| text.clone())),
        version: out.next_version_id_marker().map(str::to_owned),
    });
    Some(Shown { lines, next })
}

fn is_latest(entry: &VersionEntry) -> bool {
    matches!(
        entry,
        VersionEntry::Object { latest: true, .. } | VersionEntry::DeleteMarker { latest: true, .. }
    )
}

fn object_version(key: ObjectKey, of: &ObjectVersion) -> Option<(VersionEntry, Timestamp)> {
    let last_modified = of.last_modified().map_or(Timestamp(0), timestamp);
    let entry = ListEntry::Object {
        key,
        size: size(of.size()),
        etag: ETag::parse(of.e_tag().unwrap_or_default()),
        last_modified,
        checksum: checksum::listed(of.checksum_algorithm(), of.checksum_type()),
        storage_class: storage_class(
            of.storage_class().map(aws_sdk_s3::types::ObjectVersionStorageClass::as_str),
        ),
    };
    let version = VersionId::parse(of.version_id().unwrap_or("null"))?;
    let latest = of.is_latest().unwrap_or_default();
    Some((VersionEntry::Object { version, latest, entry }, last_modified))
}
