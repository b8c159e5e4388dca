//! What the XML fuzz target runs, here so that property tests run it too.

use std::fmt::Debug;

use super::{
    CompletionDocument, CorsDocument, CreateBucketConfiguration, DeleteDocument,
    EncryptionDocument, MalformedXml, TaggingDocument, WebsiteDocument, Writer, document, parse,
};

/// Reads arbitrary bytes as every document.
///
/// # Panics
///
/// Where a text that was read does not read back the same after it is written.
pub fn request_documents(bytes: &[u8]) {
    let _ = DeleteDocument::parse(bytes);
    let _ = CompletionDocument::parse(bytes);
    let _ = TaggingDocument::parse(bytes);
    let _ = CreateBucketConfiguration::parse(bytes);
    reads_back(CorsDocument::ROOT, CorsDocument::parse, CorsDocument::write, bytes);
    reads_back(
        EncryptionDocument::ROOT,
        EncryptionDocument::parse,
        EncryptionDocument::write,
        bytes,
    );
    reads_back(WebsiteDocument::ROOT, WebsiteDocument::parse, WebsiteDocument::write, bytes);
    let Ok(element) = parse(bytes) else {
        return;
    };
    // NUL has no form in XML that can be read back.
    if let Ok(text) = element.text()
        && !text.contains('\0')
    {
        let written = document("Text", |writer| writer.text("Value", text));
        let read = parse(&written).ok();
        let read = read.as_ref().and_then(|root| root.required_text("Value").ok());
        assert_eq!(read, Some(text), "a text changed on its way through the writer");
    }
}

/// Whatever is kept as a document is the same when it is read again.
fn reads_back<T: PartialEq + Debug>(
    root: &str,
    parse: fn(&[u8]) -> Result<T, MalformedXml>,
    write: fn(&T, &mut Writer),
    bytes: &[u8],
) {
    let Ok(read) = parse(bytes) else { return };
    if bytes.windows(2).any(|pair| pair == b"&#") || bytes.contains(&0) {
        // Characters that cannot be read back.
        return;
    }
    let written = document(root, |writer| write(&read, writer));
    assert_eq!(parse(&written), Ok(read), "a document changed on its way through the writer");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECES: &[&str] = &[
        "<",
        ">",
        "/",
        "</",
        "/>",
        "&",
        ";",
        "&#",
        "&#x",
        "&amp;",
        "&lt;",
        "&#1;",
        "&#0;",
        "&x;",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml version=\"1.0\"?>",
        "<?",
        "?>",
        "<!DOCTYPE a",
        "<!ENTITY",
        "[",
        "]",
        "Delete",
        "<Delete>",
        "</Delete>",
        "<Object>",
        "</Object>",
        "<Key>",
        "</Key>",
        "Part",
        "<Tagging>",
        "</Tagging>",
        "<a>",
        "</a>",
        "<a/>",
        "a",
        " ",
        "\r",
        "\n",
        "\u{feff}",
        "\0",
        "\u{1}",
        "=",
        "\"",
        "'",
        "xmlns",
        ":",
        "é",
        "\u{1F600}",
    ];

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            request_documents(&bytes);
        }

        #[test]
        fn arbitrary_markup_never_panics(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..64),
        ) {
            request_documents(pieces.concat().as_bytes());
        }

        #[test]
        fn any_text_in_a_document_reads_back(text in "\\PC*|[\u{1}-\u{ff}]*") {
            let written = document("Delete", |w| w.element("Object", |w| w.text("Key", &text)));
            let read = DeleteDocument::parse(&written);
            if text.is_empty() {
                prop_assert!(read.is_err());
            } else {
                prop_assert_eq!(&read.unwrap().entries[0].key, &text);
            }
            request_documents(&written);
        }
    }
}
