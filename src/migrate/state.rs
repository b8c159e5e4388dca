//! The states of a migration, and which ask leads from one to another: pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its plan is being made, or is made and waits to be run.
    Planned,
    /// Objects are being moved.
    Running,
    /// It goes on when it is told to.
    Paused,
    /// All objects have been seen to; what was moved is looked at once more.
    Verifying,
    /// Its plan is made, and it is about to run.
    Ready,
    /// It has come to its end.
    Done,
    /// It could not come to its end.
    Failed,
    /// It was ended before.
    Cancelled,
    /// What it moved is being put back.
    RollingBack,
    /// What it moved is where it was.
    RolledBack,
}

/// What is asked of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Go on.
    Run,
    /// Wait.
    Pause,
    /// End.
    Cancel,
    /// Put back what was moved.
    RollBack,
}

impl State {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Running,
        Self::Paused,
        Self::Verifying,
        Self::Ready,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// Whether nothing more happens by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled | Self::RolledBack)
    }

    /// As long as what is asked a migration may be in this state; at any time where there is none.
    pub(super) fn serves(self) -> Option<Ask> {
        match self {
            Self::Planned | Self::Ready | Self::Running | Self::Verifying => Some(Ask::Run),
            Self::Paused => Some(Ask::Pause),
            Self::RollingBack => Some(Ask::RollBack),
            Self::Done | Self::Failed | Self::Cancelled | Self::RolledBack => None,
        }
    }

    /// Whether something may be asked of a migration in this state.
    pub fn allows(self, ask: Ask) -> bool {
        match ask {
            Ask::Run => self == Self::Paused,
            Ask::Pause => {
                let moves = matches!(self, Self::Planned | Self::Ready | Self::Running);
                moves || matches!(self, Self::Verifying | Self::RollingBack)
            }
            Ask::Cancel => matches!(
                self,
                Self::Planned | Self::Ready | Self::Running | Self::Verifying | Self::Paused
            ),
            Ask::RollBack => matches!(
                self,
                Self::Running
                    | Self::Verifying
                    | Self::Paused
                    | Self::Done
                    | Self::Failed
                    | Self::Cancelled
            ),
        }
    }
}

impl Ask {
    /// The state of a migration of which this was asked, and that has not come to an end.
    pub(super) fn leads_to(self) -> Option<State> {
        match self {
            Self::Run => Some(State::Running),
            Self::Pause => Some(State::Paused),
            Self::RollBack => Some(State::RollingBack),
            Self::Cancel => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Verifying => "verifying",
            Self::Ready => "ready",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
        })
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run => "resumed",
            Self::Pause => "paused",
            Self::Cancel => "cancelled",
            Self::RollBack => "rolled back",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_goes_nowhere_but_back() {
        for state in State::ALL.into_iter().filter(|state| state.is_over()) {
            for ask in [Ask::Run, Ask::Pause, Ask::Cancel] {
                assert!(!state.allows(ask), "{state} {ask}");
            }
            assert_eq!(state.allows(Ask::RollBack), state != State::RolledBack);
        }
        assert!(
            !State::RollingBack.allows(Ask::RollBack) && !State::RollingBack.allows(Ask::Cancel)
        );
        assert!(State::RollingBack.allows(Ask::Pause));
    }

    #[test]
    fn what_is_asked_for_can_be_entered() {
        for state in State::ALL {
            let serves = state.serves();
            assert_eq!(serves.is_none(), state.is_over(), "{state}");
            assert!(serves.is_none_or(|ask| !state.allows(ask)), "{state}");
        }
        for ask in [Ask::Run, Ask::Pause, Ask::Cancel, Ask::RollBack] {
            let state = ask.leads_to();
            assert_eq!(state.map_or(Some(Ask::Cancel), State::serves), Some(ask), "{ask}");
        }
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
        }
    }
}
