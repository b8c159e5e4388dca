//! The document of PutObjectTagging and PutBucketTagging.

use super::{Element, MalformedXml, parse_root};

/// `Tagging`: keys and values as sent, in the document's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaggingDocument {
    /// The tags; their rules are not yet checked.
    pub tags: Vec<(String, String)>,
}

impl TaggingDocument {
    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, "Tagging")?;
        Ok(Self { tags: tag_list(root.required("TagSet")?)? })
    }
}

/// The `Tag` children of an element.
pub(super) fn tag_list(set: &Element) -> Result<Vec<(String, String)>, MalformedXml> {
    set.children("Tag")
        .map(|tag| {
            Ok((tag.required_text("Key")?.to_owned(), tag.required_text("Value")?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_in_order_and_may_be_none() {
        let document = TaggingDocument::parse(
            b"<Tagging><TagSet><Tag><Key>b</Key><Value> 1 </Value></Tag>\
              <Tag><Value/><Key>a</Key></Tag></TagSet></Tagging>",
        )
        .unwrap();
        let tags = [("b".to_owned(), " 1 ".to_owned()), ("a".to_owned(), String::new())];
        assert_eq!(document.tags, tags);
        let empty = TaggingDocument::parse(b"<Tagging><TagSet/></Tagging>").unwrap();
        assert!(empty.tags.is_empty());
    }

    #[test]
    fn a_tag_needs_key_and_value_and_the_list_its_element() {
        for body in [
            "<Tagging/>",
            "<TagSet/>",
            "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
            "<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>",
            "<Tagging><TagSet/><TagSet/></Tagging>",
        ] {
            assert!(TaggingDocument::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
