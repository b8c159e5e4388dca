//! Life-cycle configurations of buckets: what is checked of their documents, what rules they come to,
//! and the headers that tell of them. Deletes nothing.

use std::collections::BTreeSet;

use bytes::Bytes;
use uuid::Uuid;

use super::configured::Configuration;
use super::context::Context;
use super::error::{Code, S3Error};
use super::reply::Reply;
use super::xml::{
    self, ExpirationDocument, LifecycleDocument, LifecycleFilterDocument, LifecycleRuleDocument,
};
use crate::object::percent::{self, Slash};
use crate::object::{
    BucketSetting, Due, Expiration, Lifecycle, LifecycleFilter, LifecycleRule, MAX_OBJECT_TAGS,
    ObjectInfo, TagSet, Timestamp, VersionId,
};
use crate::store::ObjectPath;

const MAX_ID: usize = 255;
const MAX_PREFIX: usize = 1024;
const MAX_NEWER_VERSIONS: i64 = 100;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The values of `x-amz-transition-default-minimum-object-size`; the first one is the default.
const MINIMA: [&str; 2] = ["all_storage_classes_128K", "varies_by_storage_class"];

/// Reads the rules of a document that was kept by PutBucketLifecycleConfiguration; says what is
/// wrong where it cannot be read.
pub fn lifecycle_rules(kept: &[u8]) -> Result<Lifecycle, String> {
    Lifecycle::read(kept).map_err(|error| error.text().to_owned())
}

impl Configuration for Lifecycle {
    const SETTING: BucketSetting = BucketSetting::Lifecycle;

    fn check(bytes: &[u8]) -> Result<Bytes, S3Error> {
        Ok(kept(&checked(bytes, None)?))
    }

    fn read(bytes: &[u8]) -> Result<Self, S3Error> {
        let document = LifecycleDocument::parse(bytes)?;
        let enabled = document.rules.into_iter().filter(|rule| rule.enabled);
        Ok(Self { rules: enabled.map(rule).collect::<Result<_, _>>()? })
    }
}

/// What a client sent, with ids for the rules that had none, or why it is refused. `minimum` is
/// the header beside it.
pub(super) fn checked(bytes: &[u8], minimum: Option<&str>) -> Result<LifecycleDocument, S3Error> {
    let mut document = LifecycleDocument::parse(bytes)?;
    document.transition_minimum = minimum.map(transition_minimum).transpose()?;
    let mut ids = BTreeSet::new();
    for rule in &mut document.rules {
        check_rule(rule)?;
        let id = rule.id.take().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        if !ids.insert(id.clone()) {
            let message = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(S3Error::invalid_argument("ID", id, message));
        }
        rule.id = Some(id);
    }
    Ok(document)
}

/// A checked document as it is kept.
pub(super) fn kept(document: &LifecycleDocument) -> Bytes {
    xml::document(LifecycleDocument::ROOT, |writer| document.write_kept(writer))
}

/// The header `x-amz-transition-default-minimum-object-size` of a kept document. Nothing moves to
/// another storage class here, but who manages buckets compares what it set with what it is told.
pub(super) fn tell_minimum(reply: Reply, document: &LifecycleDocument) -> Reply {
    let minimum = document.transition_minimum.as_deref().unwrap_or(MINIMA[0]);
    reply.amz("x-amz-transition-default-minimum-object-size", minimum)
}

fn transition_minimum(text: &str) -> Result<String, S3Error> {
    if MINIMA.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(S3Error::invalid_argument(
        "x-amz-transition-default-minimum-object-size",
        text,
        "The value is all_storage_classes_128K or varies_by_storage_class.",
    ))
}

