//! The document of PutBucketLifecycleConfiguration and GetBucketLifecycleConfiguration, and of their
//! older forms, whose rules have a prefix instead of a filter.

use super::{Element, MalformedXml, Writer, parse_root};

/// The most rules of a configuration (S3 User Guide, "Lifecycle configuration elements").
const MAX_RULES: usize = 1000;

/// `LifecycleConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleDocument {
    /// Its rules, in order.
    pub rules: Vec<LifecycleRuleDocument>,
    /// `TransitionDefaultMinimumObjectSize`, which is a header on the wire and an element only
    /// where the document is kept.
    pub transition_minimum: Option<String>,
}

/// `Rule`, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleRuleDocument {
    /// `ID`.
    pub id: Option<String>,
    /// Whether `Status` is `Enabled` rather than `Disabled`.
    pub enabled: bool,
    /// `Prefix` of the rule itself, the older form.
    pub prefix: Option<String>,
    /// `Filter`.
    pub filter: Option<LifecycleFilterDocument>,
    /// `Expiration`.
    pub expiration: Option<ExpirationDocument>,
    /// `NoncurrentVersionExpiration`.
    pub noncurrent: Option<NoncurrentDocument>,
    /// `DaysAfterInitiation` of `AbortIncompleteMultipartUpload`.
    pub abort_after: Option<i64>,
    /// Whether there is a `Transition` or a `NoncurrentVersionTransition`, which are not read.
    pub transitions: bool,
}

/// `Filter`: what it says, and whether it says so in an `And`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleFilterDocument {
    /// Whether there is an `And`.
    pub and: bool,
    /// `Prefix`.
    pub prefix: Option<String>,
    /// `Tag`: keys and values.
    pub tags: Vec<(String, String)>,
    /// `ObjectSizeGreaterThan`.
    pub larger_than: Option<i64>,
    /// `ObjectSizeLessThan`.
    pub smaller_than: Option<i64>,
}

/// `Expiration`; one of them is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpirationDocument {
    /// `Days`.
    Days(i64),
    /// `Date`, as sent.
    Date(String),
    /// `ExpiredObjectDeleteMarker`.
    DeleteMarker(bool),
}

/// `NoncurrentVersionExpiration`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoncurrentDocument {
    /// `NoncurrentDays`.
    pub days: i64,
    /// `NewerNoncurrentVersions`.
    pub newer: Option<i64>,
}

impl LifecycleDocument {
    /// The name of the root.
    pub const ROOT: &str = "LifecycleConfiguration";

    /// Reads a request's body, or what was kept.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, Self::ROOT)?;
        let rules = root.children("Rule").map(LifecycleRuleDocument::parse);
        let rules: Vec<LifecycleRuleDocument> = rules.collect::<Result<_, _>>()?;
        let minimum = root.child_text("TransitionDefaultMinimumObjectSize")?.map(str::to_owned);
        match rules.len() {
            0 => Err(MalformedXml("there is no rule")),
            1..=MAX_RULES => Ok(Self { rules, transition_minimum: minimum }),
            _ => Err(MalformedXml("there are more than 1000 rules")),
        }
    }

    /// Writes the content of the root as clients see it.
    pub fn write(&self, writer: &mut Writer) {
        for rule in &self.rules {
            writer.element("Rule", |writer| rule.write(writer));
        }
    }

    /// Writes the content of the root as it is kept.
    pub fn write_kept(&self, writer: &mut Writer) {
        self.write(writer);
        writer.optional("TransitionDefaultMinimumObjectSize", self.transition_minimum.as_deref());
    }
}

