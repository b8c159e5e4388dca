//! Server-side encryption on its way to the service, and as the service tells it.

use aws_sdk_s3::types::ServerSideEncryption;

use super::UpstreamStore;
use super::answer::Fault;
use crate::object::{CustomerKey, Encrypted, Encryption, KeyFault};
use crate::store::StoreError;

/// The one algorithm there is.
pub(super) const ALGORITHM: &str = "AES256";

/// Puts a customer's key into a builder of the SDK.
macro_rules! with_customer_key {
    ($builder:expr, $key:expr) => {{
        let key: Option<&crate::object::CustomerKey> = $key;
        $builder
            .set_sse_customer_algorithm(key.map(|_| super::encryption::ALGORITHM.to_owned()))
            .set_sse_customer_key(key.map(crate::object::CustomerKey::expose_base64))
            .set_sse_customer_key_md5(key.map(crate::object::CustomerKey::md5_base64))
    }};
}

/// Puts the customer's key of the source of a copy into a builder of the SDK.
macro_rules! with_source_key {
    ($builder:expr, $key:expr) => {{
        let key: Option<&crate::object::CustomerKey> = $key;
        $builder
            .set_copy_source_sse_customer_algorithm(
                key.map(|_| super::encryption::ALGORITHM.to_owned()),
            )
            .set_copy_source_sse_customer_key(key.map(crate::object::CustomerKey::expose_base64))
            .set_copy_source_sse_customer_key_md5(key.map(crate::object::CustomerKey::md5_base64))
    }};
}

/// How the service says that something is encrypted.
macro_rules! encrypted {
    ($out:expr) => {
        super::encryption::told($out.server_side_encryption(), $out.sse_customer_algorithm())
    };
}

pub(super) use {encrypted, with_customer_key, with_source_key};

/// What the service says. That it encrypts with keys of its own it may say of everything.
pub(super) fn told(
    managed: Option<&ServerSideEncryption>,
    customer: Option<&str>,
) -> Option<Encrypted> {
    match (managed, customer) {
        (_, Some(_)) => Some(Encrypted::Customer),
        (Some(ServerSideEncryption::Aes256), None) => Some(Encrypted::Managed { asked: false }),
        _ => None,
    }
}

/// What the service says of something, and whether that was asked for: it tells the same of what
/// it encrypts unasked.
pub(super) fn as_asked(asked: Option<&Encryption>, told: Option<Encrypted>) -> Option<Encrypted> {
    match (asked, told) {
        (Some(Encryption::Managed), Some(Encrypted::Managed { .. })) => {
            Some(Encrypted::Managed { asked: true })
        }
        (_, told) => told,
    }
}

/// Services refuse a wrong key as they refuse rights, and a missing one without a word where the
/// answer has no body. `None` where it is not that.
pub(super) fn key_fault(fault: &Fault, given: Option<&CustomerKey>) -> Option<StoreError> {
    let answer = fault.answer()?;
    let denied =
        answer.status == 403 && answer.code.as_deref().is_none_or(|it| it == "AccessDenied");
    (given.is_some() && denied).then_some(StoreError::CustomerKey(KeyFault::Wrong))
}

/// A read that is refused for a customer's key that is missing, or that was given for nothing. The
/// code alone does not tell it; the words of all services are S3's. `None` where it is not that.
pub(super) fn key_needed(fault: &Fault, given: Option<&CustomerKey>) -> Option<StoreError> {
    let answer = fault.answer()?;
    let about_keys = |message: &str| message.to_ascii_lowercase().contains("encrypt");
    let is_it = answer.status == 400
        && matches!(answer.code.as_deref(), Some("InvalidRequest" | "InvalidArgument"))
        && answer.message.as_deref().is_some_and(about_keys);
    let fault = if given.is_some() { KeyFault::Unneeded } else { KeyFault::Missing };
    is_it.then_some(StoreError::CustomerKey(fault))
}

impl UpstreamStore {
    /// What the service is asked for: what the client asked for, else what is configured.
    pub(super) fn sse(&self, asked: Option<&Encryption>) -> Option<ServerSideEncryption> {
        match asked {
            Some(Encryption::Managed) => Some(ServerSideEncryption::Aes256),
            Some(Encryption::Customer(_)) => None,
            None => self.options.sse.as_deref().map(ServerSideEncryption::from),
        }
    }
}
