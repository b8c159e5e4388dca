//! Byte sequences anywhere in a body.

/// A sequence, and what it means that it is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needle {
    bytes: &'static [u8],
    any_case: bool,
    says: &'static str,
}

/// A search for several at once.
pub(in crate::rules) struct Needles {
    needles: &'static [Needle],
    longest: usize,
    /// Whether any begins with a byte.
    begins: [bool; 256],
    /// The last bytes that were read, one fewer than the longest needle has.
    carry: Vec<u8>,
}

impl Needle {
    /// Text in any case, given in lower case.
    pub(super) const fn text(text: &'static str, says: &'static str) -> Self {
        Self { bytes: text.as_bytes(), any_case: true, says }
    }

    /// Exactly these bytes.
    pub(super) const fn exact(bytes: &'static [u8], says: &'static str) -> Self {
        Self { bytes, any_case: false, says }
    }

    fn begins(&self, text: &[u8]) -> bool {
        let Some(window) = text.get(..self.bytes.len()) else { return false };
        if self.any_case { window.eq_ignore_ascii_case(self.bytes) } else { window == self.bytes }
    }
}

impl Needles {
    /// A search for these.
    pub(super) fn new(needles: &'static [Needle]) -> Self {
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(1);
        let mut begins = [false; 256];
        for first in needles.iter().filter_map(|needle| needle.bytes.first()) {
            for byte in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
                if let Some(begins) = begins.get_mut(usize::from(byte)) {
                    *begins = true;
                }
            }
        }
        Self { needles, longest, begins, carry: Vec::new() }
    }

    /// Reads on; says what the first one that is found means.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<&'static str> {
        let keep = self.longest - 1;
        let seam = [&self.carry, bytes.get(..bytes.len().min(keep)).unwrap_or_default()].concat();
        let says = self.find(&seam).or_else(|| self.find(bytes));
        let last = if bytes.len() >= keep { bytes } else { &seam };
        self.carry = last.get(last.len().saturating_sub(keep)..).unwrap_or_default().to_vec();
        says
    }

    fn find(&self, text: &[u8]) -> Option<&'static str> {
        let begins = |byte: &u8| self.begins.get(usize::from(*byte)).copied().unwrap_or(false);
        let mut rest = text;
        while let Some(at) = rest.iter().position(begins) {
            rest = rest.get(at..).unwrap_or_default();
            if let Some(needle) = self.needles.iter().find(|needle| needle.begins(rest)) {
                return Some(needle.says);
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDLES: &[Needle] = &[Needle::text("<script", "text"), Needle::exact(b"AbC\0", "exact")];

    fn found(text: &[u8], piece: usize) -> Option<&'static str> {
        let mut needles = Needles::new(NEEDLES);
        text.chunks(piece).find_map(|piece| needles.read(piece))
    }

    #[test]
    fn sequences_are_found_wherever_they_are_cut() {
        for piece in 1..12 {
            assert_eq!(found(b"xx<sc<ScRiPt>yy", piece), Some("text"), "{piece}");
            assert_eq!(found(b"AbAbC\0", piece), Some("exact"), "{piece}");
            assert_eq!(found(b"abc\0<scrip t", piece), None, "{piece}");
        }
    }

    proptest::proptest! {
        #[test]
        fn none_is_overlooked(before in "[<scriptA]{0,30}", after in "[<scriptA]{0,30}", piece in 1_usize..20) {
            let text = format!("{before}<script{after}");
            proptest::prop_assert_eq!(found(text.as_bytes(), piece), Some("text"));
        }
    }
}
