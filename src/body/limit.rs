//! Bodies whose size is bounded, whether or not it is known in advance.

use std::ops::RangeInclusive;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::{BodyError, Digests, Expected, Payload, Source};

/// The same content; ends in [`BodyError::TooLarge`] as soon as it has more bytes than `sizes`
/// allows, and in [`BodyError::TooSmall`] where it ends with fewer. Where the length is known, it
/// does so before the first byte.
pub fn within(inner: Payload, sizes: RangeInclusive<u64>) -> Payload {
    let length = inner.length();
    Payload::new(length, Within { inner, sizes, size: 0, begun: false })
}

struct Within {
    inner: Payload,
    sizes: RangeInclusive<u64>,
    size: u64,
    begun: bool,
}

impl Within {
    fn judge(&self, size: u64, whole: bool) -> Result<(), BodyError> {
        if size > *self.sizes.end() {
            return Err(BodyError::TooLarge { limit: *self.sizes.end() });
        }
        if whole && size < *self.sizes.start() {
            return Err(BodyError::TooSmall { size, least: *self.sizes.start() });
        }
        Ok(())
    }
}

impl Source for Within {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if !self.begun {
            self.begun = true;
            if let Some(length) = self.inner.length()
                && let Err(error) = self.judge(length, true)
            {
                return Poll::Ready(Some(Err(error)));
            }
        }
        let next = ready!(self.inner.poll_chunk(cx));
        let judged = match &next {
            Some(Ok(chunk)) => {
                self.size += chunk.len() as u64;
                self.judge(self.size, false)
            }
            Some(Err(_)) => Ok(()),
            None => self.judge(self.size, true),
        };
        Poll::Ready(match judged {
            Ok(()) => next,
            Err(error) => Some(Err(error)),
        })
    }

    fn digests(&self) -> Option<&Digests> {
        self.inner.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.inner.trailer(name)
    }

    fn expected(&self) -> Option<&Expected> {
        self.inner.expected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::testing::{Pieces, block_on, drain};

    fn outcome(pieces: &[&'static str], length: Option<u64>) -> Result<usize, String> {
        let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        let body = within(Payload::new(length, Pieces::new(pieces)), 2..=4);
        block_on(drain(body)).map(|(content, _)| content.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_are_exact_to_the_byte() {
        assert_eq!(outcome(&["ab"], None), Ok(2));
        assert_eq!(outcome(&["ab", "cd"], None), Ok(4));
        assert_eq!(outcome(&["ab", "cd"], Some(4)), Ok(4));
        assert_eq!(outcome(&["ab", "cde"], None).unwrap_err(), "the body is larger than 4 bytes");
        let small = "the body has 1 bytes, fewer than 2";
        assert_eq!(outcome(&["a"], None).unwrap_err(), small);
        assert_eq!(outcome(&["a"], Some(1)).unwrap_err(), small);
        assert!(outcome(&[], None).is_err());
    }

    #[test]
    fn a_known_length_is_judged_before_anything_is_read() {
        let unread = Pieces::new([Err(BodyError::Stalled)]);
        let mut body = within(Payload::new(Some(5), unread), 0..=4);
        assert!(matches!(block_on(body.next()), Some(Err(BodyError::TooLarge { limit: 4 }))));
    }
}
