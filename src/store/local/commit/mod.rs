//! The one order in which everything is written: commands in, records out.
//!
//! [`Committer`] takes whatever waits, decides every condition against the index and what is not
//! applied yet, writes one batch, syncs once. [`super::apply`] then applies the batch and only
//! after that answers, so that an answer is never ahead of durability nor of what readers see.

pub(crate) mod decide;
mod moves;
mod overlay;
mod thread;

use std::sync::Arc;
use std::sync::mpsc::Sender;

use bytes::Bytes;
use tokio::sync::oneshot;

pub(crate) use moves::{Found, Move, Moved};
pub(crate) use thread::Committer;

use super::core::PendingBlob;
use super::effects::Effects;
use super::format::checkpoint::Position;
use super::format::meta::{Assembly, At, Described, Tag};
use super::format::place::{Dead, RecordRef};
use super::format::record::block_crcs;
use super::format::seal::{BodyId, Seal};
use crate::object::{ChecksumValue, MasterKeys, Owner, Timestamp, WriteCondition};
use crate::store::{NewUpload, ObjectPath, StoreError};

/// What to write.
pub(crate) enum Command {
    /// A bucket.
    CreateBucket {
        /// Its name.
        name: String,
        /// Whose it is.
        owner: Owner,
    },
    /// No bucket any more. Emptiness and uploads were looked up when the index was at `as_of`.
    DeleteBucket {
        /// Its name.
        name: String,
        /// What the caller saw.
        as_of: u64,
        /// Its uploads, and what dies with each.
        aborts: Vec<(At, u128, Dead)>,
    },
    /// A setting of a bucket, or none.
    SetSetting {
        /// Whose.
        bucket: String,
        /// Which.
        setting: &'static str,
        /// The value.
        value: Option<Bytes>,
    },
    /// A key's ledger record, or none.
    SetEntry {
        /// Of which key.
        at: ObjectPath,
        /// The value.
        value: Option<Bytes>,
    },
    /// An object.
    Put {
        /// Where.
        at: ObjectPath,
        /// What it is.
        object: Box<Described>,
        /// Its bytes.
        content: Content,
        /// On which condition.
        condition: Option<WriteCondition>,
    },
    /// No object any more.
    Delete {
        /// Where.
        at: ObjectPath,
        /// On which condition.
        condition: Option<WriteCondition>,
    },
    /// The same object described anew, if it still is the one of the record `head`.
    Change {
        /// Where.
        at: ObjectPath,
        /// The LSN of the description that the caller saw.
        head: u64,
        /// What it is now.
        object: Box<Described>,
    },
    /// An upload.
    CreateUpload {
        /// Of which object.
        at: ObjectPath,
        /// What it is.
        upload: Box<NewUpload>,
        /// The key of its parts, where they are encrypted.
        seal: Option<Seal>,
    },
    /// A part.
    Part {
        /// Of which object.
        at: ObjectPath,
        /// Of which upload.
        id: u128,
        /// What it is.
        part: Box<NewPart>,
        /// Its bytes.
        content: Content,
    },
    /// An upload becomes an object. Its parts were looked up when the index was at `as_of`.
    Complete {
        /// Which object.
        at: ObjectPath,
        /// The upload.
        id: u128,
        /// What the caller saw.
        as_of: u64,
        /// What the object is.
        object: Box<Described>,
        /// What the client listed, as a hash.
        request: [u8; 16],
        /// The parts, and what of the upload dies.
        assembly: Assembly,
        /// On which condition.
        condition: Option<WriteCondition>,
    },
    /// What lives in an old segment goes to the end of the log.
    Move(Box<Move>),
    /// The log begins with this segment from now on. Nothing refers to any record before it.
    Trim {
        /// The segment.
        first: u64,
    },
    /// The segment that is being written ends, and the next one begins.
    Roll,
    /// An upload is dropped. Its parts were looked up when the index was at `as_of`.
    Abort {
        /// Which object.
        at: At,
        /// The upload.
        id: u128,
        /// What the caller saw.
        as_of: u64,
        /// What dies.
        dead: Dead,
    },
}