fn check_rule(document: &LifecycleRuleDocument) -> Result<(), S3Error> {
    if let Some(id) = document.id.as_ref().filter(|id| id.chars().count() > MAX_ID) {
        let message = "ID length should not exceed allowed limit of 255";
        return Err(S3Error::invalid_argument("ID", id, message));
    }
    if document.transitions {
        return Err(S3Error::new(Code::NotImplemented).message(
            "There is one storage class here, so that Transition and NoncurrentVersionTransition \
             cannot be used.",
        ));
    }
    if document.prefix.is_some() && document.filter.is_some() {
        return Err(S3Error::invalid_request(
            "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the \
             Filter.",
        ));
    }
    let LifecycleRuleDocument { expiration, noncurrent, abort_after, .. } = document;
    if expiration.is_none() && noncurrent.is_none() && abort_after.is_none() {
        return Err(S3Error::invalid_request(
            "At least one action needs to be specified in a rule",
        ));
    }
    let prefix = document.filter.as_ref().map_or(&document.prefix, |filter| &filter.prefix);
    if prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_PREFIX) {
        return Err(S3Error::invalid_request("The maximum size of a prefix is 1024."));
    }
    if let Some(filter) = &document.filter {
        check_filter(filter)?;
        check_combination(document, filter)?;
    }
    if let Some(noncurrent) = noncurrent {
        positive("NoncurrentDays", "NoncurrentVersionExpiration", noncurrent.days)?;
        if noncurrent.newer.is_some_and(|newer| !(1..=MAX_NEWER_VERSIONS).contains(&newer)) {
            return Err(S3Error::invalid_argument(
                "NewerNoncurrentVersions",
                noncurrent.newer.unwrap_or_default().to_string(),
                "'NewerNoncurrentVersions' must be an integer between 1 and 100",
            ));
        }
    }
    rule(document.clone()).map(|_| ())
}

/// Uploads have neither size nor tags, and no more do delete markers.
fn check_combination(
    document: &LifecycleRuleDocument,
    filter: &LifecycleFilterDocument,
) -> Result<(), S3Error> {
    let by = if !filter.tags.is_empty() {
        "Tags"
    } else if filter.larger_than.is_some() || filter.smaller_than.is_some() {
        "Object Size"
    } else {
        return Ok(());
    };
    let action = match (&document.expiration, document.abort_after) {
        (_, Some(_)) => "AbortIncompleteMultipartUpload",
        (Some(ExpirationDocument::DeleteMarker(_)), None) => "ExpiredObjectDeleteMarker",
        _ => return Ok(()),
    };
    Err(S3Error::invalid_request(format!("{action} cannot be specified with {by}.")))
}

fn check_filter(filter: &LifecycleFilterDocument) -> Result<(), S3Error> {
    if filter.tags.len() > MAX_OBJECT_TAGS {
        return Err(S3Error::invalid_request("A filter has at most 10 tags, as objects do."));
    }
    let keys: BTreeSet<&String> = filter.tags.iter().map(|(key, _)| key).collect();
    if keys.len() < filter.tags.len() {
        return Err(S3Error::invalid_request("Duplicate Tag Keys are not allowed."));
    }
    TagSet::for_object(filter.tags.clone())
        .map_err(|error| S3Error::new(Code::InvalidTag).message(error.to_string()))?;
    for (name, bound) in
        [("ObjectSizeGreaterThan", filter.larger_than), ("ObjectSizeLessThan", filter.smaller_than)]
    {
        if let Some(bound) = bound.filter(|bound| *bound < 0) {
            let message = format!("'{name}' must not be negative");
            return Err(S3Error::invalid_argument(name, bound.to_string(), message));
        }
    }
    match (filter.larger_than, filter.smaller_than) {
        (Some(larger), Some(smaller)) if smaller <= larger => Err(S3Error::invalid_request(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
        )),
        _ => Ok(()),
    }
}

