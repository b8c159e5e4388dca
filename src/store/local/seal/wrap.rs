//! Keys of objects, and how they are kept.
//!
//! ```text
//! wrapping key: HKDF-SHA-256 of the master's or the customer's key, with the seal's salt
//! wrapped:      the object key under AES-256-GCM, bound to "bucket/key"
//! ```
//! The salt is random, so that each wrapping has a key of its own; the nonce is zero. A key
//! that does not open a seal is not the one it was made with: nothing else of a customer's key is
//! kept.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::Unfit;
use crate::object::{CustomerKey, MasterKey};
use crate::store::ObjectPath;
use crate::store::local::format::StoreId;
use crate::store::local::format::seal::{BodyId, Holder, Seal};

const MASTER: &[u8] = b"stowgate master 1";
const CUSTOMER: &[u8] = b"stowgate customer 1";
const CHECK: &[u8] = b"stowgate master check 1";

/// The key of an object or upload.
#[derive(Clone)]
pub(crate) struct ObjectKey([u8; 32]);

/// What an object key is wrapped with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wrapper<'a> {
    /// The store's.
    Master {
        /// The key.
        key: &'a MasterKey,
        /// Whether the client asked for it.
        asked: bool,
    },
    /// The customer's.
    Customer(&'a CustomerKey),
}

impl ObjectKey {
    /// A new one.
    pub(crate) fn random() -> Result<Self, Unfit> {
        random().map(Self)
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Wraps it for the object at `at`.
    pub(crate) fn wrap(&self, with: Wrapper<'_>, at: &ObjectPath) -> Result<Seal, Unfit> {
        let salt = random()?;
        let mut wrapped = self.0;
        let (nonce, bound) = bound_to(at);
        let key = with.key(&salt)?;
        let sealed = key.seal_in_place_separate_tag(nonce, bound, &mut wrapped);
        let tag = sealed.map_err(|_| Unfit)?;
        let tag = tag.as_ref().try_into().map_err(|_| Unfit)?;
        Ok(Seal { holder: with.holder(), salt, wrapped, tag })
    }

    /// Opens the seal of the object at `at`.
    pub(crate) fn unwrap(seal: &Seal, with: Wrapper<'_>, at: &ObjectPath) -> Result<Self, Unfit> {
        let mut both = [0; 48];
        for (to, from) in both.iter_mut().zip(seal.wrapped.iter().chain(&seal.tag)) {
            *to = *from;
        }
        let (nonce, bound) = bound_to(at);
        let key = with.key(&seal.salt)?;
        let opened = key.open_in_place(nonce, bound, &mut both).map_err(|_| Unfit)?;
        <[u8; 32]>::try_from(&*opened).map(Self).map_err(|_| Unfit)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKey(hidden)")
    }
}

impl BodyId {
    /// A new one.
    pub(crate) fn random() -> Result<Self, Unfit> {
        random().map(Self)
    }
}

impl Wrapper<'_> {
    fn holder(&self) -> Holder {
        match self {
            Self::Master { key, asked } => {
                Holder::Master { id: key.id().to_owned(), asked: *asked }
            }
            Self::Customer(_) => Holder::Customer,
        }
    }

