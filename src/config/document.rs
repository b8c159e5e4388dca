//! The file's text, and how a fault in it is shown to a person.

use std::ops::Range;
use std::path::Path;

use super::error::ConfigError;
use super::file::File;

/// The configuration file as text; an empty one where none was named.
pub(super) struct Document {
    name: String,
    text: String,
}

impl Document {
    /// No file.
    pub(super) fn absent() -> Self {
        Self { name: String::new(), text: String::new() }
    }

    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(ConfigError::new(name, format!("cannot be read: {error}"))),
        }
    }

    /// The file's content, unknown keys refused.
    pub(super) fn parse(&self) -> Result<File, ConfigError> {
        toml::from_str(&self.text).map_err(|error| {
            let message = error.message().trim().replace('\n', "; ");
            match error.span() {
                Some(span) => self.error(&span, message),
                None => ConfigError::new(self.name.clone(), message),
            }
        })
    }

    /// A fault at `span`: file, line and key are found from it.
    pub(super) fn error(&self, span: &Range<usize>, message: impl Into<String>) -> ConfigError {
        let place = match self.key_at(span.start) {
            Some(key) => format!("{}:{}: {key}", self.name, self.line(span)),
            None => format!("{}:{}", self.name, self.line(span)),
        };
        ConfigError::new(place, message)
    }

    /// The number of the line that `span` starts on, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.before(span.start).matches('\n').count() + 1
    }

    fn before(&self, offset: usize) -> &str {
        self.text.get(..offset).unwrap_or(&self.text)
    }

    /// The key around `offset` with the section it stands in: `[server] max_connections`.
    fn key_at(&self, offset: usize) -> Option<String> {
        let rest = self.text.get(offset..).unwrap_or_default();
        let line_end = offset + rest.find('\n').unwrap_or(rest.len());
        let mut key = None;
        for line in self.before(line_end).lines().rev() {
            let line = line.trim();
            if let Some(section) = section(line) {
                return Some(key.map_or_else(|| section.into(), |key| format!("{section} {key}")));
            }
            key = key.or_else(|| assigned(line));
        }
        key.map(Into::into)
    }
}

/// `[server]` or `[[key]]`, where the line is such a header.
fn section(line: &str) -> Option<&str> {
    let end = line.find(']')?;
    let header = line.get(..=end + usize::from(line.starts_with("[[")))?;
    let name = header.trim_matches(['[', ']']);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '*');
    (line.starts_with('[') && !name.is_empty() && name.chars().all(plain)).then_some(header)
}

/// The key that the line gives a value to.
fn assigned(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"');
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}
