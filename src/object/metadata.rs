//! What an object carries beside its content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The standard headers that are stored with an object and returned verbatim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHeaders {
    /// `Content-Type`; absent means `binary/octet-stream`.
    pub content_type: Option<String>,
    /// `Content-Encoding`, without the token `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`: any text, S3 does not check it.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect_location: Option<String>,
}

/// `x-amz-meta-*`: lower-case names without the prefix, each with its value as text.
///
/// Values that came as UTF-8 are kept as such, others are read as Latin-1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMetadata(pub BTreeMap<String, String>);

/// All of it together; each PUT replaces it as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMetadata {
    /// The standard headers.
    pub headers: ContentHeaders,
    /// The user's own.
    pub user: UserMetadata,
    /// `x-amz-storage-class`, where the client named another than `STANDARD`.
    pub storage_class: Option<String>,
}
