//! The names that upload rules give: the key under which an upload is stored may be another than the
//! one that was asked for, and its answer says which (`x-stowgate-key`).
//!
//! The key is settled before anyone is asked about access, so that what is decided is decided of the
//! object that is stored. The unique part of an upload in parts is kept in front of its id, so that
//! every request of the upload finds the same key, whichever of the two keys it names.

use super::error::{Code, S3Error};
use super::header::Head;
use super::operation::Operation;
use crate::object::percent::{self, Slash};
use crate::object::{InvalidKey, ObjectKey};
use crate::rules::Rulebook;

/// How many hexadecimal digits the unique part has.
const UNIQUE: usize = 12;
const UPLOAD_ID: &str = "uploadId";

/// What a request does to the name that it gives.
enum Naming {
    /// It makes a name.
    New,
    /// It goes on with an upload.
    Upload,
    /// The name is what it says.
    Old,
}

/// The head with the key that its upload is stored under.
pub(super) fn settled(book: &Rulebook, operation: Operation, head: Head) -> Result<Head, S3Error> {
    let naming = naming(operation);
    let Some(key) = head.target().key.clone() else { return Ok(head) };
    if matches!(naming, Naming::Old) {
        return Ok(head);
    }
    let rules = book.of(head.bucket()?, key.as_str());
    if rules.is_empty() {
        return Ok(head);
    }
    let (unique, head) = match naming {
        Naming::New if rules.wants_unique_names() => (Some(new_unique()), head),
        Naming::Upload => {
            let shown = head.parameter(UPLOAD_ID).unwrap_or_default().to_owned();
            match split_id(&shown).filter(|_| rules.wants_unique_names()) {
                Some((unique, id)) => (Some(unique.to_owned()), head.with_parameter(UPLOAD_ID, id)),
                None => (None, head),
            }
        }
        Naming::New | Naming::Old => (None, head),
    };
    match rules.rename(key.as_str(), unique.as_deref()) {
        None => Ok(head),
        Some(renamed) => {
            let key = ObjectKey::parse(&renamed).map_err(|error| match error {
                InvalidKey::TooLong(size) => super::addressing::key_too_long(size),
                InvalidKey::Empty => S3Error::new(Code::InvalidArgument),
            })?;
            Ok(head.renamed(key, unique))
        }
    }
}

/// The id of an upload as its client knows it.
pub(super) fn shown_id(unique: Option<&str>, id: &str) -> String {
    match unique {
        Some(unique) => format!("{unique}.{id}"),
        None => id.to_owned(),
    }
}

/// The value of `x-stowgate-key`.
pub(super) fn shown_key(key: &ObjectKey) -> String {
    percent::encode(key.as_str(), Slash::Keep)
}

fn new_unique() -> String {
    let mut text = uuid::Uuid::new_v4().simple().to_string();
    text.truncate(UNIQUE);
    text
}

/// The unique part in front of an id, and the id.
fn split_id(shown: &str) -> Option<(&str, &str)> {
    let (unique, id) = shown.split_once('.')?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (unique.len() == UNIQUE && unique.bytes().all(is_digit)).then_some((unique, id))
}

fn naming(operation: Operation) -> Naming {
    match operation {
        Operation::CopyObject
        | Operation::CreateMultipartUpload
        | Operation::PostObject
        | Operation::PutObject => Naming::New,
        Operation::AbortMultipartUpload
        | Operation::CompleteMultipartUpload
        | Operation::ListParts
        | Operation::UploadPart
        | Operation::UploadPartCopy => Naming::Upload,
        Operation::CreateBucket
        | Operation::DeleteBucket
        | Operation::DeleteBucketTagging
        | Operation::DeleteConfiguration(_)
        | Operation::DeleteObject
        | Operation::DeleteObjectTagging
        | Operation::DeleteObjects
        | Operation::DeleteSetting(_)
        | Operation::GetBucketLocation
        | Operation::GetBucketTagging
        | Operation::GetConfiguration(_)
        | Operation::GetObject
        | Operation::GetObjectAcl
        | Operation::GetObjectAttributes
        | Operation::GetObjectLegalHold
        | Operation::GetObjectRetention
        | Operation::GetObjectTagging
        | Operation::GetObjectTorrent
        | Operation::GetSetting(_)
        | Operation::HeadBucket
        | Operation::HeadObject
        | Operation::ListBuckets
        | Operation::ListMultipartUploads
        | Operation::ListObjectVersions
        | Operation::ListObjects
        | Operation::ListObjectsV2
        | Operation::Preflight
        | Operation::PutBucketTagging
        | Operation::PutConfiguration(_)
        | Operation::PutObjectAcl
        | Operation::PutObjectTagging
        | Operation::PutSetting(_)
        | Operation::Unserved(_) => Naming::Old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Names, Rule};
    use crate::s3::header::tests::head;

    fn book(names: Names, unique_names: bool) -> Rulebook {
        Rulebook::new([Rule { names, unique_names, ..Rule::default() }], None)
    }

    #[test]
    fn uploads_get_their_names_and_reads_do_not() {
        let key = |operation, target: &str| {
            let head = settled(&book(Names::Safe, false), operation, head("PUT", target, &[]));
            head.unwrap().target().key.as_ref().unwrap().as_str().to_owned()
        };
        assert_eq!(key(Operation::PutObject, "/b12/a%20b"), "a_b");
        assert_eq!(key(Operation::UploadPart, "/b12/a%20b?uploadId=u"), "a_b");
        assert_eq!(key(Operation::GetObject, "/b12/a%20b"), "a b");
        assert_eq!(key(Operation::DeleteObject, "/b12/a%20b"), "a b");
    }

    #[test]
    fn an_upload_in_parts_keeps_its_unique_name() {
        let book = book(Names::Any, true);
        let begun = settled(
            &book,
            Operation::CreateMultipartUpload,
            head("POST", "/b12/a.txt?uploads", &[]),
        );
        let begun = begun.unwrap();
        let key = begun.target().key.clone().unwrap();
        let unique = begun.unique().unwrap().to_owned();
        assert_eq!(key.as_str(), format!("a-{unique}.txt"));
        let shown = shown_id(Some(&unique), "id.with.dots");
        for name in ["a.txt", key.as_str()] {
            let target = format!("/b12/{name}?uploadId={shown}&partNumber=1");
            let part = settled(&book, Operation::UploadPart, head("PUT", &target, &[])).unwrap();
            assert_eq!(part.target().key.as_ref(), Some(&key));
            assert_eq!(part.parameter("uploadId"), Some("id.with.dots"));
        }
        let put = settled(&book, Operation::PutObject, head("PUT", "/b12/a.txt", &[])).unwrap();
        assert_ne!(put.target().key.as_ref(), Some(&key));
        assert_eq!(split_id("0123456789ab"), None);
        assert_eq!(split_id("0123456789AB.x"), None);
    }
}
