//! The document of PutBucketAcl and PutObjectAcl.

use super::{Element, MalformedXml, parse_root};

/// `AccessControlPolicy`: grantees and permissions as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessControlDocument {
    /// `Owner/ID`.
    pub owner: Option<String>,
    /// The grants in the document's order.
    pub grants: Vec<GrantElement>,
}

/// `Grant`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantElement {
    /// Who.
    pub grantee: GranteeElement,
    /// `Permission`.
    pub permission: String,
}

/// `Grantee`, whose kind its children tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GranteeElement {
    /// `ID`.
    Id(String),
    /// `EmailAddress`.
    Email(String),
    /// `URI`.
    Uri(String),
}

impl AccessControlDocument {
    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, "AccessControlPolicy")?;
        let owner = match root.child("Owner")? {
            Some(owner) => owner.child_text("ID")?.map(str::to_owned),
            None => None,
        };
        let list = root.required("AccessControlList")?;
        let grants = list.children("Grant").map(grant).collect::<Result<_, _>>()?;
        Ok(Self { owner, grants })
    }
}

fn grant(element: &Element) -> Result<GrantElement, MalformedXml> {
    let grantee = element.required("Grantee")?;
    let text = |name| grantee.child_text(name).map(|text| text.map(|text| text.trim().to_owned()));
    let grantee = match (text("ID")?, text("URI")?, text("EmailAddress")?) {
        (Some(id), None, None) => GranteeElement::Id(id),
        (None, Some(uri), None) => GranteeElement::Uri(uri),
        (None, None, Some(email)) => GranteeElement::Email(email),
        _ => return Err(MalformedXml("a grantee is named by one of ID, URI and EmailAddress")),
    };
    Ok(GrantElement { grantee, permission: element.required_text("Permission")?.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<AccessControlDocument, MalformedXml> {
        let text = format!(
            "<AccessControlPolicy><Owner><ID>me</ID><DisplayName>x</DisplayName></Owner>\
             <AccessControlList>{list}</AccessControlList></AccessControlPolicy>"
        );
        AccessControlDocument::parse(text.as_bytes())
    }

    #[test]
    fn grantees_are_named_in_three_ways() {
        let document = parse(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"CanonicalUser\"><ID>a</ID></Grantee><Permission>READ</Permission></Grant>\
             <Grant><Grantee><URI>u</URI></Grantee><Permission>WRITE</Permission></Grant>\
             <Grant><Grantee><EmailAddress>e</EmailAddress></Grantee>\
             <Permission>READ_ACP</Permission></Grant>",
        )
        .unwrap();
        let who: Vec<_> = document.grants.iter().map(|grant| grant.grantee.clone()).collect();
        let text = str::to_owned;
        let expected = [
            GranteeElement::Id(text("a")),
            GranteeElement::Uri(text("u")),
            GranteeElement::Email(text("e")),
        ];
        assert_eq!((document.owner.as_deref(), who.as_slice()), (Some("me"), &expected[..]));
        assert!(parse("").unwrap().grants.is_empty());
    }

    #[test]
    fn half_a_grant_is_refused() {
        for list in [
            "<Grant><Permission>READ</Permission></Grant>",
            "<Grant><Grantee><ID>a</ID></Grantee></Grant>",
            "<Grant><Grantee/><Permission>READ</Permission></Grant>",
            "<Grant><Grantee><ID>a</ID><URI>u</URI></Grantee><Permission>READ</Permission></Grant>",
        ] {
            assert!(parse(list).is_err(), "{list}");
        }
        assert!(AccessControlDocument::parse(b"<AccessControlPolicy/>").is_err());
    }
}
