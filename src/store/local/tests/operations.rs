//! What the tests do with a store on a simulated machine.

use bytes::Bytes;

use super::compact::compact;
use super::encryption::new_upload;
use super::harness::at;
use crate::object::{
    Acl, CompletedPart, Completion, Grant, Grantee, Owner, PartNumber, Permission, TagSet,
};
use crate::store::conformance::{body, content};
use crate::store::local::LocalStore;
use crate::store::{
    Acls, DeleteRequest, GetRequest, Ledger, Multipart, NewObject, NewUpload, Objects, Result,
    Selection, StoreError, Tags, UploadPath,
};

/// What a key can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) content: Bytes,
    pub(super) tag: Option<String>,
}

/// One operation.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Put(u64, Version),
    Upload(u64, Version),
    Delete(u64),
    Tag(u64, String),
    Abort(u64),
    Note(u64, Option<Bytes>),
    /// The setting that the key stands for.
    Set(u64, Option<Bytes>),
    /// Has nothing to do with the key.
    Compact(u64),
}

pub(super) fn tags(tag: Option<&String>) -> TagSet {
    TagSet::for_object(tag.map(|tag| ("tag".to_owned(), tag.clone()))).unwrap()
}

/// The ACL that an object of this content always has: none, one that its entry in the index has, or
/// one that only its record has.
pub(super) fn acl_of(content: &Bytes) -> Option<Acl> {
    let grants = match content.first().map_or(0, |byte| byte % 3) {
        0 => return None,
        1 => 1,
        _ => 40,
    };
    let user = |number| Owner { id: format!("user-{number}"), display_name: "user".to_owned() };
    let grant =
        |number| Grant { grantee: Grantee::User(user(number)), permission: Permission::Read };
    Some(Acl { owner: user(0), grants: (0..grants).map(grant).collect() })
}

impl Operation {
    pub(super) fn key(&self) -> u64 {
        match self {
            Self::Put(key, _)
            | Self::Upload(key, _)
            | Self::Delete(key)
            | Self::Tag(key, _)
            | Self::Note(key, _)
            | Self::Set(key, _)
            | Self::Compact(key)
            | Self::Abort(key) => *key,
        }
    }
}

pub(super) fn show(version: Option<&Version>) -> String {
    version.map_or("nothing".to_owned(), |version| {
        format!("{} bytes tagged {:?}", version.content.len(), version.tag)
    })
}

pub(super) fn shows(versions: &[Option<Version>]) -> String {
    versions.iter().map(|version| show(version.as_ref())).collect::<Vec<_>>().join(" or ")
}

pub(super) async fn read(store: &LocalStore, key: u64) -> Result<Option<Version>> {
    let got = match store.get_object(&at(key), &GetRequest::default()).await {
        Err(StoreError::NoSuchKey) => return Ok(None),
        got => got?,
    };
    let content = got.body.collect(1 << 20).await?;
    let tags = store.object_tags(&at(key), None).await?;
    let tag = tags.iter().next().map(|(_, tag)| tag.to_owned());
    assert_eq!(got.head.object.size, content.len() as u64);
    assert_eq!(store.object_acl(&at(key), None).await?, acl_of(&content), "the ACL of {key}");
    Ok(Some(Version { content, tag }))
}

pub(super) async fn upload(
    store: &LocalStore,
    key: u64,
    version: &Version,
) -> Result<(UploadPath, Completion)> {
    let acl = acl_of(&version.content);
    let new = NewUpload { tags: tags(version.tag.as_ref()), acl, ..new_upload() };
    let id = store.create_upload(&at(key), new).await?;
    let path = UploadPath { object: at(key), id };
    let mut parts = Vec::new();
    // One part that is replaced, one that is left out in the end.
    for number in [1, 1, 2] {
        let number = PartNumber::new(number).unwrap();
        let part = store.put_part(&path, number, body(&version.content, None), None).await?;
        if number.get() == 1 {
            parts = vec![CompletedPart { number, etag: part.etag, checksum: None }];
        }
    }
    Ok((path, Completion { parts, ..Completion::default() }))
}

/// Makes a key the object of these parts.
pub(super) async fn assemble(store: &LocalStore, key: u64, pieces: &[Bytes]) {
    let id = store.create_upload(&at(key), new_upload()).await.unwrap();
    let upload = UploadPath { object: at(key), id };
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(pieces) {
        let number = PartNumber::new(number).unwrap();
        let part = store.put_part(&upload, number, body(piece, None), None).await.unwrap();
        parts.push(CompletedPart { number, etag: part.etag, checksum: None });
    }
    let completion = Completion { parts, ..Completion::default() };
    store.complete_upload(&upload, &completion, None).await.unwrap();
}

/// Asks for one part of an object.
pub(super) fn one_part(number: u16) -> GetRequest {
    let selection = Selection::Part(PartNumber::new(number).unwrap());
    GetRequest { selection, ..GetRequest::default() }
}

pub(super) async fn carry_out(store: &LocalStore, operation: &Operation) -> Result<()> {
    match operation {
        Operation::Put(key, version) => {
            let acl = acl_of(&version.content);
            let new = NewObject { tags: tags(version.tag.as_ref()), acl, ..NewObject::default() };
            store.put_object(&at(*key), new, body(&version.content, None)).await.map(|_| ())
        }
        Operation::Delete(key) => {
            store.delete_object(&at(*key), &DeleteRequest::default()).await.map(|_| ())
        }
        Operation::Tag(key, tag) => {
            store.set_object_tags(&at(*key), None, tags(Some(tag))).await?;
            let acl = store.object_acl(&at(*key), None).await?;
            store.set_object_acl(&at(*key), None, acl).await
        }
        Operation::Set(key, value) => super::settings::set(store, *key, value.as_ref()).await,
        Operation::Compact(_) => compact(store).await.map(|_| ()),
        Operation::Note(key, note) => store.set_entry(&at(*key), note.clone()).await,
        Operation::Upload(key, version) => {
            let (path, completion) = upload(store, *key, version).await?;
            store.complete_upload(&path, &completion, None).await?;
            store.complete_upload(&path, &completion, None).await.map(|_| ())
        }
        Operation::Abort(key) => {
            let version = Version { content: content(*key, 3000), tag: None };
            let (path, _) = upload(store, *key, &version).await?;
            store.abort_upload(&path).await
        }
    }
}
