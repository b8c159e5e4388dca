//! HEAD and GET.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;

use super::answer::{Fault, content_range};
use super::checksum::{self, texts};
use super::encryption::{encrypted, key_fault, key_needed, with_customer_key};
use super::metadata::read_metadata;
use super::operation::{Asked, Operation};
use super::{UpstreamStore, incoming, sdk_time, size, tags_text, timestamp, version_text};
use crate::object::{
    ByteRange, ConditionHeader, ETag, ETagMatch, ObjectInfo, ObjectPart, PartNumber, RangeSpec,
    ReadConditions, Timestamp, VersionId,
};
use crate::store::{GetRequest, Got, Head, ObjectPath, Result, Selection, StoreError};

/// Puts the conditions of a read into a builder of the SDK.
macro_rules! with_conditions {
    ($builder:expr, $conditions:expr) => {
        $builder
            .set_if_match($conditions.if_match.as_ref().map(tags_text))
            .set_if_none_match($conditions.if_none_match.as_ref().map(tags_text))
            .set_if_modified_since($conditions.if_modified_since.map(sdk_time))
            .set_if_unmodified_since($conditions.if_unmodified_since.map(sdk_time))
    };
}

/// Reads an object's head out of the answer to a HEAD or GET.
macro_rules! object_info {
    ($of:expr, $at:expr) => {{
        let length = size($of.content_length());
        let total = $of.content_range().and_then(content_range).map(|(_, total)| total);
        let etag = ETag::parse($of.e_tag().unwrap_or_default());
        let told = $of.parts_count().and_then(|count| u32::try_from(count).ok());
        let count = told.or_else(|| parts_count(&etag));
        let sum = checksum::whole(texts!($of), $of.checksum_type());
        ObjectInfo {
            key: $at.key.clone(),
            version: $of.version_id().and_then(VersionId::parse).unwrap_or(VersionId::Null),
            size: total.unwrap_or(length),
            parts_count: count,
            etag,
            last_modified: $of.last_modified().map_or(Timestamp(0), timestamp),
            metadata: read_metadata!($of),
            checksum: sum,
            tag_count: $of.tag_count().and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            replication: None,
            encryption: encrypted!($of),
        }
    }};
}

impl UpstreamStore {
    /// HEAD.
    pub(super) async fn head(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        let head = match self.head_as_asked(at, request).await {
            Err(error) => match self.same_second(at, request, &error).await {
                Some(again) => self.head_as_asked(at, &again).await?,
                None => return Err(error),
            },
            Ok(head) => head,
        };
        changed_since(&head.object, &request.conditions).map(|()| head)
    }

    /// GET.
    pub(super) async fn get(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        let got = match self.get_as_asked(at, request).await {
            Err(error) => match self.same_second(at, request, &error).await {
                Some(again) => self.get_as_asked(at, &again).await?,
                None => return Err(error),
            },
            Ok(got) => got,
        };
        changed_since(&got.head.object, &request.conditions).map(|()| got)
    }

    /// Ranges are resolved here: they need the size alone.
    async fn head_as_asked(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        let asked = self.asked_about(Operation::HeadObject, at)?;
        match self.ask_head(&asked, at, request).await {
            Ok(out) => {
                let object = object_info!(out, at);
                let (told, length) = (out.content_range(), size(out.content_length()));
                match request.selection {
                    Selection::Range(spec) => {
                        let object = whole(object);
                        let range = spec
                            .resolve(object.size)
                            .map_err(|outside| StoreError::InvalidRange { size: outside.size })?;
                        Ok(Head { object, range: Some(range), part: None })
                    }
                    Selection::Whole => Ok(Head { object: whole(object), range: None, part: None }),
                    Selection::Part(number) => part_head(object, number, told, length),
                }
            }
            Err(fault) => Err(self.refuse_read(&asked, at, request, fault).await),
        }
    }

