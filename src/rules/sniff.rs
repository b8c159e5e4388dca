//! What content is, by its first bytes.
//!
//! What can do harm is looked for here first, then `infer` knows the rest, then it is text or not.

mod markup;
mod program;

pub(super) use markup::Text;

/// How many of the first bytes are looked at.
pub(super) const HEAD: usize = 8 * 1024;
/// Within how many of the first bytes readers look for the header of a PDF.
const PDF_WITHIN: usize = 1024;
/// On what the files in a tape archive begin.
const TAR_BLOCK: usize = 512;
const PDF: &[u8] = b"%PDF-";
const ZIP: &[u8] = b"PK\x03\x04";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sniffed {
    /// Its content type.
    pub(super) mime: &'static str,
    /// What kind of content that is.
    pub(super) kind: Kind,
    /// Whether a PDF begins in it that is not all of it.
    pub(super) hides_pdf: bool,
}

/// Kinds of content, as far as they are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It runs.
    Executable(&'static str),
    /// A page.
    Html,
    /// A picture that may hold scripts.
    Svg,
    /// Other XML.
    Xml,
    /// A PDF.
    Pdf,
    /// An archive, or a document that is one.
    Zip,
    /// An old office document, or an installer.
    Ole,
    /// A picture of pixels.
    Image,
    /// Text.
    Text,
    /// Something else that is known.
    Other,
    /// Nothing is known of it.
    Unknown,
}

/// Finds out what begins with these bytes.
pub(super) fn sniff(head: &[u8]) -> Sniffed {
    let pdf_at = position(head.get(..head.len().min(PDF_WITHIN)).unwrap_or_default(), PDF);
    let (mime, kind) = first(head, pdf_at);
    let hides_pdf = pdf_at.is_some_and(|at| kind != Kind::Pdf && !is_first_entry(head, at));
    Sniffed { mime, kind, hides_pdf }
}

fn first(head: &[u8], pdf_at: Option<usize>) -> (&'static str, Kind) {
    if let Some((mime, what)) = program::detect(head) {
        return (mime, Kind::Executable(what));
    }
    if head.starts_with(PDF) {
        return ("application/pdf", Kind::Pdf);
    }
    if let Some(root) = markup::root(head) {
        return match root {
            markup::Root::Html => ("text/html", Kind::Html),
            markup::Root::Svg => ("image/svg+xml", Kind::Svg),
            markup::Root::Xml => ("application/xml", Kind::Xml),
        };
    }
    if head.starts_with(OLE) {
        let mime = infer::get(head).map_or("application/x-ole-storage", |found| found.mime_type());
        return (mime, Kind::Ole);
    }
    if head.starts_with(ZIP) || head.starts_with(b"PK\x05\x06") {
        return (zip(head), Kind::Zip);
    }
    if infer::archive::is_tar(head) {
        return ("application/x-tar", Kind::Other);
    }
    let text = is_text(head);
    // Two letters are enough for `infer` to take a text for a picture.
    let sure = |mime: &str| !is_guess(mime) && (!text || is_textual(mime));
    if let Some(found) = infer::get(head).filter(|found| sure(found.mime_type())) {
        let kind = if found.mime_type().starts_with("image/") { Kind::Image } else { Kind::Other };
        return (found.mime_type(), kind);
    }
    if pdf_at.is_some() {
        return ("application/pdf", Kind::Pdf);
    }
    if text {
        return ("text/plain", Kind::Text);
    }
    ("application/octet-stream", Kind::Unknown)
}

/// What the archive is, by its first entries.
fn zip(head: &[u8]) -> &'static str {
    match infer::get(head) {
        Some(found) if found.mime_type().starts_with("application/") => found.mime_type(),
        _ => "application/zip",
    }
}

/// Types that are looked for here, because `infer` goes by too little.
fn is_guess(mime: &str) -> bool {
    matches!(
        mime,
        "application/octet-stream"
            | "application/pdf"
            | "application/vnd.microsoft.portable-executable"
            | "text/html"
            | "text/xml"
            | "text/x-shellscript"
    )
}

