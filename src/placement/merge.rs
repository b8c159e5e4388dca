//! Two listings made one: pure.
//!
//! Both sides give sorted lines in windows. A window of the second side is only good as long as
//! the first side's has not run out: what moves from the first layer to the second is then seen in
//! one of them. Knows nothing of where windows come from.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Bound;

use super::locate::Keys;
use super::location::{Location, Remote, Truth};
use crate::object::{ListEntry, ObjectKey};

/// Something that has a place in a listing.
pub(super) trait Line {
    /// The key, or the common prefix.
    fn text(&self) -> &str;
}

/// Lines of one side, in order.
#[derive(Debug)]
pub(super) struct Window<T> {
    lines: VecDeque<T>,
    /// Whether more lines may stand behind these ...
    more: bool,
    /// ... and whether that is known.
    read: bool,
}

/// What both sides have of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pair<A, B> {
    /// The first side alone has it.
    First(A),
    /// The second side alone has it.
    Second(B),
    /// Both have it.
    Both(A, B),
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<A, B> {
    /// This.
    Pair(Pair<A, B>),
    /// The first side's window is empty. The second side's has been given up.
    First,
    /// The second side's window is empty.
    Second,
    /// Nothing.
    End,
}

/// A line of the ledger: a record whose object may be upstream, or a common prefix of such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordLine {
    /// A key's record.
    Record(ObjectKey, Box<Location>, Remote),
    /// A common prefix.
    CommonPrefix(String),
}

/// What becomes of an object's line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is shown so.
    Entry(ListEntry),
    /// It is not shown.
    Nothing,
    /// It moved while the listing was made: the key itself has to be asked for.
    Ask,
}

impl Line for ListEntry {
    fn text(&self) -> &str {
        match self {
            Self::Object { key, .. } => key.as_str(),
            Self::CommonPrefix(prefix) => prefix,
        }
    }
}

impl Line for RecordLine {
    fn text(&self) -> &str {
        match self {
            Self::Record(key, ..) => key.as_str(),
            Self::CommonPrefix(prefix) => prefix,
        }
    }
}

impl<A: Line, B: Line> Line for Pair<A, B> {
    fn text(&self) -> &str {
        match self {
            Self::First(line) | Self::Both(line, _) => line.text(),
            Self::Second(line) => line.text(),
        }
    }
}

impl<T> Window<T> {
    /// A window of which nothing is known yet.
    pub(super) fn unread() -> Self {
        Self { lines: VecDeque::new(), more: true, read: false }
    }

    /// These lines, and whether there are more behind them.
    pub(super) fn new(lines: impl IntoIterator<Item = T>, more: bool) -> Self {
        Self { lines: lines.into_iter().collect(), more, read: true }
    }

    /// Whether all lines were taken, and there surely are others behind them.
    pub(super) fn promises_more(&self) -> bool {
        self.lines.is_empty() && self.more && self.read
    }
}

/// Takes the next lines off the windows.
pub(super) fn step<A: Line, B: Line>(first: &mut Window<A>, second: &mut Window<B>) -> Step<A, B> {
    if first.lines.is_empty() && first.more {
        *second = Window::unread();
        return Step::First;
    }
    if second.lines.is_empty() && second.more {
        return Step::Second;
    }
    let order = match (first.lines.front(), second.lines.front()) {
        (Some(a), Some(b)) => a.text().cmp(b.text()),
        (Some(_), None) => Ordering::Less,
        (None, _) => Ordering::Greater,
    };
    let a = order.is_le().then(|| first.lines.pop_front()).flatten();
    let b = order.is_ge().then(|| second.lines.pop_front()).flatten();
    match (a, b) {
        (Some(a), Some(b)) => Step::Pair(Pair::Both(a, b)),
        (Some(a), None) => Step::Pair(Pair::First(a)),
        (None, Some(b)) => Step::Pair(Pair::Second(b)),
        (None, None) => Step::End,
    }
}

/// The text of `key` up to and with the first delimiter behind the prefix.
pub(super) fn common_prefix<'a>(
    key: &'a str,
    prefix: &str,
    delimiter: Option<&str>,
) -> Option<&'a str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let end = key.strip_prefix(prefix)?.find(delimiter)? + prefix.len() + delimiter.len();
    key.get(..end)
}

