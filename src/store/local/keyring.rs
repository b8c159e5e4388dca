//! The master keys of an open store: which there are, which is in use, what the disk notes of it.
//!
//! KEYS names every master key that something may be wrapped with, with values that tell it from
//! another key of the same id. A key is noted durably before it wraps anything, and taken out when
//! nothing is wrapped with it any more, so that a missing key is told at the start and not by the
//! first read that needs it. Where KEYS is missing or unreadable, the index is asked.
//!
//! # When a key is taken out
//!
//! A key K that is not the active one is taken out after a pass over the whole index that met
//! nothing under it ([`super::rewrap`] makes the passes). That is enough, because from the moment
//! at which the pass looks at a key of a bucket no record can come that has K's seal there:
//!
//! - A *new seal* is made with the active key of some state of this keyring, and whoever makes it
//!   holds that state ([`Keyring::now`], [`Keyring::for_wrapping`]) until the command is handed
//!   over; the command holds it until its record is in the index, or can never be. A pass begins
//!   only when nobody holds a state from before its own ([`Keyring::is_quiet`]), and counts only
//!   if the state is still the same at its end ([`Keyring::retire`]): in between nobody makes a
//!   seal but with a key that is not to be taken out, and whatever was made before is in the index
//!   when the pass begins.
//! - A *seal that is taken over* from an object's record, by new tags, a new ACL or a compaction,
//!   comes into the log only while that record still is the object's newest. If the pass saw the object without
//!   K's seal, every record after that is made from one without it, and so on.
//! - *An upload* keeps its seal as long as it lives, so the uploads are looked through last, after
//!   the objects: whichever has ended until then became an object under the active key, by a
//!   command of the first kind.
//! - Records that nothing leads to any more are never read again, also after a crash: what the
//!   index has is durable before it is in the index, and the index that is made anew from the log
//!   ends at the same records or later ones. Where the log is damaged nothing is taken out, nor
//!   where a batch failed of which parts may be found later: both stop all writes.
//!
//! Copies and backups that were made before still need the key; that is the operator's to know.

mod noted;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};

pub(crate) use noted::masters;
use noted::{Noted, failed};

use super::catalog::Catalog;
use super::features::Features;
use super::format::StoreId;
use super::store::OpenError;
use super::vfs::Vfs;
use crate::object::{BucketName, EncryptionDefaults, MasterKey, MasterKeyError, MasterKeys};
use crate::store::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// Keys that objects may be wrapped with and that are not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Objects would be unreadable.
    #[error(
        "objects are encrypted with the master key {}, which is not configured: add it to \
         [encryption], or set allow_missing_keys = true to go on without these objects",
        ids.join(", ")
    )]
    Missing {
        /// The ids of the keys.
        ids: Vec<String>,
    },
    /// Objects would be unreadable, and new ones could not be told from them.
    #[error(
        "objects are encrypted with another master key of the id {} than the one that is \
         configured: correct the key, or give the new one an id of its own",
        ids.join(", ")
    )]
    Other {
        /// The ids of the keys.
        ids: Vec<String>,
    },
    /// The configured keys and the store's own do not go together.
    #[error("{0}")]
    Unusable(#[from] MasterKeyError),
}

/// The keys of a store.
pub(crate) struct Keyring {
    current: RwLock<Current>,
    /// Taken before `current`, where both are.
    noted: Mutex<Noted>,
    /// Told when it is known what is noted.
    known: Condvar,
    /// Whether a key is there of which it is not noted that it belongs to an id in use.
    unproven: AtomicBool,
}

#[derive(Default)]
struct Current {
    keys: Arc<MasterKeys>,
    defaults: Arc<EncryptionDefaults>,
    /// How often the keys have changed.
    state: u64,
    /// What writers may still have in hand.
    older: Vec<Weak<MasterKeys>>,
}

/// What a search for keys that are needed no more began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The state of the keyring.
    state: u64,
    /// The key under which everything is to be.
    pub(crate) active: String,
    /// The others that are in use.
    pub(crate) old: BTreeSet<String>,
}

