//! The document of PutBucketWebsite and GetBucketWebsite.

use super::{Element, MalformedXml, Writer, parse_root};

/// `WebsiteConfiguration`, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebsiteDocument {
    /// `RedirectAllRequestsTo`.
    pub redirect_all: Option<RedirectAllDocument>,
    /// `IndexDocument`: its `Suffix`, where there is one.
    pub index: Option<Option<String>>,
    /// `ErrorDocument`: its `Key`.
    pub error: Option<String>,
    /// `RoutingRules`, at least one.
    pub rules: Option<Vec<RoutingRuleDocument>>,
}

/// `RedirectAllRequestsTo`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectAllDocument {
    /// `HostName`.
    pub host: String,
    /// `Protocol`.
    pub protocol: Option<String>,
}

/// `RoutingRule`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingRuleDocument {
    /// `Condition`.
    pub condition: Option<ConditionDocument>,
    /// `Redirect`.
    pub redirect: RedirectDocument,
}

/// `Condition`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConditionDocument {
    /// `KeyPrefixEquals`.
    pub prefix: Option<String>,
    /// `HttpErrorCodeReturnedEquals`.
    pub error_code: Option<String>,
}

/// `Redirect`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectDocument {
    /// `Protocol`.
    pub protocol: Option<String>,
    /// `HostName`.
    pub host: Option<String>,
    /// `ReplaceKeyPrefixWith`.
    pub key_prefix: Option<String>,
    /// `ReplaceKeyWith`.
    pub key: Option<String>,
    /// `HttpRedirectCode`.
    pub code: Option<String>,
}

impl WebsiteDocument {
    /// The name of the root.
    pub const ROOT: &str = "WebsiteConfiguration";

    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, Self::ROOT)?;
        let redirect_all = root.child("RedirectAllRequestsTo")?;
        let index = root.child("IndexDocument")?;
        let error = root.child("ErrorDocument")?;
        let document = Self {
            redirect_all: redirect_all.map(RedirectAllDocument::parse).transpose()?,
            index: index.map(|index| owned(index, "Suffix")).transpose()?,
            error: error.map(|error| filled(error, "Key")).transpose()?,
            rules: root.child("RoutingRules")?.map(rules).transpose()?,
        };
        if document == Self::default() {
            return Err(MalformedXml("the configuration is empty"));
        }
        Ok(document)
    }

    /// Writes the content of the root.
    pub fn write(&self, writer: &mut Writer) {
        if let Some(all) = &self.redirect_all {
            writer.element("RedirectAllRequestsTo", |writer| {
                writer.text("HostName", &all.host);
                writer.optional("Protocol", all.protocol.as_deref());
            });
        }
        if let Some(suffix) = &self.index {
            let suffix = suffix.as_deref();
            writer.element("IndexDocument", |writer| writer.optional("Suffix", suffix));
        }
        if let Some(key) = &self.error {
            writer.element("ErrorDocument", |writer| writer.text("Key", key));
        }
        if let Some(rules) = &self.rules {
            writer.element("RoutingRules", |writer| {
                for rule in rules {
                    writer.element("RoutingRule", |writer| rule.write(writer));
                }
            });
        }
    }
}

impl RedirectAllDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        Ok(Self { host: filled(element, "HostName")?, protocol: owned(element, "Protocol")? })
    }
}

impl RoutingRuleDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        let redirect = element.required("Redirect")?;
        Ok(Self {
            condition: match element.child("Condition")? {
                None => None,
                Some(condition) => Some(ConditionDocument {
                    prefix: owned(condition, "KeyPrefixEquals")?,
                    error_code: owned(condition, "HttpErrorCodeReturnedEquals")?,
                }),
            },
            redirect: RedirectDocument {
                protocol: owned(redirect, "Protocol")?,
                host: owned(redirect, "HostName")?,
                key_prefix: owned(redirect, "ReplaceKeyPrefixWith")?,
                key: owned(redirect, "ReplaceKeyWith")?,
                code: owned(redirect, "HttpRedirectCode")?,
            },
        })
    }

    fn write(&self, writer: &mut Writer) {
        if let Some(condition) = &self.condition {
            writer.element("Condition", |writer| {
                let code = condition.error_code.as_deref();
                writer.optional("HttpErrorCodeReturnedEquals", code);
                writer.optional("KeyPrefixEquals", condition.prefix.as_deref());
            });
        }
        let redirect = &self.redirect;
        writer.element("Redirect", |writer| {
            writer.optional("HostName", redirect.host.as_deref());
            writer.optional("HttpRedirectCode", redirect.code.as_deref());
            writer.optional("Protocol", redirect.protocol.as_deref());
            writer.optional("ReplaceKeyPrefixWith", redirect.key_prefix.as_deref());
            writer.optional("ReplaceKeyWith", redirect.key.as_deref());
        });
    }
}

fn rules(element: &Element) -> Result<Vec<RoutingRuleDocument>, MalformedXml> {
    let rules: Vec<RoutingRuleDocument> = element
        .children("RoutingRule")
        .map(RoutingRuleDocument::parse)
        .collect::<Result<_, _>>()?;
    if rules.is_empty() { Err(MalformedXml("there is no routing rule")) } else { Ok(rules) }
}

fn owned(element: &Element, name: &str) -> Result<Option<String>, MalformedXml> {
    Ok(element.child_text(name)?.map(str::to_owned))
}

fn filled(element: &Element, name: &str) -> Result<String, MalformedXml> {
    match element.required_text(name)? {
        "" => Err(MalformedXml("an element is empty")),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::xml;

    fn parse(content: &str) -> Result<WebsiteDocument, MalformedXml> {
        let root = WebsiteDocument::ROOT;
        WebsiteDocument::parse(format!("<{root}>{content}</{root}>").as_bytes())
    }

    #[test]
    fn what_is_written_reads_back() {
        for content in [
            "<RedirectAllRequestsTo><HostName>h</HostName><Protocol>https</Protocol>\
             </RedirectAllRequestsTo>",
            "<IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>e</Key>\
             </ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>docs/\
             </KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>\
             </Condition><Redirect><Protocol>http</Protocol><HostName>h</HostName>\
             <ReplaceKeyPrefixWith/><HttpRedirectCode>302</HttpRedirectCode></Redirect>\
             </RoutingRule><RoutingRule><Redirect><ReplaceKeyWith>k</ReplaceKeyWith></Redirect>\
             </RoutingRule></RoutingRules>",
        ] {
            let document = parse(content).unwrap();
            let written = xml::document(WebsiteDocument::ROOT, |writer| document.write(writer));
            assert_eq!(WebsiteDocument::parse(&written), Ok(document));
        }
    }

    #[test]
    fn what_is_incomplete_is_refused() {
        for wrong in [
            "",
            "<RedirectAllRequestsTo/>",
            "<RedirectAllRequestsTo><HostName/></RedirectAllRequestsTo>",
            "<ErrorDocument/>",
            "<ErrorDocument><Key/></ErrorDocument>",
            "<RoutingRules/>",
            "<RoutingRules><RoutingRule/></RoutingRules>",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
