//! From a key to an object's head and its bytes.

use std::sync::Arc;

use super::LocalStore;
use super::blob::{ExtentError, ExtentReader, Extents, StoredExtent, read_source};
use super::catalog::Catalog;
use super::core::{Core, Phase};
use super::format::entry::ObjectEntry;
use super::format::meta::{Assembly, Described, ManifestPart, Meta};
use super::format::place::{BlobId, Body, RecordRef};
use super::format::seal::BodyId;
use super::format::subject;
use super::garbage::{ReadGuard, Reads};
use super::log::PackedExtent;
use super::seal::{BodyKey, ObjectKey as SecretKey, SealedExtent};
use super::sealing::{judge_key, open_seal, told};
use crate::body::Payload;
use crate::object::{
    ByteRange, CustomerKey, ObjectInfo, ObjectKey, ObjectPart, PartNumber, ReadConditions,
    ReadVerdict, Timestamp, VersionId,
};
use crate::store::{GetRequest, Got, Head, ObjectPath, Result, Selection, StoreError};

/// An object that was found.
pub(crate) struct Found {
    /// Its entry.
    pub(crate) entry: ObjectEntry,
    /// Keeps what it names from being removed.
    pub(crate) guard: ReadGuard,
}

/// Whether a part of an object is wanted, and of what its bytes consist.
pub(crate) struct Selected {
    head: Head,
    range: ByteRange,
    extents: Option<ObjectExtents>,
}

/// Runs blocking work on the store's state and files. It goes on though nobody waits for it any
/// more, but not beyond the store's closing.
pub(crate) async fn blocking<T: Send + 'static>(
    core: &Arc<Core>,
    work: impl FnOnce(&Arc<Core>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let core = Arc::clone(core);
    let working = move || {
        let _open = core.work()?;
        work(&core)
    };
    match tokio::task::spawn_blocking(working).await {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => Err(StoreError::Closing),
        Err(error) => {
            let doing = "work on the store".to_owned();
            Err(StoreError::Io { doing, source: std::io::Error::other(error) })
        }
    }
}

/// The index as readers may ask it for single keys.
pub(crate) fn readable(core: &Core) -> Result<(Catalog, bool)> {
    match *core.phase.borrow() {
        Phase::Ready => Ok((core.catalog()?, true)),
        Phase::Rebuilding { .. } => Ok((core.catalog()?, false)),
        Phase::Opening | Phase::Failed(_) => Err(StoreError::Rebuilding),
    }
}

/// The object of a key.
pub(crate) fn find(core: &Core, at: &ObjectPath, version: Option<VersionId>) -> Result<Found> {
    let guard = core.garbage.enter();
    let (catalog, whole) = readable(core)?;
    let bucket = core.bucket(&at.bucket)?;
    let entry = catalog.object(bucket.id, at.key.as_str())?;
    if entry.is_none() && !whole {
        return Err(StoreError::Rebuilding);
    }
    let lsn = entry.as_ref().map_or(0, |entry| entry.head.lsn);
    core.believe(|| subject(bucket.id.0, at.key.as_str()), lsn)?;
    match entry.filter(|entry| version.is_none_or(|version| version == entry.version)) {
        Some(entry) => Ok(Found { entry, guard }),
        None if version.is_some() => Err(StoreError::NoSuchVersion),
        None => Err(StoreError::NoSuchKey),
    }
}

/// The head of an object as a request asks for it.
pub(crate) fn head(core: &Arc<Core>, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
    Ok(select(core, at, request, false)?.head)
}

/// The description of an object, from its record.
pub(crate) fn describe(core: &Core, head: RecordRef) -> Result<Described> {
    let record = core.log.read(head)?;
    let meta = Meta::decode(record.header.kind, record.header.format, record.meta());
    match meta {
        Ok(Meta::PutObject(put)) => Ok(put.object),
        Ok(Meta::ChangeObject(change)) => Ok(change.object),
        Ok(Meta::CompleteUpload(complete)) => Ok(complete.object),
        Ok(Meta::MoveManifest(moved)) => Ok(moved.complete.object),
        Ok(_) => Err(StoreError::Damaged {
            what: format!("record {} does not describe an object", head.lsn),
        }),
        Err(flaw) => Err(StoreError::Damaged { what: format!("record {}: {flaw}", head.lsn) }),
    }
}