/// The keys of a set that begin with `prefix` and are greater than `after`.
pub(super) fn within<'a>(
    keys: &'a Keys,
    prefix: &'a str,
    after: Option<&'a str>,
) -> impl Iterator<Item = &'a ObjectKey> {
    let least = after.map_or(prefix, |after| after.max(prefix));
    // Only the empty text is no key, and it stands before all.
    let from = ObjectKey::parse(least).map_or(Bound::Unbounded, Bound::Included);
    keys.range((from, Bound::Unbounded))
        .skip_while(move |key| after.is_some_and(|after| key.as_str() <= after))
        .take_while(move |key| key.as_str().starts_with(prefix))
}

/// Whether a key is deleted. What was gone when the listing began, and has no record now, was
/// removed upstream meanwhile.
pub(super) fn is_gone(was_gone: bool, record: Option<&Location>) -> bool {
    record.map_or(was_gone, |record| record.truth == Truth::Gone)
}

/// An object's line out of what both layers list, the upstream's last, and of the record that was
/// read after both. `translate` puts tag and time of the record on an upstream line.
pub(super) fn layered(
    pair: Pair<ListEntry, ListEntry>,
    record: Option<&Location>,
    translate: impl Fn(ListEntry, &Remote) -> ListEntry,
) -> Shown {
    let remote = record.and_then(|record| record.remote.as_ref());
    let upstream = |line| {
        Shown::Entry(match remote {
            Some(remote) => translate(line, remote),
            None => line,
        })
    };
    match record.map(|record| record.truth) {
        Some(Truth::Gone) => Shown::Nothing,
        Some(Truth::Remote) => match pair {
            // The local copy is a left-over, or the object went upstream a moment ago.
            Pair::First(_) => Shown::Ask,
            Pair::Both(_, line) if !remote.is_some_and(|remote| is_of(&line, remote)) => Shown::Ask,
            Pair::Both(_, line) | Pair::Second(line) => upstream(line),
        },
        Some(Truth::Local) | None => match (pair, record) {
            (Pair::First(line) | Pair::Both(line, _), _) => Shown::Entry(line),
            (Pair::Second(line), None) => upstream(line),
            // It came home after home was read, or never did.
            (Pair::Second(_), Some(_)) => Shown::Ask,
        },
    }
}

/// An object's line out of the records, and of what is listed at home after them.
pub(super) fn recorded(pair: Pair<RecordLine, ListEntry>) -> Shown {
    match pair {
        Pair::Second(line) => Shown::Entry(line),
        Pair::Both(RecordLine::Record(_, record, _), line) if record.truth == Truth::Local => {
            Shown::Entry(line)
        }
        // It went from home before home was read, or never came.
        Pair::First(RecordLine::Record(_, record, _)) if record.truth == Truth::Local => Shown::Ask,
        Pair::First(RecordLine::Record(key, _, remote))
        | Pair::Both(RecordLine::Record(key, _, remote), _) => {
            Shown::Entry(remote_line(key, remote))
        }
        Pair::First(RecordLine::CommonPrefix(prefix))
        | Pair::Both(RecordLine::CommonPrefix(prefix), _) => {
            Shown::Entry(ListEntry::CommonPrefix(prefix))
        }
    }
}

/// The line of an object by its record.
pub(super) fn remote_line(key: ObjectKey, remote: Remote) -> ListEntry {
    ListEntry::Object {
        key,
        size: remote.size,
        etag: remote.etag,
        last_modified: remote.last_modified,
        checksum: None,
        storage_class: None,
    }
}

/// The line with tag and time of the record, where it is of the object that the record means.
pub(super) fn with_record(line: ListEntry, remote: &Remote) -> ListEntry {
    let known = is_of(&line, remote);
    match line {
        ListEntry::Object { key, size, checksum, storage_class, .. } if known => {
            ListEntry::Object {
                key,
                size,
                etag: remote.etag.clone(),
                last_modified: remote.last_modified,
                checksum,
                storage_class,
            }
        }
        other => other,
    }
}

fn is_of(line: &ListEntry, remote: &Remote) -> bool {
    matches!(line, ListEntry::Object { etag, .. } if *etag == remote.upstream_etag)
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
