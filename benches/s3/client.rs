//! A client of few cycles: plain sockets, bodies neither made nor looked at.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Result;
use crate::signing::Signer;

const BUFFER: usize = 256 * 1024;

/// A server that is measured.
pub struct Endpoint {
    pub name: String,
    /// The server's process, whose CPU time is counted.
    pub process: u32,
    host: String,
    signer: Signer,
}

impl Endpoint {
    /// Reads `NAME,HOST:PORT,ACCESS_KEY,SECRET_KEY,PID`.
    pub fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split(',').collect();
        let [name, host, access_key, secret_key, process] = words.as_slice() else {
            return Err(format!("{text:?} is not NAME,HOST:PORT,ACCESS_KEY,SECRET_KEY,PID").into());
        };
        Ok(Self {
            name: (*name).to_owned(),
            process: process.parse()?,
            host: (*host).to_owned(),
            signer: Signer::new(access_key, secret_key)?,
        })
    }

    pub async fn connect(&self) -> Result<Connection<'_>> {
        let socket = TcpStream::connect(&self.host).await?;
        socket.set_nodelay(true)?;
        Ok(Connection { endpoint: self, socket, buffer: vec![0; BUFFER] })
    }

    /// Makes a bucket, or takes it as made where it is there.
    pub async fn bucket(&self, name: &str) -> Result<()> {
        let answer = self.connect().await?.request("PUT", &format!("/{name}"), "", &[]).await?;
        match answer.status {
            200 | 409 => Ok(()),
            status => Err(format!("{}: CreateBucket answers {status}", self.name).into()),
        }
    }
}

/// One connection, kept alive.
pub struct Connection<'a> {
    endpoint: &'a Endpoint,
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// What an answer came to.
pub struct Answer {
    pub status: u16,
    pub length: usize,
}

impl Connection<'_> {
    /// Sends a request and reads its answer to the end.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Result<Answer> {
        let signer = &self.endpoint.signer;
        let head = signer.head(method, path, query, &self.endpoint.host, body.len())?;
        self.socket.write_all(head.as_bytes()).await?;
        self.socket.write_all(body).await?;
        self.answer().await
    }

    /// As `request`, failing on whatever is not 200.
    pub async fn expect(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Result<Answer> {
        let answer = self.request(method, path, query, body).await?;
        if answer.status == 200 {
            return Ok(answer);
        }
        Err(format!("{}: {method} {path} answers {}", self.endpoint.name, answer.status).into())
    }

    async fn answer(&mut self) -> Result<Answer> {
        let mut filled = 0;
        let end = loop {
            let space = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.socket.read(space).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            filled += read;
            let seen = self.buffer.get(..filled).unwrap_or_default();
            if let Some(at) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).into_owned();
        let status: u16 = head.get(9..12).unwrap_or_default().parse()?;
        let length = match header(&head, "content-length") {
            Some(length) => length.parse()?,
            None if header(&head, "transfer-encoding").is_some() => {
                return self.chunks(status, filled, end).await;
            }
            None => 0,
        };
        let mut left = length - (filled - end).min(length);
        while left > 0 {
            let read = self.socket.read(&mut self.buffer).await?;
            if read == 0 {
                return Err("the server closed the connection within a body".into());
            }
            left -= read.min(left);
        }
        Ok(Answer { status, length })
    }

    /// Reads an answer in chunks until it ends; only short ones come so.
    async fn chunks(&mut self, status: u16, filled: usize, end: usize) -> Result<Answer> {
        let mut body = self.buffer.get(end..filled).unwrap_or_default().to_vec();
        while !body.ends_with(b"0\r\n\r\n") {
            let read = self.socket.read(&mut self.buffer).await?;
            if read == 0 {
                return Err("the server closed the connection within a body".into());
            }
            body.extend_from_slice(self.buffer.get(..read).unwrap_or_default());
        }
        Ok(Answer { status, length: body.len() })
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
