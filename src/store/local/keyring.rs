//! The master keys of an open store: which there are, which is in use, what the disk notes of it.
//!
//! KEYS names every master key that something may be wrapped with. A key is noted durably before
//! it wraps anything, and taken out when nothing is wrapped with it any more, so that a missing key
//! is told at the start and not by the first read that needs it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use super::features::Features;
use super::format::StoreId;
use super::format::store_file::{Feature, KeysInUse};
use super::seal::random_key;
use super::store::OpenError;
use super::vfs::{self, Vfs, VfsError};
use crate::object::{BucketName, EncryptionDefaults, MasterKey, MasterKeyError, MasterKeys};
use crate::store::StoreError;

/// The store's own key: made where something is to be encrypted and no other key is configured.
const OWN: &str = "master.key";
/// Which keys are in use.
const KEYS: &str = "KEYS";
/// Neither file is longer.
const MAX_FILE: usize = 1 << 20;

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
    /// The configured keys and the store's own do not go together.
    #[error("{0}")]
    Unusable(#[from] MasterKeyError),
}

/// The keys of a store.
pub(crate) struct Keyring {
    current: RwLock<Current>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Current {
    keys: Arc<MasterKeys>,
    defaults: Arc<EncryptionDefaults>,
    /// What writers may still have in hand.
    older: Vec<Weak<MasterKeys>>,
}

/// What is on the disk.
struct Noted {
    store: StoreId,
    features: Arc<Features>,
    ids: BTreeSet<String>,
    own: Option<MasterKey>,
}

impl Keyring {
    /// Reads what the disk has.
    pub(crate) fn open(
        vfs: &dyn Vfs,
        store: StoreId,
        features: Arc<Features>,
    ) -> std::result::Result<Self, OpenError> {
        let own = read_own(vfs)?;
        let ids = vfs::read_whole(vfs, Path::new(KEYS), MAX_FILE)?;
        let ids = match ids.map(|content| KeysInUse::decode(&content)) {
            None => BTreeSet::new(),
            Some(Ok(found)) => found.keys,
            Some(Err(error)) => {
                // What it would tell at once, the reads that need a missing key tell one by one.
                tracing::warn!(%error, file = vfs.describe(Path::new(KEYS)), "is not readable");
                BTreeSet::new()
            }
        };
        let keys = Arc::new(MasterKeys::new(own.clone(), None).unwrap_or_default());
        let current = Current { keys, ..Current::default() };
        let noted = Noted { store, features, ids, own };
        Ok(Self { current: RwLock::new(current), noted: Mutex::new(noted) })
    }

    /// Takes over the configured keys and defaults. The store's own key stays for what it has
    /// wrapped, and is the active one where none is configured.
    pub(crate) fn set(
        &self,
        configured: MasterKeys,
        defaults: EncryptionDefaults,
        allow_missing: bool,
    ) -> std::result::Result<(), KeyringError> {
        let noted = self.noted();
        let keys = match (&noted.own, configured.active()) {
            (Some(own), None) => MasterKeys::new([own.clone()], None)?,
            (Some(own), Some(_)) => {
                let mut keys = configured;
                keys.add(own.clone())?;
                keys
            }
            (None, _) => configured,
        };
        let missing = noted.ids.iter().filter(|id| keys.get(id).is_none());
        let ids: Vec<String> = missing.cloned().collect();
        if !ids.is_empty() && !allow_missing {
            return Err(KeyringError::Missing { ids });
        }
        if !ids.is_empty() {
            tracing::warn!(?ids, "objects cannot be read without these master keys");
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.replace(keys);
        current.defaults = Arc::new(defaults);
        Ok(())
    }

    /// The keys as they are now. Whoever wraps with one of them holds on to this until its record
    /// is written.
    pub(crate) fn now(&self) -> Arc<MasterKeys> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).keys)
    }

    /// Whether a bucket encrypts what nobody asked to be encrypted.
    pub(crate) fn encrypts(&self, bucket: &BucketName) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.defaults.of(bucket)
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
        noted.note(vfs, Some(active.id()))?;
        drop(noted);
        Ok(keys)
    }

    /// Notes that something is encrypted, though with no master key. Blocks.
    pub(crate) fn note_sealed(&self, vfs: &dyn Vfs) -> Result<()> {
        self.noted().note(vfs, None)
    }

    /// The ids of the keys that something may be wrapped with.
    pub(crate) fn in_use(&self) -> BTreeSet<String> {
        self.noted().ids.clone()
    }

    /// Whether some write may still be about to wrap with a key of before the last change.
    pub(crate) fn has_older_writers(&self) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.older.iter().any(|older| older.strong_count() > 0)
    }

    /// Nothing is wrapped with these keys any more.
    pub(crate) fn retire(&self, vfs: &dyn Vfs, ids: &BTreeSet<String>) -> Result<()> {
        let mut noted = self.noted();
        let left = noted.ids.difference(ids).cloned().collect();
        noted.write(vfs, left)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn replace(&mut self, keys: MasterKeys) {
        if *self.keys == keys {
            return;
        }
        let before = std::mem::replace(&mut self.keys, Arc::new(keys));
        self.older.retain(|older| older.strong_count() > 0);
        self.older.push(Arc::downgrade(&before));
    }
}

impl Noted {
    /// Makes FORMAT and KEYS say, durably, that something may be encrypted, with that key.
    fn note(&mut self, vfs: &dyn Vfs, id: Option<&str>) -> Result<()> {
        self.features.note(vfs, Feature::Sealed)?;
        match id.filter(|id| !self.ids.contains(*id)) {
            None => Ok(()),
            Some(id) => {
                let mut ids = self.ids.clone();
                ids.insert(id.to_owned());
                self.write(vfs, ids)
            }
        }
    }

    fn write(&mut self, vfs: &dyn Vfs, keys: BTreeSet<String>) -> Result<()> {
        let file = KeysInUse { store_id: hex::encode(self.store.0), keys };
        vfs::replace_file(vfs, Path::new(KEYS), &file.encode())?;
        self.ids = file.keys;
        Ok(())
    }

    fn make_own(&mut self, vfs: &dyn Vfs) -> Result<MasterKey> {
        if let Some(own) = &self.own {
            return Ok(own.clone());
        }
        let key = random_key().map_err(|_| failed(&"the system gives no random numbers"))?;
        let own = MasterKey::new(None, key).map_err(|error| failed(&error))?;
        let line = format!("{}\n", own.expose_line());
        vfs::replace_private_file(vfs, Path::new(OWN), line.as_bytes())?;
        let file = vfs.describe(Path::new(OWN));
        tracing::warn!(
            file,
            "no master key is configured: the store has made its own, beside the objects that it \
             protects; keep a copy of it elsewhere, or configure one in [encryption]"
        );
        self.own = Some(own.clone());
        Ok(own)
    }
}

fn read_own(vfs: &dyn Vfs) -> std::result::Result<Option<MasterKey>, OpenError> {
    let Some(content) = vfs::read_whole(vfs, Path::new(OWN), MAX_FILE)? else { return Ok(None) };
    let key = std::str::from_utf8(&content).map_err(|error| error.to_string());
    let key = key.and_then(|text| MasterKey::parse(text).map_err(|error| error.to_string()));
    let path = vfs.describe(Path::new(OWN));
    key.map(Some).map_err(|why| OpenError::Format { path, why })
}

fn failed(why: &dyn fmt::Display) -> StoreError {
    let error = std::io::Error::other(why.to_string());
    VfsError::new("prepare the encryption".to_owned(), error).into()
}
