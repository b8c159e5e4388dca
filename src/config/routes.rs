//! The modes of buckets, and where their objects lie upstream: what the file says, and the
//! applications' own variables.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;
use std::net::SocketAddr;

use toml::Spanned;

use super::application::{self, Application};
use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::overlap::{self, Claim};
use super::upstream::Upstream;
use super::{RESERVED_BUCKET, file};
use crate::object::BucketName;

/// How a bucket's two layers are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On the local disk.
    Local,
    /// In the upstream bucket.
    Upstream,
    /// In the upstream bucket, on the local disk while that fails.
    Fallback,
}

/// A bucket's mode, and where it is upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The mode.
    pub mode: Mode,
    /// Where it is upstream; always there in the modes `upstream` and `fallback`.
    pub upstream: Option<Mapping>,
}

/// Where a bucket's objects are upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The upstream's name.
    pub upstream: String,
    /// The bucket there; one of the same name without.
    pub bucket: Option<String>,
    /// What stands before every key there.
    pub prefix: String,
}

/// The routes of all buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    /// Of the buckets that are named, which exist without CreateBucket.
    pub named: BTreeMap<BucketName, Route>,
    /// Of every other.
    pub default: Route,
}

/// The routes, and every upstream that there is.
pub(super) struct Routed {
    pub(super) routes: Routes,
    pub(super) upstreams: Vec<Upstream>,
}

impl Route {
    /// The local disk and nothing else.
    pub const LOCAL: Self = Self { mode: Mode::Local, upstream: None };
}

impl Mapping {
    /// Where a bucket of this name is upstream.
    pub fn bucket_of<'a>(&'a self, name: &'a BucketName) -> &'a str {
        self.bucket.as_deref().unwrap_or_else(|| name.as_str())
    }
}

/// What the file says of a bucket.
struct Entry {
    name: BucketName,
    /// File, line and key of the name.
    place: String,
    /// `None` where only the name is said: what holds for every other bucket then holds for it.
    route: Option<Route>,
}

/// The routes of file and environment, with the `upstreams` of the file. The gateway's own
/// `address` is no upstream.
pub(super) fn build(
    env: &Env,
    listed: &[Spanned<file::Bucket>],
    mut upstreams: Vec<Upstream>,
    document: &Document,
    address: SocketAddr,
) -> Result<Routed, ConfigError> {
    let (default, entries) = from_file(listed, &upstreams, document)?;
    let mut named = BTreeMap::new();
    let mut claims = Vec::new();
    let application = application::read(env, address)?;
    if let Some(application) = application {
        let (name, place) = application_bucket(&application)?;
        let entry = entries.iter().find(|entry| entry.name == name);
        let explicit = entry.and_then(|entry| Some((entry.route.as_ref()?, entry.place.as_str())));
        let route = application.route(explicit, &default, &mut upstreams)?;
        claims.push(Claim::of(&name, &route, place));
        named.insert(name, route);
    }
    for Entry { name, place, route } in entries {
        let route = route.unwrap_or_else(|| default.clone());
        if let MapEntry::Vacant(vacant) = named.entry(name) {
            claims.push(Claim::of(vacant.key(), &route, place));
            vacant.insert(route);
        }
    }
    overlap::check(&claims, &default, &upstreams)?;
    Ok(Routed { routes: Routes { named, default }, upstreams })
}

fn application_bucket(application: &Application) -> Result<(BucketName, String), ConfigError> {
    let (variable, name) = &application.bucket;
    let parsed = bucket_name(name).map_err(|message| ConfigError::new(*variable, message))?;
    Ok((parsed, (*variable).to_owned()))
}

/// The default route, and an entry for each bucket that has a name.
fn from_file(
    listed: &[Spanned<file::Bucket>],
    upstreams: &[Upstream],
    document: &Document,
) -> Result<(Route, Vec<Entry>), ConfigError> {
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let mut entries = Vec::new();
    let mut default = Route::LOCAL;
    for entry in listed {
        let bucket = entry.get_ref();
        let (name, span) = (bucket.name.get_ref().as_str(), bucket.name.span());
        if let Some(line) = lines.insert(name, document.line(&span)) {
            let message = format!("{name:?} is also the bucket of line {line}");
            return Err(document.error(&span, message));
        }
        let route = route(bucket, upstreams, document)?;
        if name == "*" {
            check_default(bucket, document)?;
            default = route.unwrap_or(Route::LOCAL);
            continue;
        }
        let name = bucket_name(name).map_err(|message| document.error(&span, message))?;
        entries.push(Entry { name, place: document.place(&span), route });
    }
    Ok((default, entries))
}

