//! Buckets that exist without CreateBucket: those of the file, and the applications' own.

use toml::Spanned;

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::{RESERVED_BUCKET, application, file};
use crate::object::BucketName;

/// All of them.
pub(super) fn build(
    env: &Env,
    listed: &[Spanned<file::Bucket>],
    document: &Document,
) -> Result<Vec<BucketName>, ConfigError> {
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut buckets = Vec::new();
    for entry in listed {
        let bucket = entry.get_ref();
        check_mode(bucket, document)?;
        let (name, span) = (bucket.name.get_ref(), bucket.name.span());
        if let Some((_, line)) = names.iter().find(|(other, _)| other == name) {
            let message = format!("{name:?} is also the bucket of line {line}");
            return Err(document.error(&span, message));
        }
        names.push((name.clone(), document.line(&span)));
        // "*" is the default for every bucket that is not named, not a bucket.
        if name != "*" {
            let parsed = bucket_name(name).map_err(|message| document.error(&span, message))?;
            buckets.push(parsed);
        }
    }
    if let Some((variable, name)) = application::bucket(env)? {
        let parsed = bucket_name(&name).map_err(|message| ConfigError::new(variable, message))?;
        if !buckets.contains(&parsed) {
            buckets.push(parsed);
        }
    }
    Ok(buckets)
}

fn bucket_name(name: &str) -> Result<BucketName, String> {
    if name == RESERVED_BUCKET {
        return Err(format!("{name:?} is reserved for /{RESERVED_BUCKET}/…; use another name"));
    }
    BucketName::parse(name).map_err(|rule| format!("{name:?} is no bucket name: {rule}"))
}

fn check_mode(bucket: &file::Bucket, document: &Document) -> Result<(), ConfigError> {
    if let Some(mode) = &bucket.mode {
        let message = match mode.get_ref().as_str() {
            "local" => None,
            later @ ("upstream" | "fallback" | "overlay" | "mirror") => {
                Some(format!("the mode {later:?} is not available in this version; use \"local\""))
            }
            other => Some(format!("{other:?} is no mode; use \"local\"")),
        };
        if let Some(message) = message {
            return Err(document.error(&mode.span(), message));
        }
    }
    let upstream = [&bucket.upstream, &bucket.upstream_bucket, &bucket.upstream_prefix];
    match upstream.into_iter().flatten().next() {
        None => Ok(()),
        Some(value) => {
            let message = "upstreams are not available in this version; remove the key";
            Err(document.error(&value.span(), message))
        }
    }
}
