//! Headers, user metadata and tags on their way to the upstream and back.
//!
//! The upstream gets what headers can carry: whatever is not plain ASCII goes as encoded words
//! (RFC 2047), and words that this layer would write itself are read back. Others stay as they
//! are, so that a client sees of every object exactly what its writer sent.

use std::collections::HashMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::object::percent::{self, Slash};
use crate::object::{
    ContentHeaders, ObjectMetadata, TagSet, UserMetadata, encode_header_value,
    stored_content_encoding,
};

/// What an object has whose writer named no type; always sent, because the SDK has another one.
const NO_TYPE: &str = "binary/octet-stream";

const NO_CLASS: &str = "STANDARD";

/// Metadata in the form that the SDK's builders take.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire {
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) website_redirect_location: Option<String>,
    pub(super) storage_class: Option<String>,
    pub(super) user: HashMap<String, String>,
    pub(super) expires: Option<String>,
}

/// Puts metadata into a builder of the SDK.
macro_rules! with_metadata {
    ($builder:expr, $wire:expr) => {
        $builder
            .set_cache_control($wire.cache_control.clone())
            .set_content_disposition($wire.content_disposition.clone())
            .set_content_encoding($wire.content_encoding.clone())
            .set_content_language($wire.content_language.clone())
            .set_content_type($wire.content_type.clone())
            .set_website_redirect_location($wire.website_redirect_location.clone())
            .set_storage_class($wire.storage_class.as_deref().map(Into::into))
            .set_metadata(Some($wire.user.clone()))
    };
}

/// Reads the metadata of an answer of the SDK.
macro_rules! read_metadata {
    ($of:expr) => {
        crate::store::upstream::metadata::Wire {
            cache_control: $of.cache_control().map(str::to_owned),
            content_disposition: $of.content_disposition().map(str::to_owned),
            content_encoding: $of.content_encoding().map(str::to_owned),
            content_language: $of.content_language().map(str::to_owned),
            content_type: $of.content_type().map(str::to_owned),
            website_redirect_location: $of.website_redirect_location().map(str::to_owned),
            storage_class: $of.storage_class().map(|class| class.as_str().to_owned()),
            user: $of.metadata().cloned().unwrap_or_default(),
            expires: $of.expires_string().map(str::to_owned),
        }
        .read()
    };
}

pub(super) use {read_metadata, with_metadata};

impl Wire {
    /// Metadata to be sent.
    pub(super) fn new(metadata: &ObjectMetadata) -> Self {
        let sent = |text: &Option<String>| text.as_deref().map(to_wire);
        let headers = &metadata.headers;
        Self {
            cache_control: sent(&headers.cache_control),
            content_disposition: sent(&headers.content_disposition),
            content_encoding: sent(&headers.content_encoding),
            content_language: sent(&headers.content_language),
            content_type: sent(&headers.content_type).or_else(|| Some(NO_TYPE.to_owned())),
            website_redirect_location: sent(&headers.website_redirect_location),
            storage_class: metadata.storage_class.clone(),
            user: metadata
                .user
                .0
                .iter()
                .map(|(name, text)| (name.clone(), to_wire(text)))
                .collect(),
            expires: sent(&headers.expires),
        }
    }

    /// Sets what the SDK has no text field for.
    pub(super) fn finish(self) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
        move |request| {
            if let Some(expires) = &self.expires {
                // A value that is no header is left out, as every other would fail the request.
                let _ = request.headers_mut().try_insert("expires", expires.clone());
            }
        }
    }

    /// Metadata that was received.
    pub(super) fn read(self) -> ObjectMetadata {
        let text = |text: Option<String>| text.map(|text| from_wire(&text));
        let user =
            self.user.into_iter().map(|(name, text)| (name.to_ascii_lowercase(), from_wire(&text)));
        ObjectMetadata {
            headers: ContentHeaders {
                content_type: text(self.content_type).filter(|kind| kind != NO_TYPE),
                content_encoding: text(self.content_encoding)
                    .and_then(|encoding| stored_content_encoding(&encoding)),
                content_language: text(self.content_language),
                content_disposition: text(self.content_disposition),
                cache_control: text(self.cache_control),
                expires: text(self.expires),
                website_redirect_location: text(self.website_redirect_location),
            },
            user: UserMetadata(user.collect()),
            storage_class: storage_class(self.storage_class.as_deref()),
        }
    }
}

/// A storage class as the gateway keeps it.
pub(super) fn storage_class(class: Option<&str>) -> Option<String> {
    class.filter(|class| *class != NO_CLASS && !class.is_empty()).map(str::to_owned)
}

/// Tags in the form of the header `x-amz-tagging`.
pub(super) fn tagging(tags: &TagSet) -> Option<String> {
    let pairs: Vec<String> = tags
        .iter()
        .map(|(key, value)| {
            format!(
                "{}={}",
                percent::encode(key, Slash::Encode),
                percent::encode(value, Slash::Encode)
            )
        })
        .collect();
    Some(pairs.join("&")).filter(|tags| !tags.is_empty())
}

fn to_wire(text: &str) -> String {
    encode_header_value(text).into_owned()
}

/// Encoded words are read only where writing the text again gives them to the letter.
fn from_wire(text: &str) -> String {
    decoded(text).filter(|plain| encode_header_value(plain) == text).unwrap_or_else(|| text.into())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    for word in text.split(' ') {
        let base64 = word.strip_prefix("=?UTF-8?B?")?.strip_suffix("?=")?;
        bytes.extend(BASE64_STANDARD.decode(base64).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rich() -> ObjectMetadata {
        let mut user = UserMetadata::default();
        user.add("name", "Grüße, Welt");
        user.add("plain", "a  b");
        let headers = ContentHeaders {
            content_type: Some("text/plain".into()),
            content_encoding: Some("gzip".into()),
            content_disposition: Some("attachment; filename=\"ü\"".into()),
            expires: Some("whenever".into()),
            ..ContentHeaders::default()
        };
        ObjectMetadata { headers, user, storage_class: Some("STANDARD_IA".into()) }
    }

    #[test]
    fn what_is_sent_is_read() {
        for metadata in [rich(), ObjectMetadata::default()] {
            assert_eq!(Wire::new(&metadata).read(), metadata);
        }
    }

    #[test]
    fn defaults_are_none() {
        let wire = Wire {
            content_type: Some("binary/octet-stream".into()),
            content_encoding: Some("aws-chunked".into()),
            storage_class: Some("STANDARD".into()),
            ..Wire::default()
        };
        assert_eq!(wire.read(), ObjectMetadata::default());
    }

    #[test]
    fn foreign_words_stay_as_they_are() {
        for text in ["=?UTF-8?Q?Gr=C3=BC?=", "=?UTF-8?B?YWJj?=", "=?UTF-8?B?!?=", "ü", ""] {
            assert_eq!(from_wire(text), text);
        }
        assert_eq!(from_wire("=?UTF-8?B?w7w=?="), "ü");
    }

    #[test]
    fn tags_are_query_parameters() {
        let pairs = [("a b".to_owned(), "c/d=ü".to_owned()), ("e".to_owned(), String::new())];
        let tags = TagSet::for_object(pairs).unwrap();
        let header = tagging(&tags).unwrap();
        assert_eq!(header, "a%20b=c%2Fd%3D%C3%BC&e=");
        assert_eq!(TagSet::from_query(&header), Ok(tags));
        assert_eq!(tagging(&TagSet::default()), None);
    }

    proptest! {
        #[test]
        fn any_text_survives(text in "\\PC{0,80}") {
            prop_assert_eq!(from_wire(&to_wire(&text)), text);
        }
    }
}
