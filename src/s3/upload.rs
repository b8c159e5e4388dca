//! A body that becomes an object or a part: its size and digests.

use super::error::{Code, S3Error};
use super::header::Integrity;
use crate::auth::Sealed;
use crate::body::{Payload, digesting, within};
use crate::object::Algorithm;

/// The most bytes of one PUT or part (S3 User Guide, "Amazon S3 multipart upload limits").
pub(super) const MAX_UPLOAD: u64 = 5 * 1024 * 1024 * 1024;

/// Opens the file of a form, whose length is not known, for a store. The rest is as in [`open`].
pub(super) fn open_unmeasured(
    file: Sealed,
    integrity: Integrity,
    compute: Option<Algorithm>,
) -> Payload {
    digesting(within(file.open(), 0..=MAX_UPLOAD), integrity.expected(compute))
}

/// Opens a body for a store: it ends in an error where it is not what `integrity` says. `compute`
/// is computed where the client gave no checksum itself. Reads nothing yet.
pub(super) fn open(
    body: Sealed,
    integrity: Integrity,
    compute: Option<Algorithm>,
) -> Result<Payload, S3Error> {
    match body.content_length() {
        None => Err(S3Error::new(Code::MissingContentLength)),
        Some(length) if length > MAX_UPLOAD => {
            Err(S3Error::entity_too_large(Some(length), MAX_UPLOAD))
        }
        Some(_) => Ok(digesting(body.open(), integrity.expected(compute))),
    }
}
