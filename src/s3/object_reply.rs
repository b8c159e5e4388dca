//! An object's head as response headers.

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_TYPE, ETAG, EXPIRES, HeaderName, LAST_MODIFIED,
};

use super::reply::Reply;
use crate::object::{
    Caching, Checksum, ChecksumValue, ContentHeaders, ETag, ObjectInfo, Replication, Timestamp,
    VersionId, encode_header_value,
};

const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Headers that a signed request may replace in its response (S3 API Reference, GetObject).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Overrides(pub(super) ContentHeaders);

/// ETag and Last-Modified, which a 304 has as well.
pub(super) fn validators(reply: Reply, etag: &ETag, last_modified: Timestamp) -> Reply {
    reply.header(ETAG, etag.quoted()).header(LAST_MODIFIED, last_modified.http_date())
}

/// Cache-Control and Expires, which a 304 has as the 200 would have them.
pub(super) fn caching(reply: Reply, stored: &Caching, overrides: &Overrides) -> Reply {
    let replaced = &overrides.0;
    reply
        .optional(CACHE_CONTROL, replaced.cache_control.as_ref().or(stored.cache_control.as_ref()))
        .optional(EXPIRES, replaced.expires.as_ref().or(stored.expires.as_ref()))
}

/// Everything that GET and HEAD say of an object but its checksum and length.
pub(super) fn object_headers(reply: Reply, object: &ObjectInfo, overrides: &Overrides) -> Reply {
    let reply = caching(reply, &object.metadata.headers.caching(), overrides);
    let reply = validators(reply, &object.etag, object.last_modified)
        .header(ACCEPT_RANGES, "bytes")
        .optional(HeaderName::from_static("x-amz-version-id"), version(Some(object.version)));
    let reply = content_headers(reply, &object.metadata.headers, &overrides.0);
    let reply = match &object.metadata.storage_class {
        Some(class) => reply.amz("x-amz-storage-class", class),
        None => reply,
    };
    let reply = match object.tag_count {
        0 => reply,
        count => reply.amz("x-amz-tagging-count", count.to_string()),
    };
    let reply = match object.replication {
        None => reply,
        Some(status) => reply.amz("x-amz-replication-status", replication(status)),
    };
    user_metadata(reply, object)
}

fn replication(status: Replication) -> &'static str {
    match status {
        Replication::Pending => "PENDING",
        Replication::Completed => "COMPLETED",
        Replication::Failed => "FAILED",
    }
}

/// The header of a checksum's value, and its kind.
pub(super) fn checksum(reply: Reply, checksum: &Checksum) -> Reply {
    reply
        .amz(checksum.value.algorithm.header_name(), checksum.wire_value())
        .amz("x-amz-checksum-type", checksum.kind.wire())
}

/// The header of a part's checksum, and the kind that the whole object's has.
pub(super) fn part_checksum(reply: Reply, value: &ChecksumValue, object: &ObjectInfo) -> Reply {
    let reply = reply.amz(value.algorithm.header_name(), value.to_base64());
    match &object.checksum {
        Some(checksum) => reply.amz("x-amz-checksum-type", checksum.kind.wire()),
        None => reply,
    }
}

/// `x-amz-version-id`: shown only where the bucket keeps versions.
pub(super) fn version(version: Option<VersionId>) -> Option<String> {
    version.filter(|version| *version != VersionId::Null).map(|version| version.to_string())
}

fn content_headers(reply: Reply, stored: &ContentHeaders, overrides: &ContentHeaders) -> Reply {
    let pick = |replaced: &Option<String>, stored: &Option<String>| {
        replaced.as_ref().or(stored.as_ref()).cloned()
    };
    let content_type = pick(&overrides.content_type, &stored.content_type);
    reply
        .header(CONTENT_TYPE, content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE))
        .optional(CONTENT_ENCODING, pick(&overrides.content_encoding, &stored.content_encoding))
        .optional(CONTENT_LANGUAGE, pick(&overrides.content_language, &stored.content_language))
        .optional(
            CONTENT_DISPOSITION,
            pick(&overrides.content_disposition, &stored.content_disposition),
        )
        .optional(
            HeaderName::from_static("x-amz-website-redirect-location"),
            stored.website_redirect_location.as_ref(),
        )
}

/// `x-amz-meta-*`, and how many of them no header can carry.
fn user_metadata(mut reply: Reply, object: &ObjectInfo) -> Reply {
    let mut missing = 0_u32;
    for (name, value) in &object.metadata.user.0 {
        match HeaderName::from_bytes(format!("x-amz-meta-{name}").as_bytes()) {
            Ok(name) => reply = reply.header(name, encode_header_value(value).as_bytes()),
            Err(_) => missing += 1,
        }
    }
    match missing {
        0 => reply,
        missing => reply.amz("x-amz-missing-meta", missing.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_null_version_is_not_shown() {
        assert_eq!(version(Some(VersionId::Null)), None);
        assert_eq!(version(Some(VersionId::Id(1))).map(|v| v.len()), Some(32));
    }
}
