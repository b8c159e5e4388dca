//! How much may wait.

use std::sync::Arc;

use super::Spool;
use crate::store::{ObjectPath, Result, StoreError};

/// Room in the spool for one write, until this is dropped: after the write has been noted, or has
/// failed.
#[must_use = "the room is kept only as long as its ticket"]
#[derive(Debug)]
pub struct Ticket {
    spool: Arc<Spool>,
    bytes: u64,
    keys: usize,
}

impl Spool {
    /// Asks for room for a write of `size` bytes, as far as that is known, or a delete of none.
    /// `Busy` where a bound is reached. Writes of a key that waits already, and deletes, need no
    /// place of their own.
    ///
    /// Until the backlog of the last run has been looked through, only what is known of it
    /// counts.
    pub fn admit(self: &Arc<Self>, at: &ObjectPath, size: Option<u64>) -> Result<Ticket> {
        self.admit_bytes(at, size.unwrap_or(0), false)
    }

    /// The same of an upload whose parts are here already. It cannot go upstream by another way,
    /// so that one that is larger than the bound is let in where it is alone.
    pub fn admit_upload(self: &Arc<Self>, at: &ObjectPath, size: u64) -> Result<Ticket> {
        self.admit_bytes(at, size, true)
    }

    fn admit_bytes(
        self: &Arc<Self>,
        at: &ObjectPath,
        bytes: u64,
        may_be_alone: bool,
    ) -> Result<Ticket> {
        let mut queue = self.queue();
        let keys = usize::from(!queue.knows(at));
        let depth = queue.tally().total();
        let (reserved_bytes, reserved_keys) = queue.reserved;
        let all_bytes = depth.bytes.saturating_add(reserved_bytes).saturating_add(bytes);
        let all_keys = depth.waiting + depth.dead + reserved_keys + keys;
        let alone = may_be_alone && all_bytes == bytes;
        if bytes > 0 && all_bytes > self.options.max_bytes && !alone {
            let limit = self.options.max_bytes;
            return Err(self.busy(format!("the spool holds its {limit} bytes already")));
        }
        if keys > 0 && all_keys > self.options.max_objects {
            let limit = self.options.max_objects;
            return Err(self.busy(format!("the spool holds its {limit} objects already")));
        }
        let longest = i64::try_from(self.options.max_age.as_millis()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        if queue.tally().oldest().is_some_and(|since| now.0.saturating_sub(since.0) > longest) {
            let limit = self.options.max_age;
            return Err(self.busy(format!("the spool's oldest object waits for over {limit:?}")));
        }
        queue.reserved = (reserved_bytes.saturating_add(bytes), reserved_keys + keys);
        Ok(Ticket { spool: Arc::clone(self), bytes, keys })
    }

    /// What a client is told where home cannot take what is to be forwarded: a disk that is full
    /// is a spool that is.
    pub fn refusal(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::StorageFull => self.busy("the disk under the spool is full".to_owned()),
            other => other,
        }
    }

    fn busy(&self, what: String) -> StoreError {
        StoreError::Busy { what, retry_after: self.options.retry_after }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut queue = self.spool.queue();
        let (bytes, keys) = queue.reserved;
        queue.reserved = (bytes.saturating_sub(self.bytes), keys.saturating_sub(self.keys));
    }
}