/// Somebody is to tell what is in use. Dropped without, nobody waits for it any longer.
pub(crate) struct Learning<'a>(&'a Keyring);

impl Keyring {
    /// Reads what the disk has.
    pub(crate) fn open(
        vfs: &dyn Vfs,
        store: StoreId,
        features: Arc<Features>,
    ) -> std::result::Result<Self, OpenError> {
        let noted = Noted::read(vfs, store, features)?;
        let keys = Arc::new(MasterKeys::new(noted.own().cloned(), None).unwrap_or_default());
        let current = Current { keys, ..Current::default() };
        let keyring = Self {
            unproven: AtomicBool::new(is_unproven(&noted, &current.keys)),
            current: RwLock::new(current),
            noted: Mutex::new(noted),
            known: Condvar::new(),
        };
        Ok(keyring)
    }

    /// Takes over the configured keys and defaults. The store's own key stays for what it has
    /// wrapped, and is the active one where none is configured. Where it is not known which keys
    /// are in use, waits until the index was asked.
    pub(crate) fn set(
        &self,
        configured: MasterKeys,
        defaults: EncryptionDefaults,
        allow_missing: bool,
    ) -> std::result::Result<(), KeyringError> {
        let mut noted = self.noted();
        while noted.is_awaited() {
            noted = self.known.wait(noted).unwrap_or_else(PoisonError::into_inner);
        }
        let keys = match (noted.own(), configured.active()) {
            (Some(own), None) => MasterKeys::new([own.clone()], None)?,
            (Some(own), Some(_)) => {
                let mut keys = configured;
                keys.add(own.clone())?;
                keys
            }
            (None, _) => configured,
        };
        compare(&noted, &keys, allow_missing)?;
        self.unproven.store(is_unproven(&noted, &keys), Ordering::Relaxed);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.replace(keys);
        current.defaults = Arc::new(defaults);
        Ok(())
    }

    /// The keys as they are now. Whoever wraps with one of them holds on to this until its record
    /// is in the index.
    pub(crate) fn now(&self) -> Arc<MasterKeys> {
        Arc::clone(&self.current().keys)
    }

    /// Whether a bucket encrypts what nobody asked to be encrypted.
    pub(crate) fn encrypts(&self, bucket: &BucketName) -> bool {
        self.current().defaults.of(bucket)
    }

    /// Keys among which one is active and noted to be in use. Makes the store's own where there
    /// is none. Blocks.
    pub(crate) fn for_wrapping(&self, vfs: &dyn Vfs) -> Result<Arc<MasterKeys>> {
        let mut noted = self.noted();
        // Under the lock: no other key becomes the active one before this one is noted.
        let mut keys = self.now();
        if keys.active().is_none() {
            let own = noted.make_own(vfs)?;
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            current.replace(MasterKeys::new([own], None).map_err(|error| failed(&error))?);
            keys = Arc::clone(&current.keys);
        }
        let active = keys.active().ok_or_else(|| failed(&"no master key is active"))?;
        noted.note(vfs, Some(active))?;
        drop(noted);
        Ok(keys)
    }

    /// Notes that something is encrypted, though with no master key. Blocks.
    pub(crate) fn note_sealed(&self, vfs: &dyn Vfs) -> Result<()> {
        self.noted().note(vfs, None)
    }

    /// A key has opened something: where it is not noted yet that its id is that key's, it is now.
    /// Blocks.
    pub(crate) fn opened(&self, vfs: &dyn Vfs, key: &MasterKey) {
        if !self.unproven.load(Ordering::Relaxed) {
            return;
        }
        let mut noted = self.noted();
        if noted.checks(key.id()).is_none() {
            return;
        }
        match noted.note(vfs, Some(key)) {
            Ok(()) => self.unproven.store(is_unproven(&noted, &self.now()), Ordering::Relaxed),
            // What was read is right all the same, and the next read tries again.
            Err(error) => tracing::debug!(%error, "a master key is not noted"),
        }
    }

    /// The ids of the keys that something may be wrapped with.
    pub(crate) fn in_use(&self) -> BTreeSet<String> {
        self.noted().ids().cloned().collect()
    }

