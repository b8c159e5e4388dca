//! What is known of where a key's object is: the location record.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::object::{ETag, Timestamp};
use crate::store::{Claim, Kept, StoreError};

/// What the ledger holds for a key. No record at all means: what the local layer has, and if it
/// has nothing, what the upstream has, where the mode asks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Where the key's object is.
    pub truth: Truth,
    /// What the upstream has to be told.
    pub todo: Option<Todo>,
    /// What the upstream was last known to have of this key.
    pub remote: Option<Remote>,
    /// When this was recorded.
    pub updated_at: Timestamp,
    /// Whether home has a copy of what is upstream that is to stay. It is nobody's all the same:
    /// neither read nor listed, and gone with the next write or delete.
    #[serde(skip)]
    pub kept: bool,
}

/// Where a key's current object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Truth {
    /// In the local layer. Where that has nothing, a write was never finished, and what
    /// `remote` says holds: the record is made before the object.
    Local,
    /// In the upstream, as `remote` says.
    Remote,
    /// Deleted, whatever either layer still has. The local object is removed after the record is
    /// made, and a new one is put before the record changes.
    Gone,
}

/// What waits to be done upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Todo {
    /// What.
    pub task: Task,
    /// Since when something has been waiting for this key without a break.
    pub since: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Set where it is not tried any more: a dead letter, with what an operator should know.
    pub failed: Option<String>,
    /// Entity tags of contents that were on their way upstream without a known outcome: the
    /// upstream may show any of them, though nobody else has written there.
    pub unsure: Vec<ETag>,
    /// An upload that was begun there for this and may still be open: to be aborted before anything
    /// else is done.
    #[serde(skip)]
    pub upload: Option<String>,
}

/// A task of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Put the local object there, and then remove it here.
    Put,
    /// Remove the upstream object: the key is deleted, or its object is now a local one for good.
    Delete,
}

/// An object in the upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The bucket there: `s3_bucket`.
    pub bucket: String,
    /// The key there: `s3_key`.
    pub key: String,
    /// The entity tag that clients see; it never changes.
    pub etag: ETag,
    /// The entity tag that the upstream gave. Where the upstream shows another, the object was
    /// replaced behind the gateway's back, and nothing else here holds of it.
    pub upstream_etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// When clients saw it stored.
    pub last_modified: Timestamp,
    /// Whether a client asked for it to be encrypted (SSE-S3), so that it is wherever it lies. That
    /// is not known of every object for which it was.
    #[serde(skip)]
    pub asked: bool,
}

/// How many contents of unknown outcome are remembered: the latest ones.
const UNSURE: usize = 8;

impl Todo {
    /// A task that begins to wait now.
    pub fn new(task: Task, now: Timestamp) -> Self {
        Self { task, since: now, attempts: 0, failed: None, unsure: Vec::new(), upload: None }
    }

    /// What waits after a further write or delete of a key: with `before` the key has been
    /// waiting since then, and what may have arrived upstream stays remembered.
    pub fn after(before: Option<&Self>, task: Task, now: Timestamp) -> Self {
        let fresh = Self::new(task, now);
        match before {
            None => fresh,
            Some(before) => Self {
                since: before.since,
                unsure: before.unsure.clone(),
                upload: before.upload.clone(),
                ..fresh
            },
        }
    }

    /// Remembers that this content goes upstream: noted before it is sent, or where the outcome
    /// of sending it is not known.
    pub fn note_unsure(&mut self, etag: &ETag) {
        self.unsure.retain(|known| known != etag);
        self.unsure.push(etag.clone());
        let excess = self.unsure.len().saturating_sub(UNSURE);
        self.unsure.drain(..excess);
    }
}

/// Format of the encoded record: the first byte ...
const FORMAT: u8 = 1;
/// ... of which this one says as well that a copy at home is kept, ...
const FORMAT_KEPT: u8 = 2;
/// ... and these say that encryption was asked for, without a kept copy and with it.
const FORMAT_ASKED: u8 = 3;
const FORMAT_ASKED_KEPT: u8 = 4;

impl Location {
    /// The record as the ledger keeps it.
    pub fn encode(&self) -> Result<Bytes, StoreError> {
        let upload = self.todo.as_ref().and_then(|todo| todo.upload.as_ref());
        let asked = self.remote.as_ref().is_some_and(|remote| remote.asked);
        let format = match (self.kept, asked) {
            (false, false) => FORMAT,
            (true, false) => FORMAT_KEPT,
            (false, true) => FORMAT_ASKED,
            (true, true) => FORMAT_ASKED_KEPT,
        };
        // Only there where it says something.
        let encoded = postcard::to_extend(self, vec![format]).and_then(|encoded| match upload {
            Some(upload) => postcard::to_extend(upload, encoded),
            None => Ok(encoded),
        });
        encoded.map(Bytes::from).map_err(|error| StoreError::Io {
            doing: "encode a location record".to_owned(),
            source: std::io::Error::other(error),
        })
    }

    /// What a record says to whoever counts objects. One that cannot be read says nothing.
    pub fn claim(bytes: &[u8]) -> Claim {
        let Ok(record) = Self::decode(bytes) else { return Claim::Here { otherwise: None } };
        let kept = record.remote.map(|it| Kept { size: it.size, modified: it.last_modified });
        match (record.truth, kept) {
            (Truth::Gone, _) => Claim::Gone,
            (Truth::Remote, Some(kept)) => Claim::There(kept),
            (Truth::Local | Truth::Remote, otherwise) => Claim::Here { otherwise },
        }
    }

