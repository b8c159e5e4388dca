//! The two stores, given the same requests and compared by their answers. A difference comes back
//! as an error, so that shrinking a history stays quiet.

use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use stowgate::body::BodyError;
use stowgate::object::{
    Algorithm, BucketName, BucketSetting, BucketsQuery, ChecksumChoice, Clock, CompletedPart,
    Completion, ETag, ETagMatch, EncryptionDefaults, ListQuery, ManualClock, PartsQuery,
    ReadConditions, SettingDocument, UploadEntry, UploadId, UploadsQuery, VersionMarker,
    VersionsQuery, WriteCondition,
};
use stowgate::store::conformance::{Subject, abandoned, body, content, failing};
use stowgate::store::{
    CopyPartRequest, CopyRequest, DeleteRequest, GetRequest, Got, MemoryStore, NewObject,
    NewUpload, ObjectPath, Store, StoreError, UploadPath,
};

use super::disk::Disk;
use super::outcome::{Outcome, same};
use super::request::{
    bucket, choice, key_of, list_query, metadata, owner, part_number, path, selection, tags,
};
use super::step::{ALGORITHMS, Condition, KEYS, Listed, Page, Step, TEXTS};

/// Runs a history on fresh stores, which encrypt everything or nothing; an error at the first difference.
pub(super) async fn play(history: &[Step], encrypts: bool) -> Outcome {
    let clock = Subject::clock();
    let disk = Disk::new(clock.clone(), encrypts).await;
    let defaults = EncryptionDefaults { everywhere: encrypts, ..EncryptionDefaults::default() };
    let model = Arc::new(MemoryStore::new(clock.clone()).encrypting(defaults));
    let mut pair = Pair { model, disk, clock, uploads: Vec::new() };
    for (number, step) in history.iter().enumerate() {
        pair.take(step, &format!("step {number}, {step:?}")).await?;
    }
    pair.compare_everything("at the end").await?;
    pair.disk.check("after the end").await
}

struct Pair {
    model: Arc<dyn Store>,
    disk: Disk,
    clock: Arc<ManualClock>,
    uploads: Vec<Upload>,
}

/// An upload under both its names, and the list that it was last asked to be completed with.
struct Upload {
    object: ObjectPath,
    model: UploadId,
    disk: UploadId,
    listed: Completion,
}

/// Makes both stores answer a call and compares what they say. `$upload` is the upload's path on
/// the side that is asked.
macro_rules! both {
    ($pair:ident, $what:expr, |$store:ident| $call:expr) => {{
        let model = {
            let $store = &*$pair.model;
            $pair.shown(&$call)
        };
        let disk = {
            let $store = $pair.disk.store();
            $pair.shown(&$call)
        };
        same(&disk, &model, $what)?;
    }};
}

impl Pair {
    async fn take(&mut self, step: &Step, what: &str) -> Outcome {
        match *step {
            Step::Tick { millis } => {
                self.clock.advance(millis);
                Ok(())
            }
            Step::Restart { how } => {
                self.disk.restart(how).await;
                self.compare_everything(what).await
            }
            Step::CreateBucket { .. }
            | Step::DeleteBucket { .. }
            | Step::ListBuckets { .. }
            | Step::TagBucket { .. }
            | Step::SetSetting { .. } => self.take_bucket(step, what).await,
            Step::Get { .. }
            | Step::ObjectParts { .. }
            | Step::List { .. }
            | Step::ListVersions { .. } => self.take_read(step, what).await,
            Step::Put { .. }
            | Step::BrokenPut { .. }
            | Step::AbandonedPut { .. }
            | Step::Delete { .. }
            | Step::Copy { .. }
            | Step::Tag { .. } => self.take_write(step, what).await,
            _ => self.take_upload(step, what).await,
        }
    }

    async fn take_bucket(&self, step: &Step, what: &str) -> Outcome {
        match *step {
            Step::CreateBucket { bucket: name, owner: id } => {
                let (name, owner) = (bucket(name), owner(id));
                both!(self, what, |s| s.create_bucket(&name, &owner).await);
                both!(self, what, |s| s.head_bucket(&name).await);
            }
            Step::DeleteBucket { bucket: name } => {
                let name = bucket(name);
                both!(self, what, |s| s.delete_bucket(&name).await);
            }
            Step::ListBuckets { page } => {
                let query = BucketsQuery {
                    owner: page.delimiter.map(|id| owner(id % 2).id),
                    prefix: TEXTS[page.prefix].to_owned(),
                    after: page.after.map(|text| TEXTS[text].to_owned()),
                    limit: page.limit,
                };
                both!(self, what, |s| s.list_buckets(&query).await);
            }
            Step::TagBucket { bucket: name, tags: count } => {
                let (name, tags) = (bucket(name), count.map(tags));
                both!(self, what, |s| s.set_bucket_tags(&name, tags.clone()).await);
                both!(self, what, |s| s.bucket_tags(&name).await);
            }
            Step::SetSetting { bucket: name, setting, document } => {
                let (name, setting) = (bucket(name), BucketSetting::ALL[setting]);
                let document = document.map(|seed| {
                    SettingDocument::new(content(seed, usize::try_from(seed).unwrap() * 40_000))
                        .unwrap()
                });
                both!(self, what, |s| s.set_bucket_setting(&name, setting, document.clone()).await);
                both!(self, what, |s| s.bucket_setting(&name, setting).await);
            }
            _ => unreachable!(),
        }
        Ok(())
    }