    async fn get_as_asked(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        let asked = self.asked_about(Operation::GetObject, at)?;
        let (range, part) = match request.selection {
            Selection::Whole => (None, None),
            Selection::Range(spec) => (Some(range_text(spec)), None),
            Selection::Part(number) => (None, Some(i32::from(number.get()))),
        };
        let call = self
            .clients
            .plain
            .get_object()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(request.version))
            .set_range(range)
            .set_part_number(part)
            .set_checksum_mode(self.checksum_mode());
        let call = with_customer_key!(call, request.key.as_ref());
        match with_conditions!(call, request.conditions).send().await {
            Ok(out) => {
                let object = object_info!(out, at);
                let length = size(out.content_length());
                let head = if let Selection::Part(number) = request.selection {
                    part_head(object, number, out.content_range(), length)?
                } else {
                    let range = out.content_range().and_then(content_range);
                    Head { object: whole(object), range: range.map(|(range, _)| range), part: None }
                };
                let what = format!("upstream {}", self.options.name);
                let limit = self.options.stall_timeout;
                Ok(Got { head, body: incoming::payload(out.body, length, limit, what) })
            }
            Err(error) => Err(self.refuse_read(&asked, at, request, error.into()).await),
        }
    }

    /// The same read where `If-Unmodified-Since` names the second that the object is shown to be
    /// of: services that count parts of a second take it for one from before (versitygw 1.8 does).
    async fn same_second(
        &self,
        at: &ObjectPath,
        request: &GetRequest,
        error: &StoreError,
    ) -> Option<GetRequest> {
        let failed = ConditionHeader::IfUnmodifiedSince;
        let refused = matches!(error, StoreError::PreconditionFailed(header) if *header == failed);
        let date = request.conditions.if_unmodified_since.filter(|_| refused)?;
        let asked = self.asked_about(Operation::HeadObject, at).ok()?;
        let object = self.plain_head(&asked, at, request).await.ok()?;
        (object.last_modified == date).then(|| {
            let mut again = request.clone();
            again.conditions.if_match = Some(ETagMatch::Tags(vec![object.etag]));
            again.conditions.if_unmodified_since = None;
            again
        })
    }

    /// The error of a call about what describes an object: services say in two ways that it has no
    /// such version.
    pub(super) fn refuse_described(
        &self,
        asked: &Asked,
        version: Option<VersionId>,
        fault: impl Into<Fault>,
    ) -> StoreError {
        let fault = fault.into();
        let no_version = version.is_some() && fault.has_code("InvalidArgument");
        if no_version || fault.has_code("NoSuchKey") {
            return missing(version);
        }
        self.refuse(asked, fault)
    }

    async fn ask_head(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        request: &GetRequest,
    ) -> std::result::Result<HeadObjectOutput, Fault> {
        let part = match request.selection {
            Selection::Part(number) => Some(i32::from(number.get())),
            _ => None,
        };
        let call = self
            .clients
            .plain
            .head_object()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(request.version))
            .set_part_number(part)
            .set_checksum_mode(self.checksum_mode());
        let call = with_customer_key!(call, request.key.as_ref());
        let call = with_conditions!(call, request.conditions);
        match call.clone().send().await.map_err(Fault::from) {
            Err(fault) if fault.is(404) && !fault.has_reason() => {
                match self.why_missing(asked, at, request.version).await {
                    Some(reason) => Err(reason),
                    // It came between: now there is one to be shown.
                    None => Ok(call.send().await?),
                }
            }
            answer => answer,
        }
    }

    /// Without an explicit word services do not show checksums.
    pub(super) fn checksum_mode(&self) -> Option<ChecksumMode> {
        self.options.quirks.checksums.then_some(ChecksumMode::Enabled)
    }

    /// What a read that was refused means. Answers to HEAD have no body, and answers to GET do
    /// not always tell the numbers, so that some things are asked once more.
    async fn refuse_read(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        request: &GetRequest,
        fault: Fault,
    ) -> StoreError {
        if let Some(error) = key_fault(&fault, request.key.as_ref()) {
            return error;
        }
        let Some(answer) = fault.answer() else { return self.refuse(asked, fault) };
        match (answer.status, answer.code.as_deref()) {
            (304, _) => match answer.validators() {
                Some((etag, last_modified)) => {
                    let caching = Box::new(answer.caching.clone());
                    StoreError::NotModified { etag, last_modified, caching }
                }
                None => match self.plain_head(asked, at, request).await {
                    Ok(ObjectInfo { etag, last_modified, metadata, .. }) => {
                        let caching = Box::new(metadata.headers.caching());
                        StoreError::NotModified { etag, last_modified, caching }
                    }
                    Err(error) => error,
                },
            },
            (412, _) => StoreError::PreconditionFailed(failed_condition(&request.conditions)),
            (416, _) => self.refuse_selection(asked, at, request, answer.object_size()).await,
            (404, Some("NoSuchKey" | "NoSuchVersion")) => missing(request.version),
            (400, Some("InvalidArgument")) if request.version.is_some() => missing(request.version),
            (400, None) => self.refuse_silent(asked, at, request, fault).await,
            _ => match key_needed(&fault, request.key.as_ref()) {
                Some(error) => error,
                None => self.refuse(asked, fault),
            },
        }
    }

    /// The range or part is outside of the object.
    async fn refuse_selection(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        request: &GetRequest,
        size: Option<u64>,
    ) -> StoreError {
        if let (Selection::Range(_), Some(size)) = (request.selection, size) {
            return StoreError::InvalidRange { size };
        }
        match self.plain_head(asked, at, request).await {
            Err(error) => error,
            Ok(object) => match request.selection {
                Selection::Part(_) => {
                    StoreError::InvalidPartNumber { count: object.parts_count.unwrap_or(1) }
                }
                _ => StoreError::InvalidRange { size: object.size },
            },
        }
    }

    /// A HEAD was refused without a reason: a GET of nothing much tells it. It may be a version
    /// that is none, or an object that needs the customer's key; neither is a failure.
    async fn refuse_silent(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        request: &GetRequest,
        fault: Fault,
    ) -> StoreError {
        let call = self.clients.plain.get_object().bucket(&asked.bucket).key(asked.key(at));
        let call = call.set_version_id(version_text(request.version)).range("bytes=0-0");
        let key = request.key.as_ref();
        match with_customer_key!(call, key).send().await.map_err(Fault::from) {
            Err(told) => match key_fault(&told, key).or_else(|| key_needed(&told, key)) {
                Some(error) => error,
                None if told.has_code("NoSuchVersion") => missing(request.version),
                None if request.version.is_some() && told.has_code("InvalidArgument") => {
                    missing(request.version)
                }
                None => self.refuse(asked, told),
            },
            Ok(_) => self.refuse(asked, fault),
        }
    }

    async fn plain_head(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        request: &GetRequest,
    ) -> Result<ObjectInfo> {
        let (version, key) = (request.version, request.key.clone());
        let whole = GetRequest { version, key, ..GetRequest::default() };
        match self.ask_head(asked, at, &whole).await {
            Ok(out) => Ok(object_info!(out, at)),
            Err(fault) if fault.has_code("NoSuchKey") || fault.has_code("NoSuchVersion") => {
                Err(missing(version))
            }
            Err(fault) => Err(self.refuse(asked, fault)),
        }
    }

    /// What a 404 without a body means: the key is missing, or the bucket, or nobody knows. A GET
    /// of nothing much is answered with the reason, unless the object is there by now.
    async fn why_missing(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        version: Option<VersionId>,
    ) -> Option<Fault> {
        let call = self.clients.plain.get_object().bucket(&asked.bucket).key(asked.key(at));
        let call = call.set_version_id(version_text(version)).range("bytes=0-0");
        call.send().await.map_err(Fault::from).err().filter(|told| !told.is(416))
    }
}

