//! Whether content is of the type that it is declared to be.

use super::content_type::canonical;
use super::sniff::{Kind, Sniffed};

/// Types that are the same container, so that the beginning does not tell them apart.
const FAMILIES: &[&[&str]] = &[
    &[
        "video/mp4",
        "video/quicktime",
        "video/x-m4v",
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "audio/aac",
        "video/3gpp",
        "audio/3gpp",
        "video/3gpp2",
        "application/mp4",
    ],
    &["audio/ogg", "video/ogg", "application/ogg", "audio/opus", "audio/vorbis"],
    &["video/webm", "video/x-matroska", "audio/webm", "audio/x-matroska", "video/matroska"],
    &["video/x-ms-wmv", "video/x-ms-asf", "audio/x-ms-wma", "application/vnd.ms-asf"],
    &["image/heif", "image/avif", "image/heif-sequence", "image/heic-sequence"],
    &["video/mpeg", "audio/mpeg", "video/mp2t"],
    &["application/gzip", "application/x-tar", "application/x-compressed-tar", "application/x-tgz"],
    &["image/tiff", "image/x-canon-cr2", "image/x-nikon-nef", "image/x-adobe-dng"],
];

/// Text that is not called so.
const TEXTS: &[&str] = &[
    "application/json",
    "application/ld+json",
    "application/geo+json",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/sql",
    "application/x-sh",
    "application/x-ndjson",
    "application/x-subrip",
    "application/pgp-signature",
    "application/pgp-keys",
    "application/x-pem-file",
    "application/graphql",
    "application/rtf",
    "message/rfc822",
    "application/x-x509-ca-cert",
    "application/mbox",
    "application/x-csv",
];

/// Whether content is of the type that is declared. Who declares nothing in particular, or what
/// nobody can tell by its beginning, declares nothing wrong.
pub(super) fn agrees(declared: &str, sniffed: &Sniffed) -> bool {
    let (declared, found) = (canonical(declared), canonical(sniffed.mime));
    if declares_nothing(declared) || declared == found {
        return true;
    }
    if FAMILIES.iter().any(|family| family.contains(&declared) && family.contains(&found)) {
        return true;
    }
    match sniffed.kind {
        Kind::Zip => {
            is_zip_based(declared) && (found == "application/zip" || declared == "application/zip")
        }
        Kind::Ole => is_ole_based(declared),
        Kind::Xml => {
            declared.ends_with("+xml") && declared != "image/svg+xml"
                || declared == "application/xml"
        }
        Kind::Svg => declared == "application/xml",
        Kind::Html => declared == "application/xhtml+xml",
        Kind::Text => declared.starts_with("text/") || TEXTS.contains(&declared),
        Kind::Executable(_) | Kind::Pdf | Kind::Image | Kind::Other => false,
        Kind::Unknown => !can_be_told(declared),
    }
}

/// Whether the declared type says nothing about the content.
pub(super) fn declares_nothing(declared: &str) -> bool {
    matches!(
        declared,
        "" | "application/octet-stream" | "binary/octet-stream" | "application/binary"
    )
}

fn is_zip_based(declared: &str) -> bool {
    declared == "application/zip"
        || declared.ends_with("+zip")
        || declared.starts_with("application/vnd.openxmlformats-officedocument.")
        || declared.starts_with("application/vnd.oasis.opendocument.")
        || declared.starts_with("application/vnd.ms-") && declared.contains("macroenabled")
        || matches!(
            declared,
            "application/java-archive"
                | "application/vnd.android.package-archive"
                | "image/openraster"
                | "application/vnd.google-earth.kmz"
                | "model/3mf"
                | "application/x-cbz"
        )
}

fn is_ole_based(declared: &str) -> bool {
    declared == "application/msword"
        || declared.starts_with("application/vnd.ms-")
        || declared.starts_with("application/vnd.visio")
        || matches!(declared, "application/x-ole-storage" | "application/x-msi")
}

/// Whether content of this type would have been known by its beginning.
fn can_be_told(declared: &str) -> bool {
    infer::is_mime_supported(declared)
        || is_zip_based(declared)
        || is_ole_based(declared)
        || declared.starts_with("text/")
        || declared.ends_with("+xml")
        || declared == "application/xml"
        || TEXTS.contains(&declared)
        || FAMILIES.iter().any(|family| family.contains(&declared))
}

#[cfg(test)]
mod tests {
    use super::super::sniff::{samples, sniff};
    use super::*;

    #[test]
    fn declared_and_detected_types_agree_or_do_not() {
        for (declared, content, expected) in [
            ("image/jpeg", samples::JPEG, true),
            ("image/jpg", samples::JPEG, true),
            ("image/png", samples::JPEG, false),
            ("application/pdf", samples::PDF, true),
            ("application/pdf", samples::EXE, false),
            ("application/pdf", b"hello", false),
            ("application/pdf", b"\x01\x02\x03\x04", false),
            ("text/csv", b"a;b\n1;2\n", true),
            ("application/json", b"{\"a\": 1}", true),
            ("image/png", b"{\"a\": 1}", false),
            ("text/plain", samples::HTML, false),
            ("text/html", samples::HTML, true),
            ("image/svg+xml", samples::SVG, true),
            ("image/svg+xml", b"<?xml version=\"1.0\"?><note/>", false),
            ("application/atom+xml", b"<?xml version=\"1.0\"?><feed/>", true),
            ("application/zip", samples::ZIP, true),
            ("application/vnd.oasis.opendocument.text", samples::ZIP, true),
            ("image/png", samples::ZIP, false),
            ("application/octet-stream", samples::EXE, true),
            ("", samples::EXE, true),
            ("application/x-my-own", b"\x01\x02\x03\x04", true),
            ("audio/mp4", samples::MP4, true),
            ("video/quicktime", samples::MP4, true),
        ] {
            let sniffed = sniff(content);
            assert_eq!(agrees(declared, &sniffed), expected, "{declared} {sniffed:?}");
        }
    }
}
