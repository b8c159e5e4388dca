//! From what a write asks for to what is written of its encryption, and from there to what a read
//! needs.

use std::sync::Arc;

use super::core::Core;
use super::format::seal::{BodyId, Holder, Seal, Sealing};
use super::seal::{BodyKey, ObjectKey, Unfit, Wrapper, random_key};
use crate::object::{CustomerKey, ETag, Encrypted, Encryption, KeyFault, MasterKeys};
use crate::store::{ObjectPath, Result, StoreError};

/// A new object's or upload's encryption.
pub(crate) struct NewSeal {
    /// The object key.
    pub(crate) key: ObjectKey,
    /// The same, as it is written.
    pub(crate) seal: Seal,
    /// Held until the record is in the index, so that nobody takes the master key for unused.
    pub(crate) keys: Option<Arc<MasterKeys>>,
}

/// A new body's encryption.
pub(crate) struct NewBody {
    /// Its key.
    pub(crate) key: BodyKey,
    /// Its id.
    pub(crate) id: BodyId,
}

/// The encryption of a new object or upload at `at`: as it was asked for, or by default. Blocks.
pub(crate) fn new_seal(
    core: &Core,
    at: &ObjectPath,
    asked: Option<&Encryption>,
) -> Result<NewSeal> {
    let managed = |asked| {
        let key = ObjectKey::random().map_err(no_random)?;
        let keys = core.keyring.for_wrapping(&*core.vfs)?;
        let master = keys.active().ok_or_else(|| no_random(Unfit))?;
        let seal = key.wrap(Wrapper::Master { key: master, asked }, at).map_err(no_random)?;
        Ok(NewSeal { key, seal, keys: Some(keys) })
    };
    match asked {
        None => managed(false),
        Some(Encryption::Managed) => managed(true),
        Some(Encryption::Customer(customer)) => {
            core.keyring.note_sealed(&*core.vfs)?;
            let key = ObjectKey::random().map_err(no_random)?;
            let seal = key.wrap(Wrapper::Customer(customer), at).map_err(no_random)?;
            Ok(NewSeal { key, seal, keys: None })
        }
    }
}

/// The encryption of a new body of an object with that key.
pub(crate) fn new_body(key: &ObjectKey) -> Result<NewBody> {
    let id = BodyId::random().map_err(no_random)?;
    Ok(NewBody { key: BodyKey::new(key, id).map_err(no_random)?, id })
}

/// The object key of what is at `at`; none where it is not encrypted. A customer's key that is
/// given has to be the right one.
pub(crate) fn open_seal(
    core: &Core,
    at: &ObjectPath,
    seal: Option<&Seal>,
    given: Option<&CustomerKey>,
) -> Result<Option<ObjectKey>> {
    match (seal.map(|seal| (seal, &seal.holder)), given) {
        (None | Some((_, Holder::Master { .. })), Some(_)) => Err(KeyFault::Unneeded.into()),
        (None, None) => Ok(None),
        (Some((_, Holder::Customer)), None) => Err(KeyFault::Missing.into()),
        (Some((seal, Holder::Customer)), Some(key)) => {
            let opened = ObjectKey::unwrap(seal, Wrapper::Customer(key), at);
            opened.map(Some).map_err(|_| KeyFault::Wrong.into())
        }
        (Some((seal, Holder::Master { id, .. })), None) => {
            open_with_master(core, at, seal, id).map(Some)
        }
    }
}

/// Judges a customer's key that came with a request which needs nothing of the content.
pub(crate) fn judge_key(
    core: &Core,
    at: &ObjectPath,
    sealing: Option<&Sealing>,
    given: Option<&CustomerKey>,
) -> Result<()> {
    if given.is_none() {
        return Ok(());
    }
    open_seal(core, at, sealing.and_then(|sealing| sealing.seal.as_ref()), given).map(|_| ())
}

/// A seal that is taken over from a record into a newer one.
pub(crate) struct Taken {
    /// As it is written.
    pub(crate) seal: Seal,
    /// Whether it is another than before.
    pub(crate) is_new: bool,
    /// Held until the record is in the index, where the seal is a master key's.
    pub(crate) keys: Option<Arc<MasterKeys>>,
}

/// The same object key under the active master key, or as it is where it is that already, or a
/// customer's. Blocks.
pub(crate) fn under_active(core: &Core, at: &ObjectPath, seal: &Seal) -> Result<Taken> {
    let Holder::Master { id, asked } = &seal.holder else {
        return Ok(Taken { seal: seal.clone(), is_new: false, keys: None });
    };
    let keys = core.keyring.now();
    if keys.active().is_some_and(|active| active.id() == id) {
        return Ok(Taken { seal: seal.clone(), is_new: false, keys: Some(keys) });
    }
    let key = open_with_master(core, at, seal, id)?;
    let keys = core.keyring.for_wrapping(&*core.vfs)?;
    let master = keys.active().ok_or_else(|| no_random(Unfit))?;
    let with = Wrapper::Master { key: master, asked: *asked };
    let seal = key.wrap(with, at).map_err(no_random)?;
    Ok(Taken { seal, is_new: true, keys: Some(keys) })
}

fn open_with_master(core: &Core, at: &ObjectPath, seal: &Seal, id: &str) -> Result<ObjectKey> {
    let keys = core.keyring.now();
    let (bucket, key) = (&at.bucket, &at.key);
    if keys.get(id).is_none() {
        let what = format!(
            "{bucket}/{key} is encrypted with the master key {id}, which is not configured"
        );
        return Err(StoreError::KeyUnavailable { what });
    }
    for master in keys.all(id) {
        let with = Wrapper::Master { key: master, asked: false };
        if let Ok(opened) = ObjectKey::unwrap(seal, with, at) {
            if core.read_only().is_none() {
                core.keyring.opened(&*core.vfs, master);
            }
            return Ok(opened);
        }
    }
    let what = format!(
        "the key of {bucket}/{key} does not open with the master key {id}: it is damaged, or \
         another key has the id"
    );
    Err(StoreError::Damaged { what })
}

/// How something is encrypted, in the words of those who ask.
pub(crate) fn told(seal: Option<&Seal>) -> Option<Encrypted> {
    seal.map(|seal| match &seal.holder {
        Holder::Master { asked, .. } => Encrypted::Managed { asked: *asked },
        Holder::Customer => Encrypted::Customer,
    })
}

/// The entity tag of something encrypted with a customer's key: nothing that tells of the content.
pub(crate) fn secret_tag() -> Result<ETag> {
    let bytes: [u8; 32] = random_key().map_err(no_random)?;
    Ok(ETag::from_md5(bytes.first_chunk().copied().unwrap_or_default()))
}

pub(super) fn no_random(_: Unfit) -> StoreError {
    StoreError::Io {
        doing: "make a key".to_owned(),
        source: std::io::Error::other("the system gives no random numbers"),
    }
}
