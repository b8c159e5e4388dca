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
            let message = plain(error.message());
            match error.span() {
                Some(span) => self.error(&span, message),
                None => ConfigError::new(self.name.clone(), message),
            }
        })
    }

    /// A fault at `span`: file, line and key are found from it.
    pub(super) fn error(&self, span: &Range<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.place(span), message)
    }

    /// File, line and key at `span`.
    pub(super) fn place(&self, span: &Range<usize>) -> String {
        match self.key_at(span.start) {
            Some(key) => format!("{}:{}: {key}", self.name, self.line(span)),
            None => format!("{}:{}", self.name, self.line(span)),
        }
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

/// The parser's message without the names that things have in the program only.
fn plain(message: &str) -> String {
    const WORDS: [(&str, &str); 16] = [
        ("invalid type: map, expected a sequence", "is a list: write it in double brackets"),
        ("expected a sequence", "expected a list"),
        ("expected usize", "expected a whole number"),
        ("expected path string", "expected a path in quotes"),
        ("expected a boolean", "expected true or false"),
        ("expected struct Tls", "expected a section"),
        ("expected struct Auth", "expected a section"),
        ("expected struct Server", "expected a section"),
        ("expected struct Log", "expected a section"),
        ("expected struct Store", "expected a section"),
        ("expected struct Spool", "expected a section"),
        ("expected struct Upstream", "expected a section"),
        ("expected struct Encryption", "expected a section"),
        ("expected struct Sts", "expected a section"),
        ("expected u64", "expected a whole number"),
        ("expected u32", "expected a whole number"),
    ];
    let message = message.trim().replace('\n', "; ");
    WORDS.iter().fold(message, |message, (theirs, ours)| message.replace(theirs, ours))
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
