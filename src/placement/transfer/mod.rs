//! Moving an object from one layer to the other while clients go on using its key.
//!
//! An object is read and sent without its key's lock; the key is locked for the short phase in
//! which its record changes, and only where object and record are what they were. So a client's
//! newer write always wins, and a deleted key stays deleted. What may have arrived upstream is in
//! the record before anything is sent; what is to leave the upstream is in the record before it
//! leaves. A process that ends anywhere leaves a key that reads as before or as afterwards, and
//! that the forwarder of the spool, or the same order once more, brings to an end.
//!
//! Knows nothing of jobs, journals or pace: whoever gives an order hands in its [`Steps`].

mod abandon;
mod candidates;
mod compare;
mod down;
mod down_commit;
mod down_parts;
mod held;
mod read_back;
mod recorded;
mod up;
mod up_commit;
mod up_look;
mod up_parts;
mod watched;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use candidates::{Candidate, Candidates, Standing};

use super::Placement;
use super::locate::Locations;
use super::passing::Passing;
use super::route::{Mode, Route, Routes};
use super::spool::Spool;
use crate::body::Payload;
use crate::object::{
    BucketName, ChecksumValue, Clock, ETag, ObjectInfo, PartNumber, Timestamp, UploadId,
};
use crate::store::{Home, ObjectPath, StoreError};

/// Moves objects between the layers of a placement.
pub struct Transfers {
    home: Arc<dyn Home>,
    routes: Arc<Routes>,
    locations: Arc<Locations>,
    spool: Arc<Spool>,
    passing: Arc<Passing>,
    clock: Arc<dyn Clock>,
}

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the local disk to the upstream.
    ToS3,
    /// From the upstream to the local disk.
    ToLocal,
}

/// What tells one object of a key from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The entity tag that clients see.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// When clients saw it stored; not compared where absent.
    pub last_modified: Option<Timestamp>,
}

/// What is to be moved, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own, named by its field")]
pub struct Order {
    /// Which key.
    pub at: ObjectPath,
    /// Where to.
    pub direction: Direction,
    /// The object that is meant, by which an order that was carried out before is recognized.
    pub expected: Option<Identity>,
    /// Whether another object than the one that is meant is left where it is.
    pub exact: bool,
    /// Another upstream object than the one with this tag is left where it is: of an order that
    /// takes an earlier one back.
    pub only_upstream: Option<ETag>,
    /// Whether the same order may have been carried out before, or in part.
    pub again: bool,
    /// Whether the layer that it comes from keeps its copy.
    pub keep_source: bool,
    /// Whether the target is read back and compared, whatever it tells by itself.
    pub read_back: bool,
}

impl Order {
    /// Whether it may have been this, given before, that brought an object to where it was to go.
    /// Clients' writes go where the mode keeps objects: to the other side a move alone brings one,
    /// whatever clients have written by then.
    fn may_have_brought(&self, found: &Identity, mode: Mode) -> bool {
        let by_moves_alone = match self.direction {
            Direction::ToS3 => mode == Mode::Local,
            Direction::ToLocal => mode != Mode::Local,
        };
        let meant = self.expected.as_ref().is_none_or(|meant| found.is(meant));
        meant || (by_moves_alone && !self.exact)
    }
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The object is where it was to go.
    Moved(Box<Moved>),
    /// It is left where it is.
    Skipped(Skip),
    /// The target has another object that no record knows. It is left as it is.
    Conflict(String),
}

/// An object that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The object as clients know it.
    pub object: Identity,
    /// The tag that the upstream shows, or showed, of it.
    pub upstream_etag: ETag,
    /// What became of the copy that it came from.
    pub source: Source,
}

/// What became of the copy where an object came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It is gone.
    Removed,
    /// It is there still, as was asked for.
    Kept,
    /// It goes as soon as its layer can be reached: the record says so.
    Waits,
}

/// Why an object is left where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Its bucket has no upstream.
    NoUpstream,
    /// There is no object of that key any more.
    Gone,
    /// It is where it was to go.
    AlreadyThere,
    /// The spool has to forward or delete it first.
    WaitsInSpool,
    /// It is another object than the one that was meant.
    Changed,
}

/// Why an order could not be carried out. The key reads as before; the order may be given again,
/// or abandoned.
#[derive(Debug)]
pub enum Trouble {
    /// The upstream failed, rather than answered.
    Away(String),
    /// A client wrote the key meanwhile, or waits to do so.
    Changed,
    /// Whoever gave the order goes no further.
    Stopped,
    /// The local layer failed.
    Home(StoreError),
    /// The upstream turned it down.
    Refused(String),
    /// What arrived is not, or cannot be shown to be, what was sent.
    Unverified(String),
}

