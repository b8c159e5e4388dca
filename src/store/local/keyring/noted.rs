//! What the disk says of the master keys: KEYS, and the store's own key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::object::MasterKey;
use crate::store::StoreError;
use crate::store::local::catalog::Catalog;
use crate::store::local::features::Features;
use crate::store::local::format::StoreId;
use crate::store::local::format::store_file::{Feature, KeysInUse};
use crate::store::local::seal::{check_value, random_key};
use crate::store::local::store::OpenError;
use crate::store::local::vfs::{self, Vfs, VfsError};

/// The store's own key: made where something is to be encrypted and no other key is configured.
const OWN: &str = "master.key";
/// Which keys are in use.
const KEYS: &str = "KEYS";
/// Neither file is longer.
const MAX_FILE: usize = 1 << 20;

type Result<T> = std::result::Result<T, StoreError>;

/// What is on the disk.
pub(super) struct Noted {
    store: StoreId,
    features: Arc<Features>,
    knowledge: Knowledge,
    /// The ids in use, each with the check values of the keys that are known to have used it.
    ids: BTreeMap<String, BTreeSet<String>>,
    own: Option<MasterKey>,
}

/// Whether it is known which keys are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// KEYS says it.
    Whole,
    /// The index has to be asked.
    Awaited,
    /// The index could not be asked: nobody may conclude anything from what is not noted.
    Lost,
}

impl Noted {
    /// Reads it.
    pub(super) fn read(
        vfs: &dyn Vfs,
        store: StoreId,
        features: Arc<Features>,
    ) -> std::result::Result<Self, OpenError> {
        let own = read_own(vfs)?;
        let mut noted =
            Self { store, features, knowledge: Knowledge::Whole, ids: BTreeMap::new(), own };
        match read_keys(vfs, store)? {
            Ok(Some(found)) => {
                let KeysInUse { keys, mut checks, .. } = found;
                let with_checks = |id: String| {
                    let checks = checks.remove(&id).unwrap_or_default();
                    (id, checks)
                };
                noted.ids = keys.into_iter().map(with_checks).collect();
            }
            _ if !noted.features.has(Feature::Sealed) => {}
            Ok(None) => noted.knowledge = Knowledge::Awaited,
            Err(why) => {
                let file = vfs.describe(Path::new(KEYS));
                tracing::warn!(why, file, "is not readable: the index will be asked instead");
                noted.knowledge = Knowledge::Awaited;
            }
        }
        Ok(noted)
    }

    pub(super) fn own(&self) -> Option<&MasterKey> {
        self.own.as_ref()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.ids.keys()
    }

    /// The check values of the keys that are known to have used an id that is in use.
    pub(super) fn checks(&self, id: &str) -> Option<&BTreeSet<String>> {
        self.ids.get(id)
    }

    /// What tells a key from all others.
    pub(super) fn check_of(&self, key: &MasterKey) -> String {
        check_value(key, self.store)
    }

    /// Whether it is still to be told which keys are in use.
    pub(super) fn is_awaited(&self) -> bool {
        self.knowledge == Knowledge::Awaited
    }

    /// Whether what is not noted is not in use.
    pub(super) fn is_whole(&self) -> bool {
        self.knowledge == Knowledge::Whole
    }

    /// Nobody will tell any more.
    pub(super) fn give_up(&mut self) {
        if self.is_awaited() {
            self.knowledge = Knowledge::Lost;
        }
    }

    /// Takes over from the index, which has everything, what KEYS does not say. Nothing is written
    /// without files to write to.
    pub(super) fn learn(&mut self, vfs: Option<&dyn Vfs>, catalog: &Catalog) -> Result<()> {
        let mut ids = self.ids.clone();
        ids.extend(masters(catalog)?.into_iter().map(|id| (id, BTreeSet::new())));
        self.ids.clone_from(&ids);
        self.knowledge = Knowledge::Whole;
        vfs.map_or(Ok(()), |vfs| self.write(vfs, ids))
    }

    /// Makes FORMAT and KEYS say, durably, that something may be encrypted, with that key.
    pub(super) fn note(&mut self, vfs: &dyn Vfs, key: Option<&MasterKey>) -> Result<()> {
        if !self.features.has(Feature::Sealed) {
            // First KEYS, so that it is never missed where FORMAT says that there should be one.
            self.write(vfs, self.ids.clone())?;
            self.features.note(vfs, Feature::Sealed)?;
        }
        let Some(key) = key else { return Ok(()) };
        let check = self.check_of(key);
        if self.ids.get(key.id()).is_some_and(|known| known.contains(&check)) {
            return Ok(());
        }
        let mut ids = self.ids.clone();
        ids.entry(key.id().to_owned()).or_default().insert(check);
        self.write(vfs, ids)
    }

    /// Takes ids out, durably.
    pub(super) fn remove(&mut self, vfs: &dyn Vfs, gone: &BTreeSet<String>) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut ids = self.ids.clone();
        ids.retain(|id, _| !gone.contains(id));
        self.write(vfs, ids)
    }

    fn write(&mut self, vfs: &dyn Vfs, ids: BTreeMap<String, BTreeSet<String>>) -> Result<()> {
        let keys = ids.keys().cloned().collect();
        let known = ids.iter().filter(|(_, checks)| !checks.is_empty());
        let checks = known.map(|(id, checks)| (id.clone(), checks.clone())).collect();
        let file = KeysInUse { store_id: hex::encode(self.store.0), keys, checks };
        vfs::replace_file(vfs, Path::new(KEYS), &file.encode())?;
        self.ids = ids;
        Ok(())
    }

    /// The store's own key, which is made here if there is none.
    pub(super) fn make_own(&mut self, vfs: &dyn Vfs) -> Result<MasterKey> {
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

/// The ids of the master keys that objects and uploads of the index are wrapped with.
pub(crate) fn masters(catalog: &Catalog) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    let mut add = |id: Option<&str>| {
        if let Some(id) = id.filter(|id| !ids.contains(*id)) {
            ids.insert(id.to_owned());
        }
        ControlFlow::Continue(())
    };
    catalog.objects(|_, object| add(object.seal().and_then(|seal| seal.master())))?;
    catalog
        .uploads(None, |_, _, upload| add(upload.seal.as_ref().and_then(|seal| seal.master())))?;
    Ok(ids)
}

fn read_keys(
    vfs: &dyn Vfs,
    store: StoreId,
) -> std::result::Result<std::result::Result<Option<KeysInUse>, String>, OpenError> {
    let Some(content) = vfs::read_whole(vfs, Path::new(KEYS), MAX_FILE)? else {
        return Ok(Ok(None));
    };
    Ok(match KeysInUse::decode(&content) {
        Ok(found) if found.store_id == hex::encode(store.0) => Ok(Some(found)),
        Ok(_) => Err("it is another store's".to_owned()),
        Err(flaw) => Err(flaw.to_string()),
    })
}

fn read_own(vfs: &dyn Vfs) -> std::result::Result<Option<MasterKey>, OpenError> {
    let Some(content) = vfs::read_whole(vfs, Path::new(OWN), MAX_FILE)? else { return Ok(None) };
    let key = std::str::from_utf8(&content).map_err(|error| error.to_string());
    let key = key.and_then(|text| MasterKey::parse(text).map_err(|error| error.to_string()));
    let path = vfs.describe(Path::new(OWN));
    key.map(Some).map_err(|why| OpenError::Format { path, why })
}

pub(super) fn failed(why: &dyn fmt::Display) -> StoreError {
    let error = std::io::Error::other(why.to_string());
    VfsError::new("prepare the encryption".to_owned(), error).into()
}
