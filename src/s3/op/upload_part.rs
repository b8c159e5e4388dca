//! UploadPart: `PUT /bucket/key?partNumber=&uploadId=`.

use http::header::ETAG;

use super::Execute;
use crate::auth::Sealed;
use crate::object::{Algorithm, ChecksumChoice, ChecksumKind, CustomerKey, PartNumber};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{self, Head, Integrity};
use crate::s3::multipart;
use crate::s3::reply::Reply;
use crate::s3::upload;
use crate::store::{ObjectPath, UploadPath};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UploadPart {
    upload: UploadPath,
    number: PartNumber,
    integrity: Integrity,
    key: Option<CustomerKey>,
}

impl Execute for UploadPart {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        header::refuse_unserved(head)?;
        Ok(Self {
            upload: multipart::upload_path(head)?,
            number: multipart::part_number(head)?,
            integrity: Integrity::parse(head)?,
            key: header::customer_key(head)?,
        })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        if let Some(length) = body.content_length() {
            let ObjectPath { bucket, key } = &self.upload.object;
            ctx.rules.of(bucket, key.as_str()).admit_part(length)?;
        }
        let choice = ctx.store.upload_choice(&self.upload).await?;
        let compute = computed(choice.checksum, self.integrity.algorithm())?;
        let body = upload::open(body, self.integrity, compute)?;
        let key = self.key.as_ref();
        let part = ctx.store.put_part(&self.upload, self.number, body, key).await?;
        let reply = Reply::ok().header(ETAG, part.etag.quoted());
        let reply = header::tell_encryption(reply, choice.encryption, key);
        Ok(match part.checksum {
            Some(value) => reply.amz(value.algorithm.header_name(), value.to_base64()),
            None => reply,
        })
    }
}

/// Which checksum the store has to compute of a part whose client gave `given`, or why the part
/// does not fit the upload. An upload whose creator named no algorithm takes parts with any.
fn computed(
    choice: ChecksumChoice,
    given: Option<Algorithm>,
) -> Result<Option<Algorithm>, S3Error> {
    match given {
        Some(given) if choice.explicit && given != choice.algorithm => {
            Err(S3Error::invalid_request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum \
                 Type: {}",
                choice.algorithm.wire_name().to_ascii_lowercase(),
                given.wire_name().to_ascii_lowercase()
            )))
        }
        Some(_) => Ok(None),
        None if choice.explicit && choice.kind == ChecksumKind::Composite => {
            Err(S3Error::invalid_request(format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum \
                 Type: null",
                choice.algorithm.wire_name().to_ascii_lowercase()
            )))
        }
        None => Ok(Some(choice.algorithm)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;

    fn outcome(
        algorithm: Algorithm,
        kind: ChecksumKind,
        explicit: bool,
        given: Option<Algorithm>,
    ) -> Result<Option<Algorithm>, Code> {
        let choice = ChecksumChoice { algorithm, kind, explicit };
        computed(choice, given).map_err(|error| error.code())
    }

    #[test]
    fn a_part_has_the_algorithm_that_the_upload_was_created_with() {
        use {Algorithm as A, ChecksumKind as K};
        let refused = Err(Code::InvalidRequest);
        assert_eq!(outcome(A::Sha256, K::Composite, true, Some(A::Sha256)), Ok(None));
        assert_eq!(outcome(A::Sha256, K::Composite, true, Some(A::Crc32)), refused);
        assert_eq!(outcome(A::Sha256, K::Composite, true, None), refused);
        assert_eq!(outcome(A::Crc32, K::FullObject, true, None), Ok(Some(A::Crc32)));
        assert_eq!(outcome(A::Crc32, K::FullObject, true, Some(A::Sha1)), refused);
    }

    #[test]
    fn an_upload_without_a_word_about_checksums_takes_any_and_computes_its_own() {
        use {Algorithm as A, ChecksumKind as K};
        assert_eq!(outcome(A::Crc64Nvme, K::FullObject, false, Some(A::Crc32)), Ok(None));
        assert_eq!(outcome(A::Crc64Nvme, K::FullObject, false, None), Ok(Some(A::Crc64Nvme)));
    }
}
