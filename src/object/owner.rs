//! Who owns a bucket or started an upload.

/// An owner as S3 shows it in listings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The canonical user id: an opaque text, the identity that access decisions compare.
    pub id: String,
    /// The display name: shown, never compared.
    pub display_name: String,
}
