//! The little of HTTP/1.1 that tells requests apart: heads and the framing of bodies.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt};

const LARGEST: usize = 256 * 1024;
/// Read at once at most, if there is as much.
const PIECE: usize = 64 * 1024;

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// A request's head.
#[derive(Debug)]
pub(crate) struct Head {
    /// Its method.
    pub(crate) method: String,
    /// Its target, as sent.
    pub(crate) target: String,
    /// Its body.
    pub(crate) framing: Framing,
    headers: Vec<(String, String)>,
}

impl Head {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut head = Self { method, target, framing: Framing::Length(0), headers };
        if head.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            head.framing = Framing::Chunked;
        } else if let Some(length) = head.header("content-length") {
            head.framing = Framing::Length(length.parse().ok()?);
        }
        Some(head)
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// What a connection says next.
pub(crate) enum Next {
    /// A request, with the bytes of its head.
    Request(Head, Vec<u8>),
    /// Something that is no HTTP, with its first bytes.
    Opaque(Vec<u8>),
    /// Nothing more.
    End,
}

/// What was read and not used yet.
pub(crate) struct Incoming<R> {
    reader: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    /// Reads from `reader`.
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new() }
    }

    async fn more(&mut self) -> Result<bool> {
        self.buffer.reserve(PIECE);
        Ok(self.reader.read_buf(&mut self.buffer).await? > 0)
    }

    /// The next request's head.
    pub(crate) async fn next(&mut self) -> Result<Next> {
        loop {
            if self.buffer.first() == Some(&0x16) {
                return Ok(Next::Opaque(std::mem::take(&mut self.buffer)));
            }
            if let Some(end) = position(&self.buffer, b"\r\n\r\n") {
                let bytes: Vec<u8> = self.buffer.drain(..end + 4).collect();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let head = Head::parse(&text).ok_or_else(|| invalid("a request's head"))?;
                return Ok(Next::Request(head, bytes));
            }
            if self.buffer.len() > LARGEST {
                return Err(invalid("a request's head without an end"));
            }
            if !self.more().await? {
                return Ok(Next::End);
            }
        }
    }

    /// Some bytes, at most `limit`; none at the end.
    pub(crate) async fn some(&mut self, limit: usize) -> Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.more().await?;
        }
        let length = self.buffer.len().min(limit);
        Ok(self.buffer.drain(..length).collect())
    }

    /// One line with its end.
    pub(crate) async fn line(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = position(&self.buffer, b"\r\n") {
                return Ok(self.buffer.drain(..end + 2).collect());
            }
            if self.buffer.len() > LARGEST || !self.more().await? {
                return Err(invalid("a line without an end"));
            }
        }
    }
}

/// Where `mark` is first.
pub(crate) fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}
