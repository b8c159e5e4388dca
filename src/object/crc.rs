//! The CRC of a whole from the CRCs of its pieces, without seeing the bytes again.
//!
//! The CRC of `A` followed by `B` is that of `A` multiplied by x to the number of `B`'s bits, plus
//! that of `B`, in the polynomials over GF(2) modulo the CRC's own. This holds for CRCs whose
//! register starts with the value that is added at the end, which all three of S3's do. Some
//! 2,000 steps per piece, whatever its length: an object may have 10,000.

use super::Algorithm;

/// A reflected CRC: the highest bit of a register stands for x to the power 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Combiner {
    polynomial: u64,
    one: u64,
}

impl Combiner {
    /// The combiner of a CRC; `None` for the other algorithms.
    pub(super) fn of(algorithm: Algorithm) -> Option<Self> {
        let (polynomial, one) = match algorithm {
            Algorithm::Crc32 => (0xedb8_8320, 1 << 31),
            Algorithm::Crc32c => (0x82f6_3b78, 1 << 31),
            Algorithm::Crc64Nvme => (0x9a6c_9329_ac4b_c9b5, 1 << 63),
            Algorithm::Sha1 | Algorithm::Sha256 => return None,
        };
        Some(Self { polynomial, one })
    }

    /// The CRC of a piece with the CRC `first` followed by one of `length` bytes with `second`.
    pub(super) fn combine(self, first: u64, second: u64, length: u64) -> u64 {
        self.product(self.shift(length), first) ^ second
    }

    /// x to the power of eight times `bytes`, by squaring.
    fn shift(self, bytes: u64) -> u64 {
        let mut power = self.one;
        let mut square = self.one >> 8;
        let mut left = bytes;
        while left > 0 {
            if left & 1 == 1 {
                power = self.product(power, square);
            }
            square = self.product(square, square);
            left >>= 1;
        }
        power
    }

    fn product(self, a: u64, mut b: u64) -> u64 {
        let mut product = 0;
        let mut bit = self.one;
        while bit > 0 {
            if a & bit != 0 {
                product ^= b;
            }
            b = if b & 1 == 1 { (b >> 1) ^ self.polynomial } else { b >> 1 };
            bit >>= 1;
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crc(algorithm: Algorithm, bytes: &[u8]) -> u64 {
        crc_fast::checksum(algorithm.crc().unwrap(), bytes)
    }

    proptest! {
        #[test]
        fn pieces_come_to_the_whole(
            first in proptest::collection::vec(any::<u8>(), 0..300),
            second in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let whole = crc(algorithm, &[first.as_slice(), second.as_slice()].concat());
                let (one, two) = (crc(algorithm, &first), crc(algorithm, &second));
                let combiner = Combiner::of(algorithm).unwrap();
                prop_assert_eq!(combiner.combine(one, two, second.len() as u64), whole);
            }
        }

        #[test]
        fn agrees_with_the_library_at_any_length(a: u64, b: u64, length in 0u64..1 << 45) {
            for (algorithm, mask) in [
                (Algorithm::Crc32, u64::from(u32::MAX)),
                (Algorithm::Crc32c, u64::from(u32::MAX)),
                (Algorithm::Crc64Nvme, u64::MAX),
            ] {
                let (a, b) = (a & mask, b & mask);
                let theirs = crc_fast::checksum_combine(algorithm.crc().unwrap(), a, b, length);
                prop_assert_eq!(Combiner::of(algorithm).unwrap().combine(a, b, length), theirs);
            }
        }
    }
}