    /// What there is to get rid of; `None` where there is nothing, or where nobody knows.
    pub(crate) fn goal(&self) -> Option<Goal> {
        let noted = self.noted();
        let current = self.current();
        let active = current.keys.active()?.id().to_owned();
        let old: BTreeSet<String> = noted.ids().filter(|id| **id != active).cloned().collect();
        (noted.is_whole() && !old.is_empty()).then_some(Goal { state: current.state, active, old })
    }

    /// Whether the keys are still those of which the goal speaks.
    pub(crate) fn is_current(&self, goal: &Goal) -> bool {
        self.current().state == goal.state
    }

    /// Whether no write is still about to wrap with what was active before the goal's state, and
    /// whatever was wrapped so is in the index.
    pub(crate) fn is_quiet(&self, goal: &Goal) -> bool {
        let current = self.current();
        let quiet = current.older.iter().all(|older| older.strong_count() == 0);
        // What was done before the last holder let go is seen from here on.
        fence(Ordering::Acquire);
        quiet && current.state == goal.state
    }

    /// A pass that began when it was quiet has met nothing under these keys. Says whether they are
    /// taken out: not where the keys have changed since.
    pub(crate) fn retire(
        &self,
        vfs: &dyn Vfs,
        goal: &Goal,
        ids: &BTreeSet<String>,
    ) -> Result<bool> {
        // While this is held nobody changes the keys, nor notes that one is used.
        let mut noted = self.noted();
        if !self.is_current(goal) || !noted.is_whole() || ids.contains(&goal.active) {
            return Ok(false);
        }
        noted.remove(vfs, ids)?;
        Ok(true)
    }

    /// For the start of the store, which is to tell from its index what KEYS does not say.
    pub(crate) fn learning(&self) -> Learning<'_> {
        Learning(self)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learning<'_> {
    /// The index has everything: asks it, where KEYS does not say which keys are in use.
    pub(crate) fn learn(self, vfs: Option<&dyn Vfs>, catalog: &Catalog) -> Result<()> {
        let mut noted = self.0.noted();
        if noted.is_awaited() {
            tracing::info!("looking through the index for the master keys in use");
            noted.learn(vfs, catalog)?;
            self.0.unproven.store(is_unproven(&noted, &self.0.now()), Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for Learning<'_> {
    fn drop(&mut self) {
        self.0.noted().give_up();
        self.0.known.notify_all();
    }
}

impl Current {
    fn replace(&mut self, keys: MasterKeys) {
        if *self.keys == keys {
            return;
        }
        let before = std::mem::replace(&mut self.keys, Arc::new(keys));
        self.state += 1;
        self.older.retain(|older| older.strong_count() > 0);
        self.older.push(Arc::downgrade(&before));
    }
}

/// Whether these keys are all that is noted to be in use, and no others of the same ids.
fn compare(
    noted: &Noted,
    keys: &MasterKeys,
    allow_missing: bool,
) -> std::result::Result<(), KeyringError> {
    let (mut missing, mut other) = (Vec::new(), Vec::new());
    for id in noted.ids() {
        let known = noted.checks(id).into_iter().flatten();
        let given: BTreeSet<String> = keys.all(id).map(|key| noted.check_of(key)).collect();
        let lacking = known.clone().filter(|check| !given.contains(*check)).count();
        if given.is_empty() {
            missing.push(id.clone());
        } else if lacking > 0 && lacking == known.count() {
            other.push(id.clone());
        } else if lacking > 0 {
            missing.push(id.clone());
        }
    }
    if !other.is_empty() {
        return Err(KeyringError::Other { ids: other });
    }
    if !missing.is_empty() && !allow_missing {
        return Err(KeyringError::Missing { ids: missing });
    }
    if !missing.is_empty() {
        tracing::warn!(ids = ?missing, "objects cannot be read without these master keys");
    }
    Ok(())
}

/// Whether one of these keys has an id that is in use, and it is not noted that it is its key.
fn is_unproven(noted: &Noted, keys: &MasterKeys) -> bool {
    keys.iter().any(|key| {
        noted.checks(key.id()).is_some_and(|checks| !checks.contains(&noted.check_of(key)))
    })
}
