//! Where a listing goes on, in the service's terms.
//!
//! A page of the gateway's begins behind a text, and a common prefix that is not greater than
//! that text hides everything under it. Services differ in this, so that they are asked to go on
//! behind all that is hidden, and whatever is not greater is dropped.

use crate::object::MAX_KEY_BYTES;

/// What a listing is asked for, with the keys as they are in the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    prefix: String,
    delimiter: Option<String>,
    /// Lines up to this text are not wanted.
    after: Option<String>,
}

impl Marker {
    /// The start of a page; `own` is the prefix that the gateway's keys have in the service.
    pub(super) fn new(
        own: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
    ) -> Self {
        Self {
            prefix: format!("{own}{prefix}"),
            delimiter: delimiter.filter(|text| !text.is_empty()).map(str::to_owned),
            after: after.map(|after| format!("{own}{after}")),
        }
    }

    /// The prefix that the service is asked for.
    pub(super) fn prefix(&self) -> Option<String> {
        Some(self.prefix.clone()).filter(|prefix| !prefix.is_empty())
    }

    /// The delimiter that the service is asked for.
    pub(super) fn delimiter(&self) -> Option<String> {
        self.delimiter.clone()
    }

    /// What the service is asked to go on behind: where the start lies under a common prefix, the
    /// greatest key under it.
    pub(super) fn behind(&self) -> Option<String> {
        let after = self.after.as_deref()?;
        let Some(hidden) = self.common_prefix(after) else { return Some(after.to_owned()) };
        let mut greatest = hidden.to_owned();
        while greatest.len() + char::MAX.len_utf8() <= MAX_KEY_BYTES {
            greatest.push(char::MAX);
        }
        Some(greatest)
    }

    /// Whether the start lies under a common prefix, so that even its own key is hidden.
    pub(super) fn is_under_a_prefix(&self) -> bool {
        self.after.as_deref().is_some_and(|after| self.common_prefix(after).is_some())
    }

    /// Whether a line's text is wanted.
    pub(super) fn wants(&self, line: &str) -> bool {
        self.after.as_deref().is_none_or(|after| line > after)
    }

    /// Whether the text is the start itself.
    pub(super) fn is_start(&self, line: &str) -> bool {
        self.after.as_deref() == Some(line)
    }

    fn common_prefix<'a>(&self, text: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref()?;
        let behind = text.strip_prefix(self.prefix.as_str())?;
        let end = self.prefix.len() + behind.find(delimiter)? + delimiter.len();
        text.get(..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_under_a_common_prefix_is_behind_all_of_it() {
        let marker = Marker::new("own/", "", Some("/"), Some("a/b"));
        assert_eq!(marker.prefix().as_deref(), Some("own/"));
        let behind = marker.behind().unwrap();
        assert!(behind.starts_with("own/a/\u{10ffff}") && behind.len() <= MAX_KEY_BYTES);
        assert!(behind.as_str() > "own/a/\u{10ffff}a" && behind.as_str() < "own/a0");
        assert!(marker.is_under_a_prefix());
        assert!(!marker.wants("own/a/") && marker.wants("own/b/"));
    }

    #[test]
    fn other_starts_stay() {
        for (prefix, delimiter, after) in
            [("", None, "a/b"), ("a/", Some("/"), "a/b"), ("x", Some("/"), "a/b")]
        {
            let marker = Marker::new("", prefix, delimiter, Some(after));
            assert_eq!(marker.behind().as_deref(), Some(after));
            assert!(!marker.is_under_a_prefix() && marker.is_start("a/b"));
        }
        let marker = Marker::new("", "", Some(""), None);
        assert_eq!((marker.behind(), marker.delimiter(), marker.prefix()), (None, None, None));
        assert!(marker.wants(""));
    }
}
