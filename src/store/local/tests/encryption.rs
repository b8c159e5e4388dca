//! What is encrypted: on the disk, damaged, under other keys.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::harness::{Machine, Operation, Version, carry_out, owner, read};
use crate::object::{
    BucketName, ChecksumChoice, ChecksumKind, CompletedPart, Completion, CustomerKey, Encryption,
    EncryptionDefaults, MasterKey, MasterKeys, ObjectKey, ObjectMetadata, PartNumber, TagSet,
};
use crate::store::conformance::{Subject, body, content};
use crate::store::local::format::store_file::KeysInUse;
use crate::store::local::{
    CheckOptions, KeyringError, LocalOptions, LocalStore, OpenError, Rewrapped, Rewrapping, check,
};
use crate::store::{
    Buckets, GetRequest, Multipart, NewObject, NewUpload, ObjectPath, Objects, Result, StoreError,
    Tags, UploadPath,
};

/// What no file of a store may hold.
const MARKER: &[u8] = b"-no file may hold these words-";

pub(super) fn path(key: &str) -> ObjectPath {
    let bucket = BucketName::parse("bucket").unwrap();
    ObjectPath { bucket, key: ObjectKey::parse(key).unwrap() }
}

pub(super) fn key(id: &str) -> MasterKey {
    let mut bytes = [0; 32];
    bytes[..id.len()].copy_from_slice(id.as_bytes());
    MasterKey::new(Some(id), bytes).unwrap()
}

/// The keys of these ids; the first is active.
pub(super) fn keys(ids: &[&str]) -> MasterKeys {
    MasterKeys::new(ids.iter().map(|id| key(id)), None).unwrap()
}

fn managed() -> NewObject {
    NewObject { encryption: Some(Encryption::Managed), ..NewObject::default() }
}

fn customer() -> CustomerKey {
    CustomerKey::new([9; 32])
}

pub(super) async fn open(dir: &Path, keys: MasterKeys) -> LocalStore {
    let options = LocalOptions { segment_size: 256 << 10, ..LocalOptions::default() };
    let store = LocalStore::open(dir, options, Subject::clock()).unwrap();
    store.set_encryption(keys, EncryptionDefaults::default(), false).unwrap();
    store.ready().await.unwrap();
    match store.create_bucket(&path("x").bucket, &owner()).await {
        Ok(()) | Err(StoreError::BucketExists { .. }) => store,
        Err(error) => panic!("{error}"),
    }
}

pub(super) async fn close(store: LocalStore) {
    tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
}

/// Has a store encrypt everything from now on, or nothing that nobody asks for. Fails where the
/// keys are not those that it needs.
pub(super) fn encrypt(
    store: &LocalStore,
    keys: MasterKeys,
    everywhere: bool,
) -> std::result::Result<(), KeyringError> {
    let defaults = EncryptionDefaults { everywhere, ..EncryptionDefaults::default() };
    store.set_encryption(keys, defaults, false)
}

/// An upload with nothing special about it.
pub(super) fn new_upload() -> NewUpload {
    NewUpload {
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        checksum: ChecksumChoice {
            algorithm: crate::object::Algorithm::Crc64Nvme,
            kind: ChecksumKind::FullObject,
            explicit: false,
        },
        initiator: owner(),
        encryption: None,
        acl: None,
    }
}

/// A body full of the marker.
fn marked(size: usize) -> bytes::Bytes {
    MARKER.iter().copied().cycle().take(size).collect::<Vec<u8>>().into()
}

pub(super) async fn get(store: &LocalStore, key: &str) -> Result<bytes::Bytes> {
    let got = store.get_object(&path(key), &GetRequest::default()).await?;
    Ok(got.body.collect(usize::MAX).await?)
}

pub(super) async fn put(store: &LocalStore, key: &str, content: &bytes::Bytes) {
    store.put_object(&path(key), managed(), body(content, None)).await.unwrap();
}

async fn upload(store: &LocalStore, key: &str) -> UploadPath {
    let new = NewUpload { encryption: Some(Encryption::Managed), ..new_upload() };
    let id = store.create_upload(&path(key), new).await.unwrap();
    UploadPath { object: path(key), id }
}

async fn part(store: &LocalStore, to: &UploadPath, content: &bytes::Bytes) -> Completion {
    let number = PartNumber::new(1).unwrap();
    let part = store.put_part(to, number, body(content, None), None).await.unwrap();
    let parts = vec![CompletedPart { number, etag: part.etag, checksum: None }];
    Completion { parts, ..Completion::default() }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found
}

fn holds_marker(dir: &Path) -> Vec<PathBuf> {
    let mut found = files(dir);
    found.retain(|file| {
        fs::read(file).unwrap().windows(MARKER.len()).any(|window| window == MARKER)
    });
    found
}

