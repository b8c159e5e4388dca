//! What the tagging operations of objects and buckets share.

use super::error::{Code, S3Error};
use super::xml::{TaggingDocument, Writer};
use crate::object::{TagError, TagSet};

/// The tags of a document, checked by `rules`.
pub(super) fn parse_tags(
    body: &[u8],
    rules: impl FnOnce(Vec<(String, String)>) -> Result<TagSet, TagError>,
) -> Result<TagSet, S3Error> {
    let document = TaggingDocument::parse(body)?;
    rules(document.tags).map_err(|error| match error {
        TagError::TooMany { .. } => S3Error::new(Code::BadRequest).message(error.to_string()),
        TagError::Invalid(_) | TagError::Duplicate(_) | TagError::Encoding => {
            S3Error::new(Code::InvalidTag).message(error.to_string())
        }
    })
}

/// Writes the content of `Tagging`.
pub(super) fn write_tags(writer: &mut Writer, tags: &TagSet) {
    writer.element("TagSet", |writer| {
        for (key, value) in tags.iter() {
            writer.element("Tag", |writer| {
                writer.text("Key", key);
                writer.text("Value", value);
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::s3::xml;

    fn body(tags: &[(&str, &str)]) -> Bytes {
        xml::document("Tagging", |w| {
            w.element("TagSet", |w| {
                for (key, value) in tags {
                    w.element("Tag", |w| {
                        w.text("Key", key);
                        w.text("Value", value);
                    });
                }
            });
        })
    }

    fn refused(tags: &[(&str, &str)]) -> Code {
        parse_tags(&body(tags), TagSet::for_object).unwrap_err().code()
    }

    #[test]
    fn tags_are_read_checked_and_shown_by_key() {
        let tags = parse_tags(&body(&[("b", "1"), ("a", "")]), TagSet::for_object).unwrap();
        let shown = |tags: &TagSet| xml::document("Tagging", |w| write_tags(w, tags));
        assert_eq!(shown(&tags), body(&[("a", ""), ("b", "1")]));
        assert_eq!(shown(&TagSet::default()), body(&[]));
    }

    #[test]
    fn each_broken_rule_has_its_code() {
        assert_eq!(refused(&[("a", "1"), ("a", "2")]), Code::InvalidTag);
        assert_eq!(refused(&[("", "1")]), Code::InvalidTag);
        assert_eq!(refused(&[("a", &"v".repeat(257))]), Code::InvalidTag);
        let many: Vec<String> = (0..11).map(|n| format!("k{n}")).collect();
        let many: Vec<_> = many.iter().map(|key| (key.as_str(), "v")).collect();
        assert_eq!(refused(&many), Code::BadRequest);
        assert!(parse_tags(&body(&many), TagSet::for_bucket).is_ok());
        let malformed = parse_tags(b"<Tags/>", TagSet::for_object).unwrap_err();
        assert_eq!(malformed.code(), Code::MalformedXML);
    }
}
