//! Secrets that lie in files of their own.

use std::path::Path;

use crate::auth::Secret;

/// The longest file that is taken for a secret.
const MAX_LENGTH: usize = 4096;

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