pub(super) async fn rewrap(store: &LocalStore) -> (Vec<String>, Vec<String>) {
    let mut work = Rewrapping::default();
    loop {
        match store.rewrap(&mut work).await.unwrap() {
            Rewrapped::Done { retired, needed, .. } => return (retired, needed),
            Rewrapped::More => {}
            Rewrapped::Wait => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_holds_anything_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), keys(&["one"])).await;
    for size in [100, 60_000, 130_000, 200_000, 700_000] {
        put(&store, &size.to_string(), &marked(size)).await;
        let new = NewObject {
            encryption: Some(Encryption::Customer(customer())),
            ..NewObject::default()
        };
        store.put_object(&path("theirs"), new, body(&marked(size), None)).await.unwrap();
        let to = upload(&store, "parts").await;
        part(&store, &to, &marked(size)).await;
        let completion = part(&store, &to, &marked(size)).await;
        store.complete_upload(&to, &completion, None).await.unwrap();
    }
    assert_eq!(holds_marker(dir.path()), Vec::<PathBuf>::new(), "while it runs");
    close(store).await;
    assert_eq!(holds_marker(dir.path()), Vec::<PathBuf>::new());
    let how = CheckOptions { rebuild_index: true, ..CheckOptions::default() };
    let report = check(dir.path(), LocalOptions::default(), how, Subject::clock()).unwrap();
    assert_eq!(report.problems, [], "what is stored is checked without a key");
    let store = open(dir.path(), keys(&["one"])).await;
    for size in [100, 60_000, 130_000, 200_000, 700_000] {
        assert_eq!(get(&store, &size.to_string()).await.unwrap(), marked(size));
    }
    assert_eq!(get(&store, "parts").await.unwrap(), marked(700_000));
    assert_eq!(
        store.usage(&path("x").bucket).unwrap().bytes,
        100 + 60_000 + 130_000 + 200_000 + 3 * 700_000
    );
    // The same in the clear is found, so the search would have found it.
    let plain = body(&marked(1000), None);
    store.put_object(&path("plain"), NewObject::default(), plain).await.unwrap();
    assert_eq!(holds_marker(dir.path()).len(), 1);
}

/// A flipped bit in any region of the log's record or the blob is an error or harms nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_an_error_and_never_data() {
    for (size, in_blob) in [(1500, false), (150_000, true)] {
        let mut machine = Machine::new(1);
        assert!(machine.encrypts);
        let store = machine.open().await.unwrap();
        let version = Version { content: content(4, size), tag: None };
        assert!(machine.run(&store, vec![Operation::Put(4, version.clone())]).await);
        close(store).await;
        let end = if in_blob { "blob" } else { "slog" };
        let is_it = |path: &PathBuf| path.extension().is_some_and(|it| it == end);
        let file = machine.sim.files().into_iter().find(is_it).unwrap();
        let whole = machine.sim.content(&file).unwrap();
        let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let (from, step) = if in_blob { (0, 4999) } else { (4096, 61) };
        let mut refused = 0;
        for place in (from..used).step_by(step) {
            machine.sim.flip(&file, place, 0x10);
            if let Ok(store) = machine.try_open().await {
                match read(&store, 4).await {
                    Ok(Some(got)) => assert_eq!(got, version, "byte {place}"),
                    Ok(None) => panic!("byte {place}: the object is gone"),
                    Err(StoreError::Damaged { .. } | StoreError::Body(_)) => refused += 1,
                    Err(other) => panic!("byte {place}: {other:?}"),
                }
                drop(store);
            }
            machine.sim.flip(&file, place, 0x10);
            machine.sim.kill();
        }
        assert!(refused > 20, "{refused} of {} flips were noticed", (used - from) / step);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_configured_key_the_store_makes_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("master.key");
    let store = open(dir.path(), MasterKeys::default()).await;
    let format = || fs::read_to_string(dir.path().join("FORMAT")).unwrap();
    let plain = body(&content(1, 10), None);
    store.put_object(&path("plain"), NewObject::default(), plain).await.unwrap();
    assert!(!own.exists() && !format().contains("sealed-1"));
    put(&store, "a", &content(1, 1000)).await;
    assert!(format().contains("sealed-1"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let made = store.master_keys();
    assert_eq!(made.active.iter().collect::<Vec<_>>(), made.in_use.iter().collect::<Vec<_>>());
    close(store).await;
    // From here on another is configured: the old one stays for what it has wrapped.
    let store = open(dir.path(), keys(&["one"])).await;
    put(&store, "b", &content(2, 1000)).await;
    assert_eq!(store.master_keys().active.as_deref(), Some("one"));
    assert_eq!(get(&store, "a").await.unwrap(), content(1, 1000));
    let (retired, needed) = rewrap(&store).await;
    assert_eq!((retired, needed), (made.in_use, Vec::new()));
    close(store).await;
    fs::remove_file(&own).unwrap();
    let store = open(dir.path(), keys(&["one"])).await;
    assert_eq!(get(&store, "a").await.unwrap(), content(1, 1000));
    assert_eq!(get(&store, "b").await.unwrap(), content(2, 1000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_key_is_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), keys(&["one"])).await;
    put(&store, "a", &content(1, 1000)).await;
    close(store).await;
    let store = LocalStore::open(dir.path(), LocalOptions::default(), Subject::clock()).unwrap();
    let defaults = EncryptionDefaults::default;
    let missing = store.set_encryption(keys(&["two"]), defaults(), false).unwrap_err();
    assert_eq!(missing, KeyringError::Missing { ids: vec!["one".to_owned()] });
    assert!(missing.to_string().contains("master key one"), "{missing}");
    // Nothing is lost by going on without it.
    store.set_encryption(keys(&["two"]), defaults(), true).unwrap();
    store.ready().await.unwrap();
    let unreadable = get(&store, "a").await.unwrap_err();
    assert!(
        matches!(&unreadable, StoreError::KeyUnavailable { what } if what.contains("bucket/a"))
    );
    put(&store, "b", &content(2, 1000)).await;
    let (retired, needed) = rewrap(&store).await;
    assert_eq!((retired, needed), (Vec::new(), vec!["one".to_owned()]));
    // Another key of the same id is not taken for it.
    let both = MasterKeys::new([key("two"), impostor()], None).unwrap();
    for allow_missing in [false, true] {
        let refused = store.set_encryption(both.clone(), defaults(), allow_missing).unwrap_err();
        assert_eq!(refused, KeyringError::Other { ids: vec!["one".to_owned()] });
        assert!(refused.to_string().contains("of the id one"), "{refused}");
    }
    store.set_encryption(keys(&["two", "one"]), defaults(), false).unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), content(1, 1000));
    close(store).await;
}

