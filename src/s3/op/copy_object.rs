//! CopyObject: `PUT /bucket/key` with `x-amz-copy-source`.

use std::sync::Arc;

use http::HeaderName;

use super::Execute;
use crate::auth::Sealed;
use crate::object::{
    ConditionHeader, ETagMatch, Encryption, ObjectInfo, ObjectMetadata, ReadConditions,
};
use crate::s3::acl::Asked;
use crate::s3::context::Context;
use crate::s3::copy_source::{self, CopySource, SOURCE_VERSION_ID};
use crate::s3::error::S3Error;
use crate::s3::header::{self, Head};
use crate::s3::judged::Copying;
use crate::s3::keep_alive::{self, Patience};
use crate::s3::lifecycle;
use crate::s3::listing::write_checksum;
use crate::s3::object_acl;
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;
use crate::store::{CopyRequest, GetRequest, ObjectPath, StoreError, Stored};

const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyObject {
    target: ObjectPath,
    source: CopySource,
    request: CopyRequest,
    labels: Labels,
    acl: Option<Asked>,
}

/// What a copy never takes from its source, whatever the metadata directive says (API Reference,
/// CopyObject): what the request does not name is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Labels {
    storage_class: Option<String>,
    redirect: Option<String>,
}

/// What a directive says about metadata or tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    /// The source's are kept, the request's ignored.
    Copy,
    /// The request's replace the source's.
    Replace,
}

impl Execute for CopyObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        header::refuse_unserved(head)?;
        let (target, source) = (head.object()?, copy_source::of(head)?);
        let metadata = header::object_metadata(head)?;
        let labels = Labels::of(&metadata);
        let request = CopyRequest {
            source_version: source.version,
            source_conditions: header::copy_conditions(head),
            metadata: Directive::parse(head, "x-amz-metadata-directive")?.choose(metadata),
            tags: Directive::parse(head, "x-amz-tagging-directive")?.choose(header::tags(head)?),
            checksum: header::algorithm(head, "x-amz-checksum-algorithm")?,
            condition: header::write_condition(head)?,
            size_limit: copy_source::MAX_COPY_SIZE,
            source_key: header::source_key(head)?,
            encryption: header::encryption(head)?,
            acl: None,
        };
        if source.is(&target) && !changes(head, &request) {
            return Err(S3Error::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself \
                 without changing the object's metadata, storage class, website redirect location \
                 or encryption attributes.",
            ));
        }
        Ok(Self { target, source, request, labels, acl: Asked::parse(head)? })
    }

    async fn run(mut self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let acl = object_acl::of_new(ctx, ctx.own_bucket()?, self.acl.as_ref()).await?;
        self.request.acl = acl;
        let source_bucket = self.source.authorize(ctx).await?;
        if self.request.tags.is_none() {
            self.source.authorize_tags(ctx, &source_bucket, &self.target).await?;
        }
        if let Some(condition) = &self.request.condition {
            ctx.store.check_condition(&self.target, condition).await?;
        }
        let source = self.look(ctx).await?;
        let version = Some(source.version);
        let (mut request, bound) = self.labels.put_on(self.request, source.clone());
        let copying = Copying::admit(&ctx.rules, &self.target, &source, &mut request)?;
        let store = Arc::clone(&ctx.store);
        let (from, to) = (self.source, self.target);
        let conditions = request.source_conditions.clone();
        let conditional = request.condition.is_some();
        let encryption = ctx.encryption(&to.bucket, request.encryption.take()).await?;
        request.encryption.clone_from(&encryption);
        let beside = ctx.clone();
        let work = async move {
            // The source changed between the look at it and the copy; the client may not hear of a
            // condition that it did not set.
            let fault = |bound| {
                let (from, conditions) = (&from, &conditions);
                move |error| match error {
                    StoreError::PreconditionFailed(ConditionHeader::IfMatch) if bound => {
                        S3Error::slow_down()
                    }
                    other => from.fault(other, conditions),
                }
            };
            if let Some(copying) = &copying {
                copying.examine(&*store, &from.object, &mut request, fault(bound)).await?;
            }
            let bound = bound || copying.is_some();
            let stored = store.copy_object(&from.object, &to, request).await;
            let stored = stored.map_err(|error| match error {
                // The target that a condition wants there has gone.
                missing @ StoreError::NoSuchKey if conditional => missing.into(),
                other => fault(bound)(other),
            })?;
            let expiration = lifecycle::expiration(&beside, &to, &stored.object, None).await;
            Ok((stored, expiration))
        };
        let headers = move |reply: Reply, (stored, expiration): &(Stored, Option<String>)| {
            let reply = lifecycle::tell_expiration(reply, expiration.clone())
                .optional(VERSION_ID, object_reply::version(stored.version))
                .optional(SOURCE_VERSION_ID, object_reply::version(version));
            let key = encryption.as_ref().and_then(Encryption::customer_key);
            header::tell_encryption(reply, stored.object.encryption, key)
        };
        let patience = Patience::default();
        keep_alive::answer(ctx, patience, "CopyObjectResult", work, headers, write_result).await
    }
}