/// What an object's entry says, with metadata from its record where the entry has none.
pub(crate) fn info(core: &Core, key: &ObjectKey, entry: &ObjectEntry) -> Result<ObjectInfo> {
    let metadata = match entry.whole_metadata() {
        Some(metadata) => metadata,
        None => describe(core, entry.head)?.metadata,
    };
    Ok(ObjectInfo {
        key: key.clone(),
        version: entry.version,
        size: entry.size,
        etag: entry.tag.etag(),
        last_modified: entry.modified,
        metadata,
        checksum: entry.checksum.clone(),
        tag_count: entry.tag_count,
        parts_count: entry.parts_count,
        replication: None,
        encryption: told(entry.seal()),
    })
}

/// The parts that a manifest lists.
pub(crate) fn manifest(core: &Core, at: RecordRef) -> Result<Assembly> {
    let record = core.log.read(at)?;
    Assembly::decode(&record.data())
        .map_err(|flaw| StoreError::Damaged { what: format!("record {}: {flaw}", at.lsn) })
}

fn check_conditions(
    conditions: &ReadConditions,
    entry: &ObjectEntry,
    now: Timestamp,
) -> Result<ReadVerdict> {
    match conditions.evaluate(&entry.tag.etag(), entry.modified, now) {
        ReadVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
        verdict => Ok(verdict),
    }
}

/// The selected part of an object, with what its bytes consist of where `with_body` is set.
fn select(
    core: &Arc<Core>,
    at: &ObjectPath,
    request: &GetRequest,
    with_body: bool,
) -> Result<Selected> {
    let Found { entry, guard } = find(core, at, request.version)?;
    let verdict = check_conditions(&request.conditions, &entry, core.clock.now())?;
    let object = info(core, &at.key, &entry)?;
    if verdict == ReadVerdict::NotModified {
        let caching = Box::new(object.metadata.headers.caching());
        let (etag, last_modified) = (object.etag, object.last_modified);
        return Err(StoreError::NotModified { etag, last_modified, caching });
    }
    let mut assembly = None;
    let whole = ByteRange::whole(entry.size);
    let (range, shown, part) = match request.selection {
        Selection::Whole => (whole, None, None),
        Selection::Range(spec) => {
            let range = spec
                .resolve(entry.size)
                .map_err(|error| StoreError::InvalidRange { size: error.size })?;
            (range, Some(range), None)
        }
        Selection::Part(number) => match entry.body {
            Body::Manifest(record) => {
                let parts = manifest(core, record)?;
                let (range, part) = part_range(&parts, number)?;
                assembly = Some(parts);
                (range, Some(range), Some(part))
            }
            // An object of one PUT is its own only part.
            _ if number.get() == 1 => (whole, None, None),
            _ => return Err(StoreError::InvalidPartNumber { count: 1 }),
        },
    };
    let head = Head { object, range: shown, part };
    let given = request.key.as_ref();
    if !with_body {
        judge_key(core, at, entry.sealing.as_ref(), given)?;
        return Ok(Selected { head, range, extents: None });
    }
    let key = open_seal(core, at, entry.seal(), given)?;
    let extents = extents(core, &entry, assembly, key, range, guard)?;
    Ok(Selected { head, range, extents: Some(extents) })
}

/// What an object's bytes consist of, of which only those of `range` will be read; `assembly` saves
/// reading its manifest again.
fn extents(
    core: &Arc<Core>,
    entry: &ObjectEntry,
    assembly: Option<Assembly>,
    key: Option<SecretKey>,
    range: ByteRange,
    guard: ReadGuard,
) -> Result<ObjectExtents> {
    let sealed = entry.sealing.as_ref().and_then(|sealing| sealing.body);
    let whole = |place| Piece { len: entry.size, place, sealed };
    let pieces = match (entry.body, assembly) {
        (Body::Empty, _) => Vec::new(),
        (Body::Packed(record), _) => vec![whole(Place::Packed(record))],
        (Body::Blob(blob), _) => vec![whole(Place::Blob(blob))],
        (Body::Manifest(_), Some(parts)) => pieces(&parts),
        (Body::Manifest(record), None) => pieces(&manifest(core, record)?),
    };
    Ok(ObjectExtents::new(core, pieces, key, range, guard))
}

