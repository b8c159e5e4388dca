//! A body as encrypted segments.
//!
//! ```text
//! segment:  up to 65,520 bytes of the body, encrypted, then 16 bytes of authentication: 64 KiB
//! nonce:    3 zeros, the segment's number (8, big-endian), 1 if it is the last, else 0
//! bound to: the body's id, the number and that flag
//! ```
//! AES-256-GCM. Every body has a key of its own, so a nonce is never used twice. The number keeps
//! segments in their order, the flag keeps a body from being cut, the key from being swapped (the
//! STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár). A segment is as long as what
//! one checksum of stored bytes covers, and begins where that begins. A body of no bytes has no
//! segment.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use super::Unfit;
use super::wrap::ObjectKey;
use crate::store::local::blob::BLOCK;
use crate::store::local::format::seal::BodyId;

/// How long a whole segment is on the disk.
pub(crate) const SEGMENT: usize = BLOCK;
/// The authentication behind each.
pub(super) const TAG: usize = 16;
/// How much of the body a whole segment holds.
pub(crate) const PLAIN: usize = SEGMENT - TAG;

const BODY: &[u8] = b"stowgate body 1";

/// How many bytes a body of `plain` bytes has when it is encrypted.
pub(crate) fn sealed_len(plain: u64) -> u64 {
    plain.saturating_add(plain.div_ceil(PLAIN as u64).saturating_mul(TAG as u64))
}

/// The key of one body.
pub(crate) struct BodyKey {
    key: LessSafeKey,
    id: BodyId,
}

impl BodyKey {
    /// The key of the body with that id, of an object with that key.
    pub(crate) fn new(object: &ObjectKey, id: BodyId) -> Result<Self, Unfit> {
        let pseudorandom = Salt::new(HKDF_SHA256, &id.0).extract(object.expose());
        let info = [BODY];
        let key = pseudorandom.expand(&info, &AES_256_GCM).map_err(|_| Unfit)?;
        Ok(Self { key: LessSafeKey::new(UnboundKey::from(key)), id })
    }

    fn bound(&self, number: u64, last: bool) -> (Nonce, Aad<[u8; 25]>) {
        let mut nonce = [0; 12];
        let mut bound = [0; 25];
        let tail = number.to_be_bytes().into_iter().chain([u8::from(last)]);
        for (to, from) in nonce.iter_mut().skip(3).zip(tail.clone()) {
            *to = from;
        }
        for (to, from) in bound.iter_mut().zip(self.id.0.into_iter().chain(tail)) {
            *to = from;
        }
        (Nonce::assume_unique_for_key(nonce), Aad::from(bound))
    }

    /// Appends a segment.
    fn seal(&self, number: u64, last: bool, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let from = out.len();
        out.extend_from_slice(plain);
        let (nonce, bound) = self.bound(number, last);
        let segment = out.get_mut(from..).unwrap_or_default();
        let tag = self.key.seal_in_place_separate_tag(nonce, bound, segment).map_err(|_| Unfit)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens whole segments that stand one behind the other, of which `first` is the number of the
    /// first and the last may be the body's last. What each holds of the body is where it was, with
    /// the authentication behind it. The number of one that is not authentic is the error.
    pub(super) fn open(&self, first: u64, ends_body: bool, sealed: &mut [u8]) -> Result<(), u64> {
        let behind = first.saturating_add(sealed.len().div_ceil(SEGMENT) as u64);
        for (number, segment) in (first..).zip(sealed.chunks_mut(SEGMENT)) {
            let (nonce, bound) = self.bound(number, ends_body && number + 1 == behind);
            self.key.open_in_place(nonce, bound, segment).map_err(|_| number)?;
        }
        Ok(())
    }
}

/// Encrypts a body as it comes.
pub(crate) struct Sealer {
    key: BodyKey,
    number: u64,
    /// What may be the last segment, or a part of one.
    pending: Vec<u8>,
}

impl Sealer {
    /// Of a new body.
    pub(crate) fn new(key: BodyKey) -> Self {
        Self { key, number: 0, pending: Vec::new() }
    }

    /// Takes more of the body; appends what is finished of it.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.pending.len() == PLAIN {
                self.seal_pending(false, out)?;
            }
            if self.pending.is_empty() && rest.len() > PLAIN {
                let (segment, behind) = rest.split_at(PLAIN);
                self.key.seal(self.number, false, segment, out)?;
                self.number += 1;
                rest = behind;
                continue;
            }
            let (taken, behind) = rest.split_at(rest.len().min(PLAIN - self.pending.len()));
            self.pending.extend_from_slice(taken);
            rest = behind;
        }
        Ok(())
    }

    /// The body is at its end.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        if self.pending.is_empty() { Ok(()) } else { self.seal_pending(true, out) }
    }

    fn seal_pending(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), Unfit> {
        self.key.seal(self.number, last, &self.pending, out)?;
        self.number += 1;
        self.pending.clear();
        Ok(())
    }
}