/// Another key of the id "one".
fn impostor() -> MasterKey {
    MasterKey::new(Some("one"), [7; 32]).unwrap()
}

/// What KEYS says.
fn noted(dir: &Path) -> KeysInUse {
    KeysInUse::decode(&fs::read(dir.join("KEYS")).unwrap()).unwrap()
}

/// Of stores that were made before KEYS had check values it is noted by whom an id is used when
/// something opens with the key; until then another key may stand for it, which opens nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_check_values_learns_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), keys(&["one"])).await;
    put(&store, "a", &content(1, 1000)).await;
    close(store).await;
    let mut old = noted(dir.path());
    let checks = std::mem::take(&mut old.checks);
    assert_eq!(checks.keys().collect::<Vec<_>>(), ["one"]);
    fs::write(dir.path().join("KEYS"), old.encode()).unwrap();
    let with_impostor = MasterKeys::new([key("two"), impostor()], None).unwrap();
    let store = open(dir.path(), with_impostor.clone()).await;
    assert!(matches!(get(&store, "a").await, Err(StoreError::Damaged { .. })));
    assert_eq!(noted(dir.path()), old, "what opened nothing is noted for nothing");
    // Of an id that is not the active one there may be several keys.
    let several = MasterKeys::new([key("two"), impostor(), key("one")], None).unwrap();
    store.set_encryption(several, EncryptionDefaults::default(), false).unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), content(1, 1000));
    assert_eq!(noted(dir.path()).checks, checks);
    let refused = store.set_encryption(with_impostor, EncryptionDefaults::default(), false);
    assert_eq!(refused, Err(KeyringError::Other { ids: vec!["one".to_owned()] }));
    close(store).await;
}

/// Without KEYS, or with one that is no one's, the index says which keys are needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_in_use_are_found_again_in_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), keys(&["one"])).await;
    put(&store, "a", &content(1, 1000)).await;
    store.set_encryption(keys(&["two", "one"]), EncryptionDefaults::default(), false).unwrap();
    upload(&store, "parts").await;
    close(store).await;
    let file = dir.path().join("KEYS");
    let whole = fs::read(&file).unwrap();
    for bad in [None, Some(b"what".to_vec()), Some(whole[..whole.len() / 2].to_vec())] {
        match bad {
            None => fs::remove_file(&file).unwrap(),
            Some(bad) => fs::write(&file, bad).unwrap(),
        }
        let report =
            check(dir.path(), LocalOptions::default(), CheckOptions::default(), Subject::clock())
                .unwrap();
        let told: Vec<_> = report.problems.iter().map(|problem| problem.place).collect();
        assert_eq!(told, ["keys", "keys"], "{report}");
        let options = LocalOptions::default();
        let store = LocalStore::open(dir.path(), options, Subject::clock()).unwrap();
        let defaults = EncryptionDefaults::default;
        for (given, lacking) in [("two", "one"), ("one", "two")] {
            let missing = store.set_encryption(keys(&[given]), defaults(), false).unwrap_err();
            assert_eq!(missing, KeyringError::Missing { ids: vec![lacking.to_owned()] });
        }
        store.set_encryption(keys(&["two", "one"]), defaults(), false).unwrap();
        store.ready().await.unwrap();
        assert_eq!(noted(dir.path()).keys.len(), 2);
        assert_eq!(get(&store, "a").await.unwrap(), content(1, 1000));
        close(store).await;
    }
    let how = CheckOptions::default();
    let report = check(dir.path(), LocalOptions::default(), how, Subject::clock()).unwrap();
    assert_eq!(report.problems, []);
}