/// Somebody's place among the objects that are under way, as long as it lives.
pub type Lane = Box<dyn Send + Sync>;

/// What whoever gives an order has a hand in while it is carried out.
#[async_trait]
pub trait Steps: Send + Sync {
    /// Waits until another object may be under way between the layers; `None` where none may any
    /// more. Nobody waits for a lane who has one.
    async fn lane(&self) -> Option<Lane>;

    /// Waits until another request may be made of the upstream.
    async fn turn(&self);

    /// The same body, at the pace that bodies may have.
    fn paced(&self, body: Payload) -> Payload;

    /// The upload in the target that an earlier try of the same order began.
    fn begun(&self) -> Option<Begun>;

    /// An upload was begun in the target for the object with this tag. Durable on return.
    async fn begin(&self, id: &UploadId, of: &ETag) -> Result<(), StoreError>;

    /// A part arrived. Durable on return.
    async fn part(&self, part: &SentPart) -> Result<(), StoreError>;

    /// The upload is no more.
    fn end(&self);
}

/// An upload that was begun in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The upload.
    pub id: UploadId,
    /// The tag of the object that it is for.
    pub of: ETag,
    /// The parts that arrived, as far as known.
    pub parts: Vec<SentPart>,
}

/// A part that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPart {
    /// Its number.
    pub number: u16,
    /// The tag that the target gave it.
    pub etag: ETag,
    /// The checksum that the target has of it.
    pub checksum: Option<ChecksumValue>,
}

type Result<T, E = Trouble> = std::result::Result<T, E>;

impl Placement {
    /// What moves objects between the layers.
    pub fn transfers(&self) -> Transfers {
        Transfers {
            home: Arc::clone(&self.home),
            routes: Arc::clone(&self.routes),
            locations: Arc::clone(&self.locations),
            spool: Arc::clone(&self.spool),
            passing: Arc::clone(&self.passing),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl Transfers {
    /// Carries an order out. Dropping the future leaves what an end of the process would leave.
    pub async fn carry_out(&self, order: &Order, steps: &dyn Steps) -> Result<Outcome> {
        let route = self.routes.of(&order.at.bucket);
        let Some(upstream) = &route.upstream else {
            return Ok(Outcome::Skipped(Skip::NoUpstream));
        };
        match order.direction {
            Direction::ToS3 => self.up(order, route, upstream, steps).await,
            Direction::ToLocal => self.down(order, route, upstream, steps).await,
        }
    }

    /// The buckets that have an upstream, by name.
    pub async fn buckets(&self) -> Result<Vec<BucketName>, StoreError> {
        self.spool.routed_buckets().await.map(Vec::from)
    }

    /// Whether a bucket has an upstream.
    pub fn is_routed(&self, bucket: &BucketName) -> bool {
        self.routes.of(bucket).upstream.is_some()
    }

    fn route(&self, bucket: &BucketName) -> &Route {
        self.routes.of(bucket)
    }
}

impl Identity {
    /// Of an object as its layer or clients know it.
    pub fn of(object: &ObjectInfo) -> Self {
        Self {
            etag: object.etag.clone(),
            size: object.size,
            last_modified: Some(object.last_modified),
        }
    }

    /// Whether this is what another one means.
    pub fn is(&self, meant: &Self) -> bool {
        let times = self.last_modified.zip(meant.last_modified);
        self.etag == meant.etag && self.size == meant.size && times.is_none_or(|(a, b)| a == b)
    }
}

impl SentPart {
    fn number(&self) -> Option<PartNumber> {
        PartNumber::new(self.number)
    }
}

impl fmt::Debug for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfers").finish_non_exhaustive()
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUpstream => "its bucket has no upstream",
            Self::Gone => "there is no object of that key any more",
            Self::AlreadyThere => "it is where it was to go",
            Self::WaitsInSpool => "it waits in the spool; it can be moved afterwards",
            Self::Changed => "it is another object by now",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(what) => write!(f, "the upstream failed: {what}"),
            Self::Stopped => f.write_str("it was given up"),
            Self::Changed => f.write_str("clients keep writing it"),
            Self::Home(error) => write!(f, "the local store: {error}"),
            Self::Refused(what) => write!(f, "the upstream refused it: {what}"),
            Self::Unverified(what) => write!(f, "not verified: {what}"),
        }
    }
}

/// Errors of the local layer unless said otherwise.
impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Home(error)
    }
}

/// An upstream's error.
fn upstream_trouble(error: StoreError) -> Trouble {
    match error {
        StoreError::Unavailable { .. }
        | StoreError::NoSuchBucket
        | StoreError::Busy { .. }
        | StoreError::Rebuilding
        | StoreError::Closing => Trouble::Away(error.to_string()),
        other => Trouble::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