    /// Reads what [`Location::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged { what: "a location record".to_owned() };
        match bytes.split_first() {
            Some((&format @ FORMAT..=FORMAT_ASKED_KEPT, encoded)) => {
                let mut location = Self::read(encoded).map_err(|_| damaged())?;
                location.kept = matches!(format, FORMAT_KEPT | FORMAT_ASKED_KEPT);
                if let Some(remote) = &mut location.remote {
                    remote.asked = matches!(format, FORMAT_ASKED | FORMAT_ASKED_KEPT);
                }
                Ok(location)
            }
            _ => Err(damaged()),
        }
    }

    fn read(encoded: &[u8]) -> postcard::Result<Self> {
        let (mut location, rest) = postcard::take_from_bytes::<Self>(encoded)?;
        if let Some(todo) = location.todo.as_mut().filter(|_| !rest.is_empty()) {
            todo.upload = Some(postcard::from_bytes(rest)?);
        }
        Ok(location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn todo() -> Todo {
        let mut todo = Todo::new(Task::Put, Timestamp(1000));
        todo.attempts = 3;
        todo.failed = Some("refused".to_owned());
        todo.note_unsure(&ETag::parse("one"));
        todo
    }

    #[test]
    fn what_is_encoded_is_read_and_nothing_else() {
        let remote = Remote {
            bucket: "there".to_owned(),
            key: "prefix/key".to_owned(),
            etag: ETag::parse("shown"),
            upstream_etag: ETag::parse("given"),
            size: 7,
            last_modified: Timestamp(2000),
            asked: false,
        };
        let (truth, updated_at) = (Truth::Local, Timestamp(3000));
        let (todo, remote, kept) = (Some(todo()), Some(remote), false);
        let mut location = Location { truth, todo, remote, updated_at, kept };
        let short = location.encode().unwrap();
        assert_eq!(Location::decode(&short).unwrap(), location);
        location.todo.as_mut().unwrap().upload = Some("id".to_owned());
        let encoded = location.encode().unwrap();
        assert_eq!(Location::decode(&encoded).unwrap(), location);
        assert!(encoded.starts_with(&short), "an upload stands behind what there always is");
        let kept = Location { kept: true, ..location };
        assert_eq!(Location::decode(&kept.encode().unwrap()).unwrap(), kept);
        for (keeps, asked) in [(false, true), (true, true)] {
            let mut record = Location { kept: keeps, ..kept.clone() };
            record.remote.as_mut().unwrap().asked = asked;
            assert_eq!(Location::decode(&record.encode().unwrap()).unwrap(), record);
        }
        for damaged in [&[][..], &[5, 0, 0, 0], &encoded[..encoded.len() - 1]] {
            assert!(matches!(Location::decode(damaged), Err(StoreError::Damaged { .. })));
        }
    }

    #[test]
    fn who_counts_is_told_where_the_object_is() {
        let etag = ETag::parse("tag");
        let remote = Remote {
            bucket: "there".to_owned(),
            key: "key".to_owned(),
            etag: etag.clone(),
            upstream_etag: etag,
            size: 7,
            last_modified: Timestamp(2000),
            asked: false,
        };
        let kept = Kept { size: 7, modified: Timestamp(2000) };
        let claim = |truth, remote| {
            let (todo, updated_at, kept) = (None, Timestamp(0), false);
            let record = Location { truth, todo, remote, updated_at, kept };
            Location::claim(&record.encode().unwrap())
        };
        for (truth, with, without) in [
            (Truth::Gone, Claim::Gone, Claim::Gone),
            (Truth::Remote, Claim::There(kept), Claim::Here { otherwise: None }),
            (Truth::Local, Claim::Here { otherwise: Some(kept) }, Claim::Here { otherwise: None }),
        ] {
            assert_eq!(claim(truth, Some(remote.clone())), with);
            assert_eq!(claim(truth, None), without);
        }
        assert_eq!(Location::claim(b"no record"), Claim::Here { otherwise: None });
    }

    #[test]
    fn a_further_write_keeps_the_time_and_what_may_have_arrived() {
        let after = Todo::after(Some(&todo()), Task::Delete, Timestamp(9000));
        assert_eq!((after.task, after.since, after.attempts), (Task::Delete, Timestamp(1000), 0));
        assert_eq!((after.failed, after.unsure), (None, vec![ETag::parse("one")]));
        let first = Todo::after(None, Task::Put, Timestamp(9000));
        assert_eq!(first, Todo::new(Task::Put, Timestamp(9000)));
    }

    #[test]
    fn the_latest_contents_are_remembered_once() {
        let mut todo = todo();
        for number in 0..20 {
            todo.note_unsure(&ETag::parse(&number.to_string()));
            todo.note_unsure(&ETag::parse("again"));
        }
        assert_eq!(todo.unsure.len(), UNSURE);
        assert_eq!(todo.unsure.last(), Some(&ETag::parse("again")));
        assert!(
            todo.unsure.contains(&ETag::parse("19")) && !todo.unsure.contains(&ETag::parse("1"))
        );
    }
}
