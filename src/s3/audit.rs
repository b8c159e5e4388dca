//! What the access log says of a request beyond what HTTP knows.

/// Put into the extensions of every response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// The access key that signed; absent for anonymous requests and refused signatures.
    pub access_key: Option<String>,
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