/// A key goes out of use while objects are written, read, tagged and completed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_under_load() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path(), keys(&["one"])).await);
    for number in 0..40_u64 {
        put(&store, &format!("old-{number}"), &content(number, 3000)).await;
    }
    put(&store, "large", &content(99, 500_000)).await;
    let to = upload(&store, "parts").await;
    let completion = part(&store, &to, &content(98, 200_000)).await;
    let blobs = || -> BTreeSet<PathBuf> { files(&dir.path().join("blobs")).into_iter().collect() };
    let before = blobs();
    store.set_encryption(keys(&["two", "one"]), EncryptionDefaults::default(), false).unwrap();
    let writing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..120_u64 {
                put(&store, &format!("new-{}", number % 30), &content(number, 2500)).await;
                let old = format!("old-{}", number % 40);
                let tags = TagSet::for_object([("n".to_owned(), number.to_string())]).unwrap();
                store.set_object_tags(&path(&old), None, tags).await.unwrap();
                assert_eq!(get(&store, &old).await.unwrap(), content(number % 40, 3000));
            }
        })
    };
    let (retired, needed) = rewrap(&store).await;
    assert_eq!((retired, needed), (Vec::new(), vec!["one".to_owned()]), "an upload needs it");
    store.complete_upload(&to, &completion, None).await.unwrap();
    writing.await.unwrap();
    let (retired, needed) = rewrap(&store).await;
    assert_eq!((retired, needed), (vec!["one".to_owned()], Vec::new()));
    assert_eq!(blobs(), before, "no body is written anew");
    store.set_encryption(keys(&["two"]), EncryptionDefaults::default(), false).unwrap();
    for number in 0..40_u64 {
        let old = get(&store, &format!("old-{number}")).await.unwrap();
        assert_eq!(old, content(number, 3000));
    }
    assert_eq!(get(&store, "large").await.unwrap(), content(99, 500_000));
    assert_eq!(get(&store, "parts").await.unwrap(), content(98, 200_000));
    close(Arc::into_inner(store).unwrap()).await;
    let how = CheckOptions { rebuild_index: true, ..CheckOptions::default() };
    let report = check(dir.path(), LocalOptions::default(), how, Subject::clock()).unwrap();
    assert_eq!(report.problems, []);
    let store = open(dir.path(), keys(&["two"])).await;
    assert_eq!(get(&store, "parts").await.unwrap(), content(98, 200_000));
    assert_eq!(get(&store, "new-29").await.unwrap(), content(119, 2500));
    close(store).await;
}

/// Wherever the machine stops while the first key is made and noted, nothing that was acknowledged
/// is without its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_key_is_durable_before_anything_needs_it() {
    for stop in 0..60 {
        let mut machine = Machine::new(1);
        let store = machine.open().await.unwrap();
        machine.sim.stop_at(machine.sim.calls() + stop);
        let version = Version { content: content(stop, 5000), tag: None };
        let put = carry_out(&store, &Operation::Put(1, version.clone())).await;
        drop(store);
        machine.crash();
        let store = machine.try_open().await.unwrap();
        match read(&store, 1).await {
            Ok(Some(got)) => assert_eq!(got, version),
            Ok(None) | Err(StoreError::NoSuchBucket) => assert!(put.is_err(), "stopped at {stop}"),
            Err(error) => panic!("stopped at {stop}: {error:?}"),
        }
    }
}

#[test]
fn a_key_file_that_is_none_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    drop(LocalStore::open(dir.path(), LocalOptions::default(), Subject::clock()).unwrap());
    fs::write(dir.path().join("master.key"), "what").unwrap();
    let opened = LocalStore::open(dir.path(), LocalOptions::default(), Subject::clock());
    assert!(matches!(opened, Err(OpenError::Format { path, .. }) if path.ends_with("master.key")));
}
