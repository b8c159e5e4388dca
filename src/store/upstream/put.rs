//! Bodies sent: PutObject and UploadPart.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::upload_part::UploadPartOutput;
use aws_sdk_s3::operation::upload_part::builders::UploadPartFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::answer::Fault;
use super::checksum::{self, sdk_algorithm, texts, with_checksum};
use super::encryption::{encrypted, with_customer_key};
use super::metadata::{Wire, tagging, with_metadata};
use super::operation::{Asked, Operation};
use super::outgoing::{Outgoing, Stalled, Stream, Watch, Whole};
use super::tied::Tied;
use super::{UpstreamStore, version_told};
use crate::body::Payload;
use crate::object::{
    Algorithm, Checksum, ChecksumValue, CustomerKey, ETag, Encryption, ObjectInfo, PartNumber,
    PartSummary, VersionId,
};
use crate::store::{NewObject, ObjectPath, Result, StoreError, Stored, UploadPath};

/// How a body's content is vouched for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    /// In a header, known in advance.
    header: Option<ChecksumValue>,
    /// Behind the body, computed as it passes.
    trailer: Option<Algorithm>,
    /// In `Content-MD5`.
    md5: Option<String>,
}

/// What a body came to.
struct Sent<T> {
    out: T,
    size: u64,
    checksum: Option<ChecksumValue>,
}

/// Puts what vouches for a body into a builder of the SDK.
macro_rules! with_sums {
    ($builder:expr, $sums:expr) => {{
        let builder = $builder.set_content_md5($sums.md5.clone());
        match (&$sums.header, $sums.trailer) {
            // Some services keep a checksum only where its algorithm is named beside it.
            (Some(value), _) => {
                let builder = builder.checksum_algorithm(sdk_algorithm(value.algorithm));
                with_checksum!(builder, value.algorithm, value.to_base64())
            }
            (None, Some(algorithm)) => builder.checksum_algorithm(sdk_algorithm(algorithm)),
            (None, None) => builder,
        }
    }};
}

impl UpstreamStore {
    /// PutObject.
    pub(super) async fn put(
        &self,
        at: &ObjectPath,
        new: NewObject,
        body: Payload,
    ) -> Result<Stored> {
        self.check_tags(!new.tags.is_empty())?;
        self.canned(new.acl.as_ref())?;
        let tied = self.tie(at, new.condition.clone()).await?;
        let asked = self.asked_about(Operation::PutObject, at)?;
        let sent = match Outgoing::new(body).await? {
            Outgoing::Small(whole) => self.put_small(&asked, at, &new, &tied, whole).await?,
            Outgoing::Large(stream) => self.put_large(&asked, at, &new, &tied, stream).await?,
        };
        let Sent { out, size, checksum: computed } = sent;
        let told = checksum::whole(texts!(out), out.checksum_type());
        self.check_told(&asked, told.as_ref().map(|sum| &sum.value), computed.as_ref())?;
        let object = ObjectInfo {
            key: at.key.clone(),
            version: version_told(out.version_id()).unwrap_or(VersionId::Null),
            size,
            etag: ETag::parse(out.e_tag().unwrap_or_default()),
            last_modified: self.stamp(),
            metadata: new.metadata,
            checksum: told.or_else(|| computed.map(Checksum::full_object)),
            tag_count: u32::try_from(new.tags.len()).unwrap_or(u32::MAX),
            parts_count: None,
            replication: None,
            encryption: super::encryption::as_asked(new.encryption.as_ref(), encrypted!(out)),
        };
        Ok(Stored { object, version: version_told(out.version_id()) })
    }

    fn put_call(
        &self,
        client: &Client,
        asked: &Asked,
        at: &ObjectPath,
        new: &NewObject,
        tied: &Tied,
    ) -> PutObjectFluentBuilder {
        let call = client
            .put_object()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_if_match(tied.if_match())
            .set_if_none_match(tied.if_none_match())
            .set_tagging(tagging(&new.tags))
            // That it can be sent was seen before.
            .set_acl(self.canned(new.acl.as_ref()).unwrap_or_default())
            .set_server_side_encryption(self.sse(new.encryption.as_ref()));
        let key = new.encryption.as_ref().and_then(Encryption::customer_key);
        let call = with_customer_key!(call, key);
        let wire = Wire::new(&new.metadata);
        with_metadata!(call, wire)
    }

    async fn put_small(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        new: &NewObject,
        tied: &Tied,
        whole: Whole,
    ) -> Result<Sent<PutObjectOutput>> {
        let client = if tied.is_conditional() { &self.clients.once } else { &self.clients.plain };
        let sums = self.sums_of(&whole);
        let call = with_sums!(self.put_call(client, asked, at, new, tied), sums);
        let size = whole.content.len() as u64;
        let call = call.body(whole.content.into()).customize();
        let call = call.mutate_request(Wire::new(&new.metadata).finish());
        let out = call.send().await;
        let out = out.map_err(|error| self.refuse_write(asked, tied, error))?;
        Ok(Sent { out, size, checksum: sums.header })
    }

    async fn put_large(
        &self,
        asked: &Asked,
        at: &ObjectPath,
        new: &NewObject,
        tied: &Tied,
        stream: Stream,
    ) -> Result<Sent<PutObjectOutput>> {
        let (sums, size) = (self.sums_for(&stream), stream.length);
        let call = with_sums!(self.put_call(self.streaming(&sums), asked, at, new, tied), sums);
        let (body, watch) = stream.start(self.patience());
        let call = call
            .content_length(i64::try_from(size).unwrap_or(i64::MAX))
            .body(ByteStream::new(body))
            .customize()
            .mutate_request(Wire::new(&new.metadata).finish());
        let out = watch.over(call.send()).await;
        let out = out.map(|out| out.map_err(Fault::from));
        let out = self.settle(asked, tied, &watch, out)?;
        Ok(Sent { out, size, checksum: vouched(&sums, &watch) })
    }

