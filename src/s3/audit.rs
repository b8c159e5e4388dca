//! What the access log says of a request beyond what HTTP knows.

use crate::auth::Identity;

/// Put into the extensions of every response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// The access key that signed; absent for anonymous requests and refused signatures.
    pub access_key: Option<String>,
    /// The role that it was done in, where it was one of a session.
    pub role: Option<String>,
    /// What that session was called.
    pub session: Option<String>,
    /// The operation's S3 name, where the request got as far as having one.
    pub operation: Option<&'static str>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The object's key.
    pub key: Option<String>,
    /// The S3 error code, where the answer is an error.
    pub error_code: Option<&'static str>,
    /// Why access was refused: for the operator alone.
    pub cause: Option<String>,
}

impl Audit {
    /// Who did it: the key, and of short-lived credentials theirs, with role and session.
    pub(super) fn of(identity: &Identity) -> Self {
        let session = identity.session.as_deref();
        let access_key = session.map_or(&identity.access_key, |it| &it.access_key).clone();
        Self {
            access_key: Some(access_key),
            role: session.and_then(|it| it.role.clone()),
            // A session of a key has no name; the key tells whose it is.
            session: session.map(|it| match &it.role {
                Some(_) => it.name.clone(),
                None => identity.access_key.clone(),
            }),
            ..Self::default()
        }
    }
}
