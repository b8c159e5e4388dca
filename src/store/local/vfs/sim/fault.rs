//! Which call fails, and how.

use std::io;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Open,
    Rename,
    Unlink,
    List,
    Stat,
    /// Giving an unnamed file its name.
    Link,
    SyncDir,
    Read,
    Write,
    SetLen,
    Allocate,
    /// Making a file's content durable.
    Sync,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The device reports an error. A failed sync leaves pages that look clean and may be lost.
    Eio,
    /// A write stops after a random part of it, then the device reports an error.
    Short,
    /// The disk is full; a write stops after a random part of it.
    Full,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        match self {
            // EIO
            Self::Eio | Self::Short => io::Error::from_raw_os_error(5),
            Self::Full => io::Error::from(io::ErrorKind::StorageFull),
        }
    }
}

/// The machine stands still.
pub(super) struct Stopped;

/// What is planned.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) calls: u64,
    pub(super) stop_at: Option<u64>,
    planned: Vec<(Op, u64, Fault)>,
}

impl Faults {
    pub(super) fn plan(&mut self, op: Op, nth: u64, fault: Fault) {
        self.planned.push((op, nth, fault));
    }

    pub(super) fn pending(&self) -> usize {
        self.planned.len()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop_at.is_some_and(|stop| self.calls > stop)
    }

    /// Counts a call; the fault planned for it, if any.
    pub(super) fn next(&mut self, op: Op) -> Result<Option<Fault>, Stopped> {
        self.calls += 1;
        if self.is_stopped() {
            return Err(Stopped);
        }
        let mut hit = None;
        self.planned.retain_mut(|(planned, nth, fault)| {
            if *planned != op {
                return true;
            }
            if *nth == 0 {
                hit = Some(*fault);
                return false;
            }
            *nth -= 1;
            true
        });
        Ok(hit)
    }

    pub(super) fn clear(&mut self) {
        self.stop_at = None;
        self.planned.clear();
    }
}
