//! What content a file has: by what it begins with where that is telling, else by its name.

use std::path::Path;

/// How much of a file is looked at.
pub(super) const LOOKED_AT: usize = 8192;

const UNKNOWN: &str = "application/octet-stream";

/// The Content-Type of a file that begins so.
pub(super) fn content_type(path: &Path, begin: &[u8]) -> String {
    let named = mime_guess::from_path(path).first();
    // Office documents are zip files, SVG is XML, and so on: a name that says more is believed.
    if let Some(named) = named {
        let seen = infer::get(begin).map(|kind| kind.mime_type());
        return match seen {
            Some(seen) if contradicts(named.essence_str(), seen) => seen.to_owned(),
            _ => with_charset(named.essence_str(), begin),
        };
    }
    match infer::get(begin) {
        Some(kind) => kind.mime_type().to_owned(),
        None if !begin.is_empty() && is_text(begin) => "text/plain; charset=utf-8".to_owned(),
        None => UNKNOWN.to_owned(),
    }
}

/// Whether the content is certainly not what the name says: a picture that is another picture, or a
/// page that is a program.
fn contradicts(named: &str, seen: &str) -> bool {
    let family = |kind: &str| kind.split('/').next().unwrap_or_default().to_owned();
    let pictures =
        ["image/jpeg", "image/png", "image/gif", "image/webp", "image/tiff", "image/bmp"];
    let is_picture = |kind: &str| pictures.contains(&kind);
    let differs = named != seen;
    let pdf = "application/pdf";
    differs
        && ((is_picture(seen) && (family(named) == "image" || named == pdf))
            || (seen == pdf && family(named) == "image"))
}

fn with_charset(kind: &str, begin: &[u8]) -> String {
    if kind.starts_with("text/") && is_text(begin) {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    }
}

/// Whether it is UTF-8 without control characters. What is looked at may end within a letter.
fn is_text(begin: &[u8]) -> bool {
    let text = match std::str::from_utf8(begin) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && begin.len() == LOOKED_AT => {
            let valid = begin.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars()
        .all(|letter| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_beats_a_name_that_lies_and_a_name_beats_a_wrapping() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let zip = b"PK\x03\x04\x14\0\0\0";
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for (name, begin, kind) in [
            ("a.png", &png[..], "image/png"),
            ("a.jpg", png, "image/png"),
            ("a", png, "image/png"),
            ("letter.docx", zip, docx),
            ("a.html", b"<p>\xc3\xa4</p>", "text/html; charset=utf-8"),
            ("a.txt", b"\xe4", "text/plain"),
            ("README", b"words\nand more", "text/plain; charset=utf-8"),
            ("blob", b"\0\x01\x02", "application/octet-stream"),
            ("empty", b"", "application/octet-stream"),
            ("a.JSON", b"{}", "application/json"),
            ("clip.mp4", b"", "video/mp4"),
        ] {
            assert_eq!(content_type(Path::new(name), begin), kind, "{name}");
        }
    }
}
