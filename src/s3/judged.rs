//! Content that is in the store already and becomes an object: the sources of copies and the parts of
//! uploads, judged by the upload rules of the object that they become.

use super::error::S3Error;
use crate::object::{
    Completion, CustomerKey, ETagMatch, KeyFault, ObjectInfo, PartsQuery, ReadConditions,
};
use crate::rules::{Appetite, RuleSet, Rulebook};
use crate::store::{CopyRequest, Front, GetRequest, ObjectPath, Objects, StoreError, UploadPath};

/// How many parts are asked for at once.
const PAGE: usize = 1000;

/// A copy under rules.
pub(super) struct Copying {
    rules: RuleSet,
    target: ObjectPath,
    declared: Option<String>,
}

impl Copying {
    /// Judges what is known of the source, and binds the copy to that; `None` where there are no
    /// rules for its target.
    pub(super) fn admit(
        rules: &Rulebook,
        target: &ObjectPath,
        source: &ObjectInfo,
        request: &mut CopyRequest,
    ) -> Result<Option<Self>, S3Error> {
        let rules = rules.of(&target.bucket, target.key.as_str());
        if rules.is_empty() {
            return Ok(None);
        }
        let metadata = request.metadata.get_or_insert_with(|| source.metadata.clone());
        let declared = metadata.headers.content_type.clone();
        rules.admit(&target.key, declared.as_deref(), Some(source.size))?;
        Ok(Some(Self { rules, target: target.clone(), declared }))
    }

    /// Judges the source's content, and binds the copy to that. `fault` says what an error of the
    /// store means.
    pub(super) async fn examine(
        &self,
        store: &(impl Objects + ?Sized),
        source: &ObjectPath,
        request: &mut CopyRequest,
        fault: impl Fn(StoreError) -> S3Error,
    ) -> Result<(), S3Error> {
        // The others are judged by the copy: that they fail means something else where one reads.
        let conditions = ReadConditions {
            if_none_match: None,
            if_modified_since: None,
            ..request.source_conditions.clone()
        };
        let whole = GetRequest {
            version: request.source_version,
            conditions,
            key: request.source_key.clone(),
            ..GetRequest::default()
        };
        let etag = if self.rules.appetite() > Appetite::Size {
            let got = store.get_object(source, &whole).await.map_err(fault)?;
            self.rules.examine(got.body, &self.target.key, self.declared.as_deref()).await?;
            got.head.object.etag
        } else {
            store.head_object(source, &whole).await.map_err(fault)?.object.etag
        };
        request.source_conditions.if_match = Some(ETagMatch::Tags(vec![etag]));
        Ok(())
    }
}

/// Judges the object that a completion would make. Its parts have the tags that the completion
/// lists: what is completed afterwards is what was looked at. `key` is the customer's, where the
/// request has it.
pub(super) async fn examine_parts(
    store: &dyn Front,
    rules: &Rulebook,
    upload: &UploadPath,
    completion: &Completion,
    key: Option<&CustomerKey>,
) -> Result<(), S3Error> {
    let ObjectPath { bucket, key: name } = &upload.object;
    let rules = rules.of(bucket, name.as_str());
    if rules.is_empty() {
        return Ok(());
    }
    let Some((declared, size)) = listed(store, upload, completion).await? else { return Ok(()) };
    rules.admit(name, declared.as_deref(), Some(size))?;
    if !rules.needs_content() {
        return Ok(());
    }
    let content = store.preview(upload, completion, key).await.map_err(|error| match error {
        StoreError::CustomerKey(KeyFault::PartMissing) => S3Error::invalid_request(
            "Upload rules have to look into this upload, which is encrypted with a customer \
             provided key: CompleteMultipartUpload must provide that key, too.",
        ),
        other => other.into(),
    })?;
    let Some(content) = content else { return Ok(()) };
    Ok(rules.examine(content, name, declared.as_deref()).await?)
}

/// The content type that the upload was begun with, and how many bytes the parts of the completion
/// have; `None` where there is no such upload: the store knows whether it was completed before.
async fn listed(
    store: &dyn Front,
    upload: &UploadPath,
    completion: &Completion,
) -> Result<Option<(Option<String>, u64)>, S3Error> {
    let wanted = |number| completion.parts.iter().any(|part| part.number == number);
    let (mut size, mut after) = (0_u64, 0);
    loop {
        let page = match store.list_parts(upload, &PartsQuery { after, limit: PAGE }).await {
            Ok(page) => page,
            Err(StoreError::NoSuchUpload) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let parts = page.parts.iter().filter(|part| wanted(part.number));
        size = parts.fold(size, |size, part| size.saturating_add(part.size));
        match page.next {
            Some(next) => after = next,
            None => return Ok(Some((page.upload.metadata.headers.content_type, size))),
        }
    }
}
