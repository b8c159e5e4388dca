//! The keys of one bucket at its upstream that may be sent, in groups that take turns.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::object::BucketName;
use crate::store::ObjectPath;

/// Whose keys take turns with others': a company's, and of a bucket what belongs to none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Group {
    Company(String),
    Bucket(BucketName),
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The groups that have something, in the order of their turns.
    turns: VecDeque<Group>,
    groups: HashMap<Group, VecDeque<(ObjectPath, u64)>>,
    paused_until: Option<Instant>,
    /// How often the upstream failed in a row.
    pub(super) failures: u32,
    /// How many keys are being sent.
    pub(super) in_hand: usize,
}

impl Group {
    /// Reads the company out of `attachments/<type>/company_<id>/…`.
    pub(super) fn of(at: &ObjectPath) -> Self {
        let mut steps = at.key.as_str().split('/');
        let company = match (steps.next(), steps.next(), steps.next(), steps.next()) {
            (Some("attachments"), Some(_), Some(folder), Some(_)) => {
                folder.strip_prefix("company_")
            }
            _ => None,
        };
        match company.filter(|id| !id.is_empty()) {
            Some(id) => Self::Company(id.to_owned()),
            None => Self::Bucket(at.bucket.clone()),
        }
    }
}

impl Lane {
    pub(super) fn push(&mut self, group: Group, at: ObjectPath, turn: u64) {
        let line = self.groups.entry(group.clone()).or_default();
        if line.is_empty() {
            self.turns.push_back(group);
        }
        line.push_back((at, turn));
    }

    /// The next key of the group whose turn it is.
    pub(super) fn next(&mut self) -> Option<(ObjectPath, u64)> {
        let group = self.turns.pop_front()?;
        let line = self.groups.get_mut(&group)?;
        let next = line.pop_front();
        if line.is_empty() {
            self.groups.remove(&group);
        } else {
            self.turns.push_back(group);
        }
        next
    }

    /// Whether a key may be sent now: not in a pause, and after a failure one at a time.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.paused_until.is_none_or(|until| until <= now) && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.failures == 0 || self.in_hand == 0
    }

    pub(super) fn pause_until(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    #[cfg(test)]
    pub(super) fn length(&self) -> usize {
        self.groups.values().map(VecDeque::len).sum()
    }

    pub(super) fn hurry(&mut self) {
        self.paused_until = None;
    }

    /// When it opens again, where something waits for that.
    pub(super) fn due(&self) -> Option<Instant> {
        self.paused_until.filter(|_| !self.turns.is_empty() && self.has_room())
    }
}
