//! Files of lines, each a JSON value behind its checksum: appended, and read in pieces.
//!
//! Knows nothing of what the lines say. A last line that is not whole, as a crash leaves it, is
//! none; a damaged one before the end is an error.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::files::Shelf;
use crate::object::Algorithm;

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// How long a line of text may be.
const LONGEST: usize = PIECE;

/// Reads a file line by line.
pub(crate) struct Lines {
    shelf: Arc<dyn Shelf>,
    name: String,
    /// Where the piece at hand ends in the file.
    end: u64,
    piece: Vec<u8>,
    /// How much of the piece has been given out.
    given: usize,
    complete: bool,
}

/// A line as it stands in a file.
pub(crate) fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    let mut line = hex::encode(Algorithm::Crc32c.digest(&json).digest).into_bytes();
    line.reserve(json.len() + 2);
    line.push(b' ');
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

fn decode<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (sum, json) = line.split_at_checked(8)?;
    let json = json.strip_prefix(b" ")?;
    let expected = hex::encode(Algorithm::Crc32c.digest(json).digest);
    if sum != expected.as_bytes() {
        return None;
    }
    serde_json::from_slice(json).ok()
}

impl Lines {
    /// The lines of a file, from `offset` on.
    pub(crate) fn of(shelf: &Arc<dyn Shelf>, name: &str, offset: u64) -> Self {
        Self {
            shelf: Arc::clone(shelf),
            name: name.to_owned(),
            end: offset,
            piece: Vec::new(),
            given: 0,
            complete: false,
        }
    }

