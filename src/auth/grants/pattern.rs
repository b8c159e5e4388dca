//! Texts of a policy that stand for other texts: wildcards and variables.
//!
//! A match takes time proportional to both lengths together, except where `?` follows a star: what
//! that costs is asked of the facts, which give every request a bound.

use std::borrow::Cow;

use super::facts::{Facts, Values};

/// The longest value of the request, in bytes, that a variable stands for. Keys and names are
/// shorter; headers need not be.
const LONGEST_VALUE: usize = 2048;

/// The name of a value of the request, in the form in which it is compared: names have no case,
/// except for what follows the slash of a tag's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConditionKey(String);

/// A text that a policy gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
}

/// How a policy's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether `*` and `?` stand for other characters.
    pub(super) wildcards: bool,
    /// Whether `${…}` stands for a value of the request.
    pub(super) variables: bool,
}

/// Whether letters of either case are the same (ASCII).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    Ignored,
}

/// A variable that is never closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclosed;

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    /// A variable without default has no value in this request.
    Unresolved,
    /// A variable's value cannot be told.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// `?`
    One,
    /// `*`
    Any,
    Variable {
        key: ConditionKey,
        default: Option<Box<str>>,
    },
}

/// A piece in a request whose values are known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(Cow<'a, str>),
    One,
    Any,
}

impl ConditionKey {
    /// The key as it is compared.
    pub fn new(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        match text.split_once('/') {
            Some((name, rest)) if !lower.starts_with("aws:principaltag/") => {
                Self(format!("{}/{rest}", name.to_ascii_lowercase()))
            }
            _ => Self(lower),
        }
    }

    /// The text, lower case but for a tag's key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows `prefix`, which ends in a slash.
    pub fn below(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)
    }
}

impl Reading {
    /// Wildcards alone.
    pub(super) const WILDCARDS: Self = Self { wildcards: true, variables: false };
}

impl Pattern {
    /// Reads a text of a policy.
    pub(super) fn parse(text: &str, reading: Reading) -> Result<Self, Unclosed> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (piece, behind) = match (first, rest.strip_prefix("${")) {
                (_, Some(inner)) if reading.variables => {
                    let (variable, behind) = inner.split_once('}').ok_or(Unclosed)?;
                    (variable_of(variable), behind)
                }
                ('*', _) if reading.wildcards => (Read::Piece(Piece::Any), after(rest, first)),
                ('?', _) if reading.wildcards => (Read::Piece(Piece::One), after(rest, first)),
                _ => (Read::Char(first), after(rest, first)),
            };
            rest = behind;
            match piece {
                Read::Char(char) => plain.push(char),
                Read::Piece(piece) => {
                    take_text(&mut plain, &mut pieces);
                    pieces.push(piece);
                }
            }
        }
        take_text(&mut plain, &mut pieces);
        Ok(Self { pieces })
    }

    /// The one text that it stands for in every request, if it is only one.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The request's values that it names.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key),
            Piece::Text(_) | Piece::One | Piece::Any => None,
        })
    }

    /// Whether `text` is what it stands for in a request with these facts.
    pub(super) fn matches(&self, text: &str, case: Case, facts: &dyn Facts) -> Match {
        let mut parts = match self.resolved(facts) {
            Ok(parts) => parts,
            Err(unclear) => return unclear,
        };
        match case {
            Case::Sensitive => like(&parts, text, facts),
            Case::Ignored => {
                for part in &mut parts {
                    if let Part::Text(text) = part {
                        text.to_mut().make_ascii_lowercase();
                    }
                }
                like(&parts, &text.to_ascii_lowercase(), facts)
            }
        }
    }

    /// Whether `text` is what it stands for where no value is known.
    pub(super) fn matches_plain(&self, text: &str, case: Case) -> bool {
        self.matches(text, case, &super::facts::NoFacts) == Match::Yes
    }

    /// Whether `text` is an ARN that it stands for: compared colon by colon, so that a wildcard
    /// never reaches over one of the first five.
    pub(super) fn matches_arn(&self, text: &str, facts: &dyn Facts) -> Match {
        let parts = match self.resolved(facts) {
            Ok(parts) => parts,
            Err(unclear) => return unclear,
        };
        if parts == [Part::Any] {
            return Match::Yes;
        }
        let wanted = fields(&parts);
        let fields: Vec<&str> = text.splitn(ARN_FIELDS, ':').collect();
        if wanted.len() != ARN_FIELDS || fields.len() != ARN_FIELDS {
            return Match::No;
        }
        let compared = wanted.iter().zip(&fields).map(|(wanted, field)| like(wanted, field, facts));
        compared.into_iter().find(|same| *same != Match::Yes).unwrap_or(Match::Yes)
    }

    /// Without variables; else what that makes of any comparison.
    fn resolved<'a>(&'a self, facts: &'a dyn Facts) -> Result<Vec<Part<'a>>, Match> {
        self.pieces.iter().map(|piece| piece.resolved(facts)).collect()
    }
}

