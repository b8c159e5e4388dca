//! The documents of PutPublicAccessBlock and PutBucketOwnershipControls.

use super::{MalformedXml, parse_root};

/// `PublicAccessBlockConfiguration`: a switch that is not there is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "S3's own four independent switches")]
pub struct PublicAccessBlockDocument {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlockDocument {
    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, "PublicAccessBlockConfiguration")?;
        let switch = |name| root.child_bool(name).map(Option::unwrap_or_default);
        Ok(Self {
            block_public_acls: switch("BlockPublicAcls")?,
            ignore_public_acls: switch("IgnorePublicAcls")?,
            block_public_policy: switch("BlockPublicPolicy")?,
            restrict_public_buckets: switch("RestrictPublicBuckets")?,
        })
    }
}

/// The one rule of `OwnershipControls`: its `ObjectOwnership` as sent.
pub fn parse_ownership(bytes: &[u8]) -> Result<String, MalformedXml> {
    let root = parse_root(bytes, "OwnershipControls")?;
    let rule = root.required("Rule")?;
    Ok(rule.required_text("ObjectOwnership")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_off_unless_said() {
        let text = b"<PublicAccessBlockConfiguration><IgnorePublicAcls>TRUE</IgnorePublicAcls>\
                     <BlockPublicPolicy>false</BlockPublicPolicy></PublicAccessBlockConfiguration>";
        let expected = PublicAccessBlockDocument { ignore_public_acls: true, ..Default::default() };
        assert_eq!(PublicAccessBlockDocument::parse(text), Ok(expected));
        let other = b"<PublicAccessBlockConfiguration><IgnorePublicAcls>1</IgnorePublicAcls>\
                      </PublicAccessBlockConfiguration>";
        assert!(PublicAccessBlockDocument::parse(other).is_err());
    }

    #[test]
    fn ownership_has_one_rule() {
        let rule = "<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>";
        let parse = |rules: &str| {
            parse_ownership(format!("<OwnershipControls>{rules}</OwnershipControls>").as_bytes())
        };
        assert_eq!(parse(rule).as_deref(), Ok("ObjectWriter"));
        assert!(parse("").is_err() && parse(&rule.repeat(2)).is_err());
    }
}
