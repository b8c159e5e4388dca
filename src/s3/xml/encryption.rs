//! The document of PutBucketEncryption and GetBucketEncryption.

use super::{Element, MalformedXml, Writer, parse_root};

/// `ServerSideEncryptionConfiguration`: the one rule that it can have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionDocument {
    /// `ApplyServerSideEncryptionByDefault`.
    pub default: Option<DefaultEncryptionDocument>,
    /// `BucketKeyEnabled`.
    pub bucket_key: Option<bool>,
    /// `BlockedEncryptionTypes`, where it is there.
    pub blocked: Option<Vec<String>>,
}

/// `ApplyServerSideEncryptionByDefault`, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefaultEncryptionDocument {
    /// `SSEAlgorithm`.
    pub algorithm: String,
    /// `KMSMasterKeyID`.
    pub kms_key: Option<String>,
}

impl EncryptionDocument {
    /// The name of the root.
    pub const ROOT: &str = "ServerSideEncryptionConfiguration";

    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, Self::ROOT)?;
        let rule = root.required("Rule")?;
        let default = rule.child("ApplyServerSideEncryptionByDefault")?;
        let types = |blocked: &Element| {
            let each = blocked.children("EncryptionType").map(|one| one.text().map(str::to_owned));
            each.collect::<Result<Vec<String>, _>>()
        };
        let document = Self {
            default: default.map(DefaultEncryptionDocument::parse).transpose()?,
            bucket_key: rule.child_bool("BucketKeyEnabled")?,
            blocked: rule.child("BlockedEncryptionTypes")?.map(types).transpose()?,
        };
        if document == Self::default() {
            return Err(MalformedXml("the rule is empty"));
        }
        Ok(document)
    }

    /// Writes the content of the root.
    pub fn write(&self, writer: &mut Writer) {
        writer.element("Rule", |writer| {
            if let Some(default) = &self.default {
                writer.element("ApplyServerSideEncryptionByDefault", |writer| {
                    writer.text("SSEAlgorithm", &default.algorithm);
                    writer.optional("KMSMasterKeyID", default.kms_key.as_deref());
                });
            }
            if let Some(enabled) = self.bucket_key {
                writer.value("BucketKeyEnabled", enabled);
            }
            if let Some(blocked) = &self.blocked {
                writer.element("BlockedEncryptionTypes", |writer| {
                    for one in blocked {
                        writer.text("EncryptionType", one);
                    }
                });
            }
        });
    }
}

impl DefaultEncryptionDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        let key = element.child_text("KMSMasterKeyID")?.filter(|key| !key.is_empty());
        Ok(Self {
            algorithm: element.required_text("SSEAlgorithm")?.trim().to_owned(),
            kms_key: key.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::xml;

    fn parse(content: &str) -> Result<EncryptionDocument, MalformedXml> {
        let root = EncryptionDocument::ROOT;
        EncryptionDocument::parse(format!("<{root}>{content}</{root}>").as_bytes())
    }

    #[test]
    fn what_is_written_reads_back() {
        let document = parse(
            "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
             <KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
             <BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes>\
             <EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>",
        )
        .unwrap();
        assert_eq!(document.bucket_key, Some(true));
        assert_eq!(document.blocked, Some(vec!["SSE-C".to_owned()]));
        let written = xml::document(EncryptionDocument::ROOT, |writer| document.write(writer));
        assert_eq!(EncryptionDocument::parse(&written), Ok(document));
    }

    #[test]
    fn there_is_one_rule_that_says_something() {
        let rule = "<Rule><BucketKeyEnabled>true</BucketKeyEnabled></Rule>";
        assert!(parse(rule).is_ok());
        for wrong in [
            String::new(),
            rule.repeat(2),
            "<Rule/>".to_owned(),
            rule.replace("true", "maybe"),
            "<Rule><ApplyServerSideEncryptionByDefault/></Rule>".to_owned(),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }
}
