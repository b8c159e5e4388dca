//! How keys of the trees are made, so that their byte order is the order of the listings.
//!
//! Pure: bytes in, bytes out. Numbers are big-endian. Where something follows an object key, the
//! key is escaped (`00` becomes `00 FF`) and ended by `00 00`: then neither a key that continues
//! another nor one with zeros in it changes the order.

/// A bucket for the index. Never used again after the bucket is gone, so that what is left of a
/// removed bucket is not seen in a new one of its name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct BucketId(pub(crate) u64);

/// How many bytes follow the object key where uploads are ordered by key.
pub(crate) const UPLOAD_TAIL: usize = 16;

const UPLOAD: u8 = b'u';
const PART: u8 = b'p';
/// What all keys made by [`upload_by_key`] begin with.
pub(crate) const UPLOAD_BY_KEY: u8 = b'k';

/// `Cur` and `Ledger`: bucket, key as it is.
pub(crate) fn current(bucket: BucketId, key: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + key.len());
    out.extend_from_slice(&bucket.0.to_be_bytes());
    out.extend_from_slice(key.as_bytes());
    out
}

/// Bucket and object key of a key of `Cur` or `Ledger`.
pub(crate) fn parse_current(bytes: &[u8]) -> Option<(BucketId, &str)> {
    let (bucket, key) = bytes.split_first_chunk::<8>()?;
    Some((BucketId(u64::from_be_bytes(*bucket)), std::str::from_utf8(key).ok()?))
}

/// `Mpu`: an upload by its id.
pub(crate) fn upload(id: u128) -> Vec<u8> {
    let mut out = vec![UPLOAD];
    out.extend_from_slice(&id.to_be_bytes());
    out
}

/// What all keys made by [`upload`] begin with.
pub(crate) const UPLOADS: &[u8] = &[UPLOAD];

/// `Mpu`: a part of an upload.
pub(crate) fn part(upload: u128, number: u16) -> Vec<u8> {
    let mut out = parts_of(upload);
    out.extend_from_slice(&number.to_be_bytes());
    out
}

/// What all parts of an upload begin with.
pub(crate) fn parts_of(upload: u128) -> Vec<u8> {
    let mut out = vec![PART];
    out.extend_from_slice(&upload.to_be_bytes());
    out
}

/// Upload id and part number of a key made by [`part`].
pub(crate) fn parse_part(bytes: &[u8]) -> Option<(u128, u16)> {
    let (upload, number) = bytes.strip_prefix(&[PART])?.split_first_chunk::<16>()?;
    Some((u128::from_be_bytes(*upload), u16::from_be_bytes(number.try_into().ok()?)))
}

/// `Mpu`: an upload by bucket, object key and id, which is the order of `ListMultipartUploads`.
pub(crate) fn upload_by_key(bucket: BucketId, key: &str, id: u128) -> Vec<u8> {
    let mut out = uploads_in(bucket);
    push_escaped(&mut out, key.as_bytes());
    push_end(&mut out);
    out.extend_from_slice(&id.to_be_bytes());
    out
}

/// What all keys made by [`upload_by_key`] begin with, for one bucket.
pub(crate) fn uploads_in(bucket: BucketId) -> Vec<u8> {
    let mut out = vec![UPLOAD_BY_KEY];
    out.extend_from_slice(&bucket.0.to_be_bytes());
    out
}

/// Bucket, object key and upload id of a key made by [`upload_by_key`].
pub(crate) fn parse_upload_by_key(bytes: &[u8]) -> Option<(BucketId, String, u128)> {
    let (bucket, rest) = bytes.strip_prefix(&[UPLOAD_BY_KEY])?.split_first_chunk::<8>()?;
    let (key, tail) = split_escaped(rest)?;
    let id = u128::from_be_bytes(tail.try_into().ok()?);
    Some((BucketId(u64::from_be_bytes(*bucket)), key, id))
}

/// What all keys of a bucket begin with in `Cur` and `Ledger`.
pub(crate) fn bucket_head(bucket: BucketId) -> Vec<u8> {
    bucket.0.to_be_bytes().to_vec()
}

/// The least bytes that are greater than everything that begins with `prefix`; `None` where
/// nothing is.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut out = prefix.get(..=keep)?.to_vec();
    let last = out.last_mut()?;
    *last += 1;
    Some(out)
}

/// Appends object key bytes, escaped. What begins with a text begins so escaped too.
pub(super) fn push_escaped(out: &mut Vec<u8>, key: &[u8]) {
    for byte in key {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
}

fn push_end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0]);
}

/// The escaped key at the front, and what follows its end.
pub(super) fn split_escaped(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut key = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        if *byte != 0 {
            key.push(*byte);
            continue;
        }
        let (second, after) = rest.split_first()?;
        rest = after;
        match second {
            0 => return Some((String::from_utf8(key).ok()?, rest)),
            0xff => key.push(0),
            _ => return None,
        }
    }
}
