//! Content types as rules name them.

use std::fmt;

/// Content types: one, or all of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePattern {
    kind: String,
    /// `None` for every one of the kind.
    subtype: Option<String>,
}

/// It is no content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a content type such as image/png or image/*")]
pub struct InvalidPattern;

impl TypePattern {
    /// Reads `image/png` or `image/*`.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.to_ascii_lowercase();
        let (kind, subtype) = text.split_once('/').ok_or(InvalidPattern)?;
        let is_token = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
            !text.is_empty() && text.bytes().all(plain)
        };
        if !is_token(kind) || !(subtype == "*" || is_token(subtype)) {
            return Err(InvalidPattern);
        }
        let subtype = (subtype != "*").then(|| canonical(&text).to_owned());
        Ok(match subtype.as_deref().and_then(|whole| whole.split_once('/')) {
            Some((kind, subtype)) => {
                Self { kind: kind.to_owned(), subtype: Some(subtype.to_owned()) }
            }
            None => Self { kind: kind.to_owned(), subtype: None },
        })
    }

    fn fits(&self, essence: &str) -> bool {
        let (kind, subtype) = canonical(essence).split_once('/').unwrap_or((essence, ""));
        self.kind == kind && self.subtype.as_deref().is_none_or(|own| own == subtype)
    }

    /// Whether one of them fits.
    pub(super) fn any(patterns: &[Self], essence: &str) -> bool {
        patterns.iter().any(|pattern| pattern.fits(essence))
    }

    /// All of them, for people.
    pub(super) fn list(patterns: &[Self]) -> String {
        patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype.as_deref().unwrap_or("*"))
    }
}

/// A content type in lower case, without its parameters.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The usual name of a type that has several.
pub(super) fn canonical(essence: &str) -> &str {
    match essence {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/x-png" => "image/png",
        "image/x-ms-bmp" | "image/x-bmp" => "image/bmp",
        "image/heic" => "image/heif",
        "image/x-icon" => "image/vnd.microsoft.icon",
        "image/svg" => "image/svg+xml",
        "text/xml" => "application/xml",
        "application/x-pdf" => "application/pdf",
        "application/x-zip-compressed" | "application/x-zip" => "application/zip",
        "application/x-gzip" => "application/gzip",
        "application/x-rar-compressed" | "application/x-rar" => "application/vnd.rar",
        "audio/mp3" | "audio/x-mp3" | "audio/mpeg3" => "audio/mpeg",
        "audio/wav" | "audio/wave" | "audio/vnd.wave" => "audio/x-wav",
        "audio/flac" => "audio/x-flac",
        "text/rtf" => "application/rtf",
        "video/avi" | "video/vnd.avi" => "video/x-msvideo",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_by_kind_or_by_name() {
        let fits =
            |pattern: &str, essence: &str| TypePattern::parse(pattern).unwrap().fits(essence);
        assert!(fits("image/*", "image/png") && fits("IMAGE/PNG", "image/png"));
        assert!(fits("image/jpg", "image/jpeg") && fits("image/jpeg", "image/jpg"));
        assert!(!fits("image/*", "imagex/png") && !fits("image/png", "image/jpeg"));
        for text in ["", "image", "image/", "/png", "*/*", "image/p*", "image/png; a=b"] {
            assert_eq!(TypePattern::parse(text), Err(InvalidPattern), "{text}");
        }
        assert_eq!(essence(" Text/HTML ; charset=utf-8"), "text/html");
    }
}