    async fn take_read(&self, step: &Step, what: &str) -> Outcome {
        match *step {
            Step::Get { at, pick } => {
                let at = path(at);
                let request = GetRequest { selection: selection(pick), ..GetRequest::default() };
                both!(self, what, |s| s.head_object(&at, &request).await);
                both!(self, what, |s| read(s.get_object(&at, &request).await).await);
            }
            Step::ObjectParts { at, after, limit } => {
                let at = path(at);
                both!(self, what, |s| s.object_parts(&at, None, after, limit).await);
            }
            Step::List { bucket: name, page } => {
                let (name, query) = (bucket(name), list_query(page));
                both!(self, what, |s| s.list_objects(&name, &query).await);
            }
            Step::ListVersions { bucket: name, page } => {
                let (name, of_keys) = (bucket(name), list_query(page));
                let query = VersionsQuery {
                    prefix: of_keys.prefix,
                    delimiter: of_keys.delimiter,
                    after: of_keys.after.map(|key| VersionMarker { key, version: None }),
                    limit: of_keys.limit,
                };
                both!(self, what, |s| s.list_versions(&name, &query).await);
            }
            _ => unreachable!(),
        }
        Ok(())
    }

    async fn take_write(&self, step: &Step, what: &str) -> Outcome {
        match *step {
            Step::Put { at, size, seed, rich, sum, condition } => {
                let at = path(at);
                let new = NewObject {
                    metadata: metadata(rich, seed),
                    tags: tags(usize::from(rich)),
                    condition: self.condition(&at, condition).await,
                    ..NewObject::default()
                };
                let (content, sum) = (content(seed, size), sum.map(|sum| ALGORITHMS[sum]));
                if let Some(condition) = &new.condition {
                    both!(self, what, |s| s.check_condition(&at, condition).await);
                }
                both!(self, what, |s| {
                    s.put_object(&at, new.clone(), body(&content, sum)).await
                });
            }
            Step::BrokenPut { at, size } => {
                let (at, content) = (path(at), content(99, size.max(1)));
                both!(self, what, |s| {
                    let body = failing(&content, BodyError::Md5);
                    s.put_object(&at, NewObject::default(), body).await
                });
            }
            Step::AbandonedPut { at, size } => {
                let (at, content) = (path(at), content(99, size.max(1)));
                for store in [&*self.model, self.disk.store()] {
                    let mut put = store.put_object(&at, NewObject::default(), abandoned(&content));
                    for _ in 0..3 {
                        if !poll_fn(|cx| Poll::Ready(put.as_mut().poll(cx).is_pending())).await {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                }
            }
            Step::Delete { at, condition } => {
                let at = path(at);
                let condition = self.condition(&at, condition).await;
                // A delete has no condition but that the object is there.
                let condition = condition.filter(|c| *c != WriteCondition::Absent);
                let request = DeleteRequest { version: None, condition };
                both!(self, what, |s| s.delete_object(&at, &request).await);
            }
            Step::Copy { from, to, sum, replace, condition } => {
                let (from, to) = (path(from), path(to));
                let request = CopyRequest {
                    source_version: None,
                    source_conditions: ReadConditions::default(),
                    metadata: replace.then(|| metadata(true, 77)),
                    tags: replace.then(|| tags(2)),
                    checksum: sum.map(|sum| ALGORITHMS[sum]),
                    condition: self.condition(&to, condition).await,
                    size_limit: 200_000,
                    source_key: None,
                    encryption: None,
                    acl: None,
                };
                both!(self, what, |s| s.copy_object(&from, &to, request.clone()).await);
            }
            Step::Tag { at, tags: count } => {
                let (at, tags) = (path(at), tags(count));
                both!(self, what, |s| s.set_object_tags(&at, None, tags.clone()).await);
                both!(self, what, |s| s.object_tags(&at, None).await);
            }
            _ => unreachable!(),
        }
        Ok(())
    }

    async fn take_upload(&mut self, step: &Step, what: &str) -> Outcome {
        match *step {
            Step::CreateUpload { at, sum, composite, rich } => {
                self.create_upload(&path(at), choice(sum, composite), rich, what).await?;
            }
            Step::ListUploads { bucket: name, page, upload } => {
                self.list_uploads(&bucket(name), page, upload, what).await?;
            }
            Step::Expire { limit } => {
                let deadline = self.clock.now();
                // Which ones go first is the store's to choose, so that none may be left over.
                if limit > 0 {
                    both!(self, what, |s| s.expire_uploads(deadline, 1000).await);
                }
            }
            Step::PutPart { upload, .. }
            | Step::BrokenPart { upload, .. }
            | Step::CopyPart { upload, .. }
            | Step::ListParts { upload, .. }
            | Step::Complete { upload, .. }
            | Step::Abort { upload }
                if !self.uploads.is_empty() =>
            {
                // The newest uploads are the likely ones to be under way.
                let upload = self.uploads.len() - 1 - upload % self.uploads.len();
                self.take_known(upload, step, what).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn create_upload(
        &mut self,
        at: &ObjectPath,
        checksum: ChecksumChoice,
        rich: bool,
        what: &str,
    ) -> Outcome {
        let new = NewUpload {
            metadata: metadata(rich, 5),
            tags: tags(usize::from(rich)),
            checksum,
            initiator: owner(1),
            encryption: None,
            acl: None,
        };
        let model = self.model.create_upload(at, new.clone()).await;
        let disk = self.disk.store().create_upload(at, new).await;
        match (model, disk) {
            (Ok(model), Ok(disk)) => self.uploads.push(Upload {
                object: at.clone(),
                model,
                disk,
                listed: Completion::default(),
            }),
            (model, disk) => return same(&format!("{disk:?}"), &format!("{model:?}"), what),
        }
        Ok(())
    }

    async fn list_uploads(
        &self,
        name: &BucketName,
        page: Page,
        upload: Option<usize>,
        what: &str,
    ) -> Outcome {
        let of_keys = list_query(page);
        let marker = upload.filter(|_| !self.uploads.is_empty());
        let marker = marker.map(|upload| &self.uploads[upload % self.uploads.len()]);
        let after = |id: fn(&Upload) -> &UploadId| match marker {
            Some(upload) => Some((upload.object.key.as_str().to_owned(), Some(id(upload).clone()))),
            None => of_keys.after.clone().map(|key| (key, None)),
        };
        let query = |after| UploadsQuery {
            prefix: of_keys.prefix.clone(),
            delimiter: of_keys.delimiter.clone(),
            after,
            limit: of_keys.limit,
        };
        let on_model = query(after(|upload| &upload.model));
        let on_disk = query(after(|upload| &upload.disk));
        let model = self.shown(&self.model.list_uploads(name, &on_model).await);
        let disk = self.shown(&self.disk.store().list_uploads(name, &on_disk).await);
        same(&disk, &model, what)
    }

    async fn take_known(&mut self, upload: usize, step: &Step, what: &str) -> Outcome {
        let object = self.uploads[upload].object.clone();
        let on_model = UploadPath { object, id: self.uploads[upload].model.clone() };
        let on_disk = UploadPath { id: self.uploads[upload].disk.clone(), ..on_model.clone() };
        macro_rules! both {
            (|$store:ident, $to:ident| $call:expr) => {{
                let model = {
                    let ($store, $to) = (&*self.model, &on_model);
                    self.shown(&$call)
                };
                let disk = {
                    let ($store, $to) = (self.disk.store(), &on_disk);
                    self.shown(&$call)
                };
                same(&disk, &model, what)?;
            }};
        }
        match *step {
            Step::PutPart { number, size, seed, .. } => {
                let (content, number) = (content(seed, size), part_number(number));
                // The protocol computes what the upload's choice names.
                let choice = self.model.upload_choice(&on_model).await;
                let sum = choice.map(|choice| choice.checksum.algorithm).ok();
                both!(|s, to| s.put_part(to, number, body(&content, sum), None).await);
            }
            Step::BrokenPart { number, size, .. } => {
                let (content, number) = (content(98, size.max(1)), part_number(number));
                both!(|s, to| {
                    s.put_part(to, number, failing(&content, BodyError::Incomplete), None).await
                });
            }
            Step::CopyPart { number, from, range, .. } => {
                let (from, number) = (path(from), part_number(number));
                let request = CopyPartRequest {
                    source_version: None,
                    source_conditions: ReadConditions::default(),
                    range,
                    size_limit: 150_000,
                    source_key: None,
                    key: None,
                };
                both!(|s, to| s.copy_part(&from, to, number, request.clone()).await);
            }
            Step::ListParts { after, limit, .. } => {
                both!(|s, to| s.list_parts(to, &PartsQuery { after, limit }).await);
                both!(|s, to| s.upload_choice(to).await);
            }
            Step::Complete { listed, condition, .. } => {
                let completion = self.completion(upload, &on_model, listed).await;
                self.uploads[upload].listed = completion.clone();
                let condition = self.condition(&on_model.object, condition).await;
                both!(|s, to| s.complete_upload(to, &completion, condition.clone()).await);
            }
            Step::Abort { .. } => both!(|s, to| s.abort_upload(to).await),
            _ => unreachable!(),
        }
        Ok(())
    }

    /// The list of parts, from what the model holds.
    async fn completion(&self, upload: usize, at: &UploadPath, listed: Listed) -> Completion {
        let page = self.model.list_parts(at, &PartsQuery { after: 0, limit: 10 }).await;
        let (Ok(page), false) = (page, matches!(listed, Listed::Again)) else {
            return self.uploads[upload].listed.clone();
        };
        let mut parts: Vec<CompletedPart> = page
            .parts
            .into_iter()
            .map(|part| CompletedPart {
                number: part.number,
                etag: part.etag,
                checksum: part.checksum,
            })
            .collect();
        match listed {
            Listed::All | Listed::Again => {}
            Listed::First => parts.truncate(1),
            Listed::Reversed => parts.reverse(),
            Listed::WrongTag => parts.iter_mut().for_each(|part| part.etag = ETag::parse("x")),
            Listed::WithoutChecksums => parts.iter_mut().for_each(|part| part.checksum = None),
        }
        Completion { parts, ..Completion::default() }
    }

    async fn condition(
        &self,
        at: &ObjectPath,
        condition: Option<Condition>,
    ) -> Option<WriteCondition> {
        let matches = |tag: &str| Some(WriteCondition::Matches(ETagMatch::parse(tag)));
        match condition? {
            Condition::Absent => Some(WriteCondition::Absent),
            Condition::Any => Some(WriteCondition::Matches(ETagMatch::Any)),
            Condition::Wrong => matches("\"wrong\""),
            Condition::Current => {
                let head = self.model.head_object(at, &GetRequest::default()).await;
                head.map_or_else(|_| matches("none"), |head| matches(head.object.etag.as_str()))
            }
        }
    }

    /// An answer as text, with the same name for an upload on both sides.
    fn shown(&self, answer: &impl Debug) -> String {
        self.named(format!("{answer:#?}"))
    }

    fn named(&self, mut text: String) -> String {
        for (number, upload) in self.uploads.iter().enumerate() {
            for id in [&upload.model, &upload.disk] {
                text = text.replace(id.as_str(), &format!("upload {number}"));
            }
        }
        text
    }

    async fn compare_everything(&self, what: &str) -> Outcome {
        let model = self.named(everything(&*self.model).await);
        let disk = self.named(everything(self.disk.store()).await);
        same(&disk, &model, what)?;
        self.disk.check_counters(what).await
    }
}

/// All that a store holds, as text.
async fn everything(store: &dyn Store) -> String {
    let mut lines = Vec::new();
    let query = BucketsQuery { limit: 1000, ..BucketsQuery::default() };
    for bucket in store.list_buckets(&query).await.unwrap().buckets {
        lines.push(format!("{bucket:?} {:?}", store.bucket_tags(&bucket.name).await));
        for setting in BucketSetting::ALL {
            lines.push(format!("{:?}", store.bucket_setting(&bucket.name, *setting).await));
        }
        let query = ListQuery { limit: 1000, ..ListQuery::default() };
        lines.push(format!("{:#?}", store.list_objects(&bucket.name, &query).await));
        for key in KEYS {
            let at = ObjectPath { bucket: bucket.name.clone(), key: key_of(key) };
            let whole = GetRequest::default();
            lines.push(format!("{:#?}", read(store.get_object(&at, &whole).await).await));
            lines.push(format!("{:?}", store.object_tags(&at, None).await));
            lines.push(format!("{:?}", store.object_parts(&at, None, 0, 100).await));
        }
        let query = UploadsQuery { limit: 1000, ..UploadsQuery::default() };
        for entry in store.list_uploads(&bucket.name, &query).await.unwrap().entries {
            let UploadEntry::Upload(upload) = entry else { panic!("no delimiter was given") };
            let object = ObjectPath { bucket: bucket.name.clone(), key: upload.key };
            let at = UploadPath { object, id: upload.id };
            let query = PartsQuery { after: 0, limit: 1000 };
            lines.push(format!("{:#?}", store.list_parts(&at, &query).await));
        }
    }
    lines.join("\n")
}

/// A read's head and the digest of what it gave.
async fn read(got: Result<Got, StoreError>) -> Result<String, String> {
    let got = got.map_err(|error| format!("{error:?}"))?;
    let head = format!("{:#?}", got.head);
    let bytes = got.body.collect(usize::MAX).await.map_err(|error| format!("{error:?}"))?;
    Ok(format!("{head} {} {:?}", bytes.len(), Algorithm::Crc64Nvme.digest(&bytes)))
}
