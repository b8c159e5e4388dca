//! What the operations on an upload under way share: which upload, and which of its parts.

use super::error::S3Error;
use super::header::Head;
use crate::object::{PartNumber, UploadId};
use crate::store::UploadPath;

/// The upload that the request names. An id that no store made names no upload.
pub(super) fn upload_path(head: &Head) -> Result<UploadPath, S3Error> {
    let id = head.parameter("uploadId").unwrap_or_default();
    Ok(UploadPath { object: head.object()?, id: UploadId::new(id) })
}

/// The parameter `partNumber`, 1 to 10,000.
pub(super) fn part_number(head: &Head) -> Result<PartNumber, S3Error> {
    let text = head.parameter("partNumber").unwrap_or_default();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| text.parse().ok().and_then(PartNumber::new)).flatten();
    number.ok_or_else(|| {
        S3Error::invalid_argument(
            "partNumber",
            text,
            "Part number must be an integer between 1 and 10000, inclusive",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;
    use crate::s3::header::tests::head;

    #[test]
    fn part_numbers_are_one_to_ten_thousand() {
        let number = |text: &str| {
            let head = head("PUT", &format!("/b12/k?uploadId=u&partNumber={text}"), &[]);
            part_number(&head).map(PartNumber::get).map_err(|error| error.code())
        };
        assert_eq!(number("1"), Ok(1));
        assert_eq!(number("0010"), Ok(10));
        assert_eq!(number("10000"), Ok(10_000));
        for text in ["", "0", "10001", "65537", "-1", "%2B1", "one", "1.0"] {
            assert_eq!(number(text), Err(Code::InvalidArgument), "{text}");
        }
    }

    #[test]
    fn an_upload_is_its_object_and_id() {
        let path = upload_path(&head("DELETE", "/b12/a/b?uploadId=x-y", &[])).unwrap();
        assert_eq!((path.object.key.as_str(), path.id.as_str()), ("a/b", "x-y"));
    }
}