impl LifecycleRuleDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        let enabled = match element.required_text("Status")?.trim() {
            "Enabled" => true,
            "Disabled" => false,
            _ => return Err(MalformedXml("Status is neither Enabled nor Disabled")),
        };
        let there = |name: &str| element.children(name).next().is_some();
        let abort = element.child("AbortIncompleteMultipartUpload")?;
        let rule = Self {
            id: element.child_text("ID")?.map(str::to_owned),
            enabled,
            prefix: element.child_text("Prefix")?.map(str::to_owned),
            filter: element.child("Filter")?.map(LifecycleFilterDocument::parse).transpose()?,
            expiration: element.child("Expiration")?.map(ExpirationDocument::parse).transpose()?,
            noncurrent: element
                .child("NoncurrentVersionExpiration")?
                .map(NoncurrentDocument::parse)
                .transpose()?,
            abort_after: abort
                .map(|abort| abort.required_integer("DaysAfterInitiation"))
                .transpose()?,
            transitions: there("Transition") || there("NoncurrentVersionTransition"),
        };
        if rule.prefix.is_none() && rule.filter.is_none() {
            return Err(MalformedXml("a rule needs a Filter"));
        }
        Ok(rule)
    }

    fn write(&self, writer: &mut Writer) {
        writer.optional("ID", self.id.as_deref());
        writer.optional("Prefix", self.prefix.as_deref());
        if let Some(filter) = &self.filter {
            writer.element("Filter", |writer| filter.write(writer));
        }
        writer.text("Status", if self.enabled { "Enabled" } else { "Disabled" });
        if let Some(expiration) = &self.expiration {
            writer.element("Expiration", |writer| expiration.write(writer));
        }
        if let Some(noncurrent) = self.noncurrent {
            writer.element("NoncurrentVersionExpiration", |writer| {
                writer.value("NoncurrentDays", noncurrent.days);
                if let Some(newer) = noncurrent.newer {
                    writer.value("NewerNoncurrentVersions", newer);
                }
            });
        }
        if let Some(days) = self.abort_after {
            writer.element("AbortIncompleteMultipartUpload", |writer| {
                writer.value("DaysAfterInitiation", days);
            });
        }
    }
}

impl LifecycleFilterDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        let Some(and) = element.child("And")? else {
            let filter = Self::parse_conditions(element)?;
            return match filter.conditions() {
                0 | 1 => Ok(filter),
                _ => Err(MalformedXml("a Filter has several conditions outside And")),
            };
        };
        let filter = Self { and: true, ..Self::parse_conditions(and)? };
        let beside = Self::parse_conditions(element)?.conditions() > 0;
        match filter.conditions() {
            0 => Err(MalformedXml("And is empty")),
            _ if beside => Err(MalformedXml("a Filter has conditions beside And")),
            _ => Ok(filter),
        }
    }

    fn parse_conditions(element: &Element) -> Result<Self, MalformedXml> {
        let tag = |tag: &Element| {
            Ok((tag.required_text("Key")?.to_owned(), tag.required_text("Value")?.to_owned()))
        };
        Ok(Self {
            and: false,
            prefix: element.child_text("Prefix")?.map(str::to_owned),
            tags: element.children("Tag").map(tag).collect::<Result<_, _>>()?,
            larger_than: integer(element, "ObjectSizeGreaterThan")?,
            smaller_than: integer(element, "ObjectSizeLessThan")?,
        })
    }

    fn conditions(&self) -> usize {
        let sizes = [self.larger_than, self.smaller_than].into_iter().flatten().count();
        usize::from(self.prefix.is_some()) + self.tags.len() + sizes
    }

    fn write(&self, writer: &mut Writer) {
        if self.and {
            writer.element("And", |writer| self.write_conditions(writer));
        } else {
            self.write_conditions(writer);
        }
    }

    fn write_conditions(&self, writer: &mut Writer) {
        writer.optional("Prefix", self.prefix.as_deref());
        for (key, value) in &self.tags {
            writer.element("Tag", |writer| {
                writer.text("Key", key);
                writer.text("Value", value);
            });
        }
        for (name, bound) in
            [("ObjectSizeGreaterThan", self.larger_than), ("ObjectSizeLessThan", self.smaller_than)]
        {
            if let Some(bound) = bound {
                writer.value(name, bound);
            }
        }
    }
}

