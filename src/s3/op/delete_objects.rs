//! DeleteObjects: `POST /bucket?delete`.

use futures_util::StreamExt as _;

use crate::object::{BucketName, ETagMatch, ObjectKey, VersionId, WriteCondition};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity};
use crate::s3::xml::{self, DeleteDocument, DeleteEntry, Writer};
use crate::store::{DeleteRequest, Deleted, ObjectPath, Store};

/// The largest document (S3 allows about 2 MB for 1000 keys).
const MAX_BODY: usize = 2 << 20;

/// How many deletes are under way at once: they share one sync of the store's log.
const CONCURRENT: usize = 64;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct DeleteObjects {
    bucket: BucketName,
    integrity: Integrity,
}

