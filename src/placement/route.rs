//! Which layers a bucket has, and in which mode.

use std::collections::HashMap;
use std::sync::Arc;

use super::location::{Task, Truth};
use crate::object::BucketName;
use crate::store::{ObjectPath, Result, Store};

/// How a bucket's two layers are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// On the local disk.
    Local,
    /// In the upstream bucket.
    Upstream,
    /// In the upstream bucket, on the local disk while that fails.
    Fallback,
}

/// Tells a bucket's name and the prefix of its keys at the upstream.
pub type Target = Arc<dyn Fn(&BucketName) -> (String, String) + Send + Sync>;

/// An upstream service, as a placement knows it.
///
/// Its buckets carry the gateway's names and keys: the layer itself maps them.
#[derive(Clone)]
pub struct Upstream {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The layer.
    pub store: Arc<dyn Store>,
    /// Where a bucket's objects are there: bucket and key prefix, for location records.
    pub target: Target,
}

impl Upstream {
    /// Whether an object can be there under its key.
    pub(super) fn check_key(&self, at: &ObjectPath) -> Result<()> {
        let (_, prefix) = (self.target)(&at.bucket);
        at.check_below(&prefix)
    }
}

/// A bucket's mode and layers. A bucket in local mode may have an upstream: objects that were
/// recorded there stay readable.
#[derive(Clone)]
pub struct Route {
    /// The mode.
    pub mode: Mode,
    /// The upstream; always there in the modes `upstream` and `fallback`.
    pub upstream: Option<Upstream>,
    /// Whether the configuration names the bucket: it then exists without CreateBucket.
    pub configured: bool,
}

/// The routes of all buckets.
#[derive(Clone)]
pub struct Routes {
    /// Of the buckets that are named.
    pub named: HashMap<BucketName, Route>,
    /// Of every other.
    pub default: Route,
}

impl Route {
    /// The upstream that is to be told of a task. In local mode what is local stays there, so
    /// nothing is put; the task waits until the mode is another.
    pub fn forwards(&self, truth: Truth, task: Task) -> Option<&Upstream> {
        let stays = (self.mode, truth, task) == (Mode::Local, Truth::Local, Task::Put);
        self.upstream.as_ref().filter(|_| !stays)
    }
}

impl Routes {
    /// A bucket's route.
    pub fn of(&self, bucket: &BucketName) -> &Route {
        self.named.get(bucket).unwrap_or(&self.default)
    }
}
