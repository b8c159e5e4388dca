//! Digests computed and compared while a body passes.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{BodyError, Payload, Source};
use crate::object::{Algorithm, ChecksumValue};

/// What was computed over a body's content, known after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// How many bytes passed.
    pub size: u64,
    /// Their MD5, where it was computed.
    pub md5: Option<[u8; 16]>,
    /// Their checksum, where one was asked for.
    pub checksum: Option<ChecksumValue>,
}

/// What the content must come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// A checksum given in a header.
    pub checksum: Option<ChecksumValue>,
    /// A checksum that comes in the trailer `x-amz-checksum-*`: its algorithm. The payload's
    /// `trailer` gives the base64 value after its end.
    pub trailer: Option<Algorithm>,
    /// An algorithm to compute although nothing is compared with it.
    pub compute: Option<Algorithm>,
}

/// One checksum under way, over bytes in order.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    /// Starts one.
    pub fn new(algorithm: Algorithm) -> Self {
        let crc = |kind| State::Crc(crc_fast::Digest::new(kind));
        let state = match algorithm {
            Algorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 => State::Sha1(Sha1::new()),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
        };
        Self { algorithm, state }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(bytes),
            State::Sha1(digest) => digest.update(bytes),
            State::Sha256(digest) => digest.update(bytes),
        }
    }

    /// The digest.
    pub fn finish(self) -> ChecksumValue {
        let digest = match self.state {
            State::Crc(digest) => {
                let crc = digest.finalize().to_be_bytes();
                let width = self.algorithm.digest_length();
                crc.get(crc.len().saturating_sub(width)..).unwrap_or_default().to_vec()
            }
            State::Sha1(digest) => digest.finalize().to_vec(),
            State::Sha256(digest) => digest.finalize().to_vec(),
        };
        ChecksumValue { algorithm: self.algorithm, digest }
    }
}

/// The same content, with MD5 and checksums computed as it passes and compared at its end.
///
/// The payload that comes back gives `digests` after its end. It ends with `Err` where the
/// content is not what `expected` says, or not as long as `inner.length()`; the last chunk is
/// given out only after all comparisons have passed, so that whoever forwards it as it comes has
/// not forwarded the whole.
pub fn digesting(inner: Payload, expected: Expected) -> Payload {
    passing(inner, expected, Some(Md5::new()))
}

/// The same without an MD5 that nobody asked for, which takes longer than all the rest: for
/// content whose MD5 is known, and told by whoever receives it.
pub fn checking(inner: Payload, expected: Expected) -> Payload {
    let md5 = expected.md5.map(|_| Md5::new());
    passing(inner, expected, md5)
}

fn passing(inner: Payload, expected: Expected, md5: Option<Md5>) -> Payload {
    let length = inner.length();
    let wanted = [
        expected.checksum.as_ref().map(|checksum| checksum.algorithm),
        expected.trailer,
        expected.compute,
    ];
    let mut hashers: Vec<Hasher> = Vec::new();
    for algorithm in wanted.into_iter().flatten() {
        if hashers.iter().all(|hasher| hasher.algorithm != algorithm) {
            hashers.push(Hasher::new(algorithm));
        }
    }
    Payload::new(
        length,
        Digesting {
            inner,
            expected,
            running: Some(Running { size: 0, md5, hashers }),
            held: None,
            digests: None,
        },
    )
}

struct Digesting {
    inner: Payload,
    expected: Expected,
    /// `None` after the end.
    running: Option<Running>,
    /// The last chunk that came: given out when another follows or all has been compared.
    held: Option<Bytes>,
    digests: Option<Digests>,
}

struct Running {
    size: u64,
    md5: Option<Md5>,
    hashers: Vec<Hasher>,
}

impl Source for Digesting {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        while let Some(running) = &mut self.running {
            match ready!(self.inner.poll_chunk(cx)) {
                Some(Ok(chunk)) => {
                    running.update(&chunk);
                    if self.inner.length().is_some_and(|length| running.size > length) {
                        return self.fail(BodyError::Incomplete);
                    }
                    if let Some(previous) = self.held.replace(chunk) {
                        return Poll::Ready(Some(Ok(previous)));
                    }
                }
                Some(Err(error)) => return self.fail(error),
                None => match self.compare() {
                    Ok(digests) => self.digests = Some(digests),
                    Err(error) => return self.fail(error),
                },
            }
        }
        Poll::Ready(self.held.take().map(Ok))
    }

    fn digests(&self) -> Option<&Digests> {
        self.digests.as_ref()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.inner.trailer(name)
    }

    fn expected(&self) -> Option<&Expected> {
        Some(&self.expected)
    }
}

impl Running {
    fn update(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        if let Some(md5) = &mut self.md5 {
            md5.update(chunk);
        }
        for hasher in &mut self.hashers {
            hasher.update(chunk);
        }
    }
}

impl Digesting {
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.running = None;
        self.held = None;
        Poll::Ready(Some(Err(error)))
    }

    /// Ends the computation and holds its results against what was promised.
    fn compare(&mut self) -> Result<Digests, BodyError> {
        let Some(Running { size, md5, hashers }) = self.running.take() else {
            return Err(BodyError::Incomplete);
        };
        if self.inner.length().is_some_and(|length| length != size) {
            return Err(BodyError::Incomplete);
        }
        let md5: Option<[u8; 16]> = md5.map(|md5| md5.finalize().into());
        if self.expected.md5.is_some() && self.expected.md5 != md5 {
            return Err(BodyError::Md5);
        }
        let computed: Vec<ChecksumValue> = hashers.into_iter().map(Hasher::finish).collect();
        let given = self.expected.checksum.iter().cloned().chain(self.trailer_checksum()?);
        for value in given {
            if !computed.contains(&value) {
                return Err(BodyError::Checksum(value.algorithm));
            }
        }
        // The hashers stand in the order of precedence: the client's header, the client's
        // trailer, the gateway's own choice.
        Ok(Digests { size, md5, checksum: computed.into_iter().next() })
    }

    fn trailer_checksum(&self) -> Result<Option<ChecksumValue>, BodyError> {
        let Some(algorithm) = self.expected.trailer else { return Ok(None) };
        let text = self.inner.trailer(algorithm.header_name()).ok_or(BodyError::Trailer)?;
        let value = ChecksumValue::parse(algorithm, text);
        value.map(Some).map_err(|_| BodyError::ChecksumMalformed)
    }
}

#[cfg(test)]
mod tests;
