//! The public access block: four switches that take public grants away (S3 User Guide, "Blocking
//! public access to your Amazon S3 storage").

/// A bucket's switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "S3's own four independent switches")]
pub struct PublicAccessBlock {
    /// Requests that would set a public ACL are refused.
    pub block_public_acls: bool,
    /// Public grants of ACLs do not count.
    pub ignore_public_acls: bool,
    /// Requests that would set a public policy are refused.
    pub block_public_policy: bool,
    /// A public policy gives nothing to anyone but the bucket owner's own.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// All four on.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}
