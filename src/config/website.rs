//! Buckets as websites: under which domains, and which of them everybody may read.

use std::collections::BTreeSet;

use toml::Spanned;

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::file;
use super::sections::{Place, domain};
use super::usage::EVERY_BUCKET;
use crate::object::BucketName;

const VARIABLE: &str = "STOWGATE_WEBSITE_DOMAINS";

/// Buckets as websites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Website {
    /// The host names below which buckets are websites, lower-case; without any, none is.
    pub domains: Vec<String>,
    /// The buckets whose objects everybody may read there.
    pub public: BTreeSet<BucketName>,
}

/// The websites of file and environment. A domain below which S3 is served is none.
pub(super) fn build(
    env: &Env,
    in_file: &file::Website,
    buckets: &[Spanned<file::Bucket>],
    base_domains: &[String],
    document: &Document,
) -> Result<Website, ConfigError> {
    let domains = domains(env, in_file, base_domains, document)?;
    let mut public = BTreeSet::new();
    for bucket in buckets {
        let bucket = bucket.get_ref();
        let Some(website) = bucket.website.as_ref().filter(|website| *website.get_ref()) else {
            continue;
        };
        let refuse = |message: &str| Err(document.error(&website.span(), message));
        if bucket.name.get_ref() == EVERY_BUCKET {
            return refuse("every bucket would be public; name those that are to be one by one");
        }
        if domains.is_empty() {
            return refuse("no domain has websites; add [website] domains = [\"…\"]");
        }
        // What is no name is told of where the bucket's mode is read.
        public.extend(BucketName::parse(bucket.name.get_ref()).ok());
    }
    Ok(Website { domains, public })
}

fn domains(
    env: &Env,
    in_file: &file::Website,
    base_domains: &[String],
    document: &Document,
) -> Result<Vec<String>, ConfigError> {
    if let Some(list) = env.get(VARIABLE)? {
        let place = Place::Variable(VARIABLE);
        let names = list.split(',').map(|name| website(name.trim(), base_domains, &place));
        return names.collect();
    }
    let listed = in_file.domains.as_deref().unwrap_or_default().iter();
    let place = |name: &Spanned<String>| Place::File(document, name.span());
    listed.map(|name| website(name.get_ref(), base_domains, &place(name))).collect()
}

fn website(name: &str, base_domains: &[String], place: &Place<'_>) -> Result<String, ConfigError> {
    let name = domain(name, place)?;
    if base_domains.contains(&name) {
        return Err(place.error(format!(
            "{name:?} is a base domain, below which S3 is served; websites need one of their own, \
             such as s3-website.localhost"
        )));
    }
    Ok(name)
}
