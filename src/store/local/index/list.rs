//! Listings over an index: one seek per line, however much lies under a common prefix.
//!
//! The order, the rolling up and the meaning of `after` are those of
//! [`crate::object::ListQuery`].

use std::borrow::Cow;
use std::ops::{Bound, ControlFlow};

use super::key::{self, BucketId, UPLOAD_TAIL};
use super::{Index, IndexError, Result, Span, TreeId};

/// The entries of a tree that one listing is about.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    tree: TreeId,
    head: Vec<u8>,
    /// How many bytes follow the escaped object key; `None` where the key is raw and last.
    tail: Option<usize>,
}

impl Lane {
    /// Current objects of a bucket.
    pub(crate) fn current(bucket: BucketId) -> Self {
        Self { tree: TreeId::Cur, head: key::bucket_head(bucket), tail: None }
    }

    /// Uploads under way in a bucket; the tail is the upload id.
    pub(crate) fn uploads(bucket: BucketId) -> Self {
        Self { tree: TreeId::Mpu, head: key::uploads_in(bucket), tail: Some(UPLOAD_TAIL) }
    }

    /// Where entries begin whose object key begins with `text`.
    fn place(&self, text: &str) -> Vec<u8> {
        let mut out = self.head.clone();
        match self.tail {
            None => out.extend_from_slice(text.as_bytes()),
            Some(_) => key::push_escaped(&mut out, text.as_bytes()),
        }
        out
    }

    /// The place right behind the entries of exactly `text`, or behind the one with that tail.
    fn behind(&self, after: &After) -> Vec<u8> {
        let mut out = self.place(&after.text);
        match (self.tail, &after.tail) {
            (None, _) => out.push(0),
            (Some(_), None) => out.extend_from_slice(&[0, 1]),
            (Some(_), Some(tail)) => {
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(tail);
                out.push(0);
            }
        }
        out
    }

    /// Object key and tail of an entry.
    fn parse<'a>(&self, entry: &'a [u8]) -> Option<(Cow<'a, str>, &'a [u8])> {
        let rest = entry.strip_prefix(self.head.as_slice())?;
        match self.tail {
            None => Some((std::str::from_utf8(rest).ok()?.into(), &[])),
            Some(len) => {
                let (text, tail) = key::split_escaped(rest)?;
                (tail.len() == len).then(|| (text.into(), tail))
            }
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup<'a> {
    /// Only keys that begin so.
    pub(crate) prefix: &'a str,
    /// Rolls up; never empty.
    pub(crate) delimiter: Option<&'a str>,
    /// Where to start.
    pub(crate) after: Option<After>,
    /// How many lines; 0 gives none and no `more`.
    pub(crate) limit: usize,
}

/// Where a listing starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct After {
    /// Only keys and common prefixes greater than this ...
    pub(crate) text: String,
    /// ... and, where given, those entries of this very key whose tail is greater than this.
    pub(crate) tail: Option<Vec<u8>>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// Its lines.
    pub(crate) lines: Vec<Line<T>>,
    /// Whether more follow.
    pub(crate) more: bool,
}

/// A line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line<T> {
    /// An entry.
    Entry(T),
    /// Everything whose key begins so and was rolled up.
    CommonPrefix(String),
}

/// An entry as the listing finds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Its object key.
    pub(crate) key: &'a str,
    /// What follows the key in the tree.
    pub(crate) tail: &'a [u8],
    /// Its value.
    pub(crate) value: &'a [u8],
}

/// Lists. `read` turns an entry into what the page holds, or `None` where it is not to be seen
/// (and then doesn't make a common prefix appear either).
pub(crate) fn page<T>(
    index: &dyn Index,
    lane: &Lane,
    lookup: &Lookup<'_>,
    read: impl FnMut(Found<'_>) -> Result<Option<T>>,
) -> Result<Page<T>> {
    let mut listing = Listing { lane, lookup, read, lines: Vec::new(), more: false };
    let end = key::successor(&lane.place(lookup.prefix));
    let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut from = lookup.start(lane).filter(|_| lookup.limit > 0);
    while let Some(at) = from.take() {
        let mut stop = Ok(None);
        let span = Span { from: Bound::Included(&at), to };
        index.scan(lane.tree, span, &mut |entry, value| match listing.step(entry, value) {
            Ok(Step::Next) => ControlFlow::Continue(()),
            Ok(Step::Jump(to)) => {
                stop = Ok(to);
                ControlFlow::Break(())
            }
            Ok(Step::End) => ControlFlow::Break(()),
            Err(error) => {
                stop = Err(error);
                ControlFlow::Break(())
            }
        })?;
        from = stop?;
    }
    Ok(Page { lines: listing.lines, more: listing.more })
}

impl Lookup<'_> {
    /// Where to begin; `None` where nothing can follow.
    fn start(&self, lane: &Lane) -> Option<Vec<u8>> {
        match &self.after {
            Some(after) if after.text.as_str() >= self.prefix => {
                if !after.text.starts_with(self.prefix) {
                    return None;
                }
                match self.rolled_up(&after.text) {
                    // All keys under it have a common prefix that isn't greater than `after`.
                    Some(common) => key::successor(&lane.place(common)),
                    None => Some(lane.behind(after)),
                }
            }
            _ => Some(lane.place(self.prefix)),
        }
    }

    /// The common prefix that a key which begins with `prefix` is shown as.
    fn rolled_up<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter?;
        let found = key.get(self.prefix.len()..)?.find(delimiter)?;
        key.get(..self.prefix.len() + found + delimiter.len())
    }
}

/// A page being filled.
struct Listing<'a, T, R> {
    lane: &'a Lane,
    lookup: &'a Lookup<'a>,
    read: R,
    lines: Vec<Line<T>>,
    more: bool,
}

enum Step {
    /// On to the next entry.
    Next,
    /// On to this place, if there is such a place.
    Jump(Option<Vec<u8>>),
    /// The page is full and more follows.
    End,
}

impl<T, R: FnMut(Found<'_>) -> Result<Option<T>>> Listing<'_, T, R> {
    fn step(&mut self, entry: &[u8], value: &[u8]) -> Result<Step> {
        let Some((key, tail)) = self.lane.parse(entry) else {
            return Err(IndexError::Lost(format!("a key of {:?} is none", self.lane.tree)));
        };
        let Some(read) = (self.read)(Found { key: &key, tail, value })? else {
            return Ok(Step::Next);
        };
        if self.lines.len() >= self.lookup.limit {
            self.more = true;
            return Ok(Step::End);
        }
        if let Some(common) = self.lookup.rolled_up(&key) {
            self.lines.push(Line::CommonPrefix(common.to_owned()));
            return Ok(Step::Jump(key::successor(&self.lane.place(common))));
        }
        self.lines.push(Line::Entry(read));
        Ok(Step::Next)
    }
}
