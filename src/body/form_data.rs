//! `multipart/form-data` as it arrives (RFC 7578; RFC 2046, section 5.1).
//!
//! The parts come one after the other; the last one that is asked for can be taken as a body that
//! streams. No more is kept than one part's head, and what may be the beginning of a delimiter.
//! Knows nothing of what the fields mean.

mod boundary;
mod head;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use self::boundary::Delimiter;
pub use self::head::PartHead;
use super::{BodyError, Digests, Payload, Source};

/// The most bytes of one part's head.
const MAX_HEAD: usize = 8 * 1024;
const CRLF: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A form that is being read.
pub struct FormData {
    body: Payload,
    delimiter: Delimiter,
    /// What has arrived and was not yet given out.
    buffer: Bytes,
    place: Place,
    /// How many bytes may still be read before the content that is streamed.
    budget: usize,
    most: usize,
}

/// Where the buffer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a part's content, or in what stands before the first delimiter and belongs to none.
    Content,
    /// At a delimiter that ended the content.
    Delimiter,
    /// Behind the last delimiter, or behind a fault.
    Over,
}

impl FormData {
    /// A form whose request has that content type. At most `most` bytes are read for the parts
    /// before the one that is streamed, their heads included ([`BodyError::TooLarge`]).
    /// [`BodyError::Form`] where the content type names no boundary.
    pub fn new(content_type: &str, body: Payload, most: usize) -> Result<Self, BodyError> {
        let delimiter = Delimiter::of(content_type)
            .ok_or(BodyError::Form("the content type does not name a boundary"))?;
        // The first delimiter needs no line before it.
        let buffer = Bytes::from_static(CRLF);
        Ok(Self { body, delimiter, buffer, place: Place::Content, budget: most, most })
    }

    /// How many bytes the request has that the form came in, where that is known.
    pub fn request_length(&self) -> Option<u64> {
        self.body.length()
    }

    /// The next part's head; `None` behind the last. What was left of the part before is skipped.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>, BodyError> {
        while self.piece().await?.is_some() {}
        if self.place == Place::Over {
            return Ok(None);
        }
        self.take(self.delimiter.len())?;
        if self.line_is_last().await? {
            self.place = Place::Over;
            return Ok(None);
        }
        let head = self.head().await?;
        self.place = Place::Content;
        PartHead::parse(&head).map(Some)
    }

    /// The current part's content.
    pub async fn value(&mut self) -> Result<Vec<u8>, BodyError> {
        let mut value = Vec::new();
        while let Some(piece) = self.piece().await? {
            value.extend_from_slice(&piece);
        }
        Ok(value)
    }

    /// The current part's content as a body of unknown length. What comes after it is left unread.
    pub fn into_content(self) -> Payload {
        Payload::new(None, Content(self))
    }

    /// A piece of the current content that counts against the budget.
    async fn piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        let piece = poll_fn(|cx| self.poll_content(cx)).await.transpose()?;
        self.spend(piece.as_ref().map_or(0, Bytes::len))?;
        Ok(piece)
    }

    fn spend(&mut self, count: usize) -> Result<(), BodyError> {
        let left = self.budget.checked_sub(count);
        self.budget = left.ok_or(BodyError::TooLarge { limit: self.most as u64 })?;
        Ok(())
    }

    /// Drops so many bytes from the buffer's front, at the budget's expense.
    fn take(&mut self, count: usize) -> Result<Bytes, BodyError> {
        self.spend(count)?;
        Ok(self.buffer.split_to(count.min(self.buffer.len())))
    }

    /// Whether the delimiter was the closing one. What is left of its line otherwise goes, but for
    /// the line's end, which is the beginning of the head.
    async fn line_is_last(&mut self) -> Result<bool, BodyError> {
        loop {
            match self.buffer.first() {
                Some(b'-') => return Ok(true),
                Some(b' ' | b'\t') => drop(self.take(1)?),
                Some(_) => return Ok(false),
                None => self.more_of_head().await?,
            }
        }
    }

    /// Everything up to the empty line that ends a head.
    async fn head(&mut self) -> Result<Bytes, BodyError> {
        loop {
            if let Some(at) = find(&self.buffer, HEAD_END) {
                let head = self.take(at)?;
                drop(self.take(HEAD_END.len())?);
                return Ok(head);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(BodyError::Form("a part's head is too large"));
            }
            self.more_of_head().await?;
        }
    }

    async fn more_of_head(&mut self) -> Result<(), BodyError> {
        if poll_fn(|cx| self.poll_more(cx)).await? {
            Ok(())
        } else {
            Err(BodyError::Form("it ends in a part's head"))
        }
    }

    /// Appends what comes next; `false` at the end of the request.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyError>> {
        let Some(chunk) = ready!(self.body.poll_chunk(cx)).transpose()? else {
            return Poll::Ready(Ok(false));
        };
        self.buffer = if self.buffer.is_empty() {
            chunk
        } else {
            [&self.buffer[..], &chunk[..]].concat().into()
        };
        Poll::Ready(Ok(true))
    }

    /// A piece of the content; `None` at the delimiter that ends it.
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        while self.place == Place::Content {
            let give = match self.delimiter.find(&self.buffer) {
                Some(0) => match ready!(self.poll_delimiter(cx)) {
                    Ok(()) => break,
                    Err(error) => return self.fail(error),
                },
                Some(at) => at,
                None => self.buffer.len() - self.delimiter.begun(&self.buffer),
            };
            if give > 0 {
                return Poll::Ready(Some(Ok(self.buffer.split_to(give))));
            }
            match ready!(self.poll_more(cx)) {
                Ok(true) => {}
                Ok(false) => return self.fail(BodyError::Incomplete),
                Err(error) => return self.fail(error),
            }
        }
        Poll::Ready(None)
    }

    /// Sees to it that what looks like a delimiter is one: a line of its own, or the last. Content
    /// that was cut short in the middle of a line is so told from content that has ended.
    fn poll_delimiter(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        loop {
            let behind = self.buffer.get(self.delimiter.len()..).unwrap_or_default();
            match behind {
                [b'-', b'-', ..] | [b'\r', b'\n', ..] | [b' ' | b'\t', ..] => {
                    self.place = Place::Delimiter;
                    return Poll::Ready(Ok(()));
                }
                [] | [_] => {}
                _ => return Poll::Ready(Err(BodyError::Form("its delimiter is in its content"))),
            }
            if !ready!(self.poll_more(cx))? {
                return Poll::Ready(Err(BodyError::Incomplete));
            }
        }
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.place = Place::Over;
        Poll::Ready(Some(Err(error)))
    }
}

/// The content of one part, streamed.
struct Content(FormData);

impl Source for Content {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.0.poll_content(cx)
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests;
