//! One keep-alive HTTP/1.1 connection, as plain as can be, so that the client costs little.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sign::Signer;

const BUFFER: usize = 256 * 1024;

/// A connection to one endpoint.
pub struct Connection {
    stream: TcpStream,
    host: String,
    signer: Arc<Signer>,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// How many bytes the body had.
    pub length: u64,
    /// The body, where it was to be kept.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(host: &str, signer: Arc<Signer>) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: host.to_owned(), signer, buffer: vec![0; BUFFER] })
    }

    /// Sends a request whose body repeats `block` up to `length` bytes; reads the whole answer.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Body<'_>,
        keep: bool,
    ) -> Result<Answer> {
        let auth = self.signer.headers(method, &self.host, path, query);
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let mut head = format!("{method} {target} HTTP/1.1\r\n{auth}");
        if method == "PUT" || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.length));
        }
        head.push_str("\r\n");
        let first = body.length.min(body.block.len() as u64) as usize;
        if first <= 16 * 1024 {
            // A small body goes out in one segment with its head.
            let mut whole = head.into_bytes();
            whole.extend_from_slice(&body.block[..first]);
            self.stream.write_all(&whole).await?;
        } else {
            self.stream.write_all(head.as_bytes()).await?;
            self.stream.write_all(&body.block[..first]).await?;
        }
        let mut left = body.length - first as u64;
        while left > 0 {
            let piece = left.min(body.block.len() as u64) as usize;
            self.stream.write_all(&body.block[..piece]).await?;
            left -= piece as u64;
        }
        self.answer(keep, method == "HEAD").await
    }

    async fn answer(&mut self, keep: bool, head_only: bool) -> Result<Answer> {
        let mut filled = 0;
        let head_end = loop {
            let n = self.stream.read(&mut self.buffer[filled..]).await?;
            if n == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the connection ended"));
            }
            filled += n;
            if let Some(at) = self.buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).to_ascii_lowercase();
        let status = head.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
        let mut answer = Answer { status, length: 0, body: Vec::new() };
        if head_only {
            return Ok(answer);
        }
        let rest = self.buffer[head_end..filled].to_vec();
        if head.contains("transfer-encoding: chunked") {
            self.chunked(rest, keep, &mut answer).await?;
        } else {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(0);
            self.sized(&rest, length, keep, &mut answer).await?;
        }
        Ok(answer)
    }

    async fn sized(
        &mut self,
        rest: &[u8],
        length: u64,
        keep: bool,
        answer: &mut Answer,
    ) -> Result<()> {
        answer.length = rest.len() as u64;
        if keep {
            answer.body.extend_from_slice(rest);
        }
        while answer.length < length {
            let want = (length - answer.length).min(BUFFER as u64) as usize;
            let n = self.stream.read(&mut self.buffer[..want]).await?;
            if n == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the body ended early"));
            }
            answer.length += n as u64;
            if keep {
                answer.body.extend_from_slice(&self.buffer[..n]);
            }
        }
        Ok(())
    }

    async fn chunked(&mut self, mut raw: Vec<u8>, keep: bool, answer: &mut Answer) -> Result<()> {
        loop {
            while let Some(line_end) = raw.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&raw[..line_end]).into_owned();
                let size =
                    usize::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16)
                        .map_err(|_| Error::new(ErrorKind::InvalidData, "a chunk has no size"))?;
                if raw.len() < line_end + 2 + size + 2 {
                    break;
                }
                if keep {
                    answer.body.extend_from_slice(&raw[line_end + 2..line_end + 2 + size]);
                }
                answer.length += size as u64;
                raw.drain(..line_end + 2 + size + 2);
                if size == 0 {
                    return Ok(());
                }
            }
            let n = self.stream.read(&mut self.buffer).await?;
            if n == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the body ended early"));
            }
            raw.extend_from_slice(&self.buffer[..n]);
        }
    }
}

/// A request's body.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// What it repeats.
    pub block: &'a [u8],
    /// How many bytes in all.
    pub length: u64,
}

impl Body<'_> {
    /// No body.
    pub const NONE: Self = Self { block: &[], length: 0 };
}
