//! Who writes a key without its lock, and who is making a page of a listing: an object that is
//! moved from one layer to the other has to go by without either missing it.
//!
//! Knows nothing of objects or records. Writers enter before they look at a key's record, so that
//! whoever replaced the record and then finds nobody here knows that every later writer has seen
//! it. Pages that began before an object was in its new layer are waited for before it leaves the
//! old one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::ObjectPath;

/// Everyone who passes.
#[derive(Debug, Default)]
pub(super) struct Passing {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    writers: HashMap<ObjectPath, usize>,
    moves: HashMap<ObjectPath, Touches>,
    /// Pages by the turn in which they began.
    pages: BTreeMap<u64, usize>,
    turn: u64,
}

/// A key that is moved.
#[derive(Debug, Default)]
struct Touches {
    movers: usize,
    touched: u64,
}

/// Somebody who moves a key, until this is dropped.
#[derive(Debug)]
pub(super) struct Moving {
    passing: Arc<Passing>,
    at: ObjectPath,
    touched: u64,
}

/// Somebody who writes a key without its lock, until this is dropped.
#[derive(Debug)]
pub(super) struct Writing {
    passing: Arc<Passing>,
    at: ObjectPath,
}

/// Somebody who makes a page, until this is dropped.
#[derive(Debug)]
pub(super) struct Paging {
    passing: Arc<Passing>,
    turn: u64,
}

impl Passing {
    /// Somebody is about to look at a key's record, and to write it without its lock if that
    /// allows it.
    pub(super) fn write(self: &Arc<Self>, at: &ObjectPath) -> Writing {
        *self.state().writers.entry(at.clone()).or_default() += 1;
        Writing { passing: Arc::clone(self), at: at.clone() }
    }

    /// Whether anybody may be writing a key without its lock.
    pub(super) fn is_written(&self, at: &ObjectPath) -> bool {
        self.state().writers.contains_key(at)
    }

    /// Waits until nobody writes a key without its lock.
    pub(super) async fn written(&self, at: &ObjectPath) {
        self.until(|state| !state.writers.contains_key(at)).await;
    }

    /// Somebody begins to move a key.
    pub(super) fn moving(self: &Arc<Self>, at: &ObjectPath) -> Moving {
        let mut state = self.state();
        let entry = state.moves.entry(at.clone()).or_default();
        entry.movers += 1;
        let touched = entry.touched;
        drop(state);
        Moving { passing: Arc::clone(self), at: at.clone(), touched }
    }

    /// Something of a key changes of which neither its record nor its object's tag and time tell.
    /// To be told under the key's lock.
    pub(super) fn touch(&self, at: &ObjectPath) {
        if let Some(touches) = self.state().moves.get_mut(at) {
            touches.touched += 1;
        }
    }

    /// Somebody begins to make a page.
    pub(super) fn page(self: &Arc<Self>) -> Paging {
        let mut state = self.state();
        let turn = state.turn;
        *state.pages.entry(turn).or_default() += 1;
        drop(state);
        Paging { passing: Arc::clone(self), turn }
    }

    /// Waits until every page has been made that had begun before this was called.
    pub(super) async fn paged(&self) {
        let before = {
            let mut state = self.state();
            let before = state.turn;
            state.turn += 1;
            before
        };
        self.until(|state| state.pages.first_key_value().is_none_or(|(turn, _)| *turn > before))
            .await;
    }

    async fn until(&self, done: impl Fn(&State) -> bool) {
        loop {
            let mut left = std::pin::pin!(self.left.notified());
            left.as_mut().enable();
            if done(&self.state()) {
                return;
            }
            left.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moving {
    /// Whether the key was touched since the move began.
    pub(super) fn is_touched(&self) -> bool {
        let state = self.passing.state();
        state.moves.get(&self.at).is_none_or(|touches| touches.touched != self.touched)
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        let mut state = self.passing.state();
        if let Some(touches) = state.moves.get_mut(&self.at) {
            touches.movers -= 1;
            if touches.movers == 0 {
                state.moves.remove(&self.at);
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut state = self.passing.state();
        if let Some(count) = state.writers.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                state.writers.remove(&self.at);
            }
        }
        drop(state);
        self.passing.left.notify_waiters();
    }
}

impl Drop for Paging {
    fn drop(&mut self) {
        let mut state = self.passing.state();
        if let Some(count) = state.pages.get_mut(&self.turn) {
            *count -= 1;
            if *count == 0 {
                state.pages.remove(&self.turn);
            }
        }
        drop(state);
        self.passing.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::object::{BucketName, ObjectKey};

    fn path(key: &str) -> ObjectPath {
        ObjectPath {
            bucket: BucketName::parse("bucket").unwrap(),
            key: ObjectKey::parse(key).unwrap(),
        }
    }

    #[test]
    fn writers_of_a_key_are_waited_for_and_of_others_not() {
        let passing = Arc::new(Passing::default());
        let first = passing.write(&path("a"));
        let second = passing.write(&path("a"));
        assert!(passing.is_written(&path("a")) && !passing.is_written(&path("b")));
        assert!(passing.written(&path("b")).now_or_never().is_some());
        let a = path("a");
        let mut waiting = Box::pin(passing.written(&a));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(second);
        assert!(waiting.now_or_never().is_some());
        assert!(passing.state().writers.is_empty());
    }

    #[test]
    fn touches_are_seen_by_those_who_move_the_key() {
        let passing = Arc::new(Passing::default());
        passing.touch(&path("a"));
        let (a, b) = (passing.moving(&path("a")), passing.moving(&path("b")));
        assert!(!a.is_touched());
        passing.touch(&path("a"));
        assert!(a.is_touched() && !b.is_touched());
        assert!(!passing.moving(&path("a")).is_touched());
        drop((a, b));
        assert!(passing.state().moves.is_empty());
    }

    #[test]
    fn pages_that_began_before_are_waited_for_and_later_ones_not() {
        let passing = Arc::new(Passing::default());
        assert!(passing.paged().now_or_never().is_some());
        let before = passing.page();
        let mut waiting = Box::pin(passing.paged());
        assert!(waiting.as_mut().now_or_never().is_none());
        let after = passing.page();
        drop(before);
        assert!(waiting.now_or_never().is_some());
        drop(after);
        assert!(passing.state().pages.is_empty());
    }
}
