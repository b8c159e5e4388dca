//! Which operation a request asks for: method, bucket or object, and sub-resource.
//!
//! A sub-resource is recognised by its parameter's name alone. One that is not served never lets
//! the request fall through to the operation without it.

use http::Method;

use super::error::{Code, S3Error};
use super::header::Head;
use super::operation::{Configured, Operation, Setting};

const OBJECT_METHODS: &str = "GET, HEAD, PUT, DELETE, OPTIONS";
const BUCKET_METHODS: &str = "GET, HEAD, PUT, DELETE, POST, OPTIONS";
const SERVICE_METHODS: &str = "GET, OPTIONS";

/// Bucket sub-resources: parameter, and the operations of GET, PUT, DELETE and POST.
const BUCKET: &[(&str, Verbs)] = &[
    ("delete", Verbs::NONE.post(Operation::DeleteObjects)),
    ("uploads", Verbs::NONE.get(Operation::ListMultipartUploads)),
    ("versions", Verbs::NONE.get(Operation::ListObjectVersions)),
    ("location", Verbs::NONE.get(Operation::GetBucketLocation)),
    (
        "tagging",
        Verbs::NONE
            .get(Operation::GetBucketTagging)
            .put(Operation::PutBucketTagging)
            .delete(Operation::DeleteBucketTagging),
    ),
    ("acl", Verbs::settable(Setting::Acl)),
    ("accelerate", Verbs::setting(Setting::Accelerate, "PutBucketAccelerateConfiguration")),
    ("cors", Verbs::configuration(Configured::Cors)),
    ("encryption", Verbs::configuration(Configured::Encryption)),
    ("lifecycle", Verbs::configuration(Configured::Lifecycle)),
    ("logging", Verbs::setting(Setting::Logging, "PutBucketLogging")),
    ("notification", Verbs::setting(Setting::Notification, "PutBucketNotificationConfiguration")),
    ("object-lock", Verbs::setting(Setting::ObjectLock, "PutObjectLockConfiguration")),
    (
        "ownershipControls",
        Verbs::settable(Setting::OwnershipControls)
            .delete(Operation::DeleteSetting(Setting::OwnershipControls)),
    ),
    ("policy", Verbs::settable(Setting::Policy).delete(Operation::DeleteSetting(Setting::Policy))),
    ("policyStatus", Verbs::NONE.get(Operation::GetSetting(Setting::PolicyStatus))),
    (
        "publicAccessBlock",
        Verbs::settable(Setting::PublicAccessBlock)
            .delete(Operation::DeleteSetting(Setting::PublicAccessBlock)),
    ),
    ("replication", Verbs::removable(Setting::Replication, "PutBucketReplication")),
    ("requestPayment", Verbs::setting(Setting::RequestPayment, "PutBucketRequestPayment")),
    ("versioning", Verbs::setting(Setting::Versioning, "PutBucketVersioning")),
    ("website", Verbs::configuration(Configured::Website)),
    ("abac", Verbs::NONE),
    ("analytics", Verbs::NONE),
    ("intelligent-tiering", Verbs::NONE),
    ("inventory", Verbs::NONE),
    ("metadataAnnotationTable", Verbs::NONE),
    ("metadataConfiguration", Verbs::NONE),
    ("metadataInventoryTable", Verbs::NONE),
    ("metadataJournalTable", Verbs::NONE),
    ("metadataTable", Verbs::NONE),
    ("metrics", Verbs::NONE),
    ("session", Verbs::NONE),
];