fn part_range(assembly: &Assembly, number: PartNumber) -> Result<(ByteRange, ObjectPart)> {
    let place = usize::from(number.get()).saturating_sub(1);
    let count = u32::try_from(assembly.parts.len()).unwrap_or(u32::MAX);
    let part = assembly.parts.get(place).ok_or(StoreError::InvalidPartNumber { count })?;
    let offset = assembly.parts.iter().take(place).map(|part| part.size).sum();
    let number = u32::from(number.get());
    let object_part = ObjectPart { number, size: part.size, checksum: part.checksum.clone() };
    Ok((ByteRange { offset, length: part.size }, object_part))
}

/// Some of an object's bytes.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// How many there are.
    len: u64,
    place: Place,
    /// Their id, where they are encrypted.
    sealed: Option<BodyId>,
}

/// Where they are.
#[derive(Debug, Clone, Copy)]
enum Place {
    Packed(RecordRef),
    Blob(BlobId),
}

fn pieces(assembly: &Assembly) -> Vec<Piece> {
    let piece = |part: &ManifestPart| {
        let place = match part.body {
            Body::Packed(record) => Place::Packed(record),
            Body::Blob(blob) => Place::Blob(blob),
            Body::Empty | Body::Manifest(_) => return None,
        };
        Some(Piece { len: part.size, place, sealed: part.sealed })
    };
    assembly.parts.iter().filter_map(piece).collect()
}

/// What a read of `range` comes to.
fn reads(pieces: &[Piece], range: ByteRange) -> Reads {
    let mut reads = Reads::default();
    let mut end = 0_u64;
    for piece in pieces {
        let start = end;
        end = end.saturating_add(piece.len);
        if end <= range.offset || range.offset.saturating_add(range.length) <= start {
            continue;
        }
        match piece.place {
            Place::Blob(blob) => reads.blobs.push(blob),
            Place::Packed(_) => reads.log = true,
        }
    }
    reads
}

/// What an object's bytes consist of. Keeps what is read of it from being removed.
pub(crate) struct ObjectExtents {
    core: Arc<Core>,
    pieces: Vec<Piece>,
    /// What they are encrypted with.
    key: Option<SecretKey>,
    _guard: ReadGuard,
}

impl Extents for ObjectExtents {
    fn count(&self) -> usize {
        self.pieces.len()
    }

    fn length(&self, index: usize) -> u64 {
        self.pieces.get(index).map_or(0, |piece| piece.len)
    }

    fn open(&self, index: usize) -> std::result::Result<Arc<dyn ExtentReader>, ExtentError> {
        let missing = || ExtentError::Missing { what: format!("part {index} of an object") };
        let piece = self.pieces.get(index).ok_or_else(missing)?;
        match piece.place {
            Place::Blob(blob) => self.opened(*piece, Arc::new(self.core.blobs.read(blob)?)),
            Place::Packed(record) => {
                let data = self.core.log.read(record)?.data();
                self.opened(*piece, Arc::new(PackedExtent(data)))
            }
        }
    }
}

impl ObjectExtents {
    /// The bytes of these parts, which are encrypted with `key`. Only those of `range` stay.
    pub(crate) fn of(
        core: &Arc<Core>,
        assembly: &Assembly,
        key: Option<SecretKey>,
        range: ByteRange,
        guard: ReadGuard,
    ) -> Self {
        Self::new(core, pieces(assembly), key, range, guard)
    }

    fn new(
        core: &Arc<Core>,
        pieces: Vec<Piece>,
        key: Option<SecretKey>,
        range: ByteRange,
        mut guard: ReadGuard,
    ) -> Self {
        guard.settle(reads(&pieces, range));
        Self { core: Arc::clone(core), pieces, key, _guard: guard }
    }

