//! ClamAV: bodies are sent to its daemon as they come, by its own protocol (`man clamd`, INSTREAM).
//!
//! One connection for each body. Knows nothing of rules: what a fault leads to is theirs to say.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::rules::{Scan, ScanFault, Scanner, Verdict};

const BEGIN: &[u8] = b"zINSTREAM\0";
const END: [u8; 4] = [0; 4];
/// The most bytes in one piece: the daemon reads each one whole.
const PIECE: usize = 64 * 1024;
/// The most bytes of an answer.
const ANSWER: u64 = 4096;

/// Where the daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClamAddress {
    /// On a port.
    Tcp(SocketAddr),
    /// On a socket of this machine.
    Unix(PathBuf),
}

/// ClamAV's daemon.
#[derive(Debug, Clone)]
pub struct ClamAv {
    /// Where it is.
    pub address: ClamAddress,
    /// How long connecting, and a standstill while it is sent to, may take.
    pub connect_timeout: Duration,
    /// How long it may take to say what it found, once it has all.
    pub scan_timeout: Duration,
}

#[async_trait]
impl Scanner for ClamAv {
    async fn begin(&self) -> Result<Box<dyn Scan>, ScanFault> {
        let connecting = async {
            let mut stream: Box<dyn Stream> = match &self.address {
                ClamAddress::Tcp(address) => Box::new(TcpStream::connect(address).await?),
                ClamAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
            };
            stream.write_all(BEGIN).await?;
            Ok::<_, std::io::Error>(stream)
        };
        let stream = timeout(self.connect_timeout, connecting).await;
        let stream = stream.map_err(|_| away("it cannot be reached in time"))?.map_err(away)?;
        let (patience, scan_timeout) = (self.connect_timeout, self.scan_timeout);
        Ok(Box::new(Scanning { stream, patience, scan_timeout }))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Scanning {
    stream: Box<dyn Stream>,
    patience: Duration,
    scan_timeout: Duration,
}

#[async_trait]
impl Scan for Scanning {
    async fn read(&mut self, bytes: Bytes) -> Result<(), ScanFault> {
        for piece in bytes.chunks(PIECE) {
            let length = u32::try_from(piece.len()).unwrap_or_default().to_be_bytes();
            let sending = async {
                self.stream.write_all(&length).await?;
                self.stream.write_all(piece).await
            };
            match timeout(self.patience, sending).await {
                Ok(Ok(())) => {}
                // It may have said why before it hung up.
                Ok(Err(error)) => {
                    return Err(self.last_words().await.unwrap_or_else(|| away(error)));
                }
                Err(_) => return Err(away("it takes nothing any more")),
            }
        }
        Ok(())
    }

    async fn verdict(&mut self) -> Result<Verdict, ScanFault> {
        let patience = self.scan_timeout;
        let asking = async {
            let ended = match self.stream.write_all(&END).await {
                Ok(()) => self.stream.flush().await,
                Err(error) => Err(error),
            };
            match self.answer().await {
                Ok(answer) if !answer.is_empty() => Ok(answer),
                Ok(_) => Err(away(ended.err().map_or_else(
                    || "it hung up without an answer".to_owned(),
                    |error| error.to_string(),
                ))),
                Err(error) => Err(away(error)),
            }
        };
        let answer = timeout(patience, asking).await;
        read_answer(&answer.map_err(|_| away("it does not come to an end"))??)
    }
}

impl Scanning {
    /// What it says before it hangs up. Where it does so on something that it has not read, the
    /// connection breaks behind its answer, which is whole with the zero at its end.
    async fn answer(&mut self) -> std::io::Result<String> {
        let mut answer = Vec::new();
        let ended = (&mut self.stream).take(ANSWER).read_to_end(&mut answer).await;
        if !answer.ends_with(&[0]) {
            ended?;
        }
        Ok(String::from_utf8_lossy(&answer).trim_end_matches(['\0', '\n', '\r']).to_owned())
    }

    async fn last_words(&mut self) -> Option<ScanFault> {
        let answer = timeout(self.patience, self.answer()).await.ok()?.ok()?;
        read_answer(&answer).err()
    }
}

/// `stream: OK`, `stream: NAME FOUND`, or why it did not scan.
fn read_answer(answer: &str) -> Result<Verdict, ScanFault> {
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        return Ok(Verdict::Clean);
    }
    if let Some(name) = said.strip_suffix(" FOUND") {
        return Ok(Verdict::Infected(name.to_owned()));
    }
    if said.contains("size limit exceeded") {
        return Err(ScanFault::TooLarge);
    }
    Err(away(format!("it answers {said:?}")))
}

fn away(why: impl fmt::Display) -> ScanFault {
    ScanFault::Away(why.to_string())
}

#[cfg(test)]
#[path = "antivirus_tests.rs"]
mod tests;