/// Object sub-resources, in the same form.
const OBJECT: &[(&str, Verbs)] = &[
    (
        "uploadId",
        Verbs::NONE
            .get(Operation::ListParts)
            .put(Operation::UploadPart)
            .delete(Operation::AbortMultipartUpload)
            .post(Operation::CompleteMultipartUpload),
    ),
    ("uploads", Verbs::NONE.post(Operation::CreateMultipartUpload)),
    (
        "tagging",
        Verbs::NONE
            .get(Operation::GetObjectTagging)
            .put(Operation::PutObjectTagging)
            .delete(Operation::DeleteObjectTagging),
    ),
    ("attributes", Verbs::NONE.get(Operation::GetObjectAttributes)),
    ("acl", Verbs::NONE.get(Operation::GetObjectAcl).put(Operation::PutObjectAcl)),
    (
        "legal-hold",
        Verbs::NONE
            .get(Operation::GetObjectLegalHold)
            .put(Operation::Unserved("PutObjectLegalHold")),
    ),
    (
        "retention",
        Verbs::NONE
            .get(Operation::GetObjectRetention)
            .put(Operation::Unserved("PutObjectRetention")),
    ),
    ("torrent", Verbs::NONE.get(Operation::GetObjectTorrent)),
    ("annotation", Verbs::NONE),
    ("encryption", Verbs::NONE),
    ("renameObject", Verbs::NONE),
    ("restore", Verbs::NONE),
    ("select", Verbs::NONE),
];

/// What each method means with a sub-resource; what means nothing is not served.
#[derive(Debug, Clone, Copy)]
struct Verbs {
    get: Option<Operation>,
    put: Option<Operation>,
    delete: Option<Operation>,
    post: Option<Operation>,
}

impl Verbs {
    const NONE: Self = Self { get: None, put: None, delete: None, post: None };

    const fn configuration(which: Configured) -> Self {
        Self::NONE
            .get(Operation::GetConfiguration(which))
            .put(Operation::PutConfiguration(which))
            .delete(Operation::DeleteConfiguration(which))
    }

    const fn settable(setting: Setting) -> Self {
        Self::NONE.get(Operation::GetSetting(setting)).put(Operation::PutSetting(setting))
    }

    const fn setting(setting: Setting, put: &'static str) -> Self {
        Self::NONE.get(Operation::GetSetting(setting)).put(Operation::Unserved(put))
    }

    const fn removable(setting: Setting, put: &'static str) -> Self {
        Self::setting(setting, put).delete(Operation::DeleteSetting(setting))
    }

    const fn get(mut self, operation: Operation) -> Self {
        self.get = Some(operation);
        self
    }

    const fn put(mut self, operation: Operation) -> Self {
        self.put = Some(operation);
        self
    }

    const fn delete(mut self, operation: Operation) -> Self {
        self.delete = Some(operation);
        self
    }

    const fn post(mut self, operation: Operation) -> Self {
        self.post = Some(operation);
        self
    }

    fn of(self, method: &Method, subresource: &'static str) -> Result<Operation, S3Error> {
        let operation = match *method {
            Method::GET => self.get,
            Method::PUT => self.put,
            Method::DELETE => self.delete,
            Method::POST => self.post,
            _ => return Err(S3Error::method_not_allowed(method, &self.allowed())),
        };
        Ok(operation.unwrap_or(Operation::Unserved(subresource)))
    }

    fn allowed(self) -> String {
        let methods =
            [("GET", self.get), ("PUT", self.put), ("DELETE", self.delete), ("POST", self.post)];
        let allowed = methods.iter().filter(|(_, operation)| operation.is_some());
        allowed.map(|(method, _)| *method).collect::<Vec<_>>().join(", ")
    }
}

/// The operation that the request asks for.
pub(super) fn route(head: &Head) -> Result<Operation, S3Error> {
    let operation = match (&head.target().bucket, &head.target().key) {
        (None, _) => service(head),
        (Some(_), None) => bucket(head),
        (Some(_), Some(_)) => object(head),
    }?;
    if !operation.copies()
        && let Some(source) = head.header("x-amz-copy-source")
    {
        return Err(S3Error::invalid_argument(
            "x-amz-copy-source",
            source,
            "You can only specify a copy source header for copy requests.",
        ));
    }
    Ok(operation)
}