    /// The bytes of an object that is packed into one record, read at once.
    fn packed(&self, range: ByteRange) -> Option<Result<Payload>> {
        let [piece @ Piece { place: Place::Packed(record), .. }] = self.pieces.as_slice() else {
            return None;
        };
        let read = self.core.log.read(*record).and_then(|record| {
            let extent = self.opened(*piece, Arc::new(PackedExtent(record.data())))?;
            if extent.len() != piece.len {
                let what = format!("record {} has another length", record.header.lsn);
                return Err(ExtentError::Damaged { what });
            }
            extent.read(range.offset, usize::try_from(range.length).unwrap_or(usize::MAX))
        });
        Some(read.map(Payload::from_chunks).map_err(StoreError::from))
    }

    /// The bytes of a piece as they came, over those that are stored.
    fn opened(
        &self,
        piece: Piece,
        stored: Arc<dyn StoredExtent>,
    ) -> std::result::Result<Arc<dyn ExtentReader>, ExtentError> {
        let Some(id) = piece.sealed else { return Ok(stored) };
        let what = || format!("{} is encrypted, its object is not", stored.describe());
        let key = self.key.as_ref().and_then(|key| BodyKey::new(key, id).ok());
        let key = key.ok_or_else(|| ExtentError::Damaged { what: what() })?;
        Ok(Arc::new(SealedExtent::new(stored, key, piece.len)?))
    }
}

impl LocalStore {
    /// The head of an object, and what is selected of it.
    pub(super) async fn head(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        let (at, request) = (at.clone(), request.clone());
        blocking(&self.core, move |core| head(core, &at, &request)).await
    }

    /// An object's content.
    pub(super) async fn get(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        let (at, request) = (at.clone(), request.clone());
        let (head, opened) = blocking(&self.core, move |core| {
            let Selected { head, range, extents } = select(core, &at, &request, true)?;
            Ok((head, open(extents, range)?))
        })
        .await?;
        Ok(Got { head, body: opened.payload().await? })
    }

    /// An object to copy from: its description and the bytes of a range of it.
    pub(super) async fn source(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        conditions: &ReadConditions,
        key: Option<CustomerKey>,
        range: impl FnOnce(u64) -> Result<ByteRange> + Send + 'static,
    ) -> Result<(Described, Payload)> {
        let (at, conditions) = (at.clone(), conditions.clone());
        let (object, opened) = blocking(&self.core, move |core| {
            let Found { entry, guard } = find(core, &at, version)?;
            let (etag, now) = (entry.tag.etag(), core.clock.now());
            match conditions.evaluate_copy(&etag, entry.modified, now) {
                ReadVerdict::Failed(header) => return Err(StoreError::PreconditionFailed(header)),
                ReadVerdict::Proceed | ReadVerdict::NotModified => {}
            }
            let range = range(entry.size)?;
            let object = describe(core, entry.head)?;
            let key = open_seal(core, &at, entry.seal(), key.as_ref()).map_err(of_source)?;
            let extents = extents(core, &entry, None, key, range, guard)?;
            Ok((object, open(Some(extents), range)?))
        })
        .await?;
        Ok((object, opened.payload().await?))
    }
}

fn of_source(error: StoreError) -> StoreError {
    match error {
        StoreError::CustomerKey(fault) => StoreError::SourceKey(fault),
        other => other,
    }
}

/// A body about to be read.
enum Opened {
    /// All of it is there.
    Whole(Payload),
    /// It is read as it goes.
    Streamed(ObjectExtents, ByteRange),
}

fn open(extents: Option<ObjectExtents>, range: ByteRange) -> Result<Opened> {
    let Some(extents) = extents.filter(|_| range.length > 0) else {
        return Ok(Opened::Whole(Payload::empty()));
    };
    match extents.packed(range) {
        Some(body) => body.map(Opened::Whole),
        None => Ok(Opened::Streamed(extents, range)),
    }
}

impl Opened {
    async fn payload(self) -> Result<Payload> {
        match self {
            Self::Whole(body) => Ok(body),
            Self::Streamed(extents, range) => read_source(Arc::new(extents), range).await,
        }
    }
}
