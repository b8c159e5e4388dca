//! A lock for every key, there only while someone wants it.
//!
//! Knows nothing of what is done under a lock. One set guards the records of keys, and is held for
//! short final phases alone; another tells who sends a key upstream, and is held while that lasts.
//! Whoever takes both takes the sending lock first.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::store::ObjectPath;

/// A set of locks. Clones are the same set.
#[derive(Clone, Default)]
pub struct KeyLocks {
    keys: Arc<Mutex<Keys>>,
}

type Keys = HashMap<ObjectPath, Arc<AsyncMutex<()>>>;

/// A key's lock, held until this is dropped.
#[must_use = "the lock is held only as long as its guard"]
pub struct KeyGuard {
    // Given back before the claim on its entry, which looks for others that want it.
    _held: OwnedMutexGuard<()>,
    claim: Claim,
}

/// Someone who waits for or holds a key's lock.
struct Claim {
    at: ObjectPath,
    lock: Arc<AsyncMutex<()>>,
    locks: KeyLocks,
}

impl KeyLocks {
    /// Waits for the key's lock, in the order in which it was asked for.
    pub async fn lock(&self, at: &ObjectPath) -> KeyGuard {
        let lock = Arc::clone(self.keys().entry(at.clone()).or_default());
        let claim = Claim { at: at.clone(), lock: Arc::clone(&lock), locks: self.clone() };
        KeyGuard { _held: lock.lock_owned().await, claim }
    }

    /// How many keys' locks are held or waited for.
    pub fn in_use(&self) -> usize {
        self.keys().len()
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyGuard {
    /// Whether somebody else waits for the lock.
    pub fn is_wanted(&self) -> bool {
        // The map's, and two of this guard; whoever waits has more of them.
        Arc::strong_count(&self.claim.lock) > 3
    }

    /// Whose lock it is.
    pub fn at(&self) -> &ObjectPath {
        &self.claim.at
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut keys = self.locks.keys();
        // The map's and this one; others are made under the map's lock alone.
        if Arc::strong_count(&self.lock) == 2 {
            keys.remove(&self.at);
        }
    }
}

impl fmt::Debug for KeyLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLocks").field("in_use", &self.in_use()).finish()
    }
}

impl fmt::Debug for KeyGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyGuard").field(self.at()).finish()
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

    #[tokio::test]
    async fn one_at_a_time_and_other_keys_freely() {
        let (locks, a) = (KeyLocks::default(), path("a"));
        let held = locks.lock(&a).await;
        assert_eq!(held.at(), &a);
        let mut waiting = Box::pin(locks.lock(&a));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(locks.lock(&path("b")).await);
        assert_eq!(locks.in_use(), 1);
        assert!(held.is_wanted());
        drop(held);
        let held = waiting.await;
        assert!(!held.is_wanted());
        drop(held);
        assert_eq!(locks.in_use(), 0);
    }

    #[tokio::test]
    async fn one_who_gives_up_waiting_leaves_nothing_behind() {
        let (locks, a) = (KeyLocks::default(), path("a"));
        let held = locks.lock(&a).await;
        let mut first = Box::pin(locks.lock(&a));
        let mut second = Box::pin(locks.lock(&a));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        drop(held);
        assert_eq!(locks.in_use(), 1);
        drop(second);
        assert_eq!(locks.in_use(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn counts_come_out_right() {
        let locks = KeyLocks::default();
        let total = Arc::new(Mutex::new(0u32));
        let add = |locks: KeyLocks, total: Arc<Mutex<u32>>| async move {
            for _ in 0..100 {
                let _held = locks.lock(&path("a")).await;
                let before = *total.lock().unwrap();
                tokio::task::yield_now().await;
                *total.lock().unwrap() = before + 1;
            }
        };
        let tasks = (0..8).map(|_| tokio::spawn(add(locks.clone(), Arc::clone(&total))));
        futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
        assert_eq!(*total.lock().unwrap(), 800);
        assert_eq!(locks.in_use(), 0);
    }
}
