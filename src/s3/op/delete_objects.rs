//! DeleteObjects: `POST /bucket?delete`.

use futures_util::StreamExt as _;

use super::Execute;
use crate::auth::Sealed;
use crate::auth::grants::Action;
use crate::object::{BucketName, ETagMatch, ObjectKey, VersionId, WriteCondition};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;
use crate::s3::xml::{DeleteDocument, DeleteEntry, Writer};
use crate::store::{DeleteRequest, Deleted, ObjectPath};

/// How many deletes are under way at once: a store makes them durable together.
const CONCURRENT: usize = 64;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeleteObjects {
    bucket: BucketName,
    integrity: Integrity,
}

/// What became of one key.
type Outcome = (DeleteEntry, Result<Deleted, S3Error>);

impl Execute for DeleteObjects {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { bucket: head.bucket()?.clone(), integrity: Integrity::parse(head)? })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let body = document::read(body, self.integrity, Digest::Required).await?;
        let document = DeleteDocument::parse(&body)?;
        let work =
            document.entries.into_iter().map(|entry| delete(ctx, self.bucket.clone(), entry));
        let outcomes: Vec<Outcome> =
            futures_util::stream::iter(work).buffered(CONCURRENT).collect().await;
        Ok(Reply::xml("DeleteResult", |writer| {
            for (entry, outcome) in &outcomes {
                match outcome {
                    Ok(_) if document.quiet => {}
                    Ok(deleted) => write_deleted(writer, entry, deleted),
                    Err(error) => write_error(writer, entry, error),
                }
            }
        }))
    }
}

async fn delete(ctx: &Context, bucket: BucketName, entry: DeleteEntry) -> Outcome {
    let outcome = match request(bucket, &entry) {
        Ok((at, request)) => delete_one(ctx, &at, &request).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &outcome {
        error.log(Some("DeleteObjects"));
    }
    (entry, outcome)
}

async fn delete_one(
    ctx: &Context,
    at: &ObjectPath,
    request: &DeleteRequest,
) -> Result<Deleted, S3Error> {
    let action = match request.version {
        Some(_) => Action::DeleteObjectVersion,
        None => Action::DeleteObject,
    };
    ctx.gate.check_object(ctx.own_bucket()?, &at.key, request.version, action).await?;
    Ok(ctx.store.delete_object(at, request).await?)
}

/// What is asked of the store. What is wrong with one key does not concern the others.
fn request(
    bucket: BucketName,
    entry: &DeleteEntry,
) -> Result<(ObjectPath, DeleteRequest), S3Error> {
    let key = ObjectKey::parse(&entry.key).map_err(|_| S3Error::new(Code::KeyTooLongError))?;
    let version = match entry.version_id.as_deref().map(VersionId::parse) {
        None => None,
        Some(Some(version)) => Some(version),
        Some(None) => return Err(S3Error::new(Code::NoSuchVersion)),
    };
    if let Some(name) = entry.directory_condition {
        return Err(S3Error::not_implemented(name));
    }
    let tags = entry.etag.as_deref().filter(|tags| !tags.is_empty());
    let condition = tags.map(|tags| WriteCondition::Matches(ETagMatch::parse(tags)));
    Ok((ObjectPath { bucket, key }, DeleteRequest { version, condition }))
}

fn write_deleted(writer: &mut Writer, entry: &DeleteEntry, deleted: &Deleted) {
    writer.element("Deleted", |writer| {
        writer.text("Key", &entry.key);
        writer.optional("VersionId", entry.version_id.as_deref());
        if deleted.delete_marker {
            writer.value("DeleteMarker", true);
            let version = deleted.version.map(|version| version.to_string());
            writer.optional("DeleteMarkerVersionId", version.as_deref());
        }
    });
}

fn write_error(writer: &mut Writer, entry: &DeleteEntry, error: &S3Error) {
    writer.element("Error", |writer| {
        writer.text("Key", &entry.key);
        writer.optional("VersionId", entry.version_id.as_deref());
        writer.text("Code", error.code().as_str());
        writer.text("Message", error.text());
    });
}
