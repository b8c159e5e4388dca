//! What the store counts as it goes: objects and bytes of each bucket.

use super::LocalStore;
use crate::object::BucketName;
use crate::store::Result;

/// How much a bucket holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketUsage {
    /// How many objects.
    pub objects: u64,
    /// The bytes of their content.
    pub bytes: u64,
}

impl LocalStore {
    /// What the counters say of a bucket, without looking at its objects.
    pub fn usage(&self, bucket: &BucketName) -> Result<BucketUsage> {
        // While the log is read, the counters are not there yet.
        self.core.whole_catalog()?;
        let counted = self.core.usage(self.core.bucket(bucket)?.id);
        Ok(BucketUsage { objects: counted.objects, bytes: counted.bytes })
    }
}