/// What a rule comes to where there are no versions: nothing is to be done about delete markers
/// and about versions that are not current.
fn rule(document: LifecycleRuleDocument) -> Result<LifecycleRule, S3Error> {
    let expiration = match document.expiration {
        Some(ExpirationDocument::Days(days)) => {
            Some(Expiration::Days(positive("Days", "Expiration", days)?))
        }
        Some(ExpirationDocument::Date(date)) => Some(Expiration::Date(midnight(&date)?)),
        Some(ExpirationDocument::DeleteMarker(_)) | None => None,
    };
    let abort = |days| positive("DaysAfterInitiation", "AbortIncompleteMultipartUpload", days);
    let size = |bound: Option<i64>| bound.map(|bound| u64::try_from(bound).unwrap_or_default());
    let filter = document.filter.unwrap_or_default();
    Ok(LifecycleRule {
        id: document.id.unwrap_or_default(),
        filter: LifecycleFilter {
            prefix: document.prefix.or(filter.prefix).unwrap_or_default(),
            tags: filter.tags,
            larger_than: size(filter.larger_than),
            smaller_than: size(filter.smaller_than),
        },
        expiration,
        abort_after: document.abort_after.map(abort).transpose()?,
    })
}

fn positive(name: &'static str, action: &str, days: i64) -> Result<u32, S3Error> {
    match i32::try_from(days) {
        Ok(days @ 1..) => Ok(days.unsigned_abs()),
        _ => Err(S3Error::invalid_argument(
            name,
            days.to_string(),
            format!("'{name}' for {action} action must be a positive integer"),
        )),
    }
}

fn midnight(text: &str) -> Result<Timestamp, S3Error> {
    // A day alone is its beginning.
    let full = if text.len() == "2024-01-01".len() {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let date = Timestamp::parse_http_date(&full).ok_or_else(|| S3Error::new(Code::MalformedXML))?;
    if date.0.rem_euclid(DAY_MILLIS) != 0 {
        return Err(S3Error::invalid_argument("Date", text, "'Date' must be at midnight GMT"));
    }
    Ok(date)
}

/// `x-amz-expiration`: when a bucket's rules have an object go, if they do. Failing to find that
/// out fails no request. `tags` are asked for where they decide and are not given.
pub(super) async fn expiration(
    ctx: &Context,
    at: &ObjectPath,
    object: &ObjectInfo,
    tags: Option<&TagSet>,
) -> Option<String> {
    if !ctx.expiring.contains(&at.bucket) {
        return None;
    }
    let rules = ctx.configured.lifecycle(&*ctx.store, &at.bucket).await.ok()??;
    let (key, size, stored) = (at.key.as_str(), object.size, object.last_modified);
    let asked;
    let tags = match tags {
        None if object.tag_count > 0 && rules.depends_on_tags(key, size, stored) => {
            let version = Some(object.version).filter(|version| *version != VersionId::Null);
            asked = ctx.store.object_tags(at, version).await.ok()?;
            Some(&asked)
        }
        given => given,
    };
    let Due { at, rule } = rules.expiry(key, size, stored, tags)?;
    let id = percent::encode(rule, Slash::Encode);
    Some(format!("expiry-date=\"{}\", rule-id=\"{id}\"", at.http_date()))
}

/// Adds `x-amz-expiration`, where an object has one.
pub(super) fn tell_expiration(reply: Reply, expiration: Option<String>) -> Reply {
    match expiration {
        Some(text) => reply.amz("x-amz-expiration", text),
        None => reply,
    }
}

/// Adds `x-amz-abort-date` and `x-amz-abort-rule-id`, where a rule has an unfinished upload go.
pub(super) async fn tell_abortion(
    ctx: &Context,
    reply: Reply,
    at: &ObjectPath,
    initiated: Timestamp,
) -> Reply {
    if !ctx.expiring.contains(&at.bucket) {
        return reply;
    }
    let rules = ctx.configured.lifecycle(&*ctx.store, &at.bucket).await.ok().flatten();
    match rules.as_ref().and_then(|rules| rules.abortion(at.key.as_str(), initiated)) {
        Some(due) => reply
            .amz("x-amz-abort-date", due.at.http_date())
            .amz("x-amz-abort-rule-id", percent::encode(due.rule, Slash::Encode)),
        None => reply,
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
