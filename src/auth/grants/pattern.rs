//! Texts of a policy that stand for other texts: wildcards and variables.
//!
//! A match takes time proportional to the product of both lengths at worst, whatever the pattern.

use super::facts::{Facts, Values};

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
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Glob(Glob),
    Variable { key: ConditionKey, default: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Glob {
    Char(char),
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
        let mut pieces = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if reading.variables
                && let Some(inner) = rest.strip_prefix("${")
            {
                let (variable, behind) = inner.split_once('}').ok_or(Unclosed)?;
                pieces.push(variable_of(variable));
                rest = behind;
                continue;
            }
            pieces.push(Piece::Glob(match first {
                '*' if reading.wildcards => Glob::Any,
                '?' if reading.wildcards => Glob::One,
                other => Glob::Char(other),
            }));
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        Ok(Self { pieces })
    }

    /// Whether it stands for that one text alone, in every request.
    pub(super) fn is_fixed(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Glob(Glob::Char(_))))
    }

    /// The request's values that it names.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key),
            Piece::Glob(_) => None,
        })
    }

    /// Whether `text` is what it stands for in a request with these facts.
    pub(super) fn matches(&self, text: &str, case: Case, facts: &dyn Facts) -> Match {
        let Some(globs) = self.resolved(facts) else { return Match::Unresolved };
        Match::from(glob_matches(&globs, text, case))
    }

    /// Whether `text` is what it stands for where no value is known.
    pub(super) fn matches_plain(&self, text: &str, case: Case) -> bool {
        self.matches(text, case, &super::facts::NoFacts) == Match::Yes
    }

    /// Whether `text` is an ARN that it stands for: compared colon by colon, so that a wildcard
    /// never reaches over one of the first five.
    pub(super) fn matches_arn(&self, text: &str, facts: &dyn Facts) -> Match {
        let Some(globs) = self.resolved(facts) else { return Match::Unresolved };
        if globs == [Glob::Any] {
            return Match::Yes;
        }
        let wanted: Vec<&[Glob]> = globs.splitn(6, |glob| *glob == Glob::Char(':')).collect();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let same = |(wanted, part): (&&[Glob], &&str)| glob_matches(wanted, part, Case::Sensitive);
        let whole = wanted.len() == 6 && parts.len() == 6;
        Match::from(whole && wanted.iter().zip(&parts).all(same))
    }

    fn resolved(&self, facts: &dyn Facts) -> Option<Vec<Glob>> {
        let mut globs = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Piece::Glob(glob) => globs.push(*glob),
                Piece::Variable { key, default } => {
                    // A key with several values cannot be written into a text.
                    let value = match facts.values(key) {
                        Values::Some(values) if values.len() == 1 => values.into_iter().next(),
                        Values::Some(_) | Values::None => None,
                    };
                    match (value, default) {
                        (Some(value), _) => globs.extend(value.chars().map(Glob::Char)),
                        (None, Some(text)) => globs.extend(text.chars().map(Glob::Char)),
                        (None, None) => return None,
                    }
                }
            }
        }
        Some(globs)
    }
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

/// `key`, `key, 'default'`, or one of the escapes `*`, `?` and `$`.
fn variable_of(inner: &str) -> Piece {
    if let "*" | "?" | "$" = inner {
        return Piece::Glob(Glob::Char(inner.chars().next().unwrap_or('$')));
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (inner, None),
    };
    let unquoted = |text: &str| {
        let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        inner.unwrap_or(text).to_owned()
    };
    Piece::Variable { key: ConditionKey::new(key.trim()), default: default.map(unquoted) }
}

/// Goes on from the latest star where a later one fails: an earlier one need never be tried again.
fn glob_matches(globs: &[Glob], text: &str, case: Case) -> bool {
    let mut at = 0;
    let mut rest = text.chars();
    let mut star: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        match globs.get(at) {
            Some(Glob::Any) => {
                star = Some((at + 1, rest.clone()));
                at += 1;
                continue;
            }
            Some(Glob::One) if rest.clone().next().is_some() => {
                rest.next();
                at += 1;
                continue;
            }
            Some(Glob::Char(wanted))
                if rest.clone().next().is_some_and(|c| same(*wanted, c, case)) =>
            {
                rest.next();
                at += 1;
                continue;
            }
            None if rest.as_str().is_empty() => return true,
            _ => {}
        }
        // What the star took was too little: it takes one character more.
        let Some((behind, from)) = &mut star else { return false };
        if from.next().is_none() {
            return false;
        }
        at = *behind;
        rest = from.clone();
    }
}

fn same(a: char, b: char, case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Ignored => a.eq_ignore_ascii_case(&b),
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
