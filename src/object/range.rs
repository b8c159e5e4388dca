//! Byte ranges (RFC 9110 section 14, as far as S3 follows it).

/// What a `Range` header asks for, before the object's size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeSpec {
    /// `bytes=first-last`, both inclusive.
    Closed {
        /// First byte.
        first: u64,
        /// Last byte, inclusive.
        last: u64,
    },
    /// `bytes=first-`.
    From {
        /// First byte.
        first: u64,
    },
    /// `bytes=-length`.
    Suffix {
        /// How many of the last bytes.
        length: u64,
    },
}

/// The bytes that a range comes to on an object of known size: `offset..offset + length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// How many bytes, at least one except for the whole of an empty object.
    pub length: u64,
}

/// No byte of the range lies in the object: 416 `InvalidRange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the range lies outside the object's {size} bytes")]
pub struct Unsatisfiable {
    /// The object's size.
    pub size: u64,
}

impl RangeSpec {
    /// Reads a `Range` header. `None` means that the header is to be ignored, as S3 does with
    /// several ranges, other units, inverted ranges, and what it cannot read at all.
    ///
    /// Numbers may have leading zeros; those too large for 64 bits count as the largest.
    pub fn parse(header: &str) -> Option<Self> {
        let (unit, set) = header.trim().split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = set.split_once('-')?;
        match (first.trim(), last.trim()) {
            ("", length) => Some(Self::Suffix { length: number(length)? }),
            (first, "") => Some(Self::From { first: number(first)? }),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Closed { first, last })
            }
        }
    }

    /// The bytes that the range comes to on an object of `size` bytes: its end is cut to the
    /// object's, a suffix longer than the object is all of it.
    pub fn resolve(self, size: u64) -> Result<ByteRange, Unsatisfiable> {
        let unsatisfiable = Unsatisfiable { size };
        let (first, last) = match self {
            Self::Closed { first, last } => (first, last),
            Self::From { first } => (first, u64::MAX),
            Self::Suffix { length: 0 } => return Err(unsatisfiable),
            Self::Suffix { length } => (size.saturating_sub(length), u64::MAX),
        };
        if first >= size {
            return Err(unsatisfiable);
        }
        Ok(ByteRange { offset: first, length: last.min(size - 1) - first + 1 })
    }
}

impl ByteRange {
    /// All bytes of an object of `size` bytes.
    pub fn whole(size: u64) -> Self {
        Self { offset: 0, length: size }
    }

    /// The last byte, inclusive; the first where there is none.
    pub fn last(self) -> u64 {
        self.offset + self.length.saturating_sub(1)
    }

    /// The first byte behind the range.
    pub fn end(self) -> u64 {
        self.offset + self.length
    }

    /// The `Content-Range` of a 206 on an object of `total` bytes.
    pub fn content_range(self, total: u64) -> String {
        format!("bytes {}-{}/{total}", self.offset, self.last())
    }
}

impl Unsatisfiable {
    /// The `Content-Range` of a 416.
    pub fn content_range(self) -> String {
        format!("bytes */{}", self.size)
    }
}

/// Digits only: no sign, no space. Saturates.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_count() {
        for (header, size, expected) in [
            ("bytes=0-3", 10, Ok((0, 4))),
            ("bytes=2-", 10, Ok((2, 8))),
            ("bytes=-3", 10, Ok((7, 3))),
            ("bytes=0-100", 10, Ok((0, 10))),
            ("bytes=9-9", 10, Ok((9, 1))),
            ("bytes=-100", 10, Ok((0, 10))),
            ("bytes=007-0008", 10, Ok((7, 2))),
            ("BYTES=1-2", 10, Ok((1, 2))),
            ("bytes=0-99999999999999999999999", 10, Ok((0, 10))),
            ("bytes=-99999999999999999999999", 10, Ok((0, 10))),
            ("bytes=10-", 10, Err(())),
            ("bytes=10-12", 10, Err(())),
            ("bytes=-0", 10, Err(())),
            ("bytes=99999999999999999999999-", 10, Err(())),
            ("bytes=0-0", 0, Err(())),
            ("bytes=0-", 0, Err(())),
            ("bytes=-1", 0, Err(())),
        ] {
            let spec = RangeSpec::parse(header).unwrap_or_else(|| panic!("{header}"));
            let got = spec.resolve(size).map(|r| (r.offset, r.length)).map_err(|_| ());
            assert_eq!(got, expected, "{header} on {size}");
        }
    }

    #[test]
    fn ranges_that_are_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-3",
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "items=0-1",
            "bytes=a-b",
            "bytes=+1-3",
            "bytes=1--3",
            "bytes=--3",
            "bytes=1.5-3",
            "bytes 0-3",
            "bytes=0x1-3",
        ] {
            assert_eq!(RangeSpec::parse(header), None, "{header}");
        }
    }

    #[test]
    fn content_range_forms() {
        assert_eq!(ByteRange { offset: 2, length: 3 }.content_range(10), "bytes 2-4/10");
        assert_eq!(Unsatisfiable { size: 7 }.content_range(), "bytes */7");
        assert_eq!(ByteRange::whole(0).last(), 0);
    }

    proptest! {
        #[test]
        fn never_panics(header in "\\PC{0,40}", size: u64) {
            let _ = RangeSpec::parse(&header).map(|spec| spec.resolve(size));
        }

        #[test]
        fn agrees_with_slicing(first in 0u64..40, last in 0u64..40, size in 0u64..32) {
            let content: Vec<u64> = (0..size).collect();
            let suffix = size.saturating_sub(last);
            for (header, wanted) in [
                (format!("bytes={first}-{last}"),
                 content.iter().copied().filter(|b| (first..=last).contains(b)).collect::<Vec<_>>()),
                (format!("bytes={first}-"),
                 content.iter().copied().filter(|b| *b >= first).collect()),
                (format!("bytes=-{last}"),
                 content.iter().copied().filter(|b| *b >= suffix).collect()),
            ] {
                match RangeSpec::parse(&header) {
                    None => prop_assert!(first > last),
                    Some(spec) => match spec.resolve(size) {
                        Ok(r) => {
                            prop_assert_eq!((r.offset..r.end()).collect::<Vec<_>>(), wanted);
                            prop_assert!(r.last() < size);
                        }
                        Err(_) => prop_assert!(wanted.is_empty()),
                    },
                }
            }
        }
    }
}
