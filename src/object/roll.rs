//! How sorted keys become a page: prefix, delimiter, where to start, how many.
//!
//! Pure: a store offers keys in order and does what the answers say. Whoever can seek skips all
//! keys under a common prefix at once, so that a page costs as many seeks as it has lines.

/// Where a page starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Start {
    /// At the first key.
    #[default]
    Beginning,
    /// At the first key greater than this text.
    After(String),
    /// At this very key, of which the caller itself leaves out what earlier pages had (versions
    /// of one key, uploads of one key). Common prefixes must be greater all the same.
    At(String),
}

/// What to do with a key that was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// It is the next line of the page.
    Take,
    /// It stands for a common prefix, which is the next line of the page.
    Group {
        /// The common prefix.
        prefix: String,
        /// Go on at the first key not less than these bytes: they are past everything that the
        /// prefix covers, and in general not UTF-8.
        resume: Vec<u8>,
    },
    /// It is under a common prefix that is no line of this page: go on at `resume`.
    Skip {
        /// As in `Group`.
        resume: Vec<u8>,
    },
    /// It comes before the page's start: go on with the next key.
    Early,
    /// The page is full, and this key belongs to the next one.
    Full,
    /// This key and all greater ones are outside the prefix: the listing is complete.
    End,
}

/// A page being filled.
#[derive(Debug, Clone)]
pub struct Roll {
    prefix: String,
    delimiter: Option<String>,
    start: Start,
    room: usize,
    grouped: Option<String>,
}

/// A line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rolled<T> {
    /// What the store gave for a key.
    Item(T),
    /// A common prefix.
    Prefix(String),
}

/// A page that was filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledPage<T> {
    /// Its lines in order.
    pub entries: Vec<Rolled<T>>,
    /// Whether something remains after the last line; never on an empty page.
    pub more: bool,
}

impl Roll {
    /// A page of at most `limit` lines. An empty delimiter is none.
    pub fn new(prefix: &str, delimiter: Option<&str>, start: Start, limit: usize) -> Self {
        Self {
            prefix: prefix.to_owned(),
            delimiter: delimiter.filter(|d| !d.is_empty()).map(str::to_owned),
            start,
            room: limit,
            grouped: None,
        }
    }

    /// The first key to offer is the first one not less than these bytes.
    pub fn first(&self) -> Vec<u8> {
        let (text, strictly) = match &self.start {
            Start::Beginning => ("", false),
            Start::After(text) => (text.as_str(), true),
            Start::At(text) => (text.as_str(), false),
        };
        if text < self.prefix.as_str() {
            return self.prefix.clone().into_bytes();
        }
        // A start under a common prefix hides it, so that nothing below it need be looked at.
        if let Some(resume) = self.common_prefix(text).and_then(past) {
            return resume;
        }
        let mut bytes = text.as_bytes().to_vec();
        if strictly {
            bytes.push(0);
        }
        bytes
    }

    /// Judges the next key in order. Keys that an answer said to pass over may be offered all the
    /// same: a store that cannot seek just goes on.
    pub fn offer(&mut self, key: &str) -> Offer {
        if !key.starts_with(&self.prefix) {
            return if key < self.prefix.as_str() { Offer::Early } else { Offer::End };
        }
        let Some(common) = self.common_prefix(key) else {
            return match &self.start {
                Start::After(text) if key <= text.as_str() => Offer::Early,
                Start::At(text) if key < text.as_str() => Offer::Early,
                _ => self.line(Offer::Take),
            };
        };
        let Some(resume) = past(common) else { return Offer::End };
        let hidden = match &self.start {
            Start::Beginning => false,
            Start::After(text) | Start::At(text) => common <= text.as_str(),
        };
        if hidden || self.grouped.as_deref() == Some(common) {
            return Offer::Skip { resume };
        }
        let prefix = common.to_owned();
        let answer = self.line(Offer::Group { prefix: prefix.clone(), resume });
        if answer != Offer::Full {
            self.grouped = Some(prefix);
        }
        answer
    }

    fn line(&mut self, answer: Offer) -> Offer {
        match self.room.checked_sub(1) {
            None => Offer::Full,
            Some(room) => {
                self.room = room;
                answer
            }
        }
    }

    /// The text up to and with the first delimiter behind the prefix.
    fn common_prefix<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref()?;
        let behind = key.strip_prefix(self.prefix.as_str())?;
        let end = self.prefix.len() + behind.find(delimiter)? + delimiter.len();
        key.get(..end)
    }
}

/// The least bytes greater than everything that starts with `text`; `None` where there are none,
/// which UTF-8 never comes to: it has no byte 0xFF.
fn past(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.as_bytes().to_vec();
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

/// Fills a page from a store that seeks: `seek` gives the items whose keys are not less than the
/// bytes, in order; `key` tells an item's key. Items of one key stand side by side.
pub fn fill_page<T, I, E>(
    mut roll: Roll,
    mut seek: impl FnMut(&[u8]) -> Result<I, E>,
    key: impl Fn(&T) -> &str,
) -> Result<RolledPage<T>, E>
where
    I: Iterator<Item = Result<T, E>>,
{
    let mut page = RolledPage { entries: Vec::new(), more: false };
    if roll.room == 0 {
        return Ok(page);
    }
    let mut from = Some(roll.first());
    while let Some(bytes) = from.take() {
        for item in seek(&bytes)? {
            let item = item?;
            match roll.offer(key(&item)) {
                Offer::Take => page.entries.push(Rolled::Item(item)),
                Offer::Early => {}
                Offer::Group { prefix, resume } => {
                    page.entries.push(Rolled::Prefix(prefix));
                    from = Some(resume);
                    break;
                }
                Offer::Skip { resume } => {
                    from = Some(resume);
                    break;
                }
                Offer::Full => {
                    page.more = true;
                    break;
                }
                Offer::End => break,
            }
        }
    }
    Ok(page)
}

#[cfg(test)]
#[path = "roll_tests.rs"]
mod tests;
