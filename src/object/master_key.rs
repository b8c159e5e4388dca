//! The keys under which a store keeps the keys of its objects.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The longest id of a key.
const MAX_ID: usize = 64;

/// A key of 32 bytes with its id.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    id: String,
    key: [u8; 32],
}

/// Keys with their ids, and which of them new objects use. That one has its id alone; of others
/// there may be several with one id, each of which may open what names the id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MasterKeys {
    keys: Vec<MasterKey>,
    active: Option<String>,
}

/// Why a text is no key. Says nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// It is not 32 bytes.
    #[error("a master key is 32 bytes, as 64 hexadecimal digits or in base64")]
    Material,
    /// The id cannot be one.
    #[error("a key's id has 1 to 64 letters, digits, dots, dashes and underscores")]
    Id,
    /// There is another key of the id that new objects use.
    #[error("there are two different keys with the id {0:?}, which is the active one")]
    Twice(String),
    /// No key has the id.
    #[error("there is no key with the id {0:?}")]
    Unknown(String),
}

impl MasterKey {
    /// A key of those bytes. Without an id it gets one that is made of the key: another key is
    /// never taken for it.
    pub fn new(id: Option<&str>, key: [u8; 32]) -> Result<Self, MasterKeyError> {
        let id = match id {
            None => fingerprint(&key),
            Some(id) if is_id(id) => id.to_owned(),
            Some(_) => return Err(MasterKeyError::Id),
        };
        Ok(Self { id, key })
    }

    /// Reads a key: `id:key` or only the key, as 64 hexadecimal digits or in base64.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let (id, material) = match text.split_once(':') {
            Some((id, material)) => (Some(id.trim()), material.trim()),
            None => (None, text),
        };
        Self::new(id, material_of(material)?)
    }

    /// Reads all keys of a text, one a line; empty lines and those that begin with `#` are none.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, MasterKeyError> {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Self::parse).collect()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key's bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    /// The line that [`Self::parse`] reads.
    pub fn expose_line(&self) -> String {
        format!("{}:{}", self.id, BASE64_STANDARD.encode(self.key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKeys {
    /// Keys of which `active` names the one that new objects use; without, it is the first.
    pub fn new(
        keys: impl IntoIterator<Item = MasterKey>,
        active: Option<&str>,
    ) -> Result<Self, MasterKeyError> {
        let keys: Vec<MasterKey> = keys.into_iter().collect();
        let active = match active {
            None => keys.first().map(|key| key.id.clone()),
            Some(id) if keys.iter().any(|key| key.id == id) => Some(id.to_owned()),
            Some(id) => return Err(MasterKeyError::Unknown(id.to_owned())),
        };
        let mut all = Self { keys: Vec::new(), active };
        keys.into_iter().try_for_each(|key| all.add(key))?;
        Ok(all)
    }

    /// Adds a key that only old objects use. The same key twice is one.
    pub fn add(&mut self, key: MasterKey) -> Result<(), MasterKeyError> {
        if self.keys.contains(&key) {
            return Ok(());
        }
        if self.active.as_ref() == Some(&key.id) && self.get(&key.id).is_some() {
            return Err(MasterKeyError::Twice(key.id));
        }
        self.keys.push(key);
        Ok(())
    }

    /// The key that new objects use.
    pub fn active(&self) -> Option<&MasterKey> {
        self.get(self.active.as_deref()?)
    }

    /// A key of that id.
    pub fn get(&self, id: &str) -> Option<&MasterKey> {
        self.all(id).next()
    }

    /// The keys of that id.
    pub fn all(&self, id: &str) -> impl Iterator<Item = &MasterKey> {
        self.keys.iter().filter(move |key| key.id == id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        self.keys.iter()
    }
}

fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(fits)
}

fn fingerprint(key: &[u8; 32]) -> String {
    let digest = Sha256::new_with_prefix("stowgate master key id\n").chain_update(key).finalize();
    let start: String = hex::encode(digest).chars().take(16).collect();
    format!("key-{start}")
}

fn material_of(text: &str) -> Result<[u8; 32], MasterKeyError> {
    let mut key = [0; 32];
    if hex::decode_to_slice(text, &mut key).is_ok() {
        return Ok(key);
    }
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| MasterKeyError::Material)?;
    bytes.try_into().map_err(|_| MasterKeyError::Material)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_both_forms_with_and_without_an_id() {
        let hex = "07".repeat(32);
        let base64 = BASE64_STANDARD.encode([7; 32]);
        let one = MasterKey::parse(&hex).unwrap();
        assert_eq!(one, MasterKey::parse(&format!(" {base64}\n")).unwrap());
        assert!(one.id().starts_with("key-") && one.id().len() == 20);
        let named = MasterKey::parse(&format!("2026-11: {hex}")).unwrap();
        assert_eq!((named.id(), named.expose()), ("2026-11", &[7; 32]));
        assert_eq!(MasterKey::parse(&named.expose_line()).unwrap(), named);
        assert_eq!(format!("{named:?}"), "MasterKey(2026-11)");
        for wrong in ["", "a:", "abc", &hex[1..], "2026-11"] {
            assert_eq!(MasterKey::parse(wrong), Err(MasterKeyError::Material), "{wrong}");
        }
        for id in ["", "a/b", "ü", &"a".repeat(65)] {
            let parsed = MasterKey::parse(&format!("{id}:{hex}"));
            assert_eq!(parsed, Err(MasterKeyError::Id), "{id}");
        }
    }

    #[test]
    fn a_file_has_a_key_a_line() {
        let (one, two) = ("01".repeat(32), "02".repeat(32));
        let keys = MasterKey::parse_all(&format!("# ours\n\na:{one}\r\n b:{two} \n")).unwrap();
        assert_eq!(keys.iter().map(MasterKey::id).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(MasterKey::parse_all("# none\n").unwrap(), []);
        assert!(MasterKey::parse_all("what").is_err());
    }

    #[test]
    fn one_of_the_keys_is_active() {
        let key = |id: &str, byte| MasterKey::new(Some(id), [byte; 32]).unwrap();
        let keys = MasterKeys::new([key("a", 1), key("b", 2), key("a", 1)], None).unwrap();
        assert_eq!(keys.active().unwrap().id(), "a");
        assert_eq!(keys.iter().map(MasterKey::id).collect::<Vec<_>>(), ["a", "b"]);
        let keys = MasterKeys::new([key("a", 1), key("b", 2)], Some("b")).unwrap();
        assert_eq!(keys.active().unwrap().id(), "b");
        let twice = MasterKeys::new([key("a", 1), key("a", 2)], None);
        assert_eq!(twice, Err(MasterKeyError::Twice("a".to_owned())));
        let twice = MasterKeys::new([key("a", 1), key("b", 2), key("b", 3)], Some("b"));
        assert_eq!(twice, Err(MasterKeyError::Twice("b".to_owned())));
        let old = MasterKeys::new([key("a", 1), key("b", 2), key("b", 3)], None).unwrap();
        assert_eq!(old.all("b").collect::<Vec<_>>(), [&key("b", 2), &key("b", 3)]);
        let unknown = MasterKeys::new([key("a", 1)], Some("c"));
        assert_eq!(unknown, Err(MasterKeyError::Unknown("c".to_owned())));
        assert_eq!(MasterKeys::default().active(), None);
    }
}