/// An object's head that is not one of its parts': its composite checksum counts them.
fn whole(object: ObjectInfo) -> ObjectInfo {
    let checksum = checksum::with_parts(object.checksum, object.parts_count);
    ObjectInfo { checksum, ..object }
}

/// Refuses an object that is shown to be of the second that `If-Modified-Since` names: services
/// that count parts of a second take it for a later one.
fn changed_since(object: &ObjectInfo, conditions: &ReadConditions) -> Result<()> {
    let by_date = conditions.if_none_match.is_none();
    if by_date && conditions.if_modified_since == Some(object.last_modified) {
        return Err(StoreError::NotModified {
            etag: object.etag.clone(),
            last_modified: object.last_modified,
            caching: Box::new(object.metadata.headers.caching()),
        });
    }
    Ok(())
}

/// What is missing, by what was asked for.
fn missing(version: Option<VersionId>) -> StoreError {
    if version.is_some() { StoreError::NoSuchVersion } else { StoreError::NoSuchKey }
}

/// `If-Match` hides `If-Unmodified-Since` (RFC 9110 section 13.2.2), and the other two never fail
/// a read.
fn failed_condition(conditions: &ReadConditions) -> ConditionHeader {
    if conditions.if_match.is_some() {
        ConditionHeader::IfMatch
    } else {
        ConditionHeader::IfUnmodifiedSince
    }
}

