//! What happens in a history, and what its model believes.

use bytes::Bytes;
use proptest::prelude::*;

use crate::object::ETag;
use crate::placement::Mode;

pub(super) const KEYS: [&str; 4] = ["a", "d/1", "d/2", "e"];
pub(super) const MODES: [Mode; 3] = [Mode::Local, Mode::Upstream, Mode::Fallback];

#[derive(Debug, Clone)]
pub(super) enum Op {
    Put {
        key: usize,
        condition: Condition,
    },
    Delete {
        key: usize,
        condition: Condition,
    },
    Copy {
        from: usize,
        to: usize,
    },
    Upload {
        key: usize,
        condition: Condition,
    },
    Away,
    Deaf,
    Back,
    Restart(usize),
    /// The next writing call stops the process after so many steps, and the next one has a mode.
    Crash {
        steps: i64,
        mode: usize,
    },
    /// The client of the next writing call goes away after so many turns.
    Leave {
        turns: usize,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Condition {
    None,
    Absent,
    /// On the tag that the client knows.
    Same,
    Other,
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let key = || 0..KEYS.len();
    let condition = || {
        prop_oneof![
            4 => Just(Condition::None),
            1 => Just(Condition::Absent),
            1 => Just(Condition::Same),
            1 => Just(Condition::Other),
        ]
    };
    prop_oneof![
        6 => (key(), condition()).prop_map(|(key, condition)| Op::Put { key, condition }),
        4 => (key(), condition()).prop_map(|(key, condition)| Op::Delete { key, condition }),
        2 => (key(), key()).prop_map(|(from, to)| Op::Copy { from, to }),
        2 => (key(), condition()).prop_map(|(key, condition)| Op::Upload { key, condition }),
        2 => Just(Op::Away),
        1 => Just(Op::Deaf),
        3 => Just(Op::Back),
        2 => (0..MODES.len()).prop_map(Op::Restart),
        3 => (0..24i64, 0..MODES.len()).prop_map(|(steps, mode)| Op::Crash { steps, mode }),
        3 => (0..60usize).prop_map(|turns| Op::Leave { turns }),
    ]
}

/// An object as a client knows it.
pub(super) type Seen = Option<(ETag, Bytes)>;

/// What a key may be.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    pub(super) may: Vec<Seen>,
    /// What calls without an answer may have left upstream, where no record tells of it: it may be
    /// seen as long as the upstream was not written by a call that was acknowledged.
    pub(super) ghosts: Vec<Seen>,
}

impl Belief {
    pub(super) fn allows(&self, seen: &Seen) -> bool {
        self.may.contains(seen) || self.ghosts.contains(seen)
    }

    pub(super) fn certain(&self) -> Option<&Seen> {
        (self.may.len() == 1 && self.ghosts.is_empty()).then(|| &self.may[0])
    }
}