/// Types whose content is text.
fn is_textual(mime: &str) -> bool {
    matches!(mime, "application/postscript" | "application/rtf" | "application/x-x509-ca-cert")
}

/// Whether what begins there is the first file of an archive, stored as it is.
fn is_first_entry(head: &[u8], at: usize) -> bool {
    let number = |from: usize| {
        let bytes = head.get(from..from + 2).and_then(<[u8]>::first_chunk::<2>)?;
        Some(usize::from(u16::from_le_bytes(*bytes)))
    };
    if infer::archive::is_tar(head) {
        return at.is_multiple_of(TAR_BLOCK);
    }
    let stored = head.starts_with(ZIP) && number(8) == Some(0);
    let begins = number(26).zip(number(28)).map(|(name, extra)| 30 + name + extra);
    stored && begins == Some(at)
}

/// Whether it is UTF-8 or UTF-16 without control characters. The last letter may be cut.
fn is_text(head: &[u8]) -> bool {
    if head.is_empty() {
        return false;
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => head.len() == HEAD && error.error_len().is_none(),
    };
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    valid && !head.iter().any(|byte| control(byte) || *byte == 0x7f)
}

/// Where something first stands.
pub(super) fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, _) = wanted.split_first()?;
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|byte| byte == first)?;
        if text.get(from..from + wanted.len())? == wanted {
            return Some(from);
        }
        from += 1;
    }
}

/// Beginnings of files, for tests.
#[cfg(test)]
pub(super) mod samples {
    pub(in crate::rules) const JPEG: &[u8] =
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
    pub(in crate::rules) const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0";
    pub(in crate::rules) const PNG: &[u8] =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08";
    pub(in crate::rules) const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n";
    pub(in crate::rules) const HTML: &[u8] = b"  <!DOCTYPE html><html><body>x</body></html>";
    pub(in crate::rules) const SVG: &[u8] =
        b"<?xml version=\"1.0\"?>\n<!-- x --><svg xmlns=\"http://www.w3.org/2000/svg\"><path/></svg>";
    pub(in crate::rules) const ZIP: &[u8] =
        b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x05\0\0\0a.txtabcde";
    pub(in crate::rules) const EXE: &[u8] =
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\
        @\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\x0e\x1f\xba\x0e";
    pub(in crate::rules) const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0";
    pub(in crate::rules) const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\0";
    pub(in crate::rules) const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known() {
        let old = [&b"junk"[..], samples::PDF].concat();
        for (content, mime) in [
            (samples::JPEG, "image/jpeg"),
            (samples::GIF, "image/gif"),
            (samples::PNG, "image/png"),
            (samples::PDF, "application/pdf"),
            (&old, "application/pdf"),
            (samples::HTML, "text/html"),
            (samples::SVG, "image/svg+xml"),
            (samples::ZIP, "application/zip"),
            (samples::MP4, "video/mp4"),
            (samples::EXE, "application/vnd.microsoft.portable-executable"),
            (samples::ELF, "application/x-executable"),
            (b"#!/bin/sh\necho", "text/x-shellscript"),
            (b"MZ is how this text begins", "text/plain"),
            (b"BMW is how this one does", "text/plain"),
            (b"GIF89a/*", "text/plain"),
            (b"{\\rtf1 x}", "application/rtf"),
            (b"<?xml version=\"1.0\"?><note/>", "application/xml"),
            (b"name;value\n1;2\n", "text/plain"),
            ("größe".as_bytes(), "text/plain"),
            (b"\x01\x02\x03", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(sniff(content).mime, mime, "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn a_pdf_in_something_else_is_seen_but_not_the_first_file_of_an_archive() {
        let both = |first: &[u8]| sniff(&[first, samples::PDF].concat());
        assert!(both(samples::GIF).hides_pdf);
        assert!(both(samples::HTML).hides_pdf);
        assert!(!both(b"").hides_pdf && !both(b"junk").hides_pdf);
        let stored = [
            &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x05\0\0\0a.pdf"[..],
            samples::PDF,
        ]
        .concat();
        assert!(!sniff(&stored).hides_pdf);
        assert!(both(samples::ZIP).hides_pdf);
    }
}
