//! A bucket's objects by company, type, backend and month.
//!
//! Which company and type a key belongs to is told by a template, which may change: then the rows
//! stand still, with a date, until a recount of the bucket has made new ones. A recount goes through
//! the keys in order while the store is written to; what changes behind it is counted along, what
//! lies before it is still to come.

use std::collections::BTreeMap;

use super::format::checkpoint::Usage;
use super::format::counts::Counted;
use crate::object::{KeyLabels, KeyTemplate, Month, Timestamp};

/// How many pairs of company and type are told apart in a bucket. Further ones are counted as
/// [`OTHERS`].
const PAIRS: usize = 100_000;
/// The pair of a key that says nothing.
const NOTHING: &str = "/";
/// The pair that stands for those beyond [`PAIRS`]. No label begins with a slash.
const OTHERS: &str = "//";

/// What a row counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class {
    /// Company and type with a slash between them, which neither of them has. What a key does not
    /// say is empty.
    pub(crate) pair: String,
    /// Whether the objects are upstream.
    pub(crate) away: bool,
    /// When they were last modified.
    pub(crate) month: Month,
}

/// Counters by class; none of them is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rows(BTreeMap<Box<str>, Vec<Row>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    away: bool,
    month: Month,
    usage: Usage,
}

/// How far the rows can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// They are what a recount would give.
    Exact,
    /// They were so at that time, or never.
    Frozen(Option<Timestamp>),
}

/// A bucket's counters by class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    /// By which template they are counted.
    pub(crate) template: Option<KeyTemplate>,
    /// The counters.
    pub(crate) rows: Rows,
    /// How far they can be believed.
    pub(crate) state: State,
    /// A recount under way.
    pub(crate) fresh: Option<Fresh>,
}

/// A recount under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fresh {
    /// By which template.
    pub(crate) template: Option<KeyTemplate>,
    /// What is counted so far.
    pub(crate) rows: Rows,
    /// The objects here so far, whatever records say.
    pub(crate) here: Usage,
    /// The last key that is counted; none is before the first.
    pub(crate) cursor: Option<String>,
    /// How many keys are counted.
    pub(crate) keys: u64,
}

impl Rows {
    /// An object comes into a class, or goes (`-1`).
    pub(crate) fn shift(&mut self, template: Option<&KeyTemplate>, key: &str, shift: Shift) {
        if shift.before == shift.after {
            return;
        }
        match template.and_then(|template| template.labels(key)) {
            None => self.shift_pair(NOTHING, shift),
            Some(KeyLabels { company, kind }) => {
                let (company, kind) = (company.unwrap_or_default(), kind.unwrap_or_default());
                self.shift_pair(&format!("{company}/{kind}"), shift);
            }
        }
    }

    fn shift_pair(&mut self, pair: &str, Shift { before, after }: Shift) {
        let full = self.0.len() >= PAIRS;
        let pair = if full && !self.0.contains_key(pair) { OTHERS } else { pair };
        if !self.0.contains_key(pair) {
            self.0.insert(pair.into(), Vec::new());
        }
        let Some(rows) = self.0.get_mut(pair) else { return };
        if let Some(after) = after {
            row(rows, after).add(after.amount.size);
        }
        if let Some(before) = before {
            row(rows, before).remove(before.amount.size);
            rows.retain(|row| row.usage.objects > 0);
        }
        // Beyond the limit, which pairs are told apart has to stay.
        if rows.is_empty() && !full {
            self.0.remove(pair);
        }
    }

    /// A counter as a checkpoint has it.
    pub(crate) fn set(&mut self, class: Class, usage: Usage) {
        let rows = self.0.entry(class.pair.into()).or_default();
        rows.push(Row { away: class.away, month: class.month, usage });
    }

    /// The counters, in the order of their classes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Class, Usage)> {
        self.0.iter().flat_map(|(pair, rows)| {
            let mut rows = rows.clone();
            rows.sort_by_key(|row| (row.away, row.month));
            rows.into_iter().map(|row| {
                let Row { away, month, usage } = row;
                (Class { pair: pair.as_ref().to_owned(), away, month }, usage)
            })
        })
    }
}

fn row(rows: &mut Vec<Row>, counted: Counted) -> &mut Row {
    let (away, month) = (counted.away, counted.amount.month);
    // The newest month is the last, and nearly always the one.
    let at = rows.iter().rposition(|row| row.away == away && row.month == month);
    let at = at.unwrap_or_else(|| {
        rows.push(Row { away, month, usage: Usage::default() });
        rows.len() - 1
    });
    #[allow(clippy::indexing_slicing, reason = "the place was just found or made")]
    &mut rows[at]
}

impl Row {
    fn add(&mut self, size: u64) {
        self.usage.objects = self.usage.objects.saturating_add(1);
        self.usage.bytes = self.usage.bytes.saturating_add(size);
    }

