//! PostObject: a browser's form, `POST /bucket` (S3 API Reference, "POST Object").
//!
//! The fields were read and verified before; what they ask for is a PutObject with an answer for
//! browsers.

use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{StatusCode, Uri};

use super::Execute;
use super::put_object::{Done, PutObject};
use crate::auth::Sealed;
use crate::body::Payload;
use crate::object::TagSet;
use crate::object::percent::{self, Slash};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{FORM_TAGS, Head};
use crate::s3::reply::Reply;
use crate::s3::tagging::parse_tags;
use crate::s3::xml;
use crate::store::ObjectPath;

/// A request.
pub(super) struct PostObject {
    put: PutObject,
    success: Success,
    location: String,
}

/// What a browser is answered where all went well.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Success {
    /// Where to go on.
    Redirect(String),
    /// A status: 200, 201 or 204.
    Status(StatusCode),
}

impl Execute for PostObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let mut put = PutObject::parse(head)?;
        if let Some(document) = head.field(FORM_TAGS).filter(|text| !text.is_empty()) {
            put = put.with_tags(parse_tags(document.as_bytes(), TagSet::for_object)?);
        }
        let location = location(head, &head.object()?);
        Ok(Self { put, success: Success::of(head), location })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let at = self.put.at().clone();
        let done = self.put.store_form(ctx, body).await?;
        Ok(self.success.reply(&self.location, &at, &done))
    }
}

impl Success {
    fn of(head: &Head) -> Self {
        let address = head.field("success_action_redirect").or_else(|| head.field("redirect"));
        if let Some(address) = address.filter(|address| is_address(address)) {
            return Self::Redirect(address.to_owned());
        }
        Self::Status(match head.field("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            _ => StatusCode::NO_CONTENT,
        })
    }

    fn reply(&self, location: &str, at: &ObjectPath, done: &Done) -> Reply {
        let etag = done.stored.object.etag.quoted();
        let status = match self {
            Self::Redirect(_) => StatusCode::SEE_OTHER,
            Self::Status(status) => *status,
        };
        let reply = done.describe(Reply::new(status).header(ETAG, &etag));
        match self {
            Self::Redirect(address) => reply.header(LOCATION, with_result(address, at, &etag)),
            Self::Status(StatusCode::CREATED) => {
                let document = xml::plain_document("PostResponse", |writer| {
                    writer.text("Location", location);
                    writer.text("Bucket", at.bucket.as_str());
                    writer.text("Key", at.key.as_str());
                    writer.text("ETag", &etag);
                });
                reply
                    .header(LOCATION, location)
                    .header(CONTENT_TYPE, "application/xml")
                    .body(Payload::from_bytes(document))
            }
            Self::Status(_) => reply.header(LOCATION, location),
        }
    }
}

/// Whether a browser can be sent there; anything else is ignored, as S3 does.
fn is_address(text: &str) -> bool {
    let address = text.parse::<Uri>().ok();
    address.is_some_and(|address| {
        matches!(address.scheme_str(), Some("http" | "https")) && address.authority().is_some()
    })
}

/// The address with what was stored in its query.
fn with_result(address: &str, at: &ObjectPath, etag: &str) -> String {
    let (address, fragment) = match address.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (address, String::new()),
    };
    let joint = if address.contains('?') { '&' } else { '?' };
    let encode = |text: &str| percent::encode(text, Slash::Encode);
    let (key, etag) = (encode(at.key.as_str()), encode(etag));
    format!("{address}{joint}bucket={}&key={key}&etag={etag}{fragment}", at.bucket)
}

/// The object's address as the client reached its bucket.
fn location(head: &Head, at: &ObjectPath) -> String {
    let path = if head.target().virtual_host {
        percent::encode(at.key.as_str(), Slash::Keep)
    } else {
        percent::encode(format!("{}/{}", at.bucket, at.key), Slash::Keep)
    };
    format!("{}/{path}", head.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{BucketName, ObjectKey};

    #[test]
    fn only_addresses_of_the_web_are_followed() {
        for address in ["http://x", "https://x.example.com/a?b=c", "HTTPS://x/"] {
            assert!(is_address(address), "{address}");
        }
        for other in ["", "/path", "x", "javascript:alert(1)", "ftp://x/", "http:///a", "//x/a"] {
            assert!(!is_address(other), "{other}");
        }
    }

    #[test]
    fn the_result_joins_what_the_address_has() {
        let at = ObjectPath {
            bucket: BucketName::parse("b12").unwrap(),
            key: ObjectKey::parse("a/b &c").unwrap(),
        };
        let result = "bucket=b12&key=a%2Fb%20%26c&etag=%22e%22";
        let joined = |address| with_result(address, &at, "\"e\"");
        assert_eq!(joined("http://x/y"), format!("http://x/y?{result}"));
        assert_eq!(joined("http://x/y?z=1"), format!("http://x/y?z=1&{result}"));
        assert_eq!(joined("http://x/y#top"), format!("http://x/y?{result}#top"));
    }
}
