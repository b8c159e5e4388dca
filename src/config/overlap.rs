//! Two buckets must not be the same objects upstream: neither would know what the other does.

use super::error::ConfigError;
use super::routes::{Mapping, Route};
use super::upstream::Upstream;
use crate::object::BucketName;

/// A named bucket and what it takes upstream.
pub(super) struct Claim {
    name: BucketName,
    upstream: Option<Mapping>,
    place: String,
}

impl Claim {
    /// What `route` gives to the bucket that was named at `place`.
    pub(super) fn of(name: &BucketName, route: &Route, place: String) -> Self {
        Self { name: name.clone(), upstream: route.upstream.clone(), place }
    }
}

/// Finds two claims of which one lies in the other, also where the other is of a bucket without
/// a name of its own in the configuration.
pub(super) fn check(
    claims: &[Claim],
    default: &Route,
    upstreams: &[Upstream],
) -> Result<(), ConfigError> {
    for (at, claim) in claims.iter().enumerate() {
        let Some(mapping) = &claim.upstream else { continue };
        let bucket = mapping.bucket_of(&claim.name);
        for other in claims.iter().take(at) {
            let Some(theirs) = &other.upstream else { continue };
            if bucket == theirs.bucket_of(&other.name) && overlap(mapping, theirs, upstreams) {
                return Err(conflict(claim, mapping, other.name.as_str()));
            }
        }
        let is_named = claims.iter().any(|other| other.name.as_str() == bucket);
        let by_default = !is_named && BucketName::parse(bucket).is_ok();
        if let Some(theirs) = default.upstream.as_ref().filter(|_| by_default)
            && overlap(mapping, theirs, upstreams)
        {
            return Err(conflict(claim, mapping, bucket));
        }
    }
    Ok(())
}

fn conflict(claim: &Claim, mapping: &Mapping, other: &str) -> ConfigError {
    let (bucket, prefix) = (mapping.bucket_of(&claim.name), &mapping.prefix);
    let message = format!(
        "{:?} and the bucket {other:?} would be the same objects upstream (bucket {bucket:?}, \
         prefix {prefix:?}); give each a bucket or a prefix of its own",
        claim.name.as_str()
    );
    ConfigError::new(claim.place.clone(), message)
}

/// Whether two mappings to one bucket's name share keys.
fn overlap(one: &Mapping, other: &Mapping, upstreams: &[Upstream]) -> bool {
    let nested = one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix);
    nested && service(one, upstreams) == service(other, upstreams)
}

/// Two upstreams at one address are one service, with whatever key they are called.
fn service(mapping: &Mapping, upstreams: &[Upstream]) -> String {
    let upstream = upstreams.iter().find(|upstream| upstream.name == mapping.upstream);
    let Some(endpoint) = upstream.and_then(|upstream| upstream.endpoint.as_deref()) else {
        return "AWS".to_owned();
    };
    let endpoint = endpoint.to_ascii_lowercase();
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", &endpoint));
    let default_port = if scheme == "http" { ":80" } else { ":443" };
    let address = rest.strip_suffix(default_port).unwrap_or(rest);
    if address.ends_with(".amazonaws.com") { "AWS".to_owned() } else { address.to_owned() }
}
