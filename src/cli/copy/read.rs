//! Whether a file has the content of an object, by the object's ETag.

use std::io;
use std::path::Path;

use md5::{Digest as _, Md5};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::bucket::Head;
use crate::body::Hasher;
use crate::object::ETag;

const PIECE: usize = 256 << 10;

/// Compares by the checksum over the whole where there is one, else by the ETag; an object of
/// several parts then has to be of parts of `part` bytes.
pub(super) async fn is_content(path: &Path, size: u64, head: &Head, part: u64) -> io::Result<bool> {
    if let Some(checksum) = &head.checksum {
        let mut hasher = Hasher::new(checksum.algorithm);
        each(path, 0, size, |piece| hasher.update(piece)).await?;
        return Ok(hasher.finish() == *checksum);
    }
    if head.etag.md5().is_some() {
        return Ok(ETag::from_md5(md5(path, 0, size).await?) == head.etag);
    }
    let mut digests = Vec::new();
    let mut at = 0;
    while at < size {
        let length = part.min(size - at);
        digests.push(md5(path, at, length).await?);
        at += length;
    }
    Ok(ETag::multipart(digests) == head.etag)
}

async fn md5(path: &Path, at: u64, length: u64) -> io::Result<[u8; 16]> {
    let mut md5 = Md5::new();
    each(path, at, length, |piece| md5.update(piece)).await?;
    Ok(md5.finalize().into())
}

async fn each(path: &Path, at: u64, length: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path).await?;
    file.seek(io::SeekFrom::Start(at)).await?;
    let mut file = file.take(length);
    let mut buffer = vec![0; PIECE];
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        take(buffer.get(..read).unwrap_or_default());
    }
}
