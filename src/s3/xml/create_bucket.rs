//! The document of CreateBucket.

use super::{MalformedXml, parse_root};

/// `CreateBucketConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateBucketConfiguration {
    /// `LocationConstraint`, where it names a region.
    pub location_constraint: Option<String>,
    /// `Tags`: keys and values as sent.
    pub tags: Vec<(String, String)>,
}

impl CreateBucketConfiguration {
    /// Reads a request's body; no body at all is an empty configuration.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let root = parse_root(bytes, "CreateBucketConfiguration")?;
        let location = root.child_text("LocationConstraint")?.map(str::trim);
        let tags = match root.child("Tags")? {
            Some(set) => super::tagging::tag_list(set)?,
            None => Vec::new(),
        };
        Ok(Self {
            location_constraint: location.filter(|text| !text.is_empty()).map(str::to_owned),
            tags,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_is_optional_in_every_form() {
        let location = |body: &str| {
            let document = CreateBucketConfiguration::parse(body.as_bytes()).unwrap();
            document.location_constraint
        };
        assert_eq!(location(""), None);
        assert_eq!(location("<CreateBucketConfiguration/>"), None);
        let with = |text: &str| {
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{text}</LocationConstraint></CreateBucketConfiguration>"
            )
        };
        assert_eq!(location(&with("")), None);
        assert_eq!(location(&with("eu-west-1")).as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn tags_are_read_and_other_roots_refused() {
        let document = CreateBucketConfiguration::parse(
            b"<CreateBucketConfiguration><Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags>\
              </CreateBucketConfiguration>",
        )
        .unwrap();
        assert_eq!(document.tags, [("k".to_owned(), "v".to_owned())]);
        assert!(CreateBucketConfiguration::parse(b"<Tagging/>").is_err());
        assert!(CreateBucketConfiguration::parse(b"\n").is_err());
    }
}
