//! FORMAT and CLEAN: small JSON files with a checksum, readable by people.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoint::Position;
use super::{Flaw, StoreId, crc32c};

/// The one version of FORMAT there is.
const VERSION: u32 = 1;

/// Features of `incompat` that this program knows.
const KNOWN_INCOMPAT: [&str; 4] = [LOG, SEALED, ACLS, COMPACTED];
/// The log as it is.
const LOG: &str = "log-1";
/// Some bodies are encrypted.
const SEALED: &str = "sealed-1";
/// Some objects have ACLs.
const ACLS: &str = "acl-1";
/// The log may begin later than it did, and has the records that this takes.
const COMPACTED: &str = "compacted-1";

/// FORMAT: what kind of store this is. Written when the store is made, and when it comes to use
/// another feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreFormat {
    /// Says to people and to `file` what this is.
    pub(crate) magic: String,
    /// The version of this file.
    pub(crate) version: u32,
    /// The store's id in hexadecimal.
    pub(crate) store_id: String,
    /// Features that any program may ignore.
    pub(crate) compat: Vec<String>,
    /// Features that a program must know to write.
    pub(crate) read_only_compat: Vec<String>,
    /// Features that a program must know to open the store at all.
    pub(crate) incompat: Vec<String>,
}

/// CLEAN: there only after a clean stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CleanStop {
    /// The store's id in hexadecimal.
    pub(crate) store_id: String,
    /// The start of the machine.
    pub(crate) boot_id: String,
    /// The last sequence number; the index holds everything up to it, durably.
    pub(crate) last_lsn: u64,
    /// The segment being written.
    pub(crate) segment: u64,
    /// Where the next record goes.
    pub(crate) offset: u64,
}

/// What a store comes to use some day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    /// Some bodies are encrypted.
    Sealed,
    /// Some objects have ACLs.
    Acls,
    /// The log was compacted.
    Compacted,
}

/// How far a program may go with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compatibility {
    /// Everything.
    Full,
    /// Reading, because of this feature.
    ReadOnly(String),
    /// Nothing, because of this feature or version.
    Refused(String),
}

/// KEYS: with which master keys something may be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeysInUse {
    /// The store's id in hexadecimal.
    pub(crate) store_id: String,
    /// The ids of the keys.
    pub(crate) keys: BTreeSet<String>,
    /// By id, what tells the keys that have used it from others. Stores of before do not have it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) checks: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Serialize, Deserialize)]
struct Checked<T> {
    #[serde(flatten)]
    content: T,
    crc32c: String,
}

impl StoreFormat {
    /// The format of stores that this program makes.
    pub(crate) fn new(store: StoreId) -> Self {
        Self {
            magic: "stowgate store".to_owned(),
            version: VERSION,
            store_id: hex::encode(store.0),
            compat: Vec::new(),
            read_only_compat: Vec::new(),
            incompat: vec![LOG.to_owned()],
        }
    }

    /// The store's id.
    pub(crate) fn store(&self) -> Result<StoreId, Flaw> {
        let mut id = [0; 16];
        hex::decode_to_slice(&self.store_id, &mut id)
            .map_err(|_| Flaw("the store id is not 32 hexadecimal digits"))?;
        Ok(StoreId(id))
    }

    /// Whether it says that the store uses the feature.
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.incompat.iter().any(|name| name == feature.name())
    }

    /// Makes it say so.
    pub(crate) fn add(&mut self, feature: Feature) {
        if !self.has(feature) {
            self.incompat.push(feature.name().to_owned());
        }
    }

    /// What this program may do with such a store.
    pub(crate) fn compatibility(&self) -> Compatibility {
        if self.version != VERSION {
            return Compatibility::Refused(format!("version {}", self.version));
        }
        let known = |feature: &&String| !KNOWN_INCOMPAT.contains(&feature.as_str());
        if let Some(feature) = self.incompat.iter().find(known) {
            return Compatibility::Refused(format!("feature {feature}"));
        }
        match self.read_only_compat.first() {
            Some(feature) => Compatibility::ReadOnly(feature.clone()),
            None => Compatibility::Full,
        }
    }

    /// The file's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        decode(bytes)
    }
}

impl Feature {
    fn name(self) -> &'static str {
        match self {
            Self::Sealed => SEALED,
            Self::Acls => ACLS,
            Self::Compacted => COMPACTED,
        }
    }
}

impl KeysInUse {
    /// The file's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        decode(bytes)
    }
}

impl CleanStop {
    /// Where the next record goes.
    pub(crate) fn position(&self) -> Position {
        Position { segment: self.segment, offset: self.offset }
    }

    /// The file's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        decode(bytes)
    }
}

fn checksum<T: Serialize>(content: &T) -> String {
    let json = serde_json::to_vec(content).unwrap_or_default();
    format!("{:08x}", crc32c(&json))
}

fn encode<T: Serialize>(content: &T) -> Vec<u8> {
    let checked = Checked { crc32c: checksum(content), content };
    let mut json = serde_json::to_vec_pretty(&checked).unwrap_or_default();
    json.push(b'\n');
    json
}

fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    let checked: Checked<T> =
        serde_json::from_slice(bytes).map_err(|_| Flaw("the file is not the JSON expected"))?;
    if checked.crc32c != checksum(&checked.content) {
        return Err(Flaw("the file fails its checksum"));
    }
    Ok(checked.content)
}