fn bucket_name(name: &str) -> Result<BucketName, String> {
    if name == RESERVED_BUCKET {
        return Err(format!("{name:?} is reserved for /{RESERVED_BUCKET}/…; use another name"));
    }
    BucketName::parse(name).map_err(|rule| format!("{name:?} is no bucket name: {rule}"))
}

/// All other buckets in one upstream bucket would be one bucket with many names, and each is made
/// there as a whole.
fn check_default(bucket: &file::Bucket, document: &Document) -> Result<(), ConfigError> {
    if let Some(value) = &bucket.upstream_bucket {
        let message = "every other bucket would be the same one there; leave it out, and each is \
                       the bucket of its own name, or name the buckets one by one";
        return Err(document.error(&value.span(), message));
    }
    let Some(value) = &bucket.upstream_prefix else { return Ok(()) };
    let message = "a bucket without a section of its own is a whole bucket there; leave it out, \
                   or name the buckets one by one";
    Err(document.error(&value.span(), message))
}

/// What the entry says beside its name; `None` where it says nothing.
fn route(
    bucket: &file::Bucket,
    upstreams: &[Upstream],
    document: &Document,
) -> Result<Option<Route>, ConfigError> {
    let upstream = mapping(bucket, upstreams, document)?;
    let Some(written) = &bucket.mode else {
        return match upstream {
            None => Ok(None),
            Some(_) => Err(no_mode(bucket, document)),
        };
    };
    let mode = mode(written.get_ref()).map_err(|text| document.error(&written.span(), text))?;
    if mode != Mode::Local && upstream.is_none() {
        let message = format!(
            "the mode {:?} needs an upstream; name one: upstream = \"…\", with a section \
             [upstream.…] of its own",
            written.get_ref()
        );
        return Err(document.error(&written.span(), message));
    }
    Ok(Some(Route { mode, upstream }))
}

fn no_mode(bucket: &file::Bucket, document: &Document) -> ConfigError {
    let span = bucket.upstream.as_ref().map_or_else(|| bucket.name.span(), Spanned::span);
    let message = "the bucket has an upstream but no mode; add mode = \"fallback\", \"upstream\" \
                   or \"local\"";
    document.error(&span, message)
}

fn mode(text: &str) -> Result<Mode, String> {
    const KNOWN: &str = "use \"local\", \"upstream\" or \"fallback\"";
    match text {
        "local" => Ok(Mode::Local),
        "upstream" => Ok(Mode::Upstream),
        "fallback" => Ok(Mode::Fallback),
        later @ ("overlay" | "mirror") => {
            Err(format!("the mode {later:?} is not available in this version; {KNOWN}"))
        }
        other => Err(format!("{other:?} is no mode; {KNOWN}")),
    }
}

fn mapping(
    bucket: &file::Bucket,
    upstreams: &[Upstream],
    document: &Document,
) -> Result<Option<Mapping>, ConfigError> {
    let Some(name) = &bucket.upstream else {
        return match bucket.upstream_bucket.as_ref().or(bucket.upstream_prefix.as_ref()) {
            None => Ok(None),
            Some(value) => {
                let message = "the bucket has no upstream; name one: upstream = \"…\"";
                Err(document.error(&value.span(), message))
            }
        };
    };
    if !upstreams.iter().any(|upstream| upstream.name == *name.get_ref()) {
        return Err(document.error(&name.span(), unknown(name.get_ref(), upstreams)));
    }
    let text = |value: &Option<Spanned<String>>, check: fn(&str) -> Result<(), String>| {
        let Some(value) = value else { return Ok(None) };
        check(value.get_ref()).map_err(|message| document.error(&value.span(), message))?;
        Ok(Some(value.get_ref().clone()))
    };
    Ok(Some(Mapping {
        upstream: name.get_ref().clone(),
        bucket: text(&bucket.upstream_bucket, check_upstream_bucket)?,
        prefix: text(&bucket.upstream_prefix, check_prefix)?.unwrap_or_default(),
    }))
}

fn unknown(name: &str, upstreams: &[Upstream]) -> String {
    let known: Vec<String> =
        upstreams.iter().map(|upstream| format!("{:?}", upstream.name)).collect();
    match known.as_slice() {
        [] => format!("there is no section [upstream.{name}]"),
        known => format!("there is no section [upstream.{name}]; there is {}", known.join(", ")),
    }
}

/// Old buckets have names that none can be given today.
fn check_upstream_bucket(name: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("{name:?} is no bucket name: 3 to 255 letters, digits and any of - _ ."))
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.len() <= 512 && !prefix.chars().any(char::is_control) {
        return Ok(());
    }
    Err("should be at most 512 bytes without control characters".to_owned())
}
