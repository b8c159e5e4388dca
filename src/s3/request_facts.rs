//! A request's values as the conditions of policies ask for them (Service Authorization Reference,
//! "Condition keys for Amazon S3"; IAM User Guide, "AWS global condition context keys").

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::header::{FORM_TAGS, Head};
use super::tagging::parse_tags;
use crate::auth::Scheme;
use crate::auth::grants::{ConditionKey, Facts, Values};
use crate::object::percent::{self, Plus};
use crate::object::{TagSet, Timestamp};

/// The address of the client, put into the extensions of every request whose client is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Put into the extensions of a request that came from this machine, and that nobody forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Nearby;

/// The host that the client named, with its port, put into the extensions of a request that came
/// with another `Host` through a proxy. Signatures and buckets in hosts' names go by the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHost(pub String);

/// What a request says of itself.
#[derive(Debug, Clone)]
pub(super) struct RequestFacts {
    pub(super) head: Arc<Head>,
    pub(super) scheme: Scheme,
    pub(super) now: Timestamp,
    /// The gateway's.
    pub(super) region: Arc<str>,
}

/// What is known of the object that an action is done to, beside the request.
#[derive(Debug, Clone, Default)]
pub(super) struct ObjectFacts {
    /// The tags that it has.
    pub(super) tags: Option<TagSet>,
    /// The tags that it would be given by a document.
    pub(super) new_tags: Option<TagSet>,
    /// The version that is meant, where not the request's own.
    pub(super) version: Option<String>,
}

/// Both.
pub(super) struct AskedFacts<'a> {
    pub(super) request: &'a RequestFacts,
    pub(super) object: &'a ObjectFacts,
}

impl Facts for AskedFacts<'_> {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        if let Some(tag) = key.below("s3:existingobjecttag/") {
            return tag_value(self.object.tags.as_ref(), tag);
        }
        let requested = || match &self.object.new_tags {
            Some(tags) => Some(Cow::Borrowed(tags)),
            None => self.request.given_tags().map(Cow::Owned),
        };
        if let Some(tag) = key.below("s3:requestobjecttag/") {
            let tags = requested();
            let value = tags.as_deref().and_then(|tags| tags.iter().find(|(name, _)| *name == tag));
            return Values::optional(value.map(|(_, value)| value.to_owned()));
        }
        match key.as_str() {
            "s3:requestobjecttagkeys" => {
                let names = |tags: Cow<'_, TagSet>| {
                    tags.iter().map(|(name, _)| Cow::Owned(name.to_owned())).collect()
                };
                requested().map_or(Values::None, |tags| Values::Some(names(tags)))
            }
            "s3:versionid" => {
                let own = self.request.head.parameter("versionId");
                Values::optional(self.object.version.as_deref().or(own))
            }
            _ => self.request.values(key),
        }
    }
}

impl RequestFacts {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        let head = &*self.head;
        match key.as_str() {
            // Every client has an address: not to know it must not let past what denies by it.
            "aws:sourceip" => {
                head.client().map_or(Values::Unknown, |client| Values::one(client.to_string()))
            }
            "aws:securetransport" => Values::one(head.is_encrypted().to_string()),
            "aws:currenttime" => Values::one(self.now.iso8601()),
            "aws:epochtime" => Values::one(self.now.seconds().to_string()),
            "aws:requestedregion" => Values::one(&*self.region),
            "s3:objectcreationoperation" => Values::one(self.makes_object().to_string()),
            "aws:useragent" => Values::optional(head.header("user-agent")),
            "aws:referer" => Values::optional(head.header("referer")),
            "s3:prefix" | "s3:delimiter" | "s3:max-keys" if head.target().key.is_none() => {
                let name = key.below("s3:").unwrap_or_default();
                Values::optional(head.parameter(name))
            }
            "s3:signatureversion" => Values::optional(signature_version(self.scheme)),
            "s3:authtype" => Values::optional(auth_type(self.scheme)),
            "s3:signatureage" => Values::optional(self.signature_age().map(|it| it.to_string())),
            "s3:x-amz-copy-source" => {
                Values::optional(head.header("x-amz-copy-source").map(|text| plain_source(&text)))
            }
            name => match name.strip_prefix("s3:") {
                Some(header) if is_header(header) => Values::optional(head.header(header)),
                _ => Values::None,
            },
        }
    }

    /// The tags that the headers give to a new object, or a form's document.
    fn given_tags(&self) -> Option<TagSet> {
        if let Some(document) = self.head.field(FORM_TAGS) {
            return parse_tags(document.as_bytes(), TagSet::for_object).ok();
        }
        let text = self.head.header("x-amz-tagging")?;
        TagSet::from_query(&text).ok()
    }

    /// Whether a PUT or POST makes an object, rather than begin an upload or bring a part of it.
    fn makes_object(&self) -> bool {
        !self.head.query().has("uploads") && !self.head.query().has("partNumber")
    }

    /// How long ago the request was signed, in milliseconds. Where a signature does not say, it is
    /// older than any bound.
    fn signature_age(&self) -> Option<i64> {
        let header = |name| self.head.header(name);
        let signed = match self.scheme {
            Scheme::None => return None,
            Scheme::V4Query => self.head.parameter("X-Amz-Date").map(Cow::Borrowed),
            Scheme::V4Header | Scheme::V2Header => header("x-amz-date").or_else(|| header("date")),
            Scheme::V4Form => self.head.field("x-amz-date").map(Cow::Borrowed),
            Scheme::V2Query | Scheme::V2Form => None,
        };
        let signed = signed.and_then(|signed| crate::auth::parse_signing_time(&signed));
        Some(signed.map_or(i64::MAX, |signed| self.now.0.saturating_sub(signed.0).max(0)))
    }
}

