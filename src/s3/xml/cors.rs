//! The document of PutBucketCors and GetBucketCors.

use super::{Element, MalformedXml, Writer, parse_root};

/// The most rules of a configuration (S3 User Guide, "Elements of a CORS configuration").
const MAX_RULES: usize = 100;

/// `CORSConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsDocument {
    /// Its rules, in order.
    pub rules: Vec<CorsRuleDocument>,
}

/// `CORSRule`, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsRuleDocument {
    /// `ID`.
    pub id: Option<String>,
    /// `AllowedOrigin`, at least one.
    pub origins: Vec<String>,
    /// `AllowedMethod`, at least one.
    pub methods: Vec<String>,
    /// `AllowedHeader`.
    pub headers: Vec<String>,
    /// `ExposeHeader`.
    pub exposed: Vec<String>,
    /// `MaxAgeSeconds`.
    pub max_age: Option<u32>,
}

impl CorsDocument {
    /// The name of the root.
    pub const ROOT: &str = "CORSConfiguration";

    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, Self::ROOT)?;
        let rules: Vec<CorsRuleDocument> =
            root.children("CORSRule").map(CorsRuleDocument::parse).collect::<Result<_, _>>()?;
        match rules.len() {
            0 => Err(MalformedXml("there is no rule")),
            1..=MAX_RULES => Ok(Self { rules }),
            _ => Err(MalformedXml("there are more than 100 rules")),
        }
    }

    /// Writes the content of the root.
    pub fn write(&self, writer: &mut Writer) {
        for rule in &self.rules {
            writer.element("CORSRule", |writer| rule.write(writer));
        }
    }
}

impl CorsRuleDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        let max_age = match element.child("MaxAgeSeconds")? {
            None => None,
            Some(age) => Some(
                age.text()?
                    .trim()
                    .parse()
                    .map_err(|_| MalformedXml("MaxAgeSeconds is no number"))?,
            ),
        };
        let rule = Self {
            id: element.child_text("ID")?.map(str::to_owned),
            origins: texts(element, "AllowedOrigin")?,
            methods: texts(element, "AllowedMethod")?,
            headers: texts(element, "AllowedHeader")?,
            exposed: texts(element, "ExposeHeader")?,
            max_age,
        };
        if rule.origins.is_empty() || rule.methods.is_empty() {
            return Err(MalformedXml("a rule needs AllowedOrigin and AllowedMethod"));
        }
        Ok(rule)
    }

    fn write(&self, writer: &mut Writer) {
        writer.optional("ID", self.id.as_deref());
        for (name, values) in [
            ("AllowedHeader", &self.headers),
            ("AllowedMethod", &self.methods),
            ("AllowedOrigin", &self.origins),
            ("ExposeHeader", &self.exposed),
        ] {
            for value in values {
                writer.text(name, value);
            }
        }
        if let Some(age) = self.max_age {
            writer.value("MaxAgeSeconds", age);
        }
    }
}

fn texts(element: &Element, name: &str) -> Result<Vec<String>, MalformedXml> {
    let text = |child: &Element| match child.text()?.trim() {
        "" => Err(MalformedXml("an element of a rule is empty")),
        text => Ok(text.to_owned()),
    };
    element.children(name).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::xml;

    const RULE: &str = "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
                        </CORSRule>";

    fn parse(content: &str) -> Result<CorsDocument, MalformedXml> {
        CorsDocument::parse(format!("<CORSConfiguration>{content}</CORSConfiguration>").as_bytes())
    }

    #[test]
    fn what_is_written_reads_back() {
        let document = parse(
            "<CORSRule><ID>one</ID><AllowedOrigin>http://a</AllowedOrigin><AllowedMethod>PUT\
             </AllowedMethod><AllowedOrigin> http://*.b </AllowedOrigin><AllowedHeader>x-*\
             </AllowedHeader><MaxAgeSeconds>3000</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader>\
             <AllowedMethod>POST</AllowedMethod></CORSRule><CORSRule><AllowedMethod>GET\
             </AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>",
        )
        .unwrap();
        let first = &document.rules[0];
        assert_eq!(first.origins, ["http://a", "http://*.b"]);
        assert_eq!(first.methods, ["PUT", "POST"]);
        assert_eq!((first.max_age, document.rules[1].max_age), (Some(3000), None));
        let written = xml::document(CorsDocument::ROOT, |writer| document.write(writer));
        assert_eq!(CorsDocument::parse(&written), Ok(document));
    }

    #[test]
    fn rules_are_bounded_and_complete() {
        assert!(parse(&RULE.repeat(100)).is_ok());
        for wrong in [
            String::new(),
            RULE.repeat(101),
            RULE.replace("<AllowedOrigin>*</AllowedOrigin>", ""),
            RULE.replace("<AllowedMethod>GET</AllowedMethod>", ""),
            RULE.replace('*', ""),
            RULE.replace("</CORSRule>", "<MaxAgeSeconds>-1</MaxAgeSeconds></CORSRule>"),
            RULE.replace("</CORSRule>", "<MaxAgeSeconds>x</MaxAgeSeconds></CORSRule>"),
            RULE.replace("</CORSRule>", "<ID>1</ID><ID>2</ID></CORSRule>"),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
        assert!(CorsDocument::parse(b"<CORSRule/>").is_err());
    }
}