impl Piece {
    fn resolved<'a>(&'a self, facts: &'a dyn Facts) -> Result<Part<'a>, Match> {
        Ok(match self {
            Self::Text(text) => Part::Text(Cow::Borrowed(text)),
            Self::One => Part::One,
            Self::Any => Part::Any,
            Self::Variable { key, default } => {
                // A key with several values cannot be written into a text.
                let value = match facts.values(key) {
                    Values::Some(values) if values.len() == 1 => values.into_iter().next(),
                    Values::Some(_) | Values::None => None,
                    Values::Unknown => return Err(Match::Unknown),
                };
                let value = value.or_else(|| default.as_deref().map(Cow::Borrowed));
                let value = value.filter(|value| value.len() <= LONGEST_VALUE);
                Part::Text(value.ok_or(Match::Unresolved)?)
            }
        })
    }
}

/// How many fields an ARN has, with colons between.
const ARN_FIELDS: usize = 6;

/// The parts of each field of an ARN; of the last, everything that is left.
fn fields<'a>(parts: &'a [Part<'a>]) -> Vec<Vec<Part<'a>>> {
    let mut fields = vec![Vec::new()];
    for part in parts {
        let left = ARN_FIELDS - fields.len() + 1;
        let pieces: Vec<Part<'a>> = match part {
            Part::Text(text) => {
                text.splitn(left, ':').map(|text| Part::Text(Cow::Borrowed(text))).collect()
            }
            other => vec![other.clone()],
        };
        for (place, piece) in pieces.into_iter().enumerate() {
            if place > 0 {
                fields.push(Vec::new());
            }
            if let Some(field) = fields.last_mut() {
                field.push(piece);
            }
        }
    }
    fields
}

/// What a pattern's text begins with.
enum Read {
    Char(char),
    Piece(Piece),
}

fn after(text: &str, first: char) -> &str {
    text.get(first.len_utf8()..).unwrap_or_default()
}

fn take_text(plain: &mut String, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(std::mem::take(plain).into_boxed_str()));
    }
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

/// `key`, `key, 'default'`, or one of the escapes `*`, `?` and `$`.
fn variable_of(inner: &str) -> Read {
    if let "*" | "?" | "$" = inner {
        return Read::Char(inner.chars().next().unwrap_or('$'));
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (inner, None),
    };
    let unquoted = |text: &str| {
        let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        inner.unwrap_or(text).into()
    };
    let key = ConditionKey::new(key.trim());
    Read::Piece(Piece::Variable { key, default: default.map(unquoted) })
}

/// Compares: what is before the first star from the front, what is behind the last from the back,
/// and the rest each where it is found first, since a later place can never help.
fn like(parts: &[Part<'_>], text: &str, facts: &dyn Facts) -> Match {
    let length: usize = parts.iter().map(Part::len).sum();
    if !facts.allows(length.saturating_add(text.len())) {
        return Match::Unresolved;
    }
    let mut runs = parts.split(|part| *part == Part::Any);
    let Some(rest) = runs.next().and_then(|first| behind(first, text)) else { return Match::No };
    let Some(last) = runs.next_back() else { return Match::from(rest.is_empty()) };
    let Some(mut rest) = before(last, rest) else { return Match::No };
    for run in runs {
        match found(run, rest, facts) {
            Search::Behind(behind) => rest = behind,
            Search::Nowhere => return Match::No,
            Search::GaveUp => return Match::Unresolved,
        }
    }
    Match::Yes
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::One | Self::Any => 1,
        }
    }
}

/// What follows the run of parts that a text begins with.
fn behind<'t>(run: &[Part<'_>], text: &'t str) -> Option<&'t str> {
    run.iter().try_fold(text, |rest, part| match part {
        Part::Text(text) => rest.strip_prefix(&**text),
        Part::One => rest.chars().next().map(|first| after(rest, first)),
        Part::Any => None,
    })
}

/// What comes before the run of parts that a text ends with.
fn before<'t>(run: &[Part<'_>], text: &'t str) -> Option<&'t str> {
    run.iter().rev().try_fold(text, |rest, part| match part {
        Part::Text(text) => rest.strip_suffix(&**text),
        Part::One => {
            let mut chars = rest.chars();
            chars.next_back().map(|_| chars.as_str())
        }
        Part::Any => None,
    })
}

enum Search<'t> {
    Behind(&'t str),
    Nowhere,
    GaveUp,
}

/// Looks for the first place of a run of parts in a text.
fn found<'t>(run: &[Part<'_>], text: &'t str, facts: &dyn Facts) -> Search<'t> {
    let length: usize = run.iter().map(Part::len).sum();
    let mut rest = text;
    loop {
        if let Some(Part::Text(first)) = run.first() {
            let Some(at) = rest.find(&**first) else { return Search::Nowhere };
            rest = rest.get(at..).unwrap_or_default();
        }
        if let Some(behind) = behind(run, rest) {
            return Search::Behind(behind);
        }
        // Only `?` can have failed where the text was found.
        if !facts.allows(length) {
            return Search::GaveUp;
        }
        let Some(first) = rest.chars().next() else { return Search::Nowhere };
        rest = after(rest, first);
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