/// The head of a part. Part 1 of an object of one PUT is the whole of it.
fn part_head(
    object: ObjectInfo,
    number: PartNumber,
    told: Option<&str>,
    length: u64,
) -> Result<Head> {
    let number = u32::from(number.get());
    let Some(count) = object.parts_count else {
        return match number {
            1 => Ok(Head { object, range: None, part: None }),
            _ => Err(StoreError::InvalidPartNumber { count: 1 }),
        };
    };
    let range = match told.and_then(content_range) {
        Some((range, _)) => range,
        None if count == 1 => ByteRange::whole(length),
        None => {
            let what = format!("where part {number} is");
            return Err(StoreError::Unsupported { what });
        }
    };
    // With a part's number, the checksum of the answer is that of the part.
    let checksum = object.checksum.as_ref().filter(|sum| sum.parts.is_none());
    let checksum = checksum.map(|sum| sum.value.clone());
    let part = ObjectPart { number, size: range.length, checksum };
    let object = ObjectInfo { checksum: None, ..object };
    Ok(Head { object, range: Some(range), part: Some(part) })
}

/// How many parts an object was completed from: its tag ends in the number.
pub(super) fn parts_count(etag: &ETag) -> Option<u32> {
    let (digest, count) = etag.as_str().rsplit_once('-')?;
    let hex = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    count.parse().ok().filter(|_| hex)
}

/// Numbers beyond what services read are cut: no object is as large.
fn range_text(spec: RangeSpec) -> String {
    let cut = |number: u64| number.min(i64::MAX.unsigned_abs());
    match spec {
        RangeSpec::Closed { first, last } => format!("bytes={}-{}", cut(first), cut(last)),
        RangeSpec::From { first } => format!("bytes={}-", cut(first)),
        RangeSpec::Suffix { length } => format!("bytes=-{}", cut(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_tell_the_number_of_parts() {
        let count = |tag: &str| parts_count(&ETag::parse(tag));
        let digest = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(count(&format!("{digest}-17")), Some(17));
        assert_eq!(count(digest), None);
        assert_eq!(count("abc-1"), None);
        assert_eq!(count(&format!("{digest}-x")), None);
    }

    #[test]
    fn ranges_as_headers() {
        assert_eq!(range_text(RangeSpec::Closed { first: 1, last: 2 }), "bytes=1-2");
        assert_eq!(range_text(RangeSpec::From { first: 5 }), "bytes=5-");
        assert_eq!(range_text(RangeSpec::Suffix { length: 0 }), "bytes=-0");
        let cut = range_text(RangeSpec::From { first: u64::MAX });
        assert_eq!(cut, "bytes=9223372036854775807-");
    }
}
