//! What is stored with an object, out of the request's headers.

use std::borrow::Cow;

use super::Head;
use crate::object::{
    ContentHeaders, MAX_USER_METADATA_BYTES, ObjectMetadata, TagError, TagSet, UserMetadata,
    stored_content_encoding,
};
use crate::s3::error::{Code, S3Error};

const STORAGE_CLASSES: [&str; 7] = [
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
];

/// Standard headers, user metadata and storage class.
pub(in crate::s3) fn object_metadata(head: &Head) -> Result<ObjectMetadata, S3Error> {
    Ok(ObjectMetadata {
        headers: content_headers(head)?,
        user: user_metadata(head)?,
        storage_class: storage_class(head)?,
    })
}

/// The standard headers that are stored.
fn content_headers(head: &Head) -> Result<ContentHeaders, S3Error> {
    let text = |name| head.header(name).map(Cow::into_owned).filter(|t| !t.is_empty());
    Ok(ContentHeaders {
        content_type: text("content-type"),
        content_encoding: text("content-encoding").and_then(|text| stored_content_encoding(&text)),
        content_language: text("content-language"),
        content_disposition: text("content-disposition"),
        cache_control: text("cache-control"),
        expires: text("expires"),
        website_redirect_location: redirect_location(head)?,
    })
}

/// The tags in `x-amz-tagging`.
pub(in crate::s3) fn tags(head: &Head) -> Result<TagSet, S3Error> {
    let Some(text) = head.header("x-amz-tagging") else { return Ok(TagSet::default()) };
    TagSet::from_query(&text).map_err(|error| match error {
        TagError::TooMany { .. } => S3Error::new(Code::BadRequest).message(error.to_string()),
        TagError::Invalid(message) => S3Error::new(Code::InvalidTag).message(message),
        TagError::Duplicate(_) | TagError::Encoding => S3Error::invalid_argument(
            "x-amz-tagging",
            text,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query \
             parameters without tag name duplicates.",
        ),
    })
}

fn user_metadata(head: &Head) -> Result<UserMetadata, S3Error> {
    let mut metadata = UserMetadata::default();
    for (name, value) in head.headers_from("x-amz-meta-") {
        metadata.add(name, &value);
    }
    let size = metadata.size();
    if size > MAX_USER_METADATA_BYTES {
        return Err(S3Error::new(Code::MetadataTooLarge)
            .with("Size", size.to_string())
            .with("MaxSizeAllowed", MAX_USER_METADATA_BYTES.to_string()));
    }
    Ok(metadata)
}

/// The storage class is a label here: every object is stored the same way.
fn storage_class(head: &Head) -> Result<Option<String>, S3Error> {
    let Some(class) = head.header("x-amz-storage-class") else { return Ok(None) };
    match class.as_ref() {
        "STANDARD" => Ok(None),
        known if STORAGE_CLASSES.contains(&known) => Ok(Some(known.to_owned())),
        _ => Err(S3Error::new(Code::InvalidStorageClass)
            .with("StorageClassRequested", class.into_owned())),
    }
}

fn redirect_location(head: &Head) -> Result<Option<String>, S3Error> {
    let Some(location) = head.header("x-amz-website-redirect-location") else { return Ok(None) };
    if !["/", "http://", "https://"].iter().any(|start| location.starts_with(start)) {
        return Err(S3Error::new(Code::InvalidRedirectLocation));
    }
    Ok(Some(location.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    fn metadata(headers: &[(&str, &str)]) -> Result<ObjectMetadata, Code> {
        object_metadata(&head("PUT", "/b12/k", headers)).map_err(|error| error.code())
    }

    #[test]
    fn the_framing_is_no_content_encoding() {
        let encoding =
            |text| metadata(&[("content-encoding", text)]).unwrap().headers.content_encoding;
        assert_eq!(encoding("aws-chunked"), None);
        assert_eq!(encoding("gzip, AWS-Chunked,aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(encoding("aws-chunked, gzip, br").as_deref(), Some("gzip, br"));
        assert_eq!(encoding("gzip,  br").as_deref(), Some("gzip,  br"));
    }

    #[test]
    fn standard_headers_are_kept_verbatim() {
        let stored = metadata(&[
            ("content-type", "text/plain; charset=utf-8"),
            ("expires", "whenever"),
            ("x-amz-website-redirect-location", "/elsewhere"),
        ])
        .unwrap()
        .headers;
        assert_eq!(stored.content_type.as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(stored.expires.as_deref(), Some("whenever"));
        assert_eq!(stored.website_redirect_location.as_deref(), Some("/elsewhere"));
        let elsewhere = metadata(&[("x-amz-website-redirect-location", "elsewhere")]);
        assert_eq!(elsewhere, Err(Code::InvalidRedirectLocation));
    }

    #[test]
    fn user_metadata_is_lower_case_joined_and_limited() {
        let stored = metadata(&[
            ("X-Amz-Meta-Two", "a  b"),
            ("x-amz-meta-two", "c"),
            ("x-amz-meta-umlaut", "ü"),
        ])
        .unwrap();
        assert_eq!(stored.user.0["two"], "a  b,c");
        assert_eq!(stored.user.0["umlaut"], "ü");
        let fits = "v".repeat(2047);
        assert!(metadata(&[("x-amz-meta-a", &fits)]).is_ok());
        let over = "v".repeat(2048);
        assert_eq!(metadata(&[("x-amz-meta-a", &over)]), Err(Code::MetadataTooLarge));
    }

    #[test]
    fn storage_classes_are_those_of_s3() {
        let class = |text| metadata(&[("x-amz-storage-class", text)]).map(|m| m.storage_class);
        assert_eq!(class("STANDARD"), Ok(None));
        assert_eq!(class("STANDARD_IA"), Ok(Some("STANDARD_IA".to_owned())));
        for text in ["", "standard", "FAST"] {
            assert_eq!(class(text), Err(Code::InvalidStorageClass));
        }
    }

    #[test]
    fn tags_are_query_parameters() {
        let read = |text| tags(&head("PUT", "/b12/k", &[("x-amz-tagging", text)]));
        assert_eq!(read("a=b%20c&d=").unwrap().len(), 2);
        assert_eq!(read("a=b&a=c").unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(read("a=%zz").unwrap_err().code(), Code::InvalidArgument);
        let long = format!("{}=v", "k".repeat(129));
        assert_eq!(read(&long).unwrap_err().code(), Code::InvalidTag);
        let many: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
        assert_eq!(read(&many.join("&")).unwrap_err().code(), Code::BadRequest);
    }
}
