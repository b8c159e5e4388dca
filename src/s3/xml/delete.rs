//! The document of DeleteObjects.

use super::{Element, MalformedXml, parse_root};

/// The most keys in one request (API Reference, DeleteObjects).
pub const MAX_DELETED_KEYS: usize = 1000;

const DIRECTORY_CONDITIONS: [&str; 2] = ["LastModifiedTime", "Size"];

/// `Delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteDocument {
    /// What to delete, 1 to 1000.
    pub entries: Vec<DeleteEntry>,
    /// Whether only errors are reported.
    pub quiet: bool,
}

/// `Object`: texts as sent, judged per key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEntry {
    /// `Key`, never empty.
    pub key: String,
    /// `VersionId`.
    pub version_id: Option<String>,
    /// `ETag`: delete only what has this tag.
    pub etag: Option<String>,
    /// A condition that only directory buckets know: `LastModifiedTime` or `Size`.
    pub directory_condition: Option<&'static str>,
}

impl DeleteDocument {
    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, "Delete")?;
        let entries = root.children("Object").map(entry).collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Err(MalformedXml("there is no object to delete"));
        }
        if entries.len() > MAX_DELETED_KEYS {
            return Err(MalformedXml("at most 1000 objects can be deleted at once"));
        }
        Ok(Self { entries, quiet: root.child_bool("Quiet")?.unwrap_or(false) })
    }
}

fn entry(object: &Element) -> Result<DeleteEntry, MalformedXml> {
    let key = object.required_text("Key")?;
    if key.is_empty() {
        return Err(MalformedXml("the key of an object to delete is empty"));
    }
    // An empty version id is what clients send that have none.
    let version_id = object.child_text("VersionId")?.filter(|id| !id.is_empty());
    let is_there = |name: &&str| object.children(name).any(|child| !child.text.is_empty());
    Ok(DeleteEntry {
        directory_condition: DIRECTORY_CONDITIONS.into_iter().find(is_there),
        key: key.to_owned(),
        version_id: version_id.map(str::to_owned),
        etag: object.child_text("ETag")?.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_may_surround_quiet_and_keys_keep_every_character() {
        let document = DeleteDocument::parse(
            b"<Delete><Object><Key> a&amp;b&#10; </Key><Size/></Object><Quiet>TRUE</Quiet>\
              <Object><Key>c</Key><VersionId>null</VersionId><ETag>&quot;e&quot;</ETag>\
              <Size>3</Size><Other>4</Other></Object></Delete>",
        )
        .unwrap();
        assert!(document.quiet);
        let [first, second] = &document.entries[..] else { panic!("{document:?}") };
        assert_eq!(first.key, " a&b\n ");
        assert_eq!((&first.version_id, &first.etag), (&None, &None));
        let conditions = (first.directory_condition, second.directory_condition);
        assert_eq!(conditions, (None, Some("Size")));
        assert_eq!(second.version_id.as_deref(), Some("null"));
        assert_eq!(second.etag.as_deref(), Some("\"e\""));
    }

    #[test]
    fn one_to_a_thousand_objects_with_a_key_each() {
        let of = |count: usize| {
            format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(count))
        };
        assert_eq!(DeleteDocument::parse(of(1000).as_bytes()).unwrap().entries.len(), 1000);
        assert!(DeleteDocument::parse(of(1001).as_bytes()).is_err());
        assert!(DeleteDocument::parse(of(0).as_bytes()).is_err());
        for broken in [
            "<Delete><Object></Object></Delete>",
            "<Delete><Object><Key></Key></Object></Delete>",
            "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
            "<Delete><Object><Key>a</Key></Object><Quiet>maybe</Quiet></Delete>",
            "<Remove><Object><Key>a</Key></Object></Remove>",
        ] {
            assert!(DeleteDocument::parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