impl ExpirationDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        let date = element.child_text("Date")?.map(|date| date.trim().to_owned());
        let marker = element.child_bool("ExpiredObjectDeleteMarker")?;
        match (integer(element, "Days")?, date, marker) {
            (Some(days), None, None) => Ok(Self::Days(days)),
            (None, Some(date), None) => Ok(Self::Date(date)),
            (None, None, Some(marker)) => Ok(Self::DeleteMarker(marker)),
            _ => Err(MalformedXml(
                "Expiration needs one of Days, Date and ExpiredObjectDeleteMarker",
            )),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Days(days) => writer.value("Days", days),
            Self::Date(date) => writer.text("Date", date),
            Self::DeleteMarker(marker) => writer.value("ExpiredObjectDeleteMarker", marker),
        }
    }
}

impl NoncurrentDocument {
    fn parse(element: &Element) -> Result<Self, MalformedXml> {
        Ok(Self {
            days: element.required_integer("NoncurrentDays")?,
            newer: integer(element, "NewerNoncurrentVersions")?,
        })
    }
}

fn integer(element: &Element, name: &str) -> Result<Option<i64>, MalformedXml> {
    if element.child(name)?.is_none() {
        return Ok(None);
    }
    element.required_integer(name).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::xml;

    const RULE: &str = "<Rule><ID>1</ID><Filter><Prefix>a/</Prefix></Filter>\
                        <Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule>";

    fn parse(content: &str) -> Result<LifecycleDocument, MalformedXml> {
        let root = LifecycleDocument::ROOT;
        LifecycleDocument::parse(format!("<{root}>{content}</{root}>").as_bytes())
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut document = parse(
            "<Rule><Status>Enabled</Status><Filter><And><Prefix>p</Prefix><Tag><Key>k</Key><Value>\
             </Value></Tag><Tag><Key>l</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>5\
             </ObjectSizeGreaterThan></And></Filter><Expiration><Date>2024-01-01T00:00:00.000Z\
             </Date></Expiration><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays>\
             <NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>\
             </Rule><Rule><ID>two</ID><Prefix/><Status>Disabled</Status>\
             <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>\
             </AbortIncompleteMultipartUpload></Rule><Rule><Filter/><Status>Enabled</Status>\
             <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>\
             </Rule>",
        )
        .unwrap();
        assert_eq!(document.rules[1].prefix.as_deref(), Some(""));
        assert_eq!(document.rules[2].filter, Some(LifecycleFilterDocument::default()));
        document.transition_minimum = Some("varies_by_storage_class".to_owned());
        let root = LifecycleDocument::ROOT;
        let kept = xml::document(root, |writer| document.write_kept(writer));
        assert_eq!(LifecycleDocument::parse(&kept), Ok(document.clone()));
        let shown = xml::document(root, |writer| document.write(writer));
        document.transition_minimum = None;
        assert_eq!(LifecycleDocument::parse(&shown), Ok(document));
    }

    #[test]
    fn rules_are_bounded_and_complete() {
        assert!(parse(&RULE.repeat(1000)).is_ok());
        let filter = |content: &str| RULE.replace("<Prefix>a/</Prefix>", content);
        let size = "<ObjectSizeLessThan>5</ObjectSizeLessThan>";
        for wrong in [
            String::new(),
            RULE.repeat(1001),
            RULE.replace("Enabled", "enabled"),
            RULE.replace("<Status>Enabled</Status>", ""),
            RULE.replace("<Filter><Prefix>a/</Prefix></Filter>", ""),
            RULE.replace("<Days>3</Days>", ""),
            RULE.replace("<Days>3</Days>", "<Days>three</Days>"),
            RULE.replace("<Days>3</Days>", "<Days>3</Days><Date>2024-01-01T00:00:00Z</Date>"),
            filter(&format!("<Prefix>a/</Prefix>{size}")),
            filter(&format!("<And><Prefix>a/</Prefix></And>{size}")),
            filter("<And/>"),
            filter("<Tag><Key>k</Key></Tag>"),
            RULE.replace("</Rule>", "<AbortIncompleteMultipartUpload/></Rule>"),
            RULE.replace("</Rule>", "<NoncurrentVersionExpiration/></Rule>"),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
        let moves = RULE.replace("</Rule>", "<Transition><Days>1</Days></Transition></Rule>");
        assert!(parse(&moves).unwrap().rules[0].transitions);
    }
}
