//! When an upstream is left alone: a circuit breaker in three states, pure, with the time given in.
//!
//! Knows nothing of calls; [`super::guard`] asks it before each one and tells it the outcome.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Opens after so many failures in a row.
    pub failures: u32,
    /// Opens where so many of a hundred recent calls failed …
    pub percent: u32,
    /// … of at least so many calls …
    pub calls: usize,
    /// … within this time.
    pub window: Duration,
    /// For how long it is open at first. It doubles while the trial afterwards fails.
    pub open_for: Duration,
    /// The longest that it is open without a trial.
    pub open_for_at_most: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            failures: 3,
            percent: 60,
            calls: 10,
            window: Duration::from_secs(30),
            open_for: Duration::from_secs(1),
            open_for_at_most: Duration::from_secs(3),
        }
    }
}

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything.
    Closed,
    /// Nothing, for a while.
    Open,
    /// One call, to find out.
    HalfOpen,
}

/// The breaker as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its state.
    pub state: State,
    /// For how long it has been so.
    pub since: Duration,
    /// What failed last, and how long ago.
    pub last_error: Option<(String, Duration)>,
}

/// What the breaker says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Go ahead.
    Call,
    /// Go ahead: this is the one that finds out.
    Trial,
    /// Fail at once.
    Refused,
}

/// What an outcome changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing to tell.
    None,
    /// It opened.
    Opened,
    /// It closed, after having been open for so long.
    Closed(Duration),
}

/// A circuit breaker.
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    state: State,
    changed_at: Instant,
    /// Since when it hasn't been closed, and when the next trial may be made.
    opened_at: Instant,
    trial_at: Instant,
    /// For how long the next opening lasts.
    pause: Duration,
    in_a_row: u32,
    recent: VecDeque<(Instant, bool)>,
    last_error: Option<(String, Instant)>,
}

/// How many recent outcomes are kept at most.
const KEPT: usize = 200;
/// A breaker that closed less long ago takes up its doubled pause where it was.
const RELAPSE: Duration = Duration::from_mins(1);

impl Breaker {
    /// A closed one.
    pub fn new(options: BreakerOptions, now: Instant) -> Self {
        let pause = options.open_for;
        Self {
            options,
            state: State::Closed,
            changed_at: now,
            opened_at: now,
            trial_at: now,
            pause,
            in_a_row: 0,
            recent: VecDeque::new(),
            last_error: None,
        }
    }

    /// Whether a call may be made. A `Trial` has to be followed by [`Breaker::succeeded`],
    /// [`Breaker::failed`] or [`Breaker::abandoned`].
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed => Admission::Call,
            State::Open if now >= self.trial_at => {
                self.enter(State::HalfOpen, now);
                Admission::Trial
            }
            State::Open | State::HalfOpen => Admission::Refused,
        }
    }

    /// A call was answered.
    pub fn succeeded(&mut self, admission: Admission, now: Instant) -> Change {
        match (self.state, admission) {
            (State::Closed, _) => {
                self.in_a_row = 0;
                self.note(now, true);
                Change::None
            }
            (State::HalfOpen, Admission::Trial) => {
                self.enter(State::Closed, now);
                self.in_a_row = 0;
                self.recent.clear();
                Change::Closed(now.duration_since(self.opened_at))
            }
            // It was made before the breaker opened, and says nothing of the present.
            _ => Change::None,
        }
    }

    /// A call failed: it was not answered, or with what only a failing upstream answers.
    pub fn failed(&mut self, admission: Admission, cause: &str, now: Instant) -> Change {
        self.last_error = Some((cause.to_owned(), now));
        match (self.state, admission) {
            (State::Closed, _) => {
                self.in_a_row += 1;
                self.note(now, false);
                if !self.is_too_much() {
                    return Change::None;
                }
                if now.duration_since(self.changed_at) >= RELAPSE {
                    self.pause = self.options.open_for;
                }
                self.opened_at = now;
                self.open(now);
                Change::Opened
            }
            (State::HalfOpen, Admission::Trial) => {
                self.open(now);
                Change::None
            }
            _ => Change::None,
        }
    }

    /// A call was dropped before anything was known of it.
    pub fn abandoned(&mut self, admission: Admission, now: Instant) {
        if (self.state, admission) == (State::HalfOpen, Admission::Trial) {
            self.trial_at = now;
            self.enter(State::Open, now);
        }
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// How long it is until the next trial; `None` while the breaker is closed or one is under
    /// way.
    pub fn trial_in(&self, now: Instant) -> Option<Duration> {
        (self.state == State::Open).then(|| self.trial_at.saturating_duration_since(now))
    }

    /// What failed last.
    pub fn cause(&self) -> &str {
        self.last_error.as_ref().map_or("nothing is known of it", |(cause, _)| cause)
    }

    /// What an operator sees.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let ago = |at: Instant| now.saturating_duration_since(at);
        let since = if self.state == State::Closed { self.changed_at } else { self.opened_at };
        let last_error = self.last_error.as_ref().map(|(cause, at)| (cause.clone(), ago(*at)));
        Snapshot { state: self.state, since: ago(since), last_error }
    }

    fn open(&mut self, now: Instant) {
        self.trial_at = now + self.pause;
        self.pause = (self.pause * 2).min(self.options.open_for_at_most);
        self.enter(State::Open, now);
    }

    fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.changed_at = now;
    }

    fn note(&mut self, now: Instant, success: bool) {
        let window = self.options.window;
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > window) {
            self.recent.pop_front();
        }
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((now, success));
    }

    fn is_too_much(&self) -> bool {
        let failures = self.recent.iter().filter(|(_, success)| !success).count();
        let share = failures * 100 >= self.recent.len() * self.options.percent as usize;
        self.in_a_row >= self.options.failures || (share && self.recent.len() >= self.options.calls)
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