impl CopyObject {
    /// The source's head: what is missing is known before anything else is done.
    async fn look(&self, ctx: &Context) -> Result<ObjectInfo, S3Error> {
        let (version, key) = (self.request.source_version, self.request.source_key.clone());
        let request = GetRequest { version, key, ..GetRequest::default() };
        let head = ctx.store.head_object(&self.source.object, &request).await;
        let fault = |error| self.source.fault(error, &request.conditions);
        Ok(head.map_err(fault)?.object)
    }
}

impl Directive {
    fn parse(head: &Head, name: &'static str) -> Result<Self, S3Error> {
        match head.header(name).as_deref() {
            None | Some("COPY") => Ok(Self::Copy),
            Some("REPLACE") => Ok(Self::Replace),
            Some(other) => {
                let message = "A directive is COPY or REPLACE.";
                Err(S3Error::invalid_argument(name, other, message))
            }
        }
    }

    fn choose<T>(self, requested: T) -> Option<T> {
        match self {
            Self::Copy => None,
            Self::Replace => Some(requested),
        }
    }
}

impl Labels {
    fn of(metadata: &ObjectMetadata) -> Self {
        Self {
            storage_class: metadata.storage_class.clone(),
            redirect: metadata.headers.website_redirect_location.clone(),
        }
    }

    /// Gives a copy that keeps its source's metadata these labels, where the source has others.
    /// The metadata that was seen then belongs to the content that was seen: the copy is bound to
    /// that content, unless the client itself said to which.
    fn put_on(self, mut request: CopyRequest, source: ObjectInfo) -> (CopyRequest, bool) {
        if request.metadata.is_some() || self == Self::of(&source.metadata) {
            return (request, false);
        }
        let mut metadata = source.metadata;
        metadata.storage_class = self.storage_class;
        metadata.headers.website_redirect_location = self.redirect;
        request.metadata = Some(metadata);
        let free = request.source_conditions == ReadConditions::default();
        if free {
            request.source_conditions.if_match = Some(ETagMatch::Tags(vec![source.etag]));
        }
        (request, free)
    }
}

/// Whether a copy of an object onto itself changes anything.
fn changes(head: &Head, request: &CopyRequest) -> bool {
    request.metadata.is_some()
        || request.tags.is_some()
        || request.checksum.is_some()
        || request.encryption.is_some()
        || request.source_key.is_some()
        || head.has_header("x-amz-storage-class")
        || head.has_header("x-amz-website-redirect-location")
}

fn write_result(writer: &mut Writer, (stored, _): &(Stored, Option<String>)) {
    let object = &stored.object;
    writer.text("LastModified", &object.last_modified.iso8601());
    writer.text("ETag", &object.etag.quoted());
    if let Some(checksum) = &object.checksum {
        write_checksum(writer, checksum);
    }
}
