//! Listings of uploads under way: ListMultipartUploads.

use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::types::{CommonPrefix, EncodingType, Initiator, MultipartUpload};

use super::listing::{in_order, is_encoded, own_key, plain};
use super::marker::Marker;
use super::metadata::storage_class;
use super::operation::{Asked, Operation};
use super::{UpstreamStore, checksum, page_length, timestamp, upload_id};
use crate::object::{
    BucketName, ObjectKey, ObjectMetadata, Owner, Timestamp, Upload, UploadEntry, UploadsPage,
    UploadsQuery,
};
use crate::store::Result;

/// Where the service goes on.
#[derive(Debug, Clone, Default)]
struct Next {
    key: Option<String>,
    id: Option<String>,
}

impl UpstreamStore {
    /// A page of uploads under way.
    pub(super) async fn uploads(
        &self,
        bucket: &BucketName,
        query: &UploadsQuery,
    ) -> Result<UploadsPage> {
        let asked = self.asked(Operation::ListMultipartUploads, bucket);
        let after = query.after.as_ref();
        let delimiter = query.delimiter.as_deref();
        let start = after.map(|(key, _)| key.as_str());
        let marker = Marker::new(&asked.prefix, &query.prefix, delimiter, start);
        let id = after.and_then(|(_, id)| id.as_ref()).and_then(upload_id::meant);
        let within_key = id.filter(|_| !marker.is_under_a_prefix());
        let mut next = Next { key: marker.behind(), id: within_key.clone() };
        let mut page = UploadsPage::default();
        let more = loop {
            let Some(room) = query.limit.checked_sub(page.entries.len()).filter(|room| *room > 0)
            else {
                break true;
            };
            let out = self.uploads_once(&asked, &marker, next, room).await?;
            let lines = self.upload_lines(&asked, &out);
            let goes_on = self.goes_on(&asked, out.is_truncated())?;
            let going_on = behind(&out, goes_on, lines.last().map(|(text, _)| text.as_str()));
            let mut wanted = lines.into_iter().filter(|(text, _)| {
                marker.wants(text) || within_key.is_some() && marker.is_start(text)
            });
            page.entries.extend(wanted.by_ref().take(room).map(|(_, entry)| entry));
            if wanted.next().is_some() {
                break true;
            }
            match going_on {
                Some(going_on) => next = going_on,
                None => break false,
            }
        };
        page.next = page.entries.last().filter(|_| more).map(|last| match last {
            UploadEntry::Upload(upload) => {
                (upload.key.as_str().to_owned(), Some(upload.id.clone()))
            }
            UploadEntry::CommonPrefix(prefix) => (prefix.clone(), None),
        });
        Ok(page)
    }

    async fn uploads_once(
        &self,
        asked: &Asked,
        marker: &Marker,
        next: Next,
        room: usize,
    ) -> Result<ListMultipartUploadsOutput> {
        let call = self
            .clients
            .plain
            .list_multipart_uploads()
            .bucket(&asked.bucket)
            .encoding_type(EncodingType::Url)
            .set_prefix(marker.prefix())
            .set_delimiter(marker.delimiter())
            .set_key_marker(next.key)
            .set_upload_id_marker(next.id)
            .max_uploads(page_length(room));
        let out = call.send().await.map_err(|error| self.refuse(asked, error))?;
        let keys = out.uploads().iter().filter_map(MultipartUpload::key);
        let prefixes = out.common_prefixes().iter().filter_map(CommonPrefix::prefix);
        let texts = keys.chain(prefixes).chain(out.next_key_marker());
        self.check_encoding(asked, out.encoding_type(), texts)?;
        Ok(out)
    }

    fn upload_lines(
        &self,
        asked: &Asked,
        out: &ListMultipartUploadsOutput,
    ) -> Vec<(String, UploadEntry)> {
        let url = is_encoded(out.encoding_type());
        let uploads = out.uploads().iter().filter_map(|upload| {
            let text = plain(url, upload.key()?)?;
            let shown = self.upload(own_key(asked, &text)?, upload)?;
            Some((text, UploadEntry::Upload(Box::new(shown))))
        });
        let prefixes = out.common_prefixes().iter().filter_map(|prefix| {
            let text = plain(url, prefix.prefix()?)?;
            let shown = text.strip_prefix(asked.prefix.as_str())?.to_owned();
            Some((text, UploadEntry::CommonPrefix(shown)))
        });
        in_order(uploads.chain(prefixes).collect())
    }

    fn upload(&self, key: ObjectKey, of: &MultipartUpload) -> Option<Upload> {
        Some(Upload {
            key,
            id: upload_id::shown(of.upload_id()?),
            initiated: of.initiated().map_or(Timestamp(0), timestamp),
            initiator: self.initiator(of.initiator()),
            metadata: ObjectMetadata {
                storage_class: storage_class(
                    of.storage_class().map(aws_sdk_s3::types::StorageClass::as_str),
                ),
                ..ObjectMetadata::default()
            },
            checksum: checksum::choice(of.checksum_algorithm(), of.checksum_type()),
        })
    }

    /// Who started an upload, as the service tells it: whose key the gateway has there.
    pub(super) fn initiator(&self, told: Option<&Initiator>) -> Owner {
        match told.and_then(|initiator| Some((initiator.id()?, initiator.display_name()))) {
            Some((id, name)) => {
                Owner { id: id.to_owned(), display_name: name.unwrap_or_default().to_owned() }
            }
            None => self.options.owner.clone(),
        }
    }
}

/// Where a listing that was cut goes on.
fn behind(out: &ListMultipartUploadsOutput, goes_on: bool, last: Option<&str>) -> Option<Next> {
    let url = is_encoded(out.encoding_type());
    goes_on.then(|| Next {
        key: out
            .next_key_marker()
            .and_then(|key| plain(url, key))
            .or_else(|| last.map(str::to_owned)),
        id: out.next_upload_id_marker().filter(|id| !id.is_empty()).map(str::to_owned),
    })
}
