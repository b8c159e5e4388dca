//! How an answer is shown: tables and sentences on a terminal, one JSON object a line elsewhere, or,
//! with `--json`, as the gateway gave it.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use indicatif::HumanBytes;
use serde_json::Value;

use super::say;

/// How many columns a line of sentences takes at most.
const WIDTH: usize = 80;

/// How to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// For people.
    Sentences,
    /// One JSON object a line.
    Lines,
    /// The answer as it is.
    Whole,
}

/// The choice between them.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct OutputArgs {
    /// Print one JSON document, as the gateway answers it
    #[arg(long, global = true)]
    json: bool,
}

impl OutputArgs {
    pub(super) fn style(self) -> Style {
        match (self.json, io::stdout().is_terminal()) {
            (true, _) => Style::Whole,
            (false, true) => Style::Sentences,
            (false, false) => Style::Lines,
        }
    }
}

impl Style {
    /// Shows an answer: in words, or by the lines that it is made of.
    pub(super) fn show(
        self,
        answer: &Value,
        words: impl FnOnce(&Value) -> String,
        lines: impl FnOnce(&Value) -> Vec<Value>,
    ) {
        match self {
            Self::Sentences => {
                let words = words(answer);
                let words = words.trim_end();
                if !words.is_empty() {
                    say(words);
                }
            }
            Self::Lines => lines(answer).iter().for_each(say),
            Self::Whole => say(answer),
        }
    }
}

/// Bytes as they are, to standard output; that nobody reads them is no failure.
pub(super) fn raw(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A table with columns of a width; the first is aligned to the left, numbers to the right.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    pub(super) fn new(heads: &[&str]) -> Self {
        Self(vec![heads.iter().map(|head| (*head).to_owned()).collect()])
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push(cells.into_iter().collect());
    }

    /// Whether nothing stands below its heads.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let widest = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let is_number = |column: usize| {
            let mut cells = self.0.iter().skip(1).filter_map(|row| row.get(column)).peekable();
            let starts = |cell: &String| cell.starts_with(|c: char| c.is_ascii_digit());
            cells.peek().is_some() && column > 0 && cells.all(starts)
        };
        let shape: Vec<(usize, bool)> =
            (0..columns).map(|at| (widest(at), is_number(at))).collect();
        for row in &self.0 {
            let mut line = String::new();
            for (cell, (width, right)) in row.iter().zip(&shape) {
                match right {
                    true => write!(line, "{cell:>width$}  ")?,
                    false => write!(line, "{cell:<width$}  ")?,
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A field as text; nothing where it is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A field as a number; 0 where it is none.
pub(super) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// A field as yes or no.
pub(super) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A field's elements; none where it is no array.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The elements of a field, for output line by line.
pub(super) fn lines(value: &Value, name: &str) -> Vec<Value> {
    list(value, name).to_vec()
}

/// Bytes for people, such as `1.50 MiB`.
pub(super) fn bytes(count: u64) -> String {
    HumanBytes(count).to_string()
}

/// A number of things for people: `1 object`, `2 objects`.
pub(super) fn count(number: u64, one: &str) -> String {
    let number_shown = indicatif::HumanCount(number);
    if number == 1 { format!("1 {one}") } else { format!("{number_shown} {one}s") }
}

/// Sentences in lines of at most [`WIDTH`] columns, of which those behind the first are indented. A
/// word that is longer stands alone.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.trim_start_matches(' ');
        let mut column = line.len() - words.len();
        out.extend(std::iter::repeat_n(' ', column));
        for (number, word) in words.split(' ').enumerate() {
            let width = word.chars().count();
            if number > 0 && column + 1 + width > WIDTH {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else if number > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += width;
        }
        out.push('\n');
    }
    out
}

/// A time for people, such as `2026-01-31 12:00:00`, out of one for programs.
pub(super) fn moment(time: &str) -> String {
    time.split('.').next().unwrap_or_default().trim_end_matches('Z').replacen('T', " ", 1)
}

/// Text that cannot steer a terminal.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", "objects"]);
        assert!(table.is_empty());
        table.row(["ä".to_owned(), "12".to_owned()]);
        table.row(["longer".to_owned(), "3".to_owned()]);
        assert_eq!(table.to_string(), "name    objects\nä            12\nlonger        3\n");
    }

    #[test]
    fn sentences_are_wrapped_between_words() {
        let words = ["abcdefghi"; 10].join(" ");
        let wrapped = wrapped(&format!("  {words}\nx"), 4);
        let lines: Vec<&str> = wrapped.lines().collect();
        let first = ["abcdefghi"; 7].join(" ");
        let rest = ["abcdefghi"; 3].join(" ");
        assert_eq!(lines, [format!("  {first}"), format!("    {rest}"), "x".to_owned()]);
        assert_eq!(super::wrapped(&"x".repeat(100), 4), format!("{}\n", "x".repeat(100)));
        assert_eq!(moment("2026-01-31T12:00:00.123Z"), "2026-01-31 12:00:00");
    }

    #[test]
    fn nothing_in_a_name_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nä"), "a\\u{1b}[31mb\\nä");
        assert_eq!(
            (count(1, "object"), count(1200, "object")),
            ("1 object".into(), "1,200 objects".into())
        );
    }
}
