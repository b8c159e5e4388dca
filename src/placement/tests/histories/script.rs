//! What happens in a history, and what its model believes.

use bytes::Bytes;
use proptest::prelude::*;

use crate::object::ETag;
use crate::placement::Mode;
use crate::placement::transfer::Direction;

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
    /// An object is moved to the other layer, alone or while a client writes its key.
    Move {
        key: usize,
        how: How,
        /// After so many turns of the move.
        during: Option<(usize, Box<Op>)>,
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
pub(super) struct How {
    pub(super) direction: Direction,
    pub(super) keep: bool,
    pub(super) again: bool,
    /// Given up, if it comes to nothing.
    pub(super) abandon: bool,
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
    let how = || {
        let direction = prop_oneof![2 => Just(Direction::ToS3), 1 => Just(Direction::ToLocal)];
        (direction, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(direction, keep, again, abandon)| How { direction, keep, again, abandon })
    };
    let during = move || {
        (key(), how(), 0..40usize, any::<bool>()).prop_map(|(key, how, turns, delete)| {
            let condition = Condition::None;
            let op =
                if delete { Op::Delete { key, condition } } else { Op::Put { key, condition } };
            Op::Move { key, how, during: Some((turns, Box::new(op))) }
        })
    };
    prop_oneof![
        4 => (key(), how()).prop_map(|(key, how)| Op::Move { key, how, during: None }),
        4 => during(),
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