/// A part's description.
#[derive(Debug, Clone)]
pub(crate) struct NewPart {
    /// Its number.
    pub(crate) number: u16,
    /// Its size.
    pub(crate) size: u64,
    /// When it was stored.
    pub(crate) modified: Timestamp,
    /// Its entity tag.
    pub(crate) tag: Tag,
    /// Its checksum.
    pub(crate) checksum: Option<ChecksumValue>,
    /// The id of its bytes, where they are encrypted.
    pub(crate) sealed: Option<BodyId>,
}

/// The bytes of an object or part, ready to be named by a record.
pub(crate) enum Content {
    /// There are none.
    Empty,
    /// They go into the record.
    Packed(Bytes, Vec<u32>),
    /// They are durable in a file, but for its name.
    Blob(PendingBlob),
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its record has this number, the last one where there were several.
    Done(u64),
    /// The record of a part's bytes is there.
    Placed(RecordRef),
    /// There was nothing to do.
    Nothing,
    /// What the caller had looked up has changed since: look again.
    Retry,
}

/// The result of a command.
pub(crate) type Answer = Result<Outcome, StoreError>;

/// What the committer's queue holds.
pub(crate) enum Request {
    /// A command.
    Commit(Waiting),
    /// Write what waits, then end.
    Stop,
}

/// A command that nothing has become of yet.
pub(crate) struct Waiting {
    command: Box<Command>,
    /// The keys that its seal may be wrapped with. They are held as long as the index does not
    /// have its record, also when nobody waits for the answer any more.
    keys: Option<Arc<MasterKeys>>,
    answer: oneshot::Sender<Answer>,
}

/// What goes to the index.
pub(crate) struct Batch {
    /// What the records do, in order.
    pub(crate) effects: Vec<Effects>,
    /// The answers to give afterwards.
    pub(crate) answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// The keys of its commands, to be held until it is applied.
    pub(crate) keys: Vec<Arc<MasterKeys>>,
    /// Where the next batch will start.
    pub(crate) position: Position,
    /// A segment that begins with this batch: its id and first LSN.
    pub(crate) begins: Option<(u64, u64)>,
}

/// Where commands are put.
#[derive(Clone)]
pub(crate) struct Submitter(Sender<Request>);

impl Submitter {
    /// Puts commands into `queue`.
    pub(crate) fn new(queue: Sender<Request>) -> Self {
        Self(queue)
    }

    /// Hands a command over and waits for what it comes to. Dropping the future does not take the
    /// command back.
    pub(crate) async fn submit(&self, command: Command) -> Answer {
        self.submit_under(command, None).await
    }

    /// The same of a command with a new seal, made with the active one of these keys.
    pub(crate) async fn submit_under(
        &self,
        command: Command,
        keys: Option<Arc<MasterKeys>>,
    ) -> Answer {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { command: Box::new(command), keys, answer };
        self.0.send(Request::Commit(waiting)).map_err(|_| StoreError::Closing)?;
        answered.await.unwrap_or(Err(StoreError::Closing))
    }

    /// Ends the committer after what waits.
    pub(crate) fn stop(&self) {
        // A committer that has ended already needs no telling.
        let _ = self.0.send(Request::Stop);
    }
}

impl Content {
    /// Bytes that go into a record.
    pub(crate) fn packed(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        let crcs = block_crcs(&bytes);
        Self::Packed(bytes, crcs)
    }
}

impl Command {
    /// Whether it makes room, or may have to be written before what does: such commands may use
    /// what is kept in reserve.
    fn frees(&self) -> bool {
        match self {
            Self::Delete { .. }
            | Self::Abort { .. }
            | Self::DeleteBucket { .. }
            | Self::SetEntry { .. }
            | Self::Trim { .. }
            | Self::Roll => true,
            Self::Move(wanted) => wanted.frees,
            _ => false,
        }
    }

    fn content(&self) -> Option<&Content> {
        match self {
            Self::Put { content, .. } | Self::Part { content, .. } => Some(content),
            _ => None,
        }
    }

    fn blob(&self) -> Option<&PendingBlob> {
        match self.content() {
            Some(Content::Blob(blob)) => Some(blob),
            _ => None,
        }
    }
}
