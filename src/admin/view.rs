//! What the side API is shown, and what it may ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::cleanup::Cleanups;
use super::job::Jobs;
use super::metrics::Metrics;
use super::survey::Surveys;
use crate::migrate::Migrations;
use crate::object::{BucketName, Clock, KeyTemplate, KeyTemplates, Timestamp};
use crate::placement::Routes;
use crate::placement::guard::Guarded;
use crate::placement::spool::Spool;
use crate::store::local::{Compacted, Compaction, KeysInUse, LogUsage, Recounted, SplitUsage};
use crate::store::upstream::Trial;
use crate::store::{Home, ObjectPath, Store, StoreError};

/// All of it.
pub struct Views {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the process started.
    pub started: Timestamp,
    /// The disk under the local layer.
    pub disk: Arc<dyn Disk>,
    /// The local layer with its records.
    pub home: Arc<dyn Home>,
    /// All buckets, each through its mode.
    pub store: Arc<dyn Store>,
    /// The modes of buckets.
    pub routes: Arc<Routes>,
    /// The upstreams, by name.
    pub upstreams: Vec<UpstreamView>,
    /// What waits to be forwarded; none where no bucket has an upstream.
    pub spool: Option<Arc<Spool>>,
    /// How objects are counted, and what they cost.
    pub counting: Counting,
    /// What was begun by a call and goes on beside.
    pub jobs: Arc<Jobs>,
    /// What clean-ups noted.
    pub cleanups: Arc<Cleanups>,
    /// How old an upload becomes that nobody finishes.
    pub upload_expiry: Duration,
    /// What is counted of requests.
    pub metrics: Arc<Metrics>,
    /// What listings found.
    pub surveys: Arc<Surveys>,
    /// What moves objects between the layers; none where no bucket has an upstream.
    pub migrations: Option<Arc<Migrations>>,
}

/// How objects are counted, and what they cost.
#[derive(Debug, Clone, Default)]
pub struct Counting {
    /// What buckets' keys look like, by bucket; `*` is every other.
    pub templates: KeyTemplates,
    /// What storing costs.
    pub prices: Prices,
    /// Where buckets are for the public, by bucket; `*` is every other.
    pub links: BTreeMap<String, Links>,
}

/// Where a bucket's objects are for the public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// What stands before `/` and a key in a URL that anyone may read.
    pub public: Option<String>,
    /// What stands before `/` and the path of a file that is no object.
    pub local: Option<String>,
}

/// What storing 1 GiB for a month costs, where that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices {
    /// The currency.
    pub currency: String,
    /// On this disk.
    pub local: Option<f64>,
    /// Upstream.
    pub s3: Option<f64>,
}

impl Counting {
    /// By which template a bucket's keys are understood.
    pub fn template(&self, bucket: &BucketName) -> Option<&KeyTemplate> {
        self.templates.of(bucket.as_str())
    }

    /// Where a bucket's objects are for the public. Below the links of `*`, every bucket is a
    /// folder of its own.
    pub fn links(&self, bucket: &BucketName) -> Option<Links> {
        if let Some(own) = self.links.get(bucket.as_str()) {
            return Some(own.clone());
        }
        let every = self.links.get("*")?;
        let below = |base: &Option<String>| base.as_ref().map(|base| format!("{base}/{bucket}"));
        Some(Links { public: below(&every.public), local: below(&every.local) })
    }
}

/// The disk under the local layer.
#[async_trait]
pub trait Disk: Send + Sync {
    /// How it does.
    fn state(&self) -> DiskState;

    /// How much room there is, where that is known.
    fn space(&self) -> Option<Space>;

    /// What lies there of a bucket, where that is known.
    fn usage(&self, bucket: &BucketName) -> Option<Usage>;

    /// The bucket's objects by class, upstream ones that are recorded among them, where that is
    /// known.
    fn split(&self, bucket: &BucketName) -> Option<SplitUsage>;

    /// Counts the bucket anew, while it is written to, and repairs what was wrong.
    async fn recount(&self, bucket: &BucketName) -> Result<Recounted, StoreError>;

    /// The files that no record names and that were set aside: names and bytes.
    async fn set_aside(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Removes one of them; `false` where there is none of that name.
    async fn remove_set_aside(&self, name: &str) -> Result<bool, StoreError>;

    /// Under which master keys objects are encrypted.
    fn master_keys(&self) -> KeysInUse;

    /// How large the log of the store is, where that is known.
    async fn log(&self) -> Option<LogUsage>;

    /// Goes on with a compaction of that log.
    async fn compact(&self, work: &mut Compaction) -> Result<Compacted, StoreError>;

    /// Whether there is such a bucket, where that is known.
    fn has(&self, bucket: &BucketName) -> Option<bool>;
}

/// How the local layer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskState {
    /// It knows all it holds.
    Ready,
    /// It does not know all it holds yet.
    Rebuilding,
    /// It takes no writes, for this reason.
    ReadOnly(String),
}

/// Room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Free.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many objects.
    pub objects: u64,
    /// The bytes of their content.
    pub bytes: u64,
}

/// An upstream.
#[derive(Clone)]
pub struct UpstreamView {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Its URL; AWS without.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The access key id it is called with; the SDK's default credential chain without.
    pub access_key: Option<String>,
    /// How its calls went.
    pub guard: Arc<Guarded>,
    /// What finds out which permissions there are.
    pub trials: Arc<dyn Trials>,
    /// What signs URLs of its objects.
    pub presigner: Arc<dyn Presigner>,
}

/// Signs URLs at an upstream.
#[async_trait]
pub trait Presigner: Send + Sync {
    /// A URL that reads the object there, for so long.
    async fn presigned_get(&self, at: &ObjectPath, expires: Duration)
    -> Result<String, StoreError>;
}

/// Finds out which permissions there are at an upstream.
#[async_trait]
pub trait Trials: Send + Sync {
    /// Tries each permission that the gateway needs, in every bucket there that it uses. Leaves
    /// nothing behind.
    async fn run(&self) -> Vec<Trial>;

    /// What the last run found, and when it was made.
    fn last(&self) -> Option<(Timestamp, Vec<Trial>)>;
}
