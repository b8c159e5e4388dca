//! A file's content: what the machine shows, what is on the disk, and what lies between.

use std::collections::BTreeSet;

use super::world::Random;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

#[derive(Default)]
pub(super) struct Node {
    /// What reads show.
    pub(super) live: Vec<u8>,
    /// What is on the disk.
    disk: Vec<u8>,
    /// Pages of `live` that the next sync will write.
    dirty: BTreeSet<usize>,
    /// Room reserved from the start of the file.
    pub(super) reserved: u64,
    /// How often it is open.
    pub(super) handles: usize,
}

impl Node {
    pub(super) fn room(&self) -> u64 {
        (self.live.len() as u64).max(self.reserved)
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.live.len() < end {
            self.resize(end);
        }
        self.live[offset..end].copy_from_slice(bytes);
        if !bytes.is_empty() {
            self.dirty.extend(offset / PAGE..=(end - 1) / PAGE);
        }
    }

    /// Before the file is cut, some of what goes may have reached the disk by itself, and a crash
    /// can bring it back.
    pub(super) fn cut(&mut self, len: usize, random: &mut Random) {
        if len < self.live.len() && !self.dirty.is_empty() {
            let dirty = self.dirty.clone();
            self.settle(random);
            self.dirty = dirty;
        }
        self.resize(len);
        self.dirty.retain(|page| page * PAGE < len);
    }

    pub(super) fn resize(&mut self, len: usize) {
        let from = self.live.len().min(len);
        let to = self.live.len().max(len);
        self.live.resize(len, 0);
        if from < to {
            self.dirty.extend(from / PAGE..=(to - 1) / PAGE);
        }
    }

    pub(super) fn sync(&mut self) {
        self.disk.resize(self.live.len(), 0);
        for page in std::mem::take(&mut self.dirty) {
            let range = Self::range(page, self.live.len());
            self.disk[range.clone()].copy_from_slice(&self.live[range]);
        }
    }

    /// A sync that failed: some of it got through, and all of it counts as written.
    pub(super) fn sync_badly(&mut self, random: &mut Random) {
        self.settle(random);
    }

    /// Reads ask the disk again, as far as nothing is waiting to be written there.
    pub(super) fn drop_cached(&mut self) {
        for page in 0..self.live.len().div_ceil(PAGE) {
            if self.dirty.contains(&page) {
                continue;
            }
            for at in Self::range(page, self.live.len()) {
                self.live[at] = self.disk.get(at).copied().unwrap_or(0);
            }
        }
    }

    /// What the disk has when the machine starts again.
    pub(super) fn crash(&mut self, random: &mut Random) {
        self.settle(random);
        self.live = self.disk.clone();
        self.reserved = 0;
        self.handles = 0;
    }

    pub(super) fn flip(&mut self, offset: usize, mask: u8) {
        self.live[offset] ^= mask;
        if let Some(byte) = self.disk.get_mut(offset) {
            *byte ^= mask;
        }
    }

    /// A random part of what is dirty reaches the disk; nothing is dirty afterwards.
    fn settle(&mut self, random: &mut Random) {
        let (old, new) = (self.disk.len(), self.live.len());
        let between = old.min(new) + random.below(old.abs_diff(new) + 1);
        self.disk.resize([old, new, between][random.below(3)], 0);
        for page in std::mem::take(&mut self.dirty) {
            let range = Self::range(page, self.disk.len().min(self.live.len()));
            let whole = random.below(3);
            for from in range.clone().step_by(SECTOR) {
                let to = (from + SECTOR).min(range.end);
                let reaches = [false, true, random.below(2) == 0][whole];
                if reaches {
                    self.disk[from..to].copy_from_slice(&self.live[from..to]);
                }
            }
        }
    }

    fn range(page: usize, len: usize) -> std::ops::Range<usize> {
        (page * PAGE).min(len)..((page + 1) * PAGE).min(len)
    }
}
