//! What pieces of bodies are read into.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::BLOCK;

/// How large those are that are used again. No piece is larger.
pub(crate) const ROOM: usize = 5 * BLOCK;
/// How many are kept for that: 40 MiB, what 64 bodies have in them that are read at once.
const KEPT: usize = 128;

/// Those that nobody reads into now. An allocator that gives such large ones back to the system
/// gets them anew page by page, each of which costs a fault and is zeroed.
static FREE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// So many bytes to be read into, in memory of [`ROOM`] bytes where they are more than a block and no
/// more than that. What is in them before is nothing that means anything.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
}

impl Buffer {
    /// One of that length.
    pub(crate) fn new(len: usize) -> Self {
        if len <= BLOCK || len > ROOM {
            return Self { bytes: vec![0; len].into(), len };
        }
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { bytes: free.unwrap_or_else(|| vec![0; ROOM].into()), len }
    }

    /// Its bytes, shared. It is used again once nobody holds any of them.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.len() != ROOM {
            return;
        }
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_asked_for() {
        for len in [0, 1, BLOCK, BLOCK + 1, 4 * BLOCK, ROOM, ROOM + 1] {
            let mut buffer = Buffer::new(len);
            assert_eq!(buffer.len(), len);
            buffer.fill(7);
            assert_eq!(buffer.freeze(), vec![7; len]);
        }
    }

    #[test]
    fn nothing_is_used_again_while_it_is_held() {
        let held: Vec<Bytes> = (0..2 * KEPT)
            .map(|number| {
                let mut buffer = Buffer::new(2 * BLOCK);
                buffer.fill(u8::try_from(number).unwrap());
                buffer.freeze().slice(BLOCK..)
            })
            .collect();
        for (number, bytes) in held.iter().enumerate() {
            assert!(bytes.iter().all(|byte| usize::from(*byte) == number), "{number}");
        }
        drop(held);
        assert!(FREE.lock().unwrap().len() <= KEPT);
    }
}