    /// UploadPart.
    pub(super) async fn upload_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        let (asked, id) = self.asked_of(Operation::UploadPart, upload)?;
        let call = |client: &Client| -> UploadPartFluentBuilder {
            let call = client
                .upload_part()
                .bucket(&asked.bucket)
                .key(asked.key(&upload.object))
                .upload_id(id.clone())
                .part_number(i32::from(number.get()));
            with_customer_key!(call, key)
        };
        let sent: Sent<UploadPartOutput> = match Outgoing::new(body).await? {
            Outgoing::Small(whole) => {
                let sums = self.sums_of(&whole);
                let call = with_sums!(call(&self.clients.plain), sums);
                let size = whole.content.len() as u64;
                let out = call.body(whole.content.into()).send().await;
                let out = out.map_err(|error| self.refuse(&asked, error))?;
                Sent { out, size, checksum: whole.checksum }
            }
            Outgoing::Large(stream) => {
                let (sums, size) = (self.sums_for(&stream), stream.length);
                let call = with_sums!(call(self.streaming(&sums)), sums);
                let (body, watch) = stream.start(self.patience());
                let call = call
                    .content_length(i64::try_from(size).unwrap_or(i64::MAX))
                    .body(ByteStream::new(body));
                let out = watch.over(call.send()).await;
                let out = out.map(|out| out.map_err(Fault::from));
                let out = self.settle(&asked, &Tied::default(), &watch, out)?;
                let checksum = watch.digests().and_then(|digests| digests.checksum);
                Sent { out, size, checksum }
            }
        };
        let Sent { out, size, checksum: computed } = sent;
        let told = checksum::of_part(texts!(out));
        self.check_told(&asked, told.as_ref(), computed.as_ref())?;
        Ok(PartSummary {
            number,
            size,
            etag: ETag::parse(out.e_tag().unwrap_or_default()),
            last_modified: self.stamp(),
            checksum: told.or(computed),
        })
    }

    /// The result of a streamed call: a fault of the payload's own comes before everything that
    /// it led to.
    fn settle<T>(
        &self,
        asked: &Asked,
        tied: &Tied,
        watch: &Watch,
        out: std::result::Result<std::result::Result<T, Fault>, Stalled>,
    ) -> Result<T> {
        let fault = match out {
            Ok(Ok(out)) => return Ok(out),
            Ok(Err(fault)) => fault,
            Err(Stalled { what, limit }) => Fault::Late { what: format!("{what} for {limit:?}") },
        };
        match watch.fault() {
            Some(error) => Err(error.into()),
            None => Err(self.refuse_write(asked, tied, fault)),
        }
    }

    /// What vouches for a small body.
    fn sums_of(&self, whole: &Whole) -> Sums {
        let header = whole.checksum.clone().filter(|_| self.options.quirks.checksums);
        Sums { header, trailer: None, md5: md5_text(whole.md5) }
    }

    /// What vouches for a body that streams: the client's checksum, or one that is computed as it
    /// passes and comes behind it. With none a service may take a body that broke off for a whole
    /// one (versitygw 1.8 does). In clear text every chunk is signed as well then.
    fn sums_for(&self, stream: &Stream) -> Sums {
        let expected = &stream.expected;
        let md5 = md5_text(expected.md5);
        if !self.options.quirks.checksums {
            return Sums { md5, ..Sums::default() };
        }
        if let Some(value) = &expected.checksum {
            return Sums { header: Some(value.clone()), trailer: None, md5 };
        }
        let trailer = expected.trailer.or(expected.compute).or(Some(Algorithm::Crc64Nvme));
        Sums { header: None, trailer, md5: None }
    }

    fn streaming(&self, sums: &Sums) -> &Client {
        if sums.trailer.is_some() { &self.clients.summed } else { &self.clients.bodies }
    }

    /// Holds the service's checksum against the gateway's own.
    fn check_told(
        &self,
        asked: &Asked,
        told: Option<&ChecksumValue>,
        computed: Option<&ChecksumValue>,
    ) -> Result<()> {
        match (told, computed) {
            (Some(told), Some(computed))
                if told.algorithm == computed.algorithm && told != computed =>
            {
                let words = "the service stored other bytes than were sent: their checksum differs";
                Err(self.site.unavailable(asked, words))
            }
            _ => Ok(()),
        }
    }

    /// Refuses tags where the service keeps none.
    pub(super) fn check_tags(&self, any: bool) -> Result<()> {
        if !any || self.options.quirks.tags {
            return Ok(());
        }
        let what = format!("tags of an object in upstream {}", self.options.name);
        Err(StoreError::Unsupported { what })
    }
}

/// The checksum that the service was given of a body that streamed.
fn vouched(sums: &Sums, watch: &Watch) -> Option<ChecksumValue> {
    let computed = watch.digests().and_then(|digests| digests.checksum);
    computed.filter(|_| sums.header.is_some() || sums.trailer.is_some())
}

fn md5_text(md5: Option<[u8; 16]>) -> Option<String> {
    md5.map(|md5| BASE64_STANDARD.encode(md5))
}
