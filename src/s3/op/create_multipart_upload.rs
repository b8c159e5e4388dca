//! CreateMultipartUpload: `POST /bucket/key?uploads`.

use super::Execute;
use crate::auth::Sealed;
use crate::object::{Algorithm, ChecksumChoice, ChecksumKind, Encryption, ObjectMetadata, TagSet};
use crate::s3::acl::Asked;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{self, Head};
use crate::s3::lifecycle;
use crate::s3::naming;
use crate::s3::object_acl;
use crate::s3::reply::Reply;
use crate::store::{NewUpload, ObjectPath, UploadPath};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CreateMultipartUpload {
    object: ObjectPath,
    metadata: ObjectMetadata,
    tags: TagSet,
    checksum: ChecksumChoice,
    encryption: Option<Encryption>,
    acl: Option<Asked>,
    /// The unique part in the key.
    unique: Option<String>,
}

impl Execute for CreateMultipartUpload {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        header::refuse_unserved(head)?;
        let algorithm = header::algorithm(head, "x-amz-checksum-algorithm")?;
        Ok(Self {
            object: head.object()?,
            metadata: header::object_metadata(head)?,
            tags: header::tags(head)?,
            checksum: choose(algorithm, header::checksum_kind(head)?)?,
            encryption: header::encryption(head)?,
            acl: Asked::parse(head)?,
            unique: head.unique().map(str::to_owned),
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let ObjectPath { bucket, key } = &self.object;
        let rules = ctx.rules.of(bucket, key.as_str());
        rules.admit(key, self.metadata.headers.content_type.as_deref(), None)?;
        let encryption = ctx.encryption(&self.object.bucket, self.encryption).await?;
        let new = NewUpload {
            metadata: self.metadata,
            tags: self.tags,
            checksum: self.checksum,
            initiator: ctx.identity()?.owner.clone(),
            encryption: encryption.clone(),
            acl: object_acl::of_new(ctx, ctx.own_bucket()?, self.acl.as_ref()).await?,
        };
        let id = if rules.needs_content() {
            ctx.store.create_readable_upload(&self.object, new).await?
        } else {
            ctx.store.create_upload(&self.object, new).await?
        };
        let shown = naming::shown_id(self.unique.as_deref(), id.as_str());
        let reply = Reply::xml("InitiateMultipartUploadResult", |w| {
            w.text("Bucket", self.object.bucket.as_str());
            w.text("Key", self.object.key.as_str());
            w.text("UploadId", &shown);
        });
        let reply = lifecycle::tell_abortion(ctx, reply, &self.object, ctx.auth.now()).await;
        let upload = UploadPath { object: self.object, id };
        // The upload is there, whether or not this is known of it.
        let encrypted = ctx.store.upload_choice(&upload).await.ok().and_then(|it| it.encryption);
        let key = encryption.as_ref().and_then(Encryption::customer_key);
        let reply = header::tell_encryption(reply, encrypted, key);
        if !self.checksum.explicit {
            return Ok(reply);
        }
        Ok(reply
            .amz("x-amz-checksum-algorithm", self.checksum.algorithm.wire_name())
            .amz("x-amz-checksum-type", self.checksum.kind.wire()))
    }
}

/// Which checksum the object will have (S3 User Guide, "Checking object integrity"): without any
/// word of the client a CRC64NVME over the whole object.
fn choose(
    algorithm: Option<Algorithm>,
    kind: Option<ChecksumKind>,
) -> Result<ChecksumChoice, S3Error> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(ChecksumChoice {
                algorithm: Algorithm::Crc64Nvme,
                kind: ChecksumKind::FullObject,
                explicit: false,
            }),
            Some(_) => Err(S3Error::invalid_request(
                "The x-amz-checksum-type header can only be used with the \
                 x-amz-checksum-algorithm header.",
            )),
        };
    };
    let kind = kind.unwrap_or_else(|| algorithm.default_kind());
    if !algorithm.allows(kind) {
        return Err(S3Error::invalid_request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.wire(),
            algorithm.wire_name()
        )));
    }
    Ok(ChecksumChoice { algorithm, kind, explicit: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Code;

    #[test]
    fn the_allowed_combinations_of_algorithm_and_type() {
        use {Algorithm as A, ChecksumKind as K};
        let kind = |algorithm, kind| choose(algorithm, kind).map(|choice| choice.kind).ok();
        for algorithm in [A::Crc32, A::Crc32c] {
            assert_eq!(kind(Some(algorithm), None), Some(K::Composite));
            assert_eq!(kind(Some(algorithm), Some(K::FullObject)), Some(K::FullObject));
            assert_eq!(kind(Some(algorithm), Some(K::Composite)), Some(K::Composite));
        }
        for algorithm in [A::Sha1, A::Sha256] {
            assert_eq!(kind(Some(algorithm), None), Some(K::Composite));
            assert_eq!(kind(Some(algorithm), Some(K::FullObject)), None);
        }
        assert_eq!(kind(Some(A::Crc64Nvme), None), Some(K::FullObject));
        assert_eq!(kind(Some(A::Crc64Nvme), Some(K::Composite)), None);
        let default = choose(None, None).unwrap();
        assert_eq!((default.algorithm, default.explicit), (A::Crc64Nvme, false));
        let lonely = choose(None, Some(K::FullObject)).unwrap_err();
        assert_eq!(lonely.code(), Code::InvalidRequest);
    }
}
