//! The document of CompleteMultipartUpload.

use super::{Element, MalformedXml, parse_root};
use crate::object::Algorithm;

/// The elements that carry a part's checksum.
const CHECKSUMS: [(&str, Algorithm); 5] = [
    ("ChecksumCRC32", Algorithm::Crc32),
    ("ChecksumCRC32C", Algorithm::Crc32c),
    ("ChecksumCRC64NVME", Algorithm::Crc64Nvme),
    ("ChecksumSHA1", Algorithm::Sha1),
    ("ChecksumSHA256", Algorithm::Sha256),
];

/// `CompleteMultipartUpload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionDocument {
    /// The parts in the client's order, at least one.
    pub parts: Vec<CompletionPart>,
}

/// `Part`: texts as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionPart {
    /// `PartNumber`, not yet judged.
    pub number: i64,
    /// `ETag` as sent, with or without quotes.
    pub etag: String,
    /// Every checksum given, in base64.
    pub checksums: Vec<PartChecksum>,
}

/// One of a part's checksums as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartChecksum {
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// In base64.
    pub value: String,
}

impl CompletionDocument {
    /// Reads a request's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let root = parse_root(bytes, "CompleteMultipartUpload")?;
        let parts = root.children("Part").map(part).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            return Err(MalformedXml("the list of parts is empty"));
        }
        Ok(Self { parts })
    }
}

fn part(element: &Element) -> Result<CompletionPart, MalformedXml> {
    let mut checksums = Vec::new();
    for (name, algorithm) in CHECKSUMS {
        // SDKs send an empty element for a checksum that they do not have.
        if let Some(value) = element.child_text(name)?.filter(|value| !value.is_empty()) {
            checksums.push(PartChecksum { algorithm, value: value.trim().to_owned() });
        }
    }
    Ok(CompletionPart {
        number: element.required_integer("PartNumber")?,
        etag: element.required_text("ETag")?.to_owned(),
        checksums,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_the_clients_order_with_their_checksums() {
        let document = CompletionDocument::parse(
            b"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
              <Part><ETag>&quot;aa&quot;</ETag><PartNumber>2</PartNumber>\
              <ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumSHA1></ChecksumSHA1></Part>\
              <Part><PartNumber>-1</PartNumber><ETag>bb</ETag></Part>\
              </CompleteMultipartUpload>",
        )
        .unwrap();
        let [first, second] = &document.parts[..] else { panic!("{document:?}") };
        assert_eq!((first.number, first.etag.as_str()), (2, "\"aa\""));
        let crc = PartChecksum { algorithm: Algorithm::Crc32, value: "AAAAAA==".to_owned() };
        assert_eq!(first.checksums, [crc]);
        assert_eq!((second.number, second.etag.as_str()), (-1, "bb"));
        assert!(second.checksums.is_empty());
    }

    #[test]
    fn a_list_without_parts_or_a_part_without_number_or_tag_is_malformed() {
        for parts in [
            "",
            "<Part/>",
            "<Part><PartNumber>1</PartNumber></Part>",
            "<Part><ETag>a</ETag></Part>",
            "<Part><PartNumber>one</PartNumber><ETag>a</ETag></Part>",
            "<Part><PartNumber>1.5</PartNumber><ETag>a</ETag></Part>",
        ] {
            let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
            assert!(CompletionDocument::parse(body.as_bytes()).is_err(), "{parts}");
        }
        assert!(CompletionDocument::parse(b"").is_err());
    }

    #[test]
    fn ten_thousand_parts_with_all_checksums_fit_the_readers_bounds() {
        let checksums = CHECKSUMS.map(|(name, _)| format!("<{name}>x</{name}>")).concat();
        let part = format!("<Part><PartNumber>1</PartNumber><ETag>e</ETag>{checksums}</Part>");
        let body =
            format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", part.repeat(10_000));
        assert_eq!(CompletionDocument::parse(body.as_bytes()).unwrap().parts.len(), 10_000);
    }
}