    fn key(&self, salt: &[u8]) -> Result<LessSafeKey, Unfit> {
        let (key, purpose) = match self {
            Self::Master { key, .. } => (key.expose(), [MASTER]),
            Self::Customer(key) => (key.expose(), [CUSTOMER]),
        };
        let pseudorandom = Salt::new(HKDF_SHA256, salt).extract(key);
        let key = pseudorandom.expand(&purpose, &AES_256_GCM).map_err(|_| Unfit)?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

fn bound_to(at: &ObjectPath) -> (Nonce, Aad<Vec<u8>>) {
    let name = format!("{}/{}", at.bucket, at.key);
    (Nonce::assume_unique_for_key([0; 12]), Aad::from(name.into_bytes()))
}

/// What tells a master key from others of its id, in one store, and says nothing else of it: made
/// with HKDF under a label of its own, like no key that anything is encrypted with.
pub(crate) fn check_value(key: &MasterKey, store: StoreId) -> String {
    let mut value = [0; CheckLen::BYTES];
    let pseudorandom = Salt::new(HKDF_SHA256, &store.0).extract(key.expose());
    let filled = pseudorandom.expand(&[CHECK], CheckLen).and_then(|made| made.fill(&mut value));
    // Lengths that are the same and far below the limit never fail.
    filled.map_or_else(|_| String::new(), |()| hex::encode(value))
}

struct CheckLen;

impl CheckLen {
    const BYTES: usize = 16;
}

impl KeyType for CheckLen {
    fn len(&self) -> usize {
        Self::BYTES
    }
}

/// A new key of any kind.
pub(crate) fn random_key() -> Result<[u8; 32], Unfit> {
    random()
}

fn random<const N: usize>() -> Result<[u8; N], Unfit> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Unfit)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{BucketName, ObjectKey as Key};

    fn at(key: &str) -> ObjectPath {
        let bucket = BucketName::parse("bucket").unwrap();
        ObjectPath { bucket, key: Key::parse(key).unwrap() }
    }

    #[test]
    fn a_seal_opens_for_its_key_and_object_alone() {
        let key = ObjectKey::random().unwrap();
        let (one, two) =
            ([1, 2]).map(|byte| MasterKey::new(Some("id"), [byte; 32]).unwrap()).into();
        let master = |key| Wrapper::Master { key, asked: true };
        let seal = key.wrap(master(&one), &at("a")).unwrap();
        assert_eq!(seal.holder, Holder::Master { id: "id".to_owned(), asked: true });
        assert_eq!(ObjectKey::unwrap(&seal, master(&one), &at("a")).unwrap().0, key.0);
        assert_eq!(ObjectKey::unwrap(&seal, master(&two), &at("a")).unwrap_err(), Unfit);
        assert_eq!(ObjectKey::unwrap(&seal, master(&one), &at("b")).unwrap_err(), Unfit);
        // Not even the same bytes as a customer's key.
        let customer = CustomerKey::new([1; 32]);
        let theirs = Wrapper::Customer(&customer);
        assert_eq!(ObjectKey::unwrap(&seal, theirs, &at("a")).unwrap_err(), Unfit);
        let seal = key.wrap(theirs, &at("a")).unwrap();
        assert_eq!(seal.holder, Holder::Customer);
        assert_eq!(ObjectKey::unwrap(&seal, theirs, &at("a")).unwrap().0, key.0);
    }

    #[test]
    fn a_check_value_tells_keys_and_stores_apart() {
        let key = |byte| MasterKey::new(Some("id"), [byte; 32]).unwrap();
        let (here, there) = (StoreId([1; 16]), StoreId([2; 16]));
        let value = check_value(&key(1), here);
        assert_eq!((value.len(), &value), (32, &check_value(&key(1), here)));
        assert_ne!(value, check_value(&key(2), here));
        assert_ne!(value, check_value(&key(1), there));
    }

    #[test]
    fn every_bit_of_a_seal_counts() {
        let (key, customer) = (ObjectKey::random().unwrap(), CustomerKey::new([1; 32]));
        let with = Wrapper::Customer(&customer);
        let seal = key.wrap(with, &at("a")).unwrap();
        let twice = key.wrap(with, &at("a")).unwrap();
        assert_ne!((seal.salt, seal.wrapped), (twice.salt, twice.wrapped));
        for bit in 0..8 * 64 {
            let mut bad = seal.clone();
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            match byte {
                0..16 => bad.salt[byte] ^= mask,
                16..48 => bad.wrapped[byte - 16] ^= mask,
                _ => bad.tag[byte - 48] ^= mask,
            }
            assert_eq!(ObjectKey::unwrap(&bad, with, &at("a")).unwrap_err(), Unfit, "{bit}");
        }
    }
}