fn service(head: &Head) -> Result<Operation, S3Error> {
    match *head.method() {
        Method::GET => Ok(Operation::ListBuckets),
        Method::OPTIONS => Ok(Operation::Preflight),
        _ => Err(S3Error::method_not_allowed(head.method(), SERVICE_METHODS)),
    }
}

fn bucket(head: &Head) -> Result<Operation, S3Error> {
    if *head.method() == Method::OPTIONS {
        return Ok(Operation::Preflight);
    }
    if let Some((name, verbs)) = find(BUCKET, head) {
        return verbs.of(head.method(), name);
    }
    if *head.method() == Method::PUT {
        check_part_parameters(head)?;
    }
    if let Some((name, _)) = find(OBJECT, head) {
        return Verbs::NONE.of(head.method(), name);
    }
    match *head.method() {
        Method::GET if head.parameter("list-type") == Some("2") => Ok(Operation::ListObjectsV2),
        Method::GET => Ok(Operation::ListObjects),
        Method::HEAD => Ok(Operation::HeadBucket),
        Method::PUT => Ok(Operation::CreateBucket),
        Method::DELETE => Ok(Operation::DeleteBucket),
        Method::POST => post_form(head),
        _ => Err(S3Error::method_not_allowed(head.method(), BUCKET_METHODS)),
    }
}

/// A browser's upload; other content is none (S3 API Reference, "POST Object").
fn post_form(head: &Head) -> Result<Operation, S3Error> {
    let content_type = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if content_type.trim_start().starts_with("multipart/form-data") {
        return Ok(Operation::PostObject);
    }
    Err(S3Error::new(Code::PreconditionFailed)
        .message("Bucket POST must be of the enclosure-type multipart/form-data")
        .with("Condition", "Bucket POST must be of the enclosure-type multipart/form-data"))
}

fn object(head: &Head) -> Result<Operation, S3Error> {
    if *head.method() == Method::OPTIONS {
        return Ok(Operation::Preflight);
    }
    if *head.method() == Method::PUT {
        check_part_parameters(head)?;
    }
    if *head.method() == Method::GET
        && let Some(name) = ["uploads", "versions"].into_iter().find(|name| head.query().has(name))
    {
        return Err(S3Error::invalid_request(format!(
            "There is no such thing as the ?{name} sub-resource for a key"
        )));
    }
    if let Some((name, verbs)) = find(OBJECT, head) {
        let operation = verbs.of(head.method(), name)?;
        return Ok(if operation == Operation::UploadPart && head.has_header("x-amz-copy-source") {
            Operation::UploadPartCopy
        } else {
            operation
        });
    }
    if let Some((name, _)) = find(BUCKET, head) {
        return Verbs::NONE.of(head.method(), name);
    }
    match *head.method() {
        Method::GET => Ok(Operation::GetObject),
        Method::HEAD => Ok(Operation::HeadObject),
        Method::PUT if head.has_header("x-amz-copy-source") => Ok(Operation::CopyObject),
        Method::PUT => Ok(Operation::PutObject),
        Method::DELETE => Ok(Operation::DeleteObject),
        _ => Err(S3Error::method_not_allowed(head.method(), OBJECT_METHODS)),
    }
}

/// `partNumber` and `uploadId` come together on a PUT or not at all.
fn check_part_parameters(head: &Head) -> Result<(), S3Error> {
    match (head.parameter("partNumber"), head.parameter("uploadId")) {
        (Some(number), None) => Err(S3Error::invalid_argument(
            "partNumber",
            number,
            "This operation does not accept partNumber without uploadId",
        )),
        (None, Some(_)) => Err(S3Error::method_not_allowed(head.method(), "GET, DELETE, POST")),
        _ => Ok(()),
    }
}

fn find(table: &[(&'static str, Verbs)], head: &Head) -> Option<(&'static str, Verbs)> {
    table.iter().find(|(name, _)| head.query().has(name)).copied()
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