    fn remove(&mut self, size: u64) {
        self.usage.objects = self.usage.objects.saturating_sub(1);
        self.usage.bytes = self.usage.bytes.saturating_sub(size);
    }
}

/// What a key was counted as, and what it is counted as from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    /// Before.
    pub(crate) before: Option<Counted>,
    /// After.
    pub(crate) after: Option<Counted>,
}

impl Split {
    /// Of a bucket that is made now.
    pub(crate) fn empty(template: Option<KeyTemplate>) -> Self {
        Self { template, rows: Rows::default(), state: State::Exact, fresh: None }
    }

    /// A record about a key shifts it, and the objects here by `here`.
    pub(crate) fn apply(&mut self, key: &str, shift: Shift, here: (Option<u64>, Option<u64>)) {
        if self.state == State::Exact {
            self.rows.shift(self.template.as_ref(), key, shift);
        }
        if let Some(fresh) = &mut self.fresh
            && fresh.cursor.as_deref().is_some_and(|cursor| key <= cursor)
        {
            fresh.rows.shift(fresh.template.as_ref(), key, shift);
            fresh.here.shift(here.0, here.1);
        }
    }

    /// Something happened of which it is not known what to count.
    pub(crate) fn lose(&mut self) {
        self.state = State::Frozen(None);
        self.fresh = None;
    }

    /// A recount by that template begins. Where the template is another, the rows stand still.
    pub(crate) fn begin(&mut self, template: Option<KeyTemplate>, now: Timestamp) {
        if self.state == State::Exact && self.template != template {
            self.state = State::Frozen(Some(now));
        }
        self.fresh = Some(Fresh { template, ..Fresh::default() });
    }

    /// The recount has come to the end: its rows are the rows. Gives what there was before.
    pub(crate) fn finish(&mut self) -> Option<(State, Rows, Fresh)> {
        let mut fresh = self.fresh.take()?;
        self.template.clone_from(&fresh.template);
        let rows = std::mem::replace(&mut self.rows, std::mem::take(&mut fresh.rows));
        let state = std::mem::replace(&mut self.state, State::Exact);
        Some((state, rows, fresh))
    }
}

impl Usage {
    /// One object of such a size comes, one goes.
    pub(crate) fn shift(&mut self, added: Option<u64>, removed: Option<u64>) {
        if let Some(size) = removed {
            self.objects = self.objects.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(size);
        }
        if let Some(size) = added {
            self.objects = self.objects.saturating_add(1);
            self.bytes = self.bytes.saturating_add(size);
        }
    }
}

/// The class of the rows of a checkpoint that hold a bucket's template and state.
const TEMPLATE: &str = "template/";
/// The class of those that hold counters.
const SPLIT: &str = "split/";

impl Split {
    /// The rows of a checkpoint, without a recount that is under way.
    pub(crate) fn saved(&self) -> impl Iterator<Item = (String, Usage)> {
        let text = self.template.as_ref().map_or("", KeyTemplate::as_str);
        let (frozen, since) = match self.state {
            State::Exact => (0, 0),
            State::Frozen(None) => (1, 0),
            State::Frozen(Some(since)) => (2, u64::try_from(since.0).unwrap_or_default()),
        };
        let head = (format!("{TEMPLATE}{text}"), Usage { objects: frozen, bytes: since });
        let rows = self.rows.iter().map(|(class, usage)| {
            let backend = if class.away { 'r' } else { 'l' };
            (format!("{SPLIT}{backend}{:04x}{}", class.month.number(), class.pair), usage)
        });
        std::iter::once(head).chain(rows)
    }

    /// Reads a row of a checkpoint into a bucket's counters; `false` where it is none of these.
    pub(crate) fn read(split: &mut Option<Self>, class: &str, usage: Usage) -> bool {
        if let Some(text) = class.strip_prefix(TEMPLATE) {
            let template = KeyTemplate::parse(text).ok();
            // One that cannot be read any more is not what the rows are counted by.
            let known = text.is_empty() || template.is_some();
            let since = i64::try_from(usage.bytes).map(Timestamp).ok();
            let split = split.get_or_insert_with(|| Self::empty(None));
            split.template = template;
            split.state = match usage.objects {
                0 if known => State::Exact,
                2 => State::Frozen(since),
                _ => State::Frozen(None),
            };
            return true;
        }
        let Some(rest) = class.strip_prefix(SPLIT) else { return false };
        if let Some((head, pair)) = rest.split_at_checked(5)
            && let Some(month) = head.get(1..).and_then(|it| u16::from_str_radix(it, 16).ok())
        {
            let month = Month::from_number(month);
            let class = Class { pair: pair.to_owned(), away: head.starts_with('r'), month };
            split.get_or_insert_with(|| Self::empty(None)).rows.set(class, usage);
        }
        true
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