fn tag_value<'a>(tags: Option<&'a TagSet>, tag: &str) -> Values<'a> {
    let found = tags.and_then(|tags| tags.iter().find(|(name, _)| *name == tag));
    Values::optional(found.map(|(_, value)| value))
}

/// The headers that are condition keys by their own names.
fn is_header(name: &str) -> bool {
    name.starts_with("x-amz-") || matches!(name, "if-match" | "if-none-match")
}

fn signature_version(scheme: Scheme) -> Option<&'static str> {
    match scheme {
        Scheme::None => None,
        Scheme::V4Header | Scheme::V4Query | Scheme::V4Form => Some("AWS4-HMAC-SHA256"),
        Scheme::V2Header | Scheme::V2Query | Scheme::V2Form => Some("AWS"),
    }
}

fn auth_type(scheme: Scheme) -> Option<&'static str> {
    match scheme {
        Scheme::None => None,
        Scheme::V4Header | Scheme::V2Header => Some("REST-HEADER"),
        Scheme::V4Query | Scheme::V2Query => Some("REST-QUERY-STRING"),
        Scheme::V4Form | Scheme::V2Form => Some("POST"),
    }
}

/// A copy's source as policies write it: decoded, without a slash in front.
fn plain_source(text: &str) -> String {
    let decoded = percent::decode(text, Plus::Literal).unwrap_or_else(|_| text.to_owned());
    decoded.strip_prefix('/').map_or(decoded.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    const NOW: Timestamp = Timestamp(1_445_412_480_000);

    fn value(key: &str, target: &str, headers: &[(&str, &str)]) -> Option<String> {
        let head = Arc::new(head("PUT", target, headers));
        let region = Arc::from("eu-west-1");
        let request = RequestFacts { head, scheme: Scheme::V4Header, now: NOW, region };
        let object = ObjectFacts::default();
        let facts = AskedFacts { request: &request, object: &object };
        match facts.values(&ConditionKey::new(key)) {
            Values::None => None,
            Values::Some(values) => Some(values.join("|")),
            Values::Unknown => Some("?".to_owned()),
        }
    }

    #[test]
    fn headers_and_parameters_are_values() {
        let acl = [("x-amz-acl", "private"), ("referer", "r"), ("x-amz-date", "20151021T072700Z")];
        let of = |key: &str| value(key, "/b12/k?versionId=null", &acl);
        assert_eq!(of("s3:x-amz-acl").as_deref(), Some("private"));
        assert_eq!(of("aws:Referer").as_deref(), Some("r"));
        assert_eq!(of("s3:VersionId").as_deref(), Some("null"));
        assert_eq!(of("s3:signatureAge").as_deref(), Some("60000"));
        assert_eq!(of("s3:authType").as_deref(), Some("REST-HEADER"));
        assert_eq!(of("aws:CurrentTime").as_deref(), Some("2015-10-21T07:28:00.000Z"));
        assert_eq!(of("aws:EpochTime").as_deref(), Some("1445412480"));
        assert_eq!(of("aws:SecureTransport").as_deref(), Some("false"));
        assert_eq!(of("aws:SourceIp").as_deref(), Some("?"));
        for absent in ["s3:prefix", "s3:x-amz-storage-class", "aws:Other"] {
            assert_eq!(of(absent), None, "{absent}");
        }
    }

    #[test]
    fn listings_have_their_parameters_and_nothing_else_has() {
        assert_eq!(value("s3:prefix", "/b12?prefix=a%2F", &[]).as_deref(), Some("a/"));
        assert_eq!(value("s3:max-keys", "/b12?max-keys=5", &[]).as_deref(), Some("5"));
        assert_eq!(value("s3:delimiter", "/b12", &[]), None);
        assert_eq!(value("s3:prefix", "/b12/k?prefix=a", &[]), None);
    }

    #[test]
    fn tags_of_the_request_and_sources_of_copies_are_decoded() {
        let tags = [("x-amz-tagging", "a=b%20c&d=")];
        assert_eq!(value("s3:RequestObjectTag/a", "/b12/k", &tags).as_deref(), Some("b c"));
        assert_eq!(value("s3:RequestObjectTagKeys", "/b12/k", &tags).as_deref(), Some("a|d"));
        assert_eq!(value("s3:RequestObjectTag/x", "/b12/k", &tags), None);
        let source = [("x-amz-copy-source", "/b12/a%20b")];
        assert_eq!(value("s3:x-amz-copy-source", "/b12/k", &source).as_deref(), Some("b12/a b"));
    }
}
