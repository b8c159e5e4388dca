//! Secrets of a section: given there, or in files of their own.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::document::Document;
use super::error::ConfigError;
use super::file::SecretText;
use crate::auth::Secret;

/// The longest file that is taken for a secret.
const MAX_LENGTH: usize = 4096;

/// A section's secret and where it is said, if it is at all; not in both ways.
pub(super) fn given(
    inline: Option<&Spanned<SecretText>>,
    file: Option<&Spanned<PathBuf>>,
    document: &Document,
) -> Result<Option<(Secret, Range<usize>)>, ConfigError> {
    match (inline, file) {
        (None, None) => Ok(None),
        (Some(secret), None) => Ok(Some((secret.get_ref().0.clone(), secret.span()))),
        (None, Some(path)) => {
            let secret =
                read(path.get_ref()).map_err(|message| document.error(&path.span(), message))?;
            Ok(Some((secret, path.span())))
        }
        (Some(_), Some(path)) => {
            let message = "the secret itself is given as well; one of the two is enough";
            Err(document.error(&path.span(), message))
        }
    }
}

/// The file's content without the line end that editors leave behind it.
pub(super) fn read(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.len() > MAX_LENGTH {
        return Err(format!("{shown} should hold one secret and nothing else"));
    }
    Ok(Secret::new(secret))
}
