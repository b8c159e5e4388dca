//! Listings of objects: ListObjectsV2.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{CommonPrefix, EncodingType, Object};

use super::marker::Marker;
use super::metadata::storage_class;
use super::operation::{Asked, Operation};
use super::{PROBE, UpstreamStore, checksum, page_length, size, timestamp};
use crate::object::percent::{self, Plus};
use crate::object::{BucketName, ETag, ListEntry, ListPage, ListQuery, ObjectKey, Timestamp};
use crate::store::Result;

/// A line of the service's with its text there, by which lines are ordered.
pub(super) type Line<T> = (String, T);

impl UpstreamStore {
    /// A page of objects.
    pub(super) async fn list(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        let asked = self.asked(Operation::ListObjectsV2, bucket);
        let after = query.after.as_deref();
        let marker = Marker::new(&asked.prefix, &query.prefix, query.delimiter.as_deref(), after);
        let mut page = ListPage::default();
        let mut token = None;
        let more = loop {
            let Some(room) = query.limit.checked_sub(page.entries.len()).filter(|room| *room > 0)
            else {
                break page.entries.last().is_some();
            };
            let out = self.list_once(&asked, &marker, token, room).await?;
            let goes_on = self.goes_on(&asked, out.is_truncated())?;
            self.check_count(&asked, &out)?;
            let mut wanted = lines(&asked, &out).into_iter().filter(|(text, _)| marker.wants(text));
            page.entries.extend(wanted.by_ref().take(room).map(|(_, entry)| entry));
            if wanted.next().is_some() {
                break true;
            }
            if !goes_on {
                break false;
            }
            token = out.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                let words = "the listing goes on, but the service does not say where";
                return Err(self.site.unavailable(&asked, words));
            }
        };
        page.next = page.entries.last().filter(|_| more).map(|last| match last {
            ListEntry::Object { key, .. } => key.as_str().to_owned(),
            ListEntry::CommonPrefix(prefix) => prefix.clone(),
        });
        Ok(page)
    }

    async fn list_once(
        &self,
        asked: &Asked,
        marker: &Marker,
        token: Option<String>,
        room: usize,
    ) -> Result<ListObjectsV2Output> {
        let start = marker.behind().filter(|_| token.is_none());
        let call = self
            .clients
            .plain
            .list_objects_v2()
            .bucket(&asked.bucket)
            .encoding_type(EncodingType::Url)
            .set_prefix(marker.prefix())
            .set_delimiter(marker.delimiter())
            .set_start_after(start)
            .set_continuation_token(token)
            .max_keys(page_length(room));
        let out = call.send().await.map_err(|error| self.refuse(asked, error))?;
        let keys = out.contents().iter().filter_map(Object::key);
        let prefixes = out.common_prefixes().iter().filter_map(CommonPrefix::prefix);
        self.check_encoding(asked, out.encoding_type(), keys.chain(prefixes))?;
        Ok(out)
    }
}

impl UpstreamStore {
    /// Whether a listing goes on. One that does not say so was cut, or is no listing.
    pub(super) fn goes_on(&self, asked: &Asked, truncated: Option<bool>) -> Result<bool> {
        let words = "the listing does not say whether it goes on: is the endpoint S3?";
        truncated.ok_or_else(|| self.site.unavailable(asked, words))
    }

    /// A line that cannot be read is never left out.
    pub(super) fn check_encoding<'a>(
        &self,
        asked: &Asked,
        encoding: Option<&EncodingType>,
        mut texts: impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let encoded = is_encoded(encoding);
        match texts.find(|text| plain(encoded, text).is_none()) {
            None => Ok(()),
            Some(text) => {
                let words = format!("the listing is not encoded as it says: {text:?}");
                Err(self.site.unavailable(asked, &words))
            }
        }
    }

    /// A part of a listing never stands for the whole.
    fn check_count(&self, asked: &Asked, out: &ListObjectsV2Output) -> Result<()> {
        let told = out.key_count().and_then(|count| usize::try_from(count).ok());
        let came = out.contents().len() + out.common_prefixes().len();
        match told {
            Some(told) if told > came => {
                let words = format!("the listing has {came} lines instead of {told}");
                Err(self.site.unavailable(asked, &words))
            }
            _ => Ok(()),
        }
    }
}

/// Objects and common prefixes of an answer in one order.
fn lines(asked: &Asked, out: &ListObjectsV2Output) -> Vec<Line<ListEntry>> {
    let url = is_encoded(out.encoding_type());
    let objects = out.contents().iter().filter_map(|object| {
        let text = plain(url, object.key()?)?;
        let key = own_key(asked, &text)?;
        Some((text, entry(key, object)))
    });
    let prefixes = out.common_prefixes().iter().filter_map(|prefix| {
        let text = plain(url, prefix.prefix()?)?;
        let shown = text.strip_prefix(asked.prefix.as_str())?.to_owned();
        Some((text, ListEntry::CommonPrefix(shown)))
    });
    in_order(objects.chain(prefixes).collect())
}

fn entry(key: ObjectKey, object: &Object) -> ListEntry {
    ListEntry::Object {
        key,
        size: size(object.size()),
        etag: ETag::parse(object.e_tag().unwrap_or_default()),
        last_modified: object.last_modified().map_or(Timestamp(0), timestamp),
        checksum: checksum::listed(object.checksum_algorithm(), object.checksum_type()),
        storage_class: storage_class(
            object.storage_class().map(aws_sdk_s3::types::ObjectStorageClass::as_str),
        ),
    }
}

/// Whether an answer says that its texts are encoded. Some services have an empty element for it.
pub(super) fn is_encoded(encoding: Option<&EncodingType>) -> bool {
    encoding == Some(&EncodingType::Url)
}

/// A text of a listing, which services encode where they were asked to.
pub(super) fn plain(url: bool, text: &str) -> Option<String> {
    if url { percent::decode(text, Plus::Space).ok() } else { Some(text.to_owned()) }
}

/// The gateway's key of one of the service's. The object that a prefix itself names has none, nor
/// has one that only tries permissions.
pub(super) fn own_key(asked: &Asked, text: &str) -> Option<ObjectKey> {
    let key = text.strip_prefix(asked.prefix.as_str())?;
    if key.starts_with(PROBE) { None } else { ObjectKey::parse(key).ok() }
}

/// Lines by their texts, those of one text as they came.
pub(super) fn in_order<T>(mut lines: Vec<Line<T>>) -> Vec<Line<T>> {
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    lines
}