    /// Where the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.end - (self.piece.len() - self.given) as u64
    }

    /// The next line; `None` at the end, or where a last line is not whole.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some(line) = self.raw(usize::MAX).await? else { return Ok(None) };
        if let Some(value) = decode(line.as_bytes_without_end()) {
            return Ok(Some(value));
        }
        let at = self.offset() - line.0.len() as u64;
        if self.raw(usize::MAX).await?.is_none() {
            // Only the last line can have been cut off.
            self.end = at;
            self.piece.clear();
            self.given = 0;
            return Ok(None);
        }
        let what = format!("{} is damaged at byte {at}", self.name);
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }

    /// The next line that is `wanted`, beginning before the byte `end`; the others are passed over
    /// unread. `None` where there is none, or a last line is not whole.
    pub(crate) async fn find<T: DeserializeOwned>(
        &mut self,
        end: u64,
        wanted: impl Fn(&str) -> bool,
    ) -> io::Result<Option<T>> {
        while self.offset() < end {
            let at = self.offset();
            let Some(line) = self.raw(usize::MAX).await? else { return Ok(None) };
            let line = line.as_bytes_without_end();
            if !std::str::from_utf8(line).is_ok_and(&wanted) {
                continue;
            }
            match decode(line) {
                Some(value) => return Ok(Some(value)),
                None if self.raw(usize::MAX).await?.is_none() => return Ok(None),
                None => {
                    let what = format!("{} is damaged at byte {at}", self.name);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
        }
        Ok(None)
    }

    /// The next text up to its line end, which the last may lack only of a file of plain text.
    pub(super) async fn text(&mut self) -> io::Result<Option<String>> {
        if let Some(line) = self.raw(LONGEST).await? {
            return Ok(Some(String::from_utf8_lossy(line.as_bytes_without_end()).into_owned()));
        }
        let rest = self.piece.split_off(self.given.min(self.piece.len()));
        self.piece.clear();
        self.given = 0;
        Ok((!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned()))
    }

    /// A line, whose beginning may fill no more than `most` bytes of memory.
    async fn raw(&mut self, most: usize) -> io::Result<Option<RawLine>> {
        loop {
            let rest = self.piece.get(self.given..).unwrap_or_default();
            if let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest.get(..=length).unwrap_or_default().to_vec();
                self.given += line.len();
                return Ok(Some(RawLine(line)));
            }
            if self.complete {
                return Ok(None);
            }
            if rest.len() > most {
                let what = format!("a line has more than {most} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            let more = self.shelf.read(&self.name, self.end, PIECE).await?;
            self.complete = more.len() < PIECE;
            self.end += more.len() as u64;
            self.piece.drain(..self.given);
            self.given = 0;
            self.piece.extend(more);
        }
    }
}

struct RawLine(Vec<u8>);

impl RawLine {
    fn as_bytes_without_end(&self) -> &[u8] {
        let line = self.0.strip_suffix(b"\n").unwrap_or(&self.0);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::files::Folder;

    async fn all(shelf: &Arc<dyn Shelf>) -> io::Result<(Vec<u64>, u64)> {
        let mut lines = Lines::of(shelf, "f", 0);
        let mut found = Vec::new();
        while let Some(number) = lines.next().await? {
            found.push(number);
        }
        Ok((found, lines.offset()))
    }

    #[tokio::test]
    async fn a_line_that_was_cut_off_is_none_wherever_it_was_cut() {
        let dir = tempfile::tempdir().unwrap();
        let shelf: Arc<dyn Shelf> = Arc::new(Folder::at(dir.path()));
        let whole: Vec<u8> = (0..5u64).flat_map(|number| encode(&number).unwrap()).collect();
        let one = encode(&0u64).unwrap().len();
        for cut in 0..=whole.len() {
            shelf.remove("f").await.unwrap();
            shelf.append("f", whole[..cut].to_vec(), false).await.unwrap();
            let (found, offset) = all(&shelf).await.unwrap();
            assert_eq!(found, (0..(cut / one) as u64).collect::<Vec<_>>(), "{cut}");
            assert_eq!(offset, (cut / one * one) as u64);
        }
    }

    #[tokio::test]
    async fn lines_are_found_up_to_a_bound_and_past_others_that_are_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let shelf: Arc<dyn Shelf> = Arc::new(Folder::at(dir.path()));
        let texts = ["a1", "b", "a2", "a3"];
        let mut whole: Vec<u8> = texts.iter().flat_map(|text| encode(text).unwrap()).collect();
        let b = encode(&"a1").unwrap().len();
        whole[b] ^= 1;
        shelf.append("f", whole.clone(), false).await.unwrap();
        let mut lines = Lines::of(&shelf, "f", 0);
        let third = whole.len() as u64 - b as u64;
        let wanted = |line: &str| line.contains("\"a");
        for expected in [Some("a1"), Some("a2"), None] {
            let found: Option<String> = lines.find(third, wanted).await.unwrap();
            assert_eq!(found.as_deref(), expected);
        }
        assert_eq!(lines.offset(), third);
        assert_eq!(lines.find(u64::MAX, wanted).await.unwrap(), Some("a3".to_owned()));
        assert_eq!(lines.find::<String>(u64::MAX, wanted).await.unwrap(), None);
        let damaged =
            Lines::of(&shelf, "f", 0).find::<String>(u64::MAX, |line| line.contains("\"b")).await;
        assert_eq!(damaged.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn damage_before_the_end_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let shelf: Arc<dyn Shelf> = Arc::new(Folder::at(dir.path()));
        let mut whole: Vec<u8> = (0..3u64).flat_map(|number| encode(&number).unwrap()).collect();
        whole[2] ^= 1;
        shelf.append("f", whole, false).await.unwrap();
        assert_eq!(all(&shelf).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn lines_longer_than_a_piece_and_texts_without_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let shelf: Arc<dyn Shelf> = Arc::new(Folder::at(dir.path()));
        let long = "x".repeat(3 * PIECE);
        let bytes = encode(&long).unwrap();
        shelf.append("f", [bytes.clone(), bytes].concat(), false).await.unwrap();
        let mut lines = Lines::of(&shelf, "f", 0);
        for _ in 0..2 {
            assert_eq!(lines.next::<String>().await.unwrap(), Some(long.clone()));
        }
        assert_eq!(lines.next::<String>().await.unwrap(), None);
        let error = Lines::of(&shelf, "f", 0).text().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        shelf.append("g", b"one\r\ntwo\n\nthree".to_vec(), false).await.unwrap();
        let mut lines = Lines::of(&shelf, "g", 0);
        for expected in [Some("one"), Some("two"), Some(""), Some("three"), None] {
            assert_eq!(lines.text().await.unwrap().as_deref(), expected);
        }
    }
}
