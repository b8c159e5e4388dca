//! A ZIP archive at the end of other content: archives are read from their end, so that one file is
//! a picture to one program and an archive to another.

/// The record at the end of an archive (PKWARE's APPNOTE, section 4.3.16).
const MARK: &[u8] = b"PK\x05\x06";
const RECORD: usize = 22;
/// The bytes that an entry of the directory has at least.
const ENTRY: u64 = 46;
/// How much may come behind the record: its comment, and what programs put up with.
const BEHIND: u64 = 128 * 1024;

/// A search for the end of an archive.
#[derive(Debug, Default)]
pub(in crate::rules) struct Archive {
    /// How many bytes have been read.
    size: u64,
    /// The last bytes that were read.
    carry: Vec<u8>,
    /// Where the last record stands that can be one.
    found: Option<u64>,
}

impl Archive {
    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let keep = RECORD - 1;
        let seam = [&self.carry, bytes.get(..bytes.len().min(keep)).unwrap_or_default()].concat();
        let seam_at = self.size - self.carry.len() as u64;
        self.look(&seam, seam_at);
        self.look(bytes, self.size);
        self.size += bytes.len() as u64;
        let last = if bytes.len() >= keep { bytes } else { &seam };
        self.carry = last.get(last.len().saturating_sub(keep)..).unwrap_or_default().to_vec();
    }

    /// Says whether there is one.
    pub(super) fn finish(&self) -> Option<&'static str> {
        let near = self.found.is_some_and(|at| self.size - at <= BEHIND);
        near.then_some("an archive is hidden behind its content")
    }

    fn look(&mut self, text: &[u8], offset: u64) {
        let mut rest = text;
        while let Some(at) = super::super::sniff::position(rest, MARK) {
            let record = rest.get(at..).unwrap_or_default();
            let place = offset + (text.len() - record.len()) as u64;
            if record.get(..RECORD).is_some_and(|record| is_plausible(record, place)) {
                self.found = Some(place);
            }
            rest = record.get(1..).unwrap_or_default();
        }
    }
}

/// Whether the record speaks of a directory that has room before it.
fn is_plausible(record: &[u8], place: u64) -> bool {
    let field = |from: usize, length: usize| {
        let bytes = record.get(from..from + length).unwrap_or_default();
        bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let (disks, here, entries, size) = (field(4, 4), field(8, 2), field(10, 2), field(12, 4));
    let beyond = entries == 0xffff || size == 0xffff_ffff;
    let fits = beyond || (size >= entries * ENTRY && size <= place);
    // Of one file, and so all of it; anything else is bytes that happen to look like it.
    disks == 0 && here == entries && entries > 0 && fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(entries: u16, size: u32) -> Vec<u8> {
        let mut record = b"PK\x05\x06\0\0\0\0".to_vec();
        record.extend_from_slice(&entries.to_le_bytes());
        record.extend_from_slice(&entries.to_le_bytes());
        record.extend_from_slice(&size.to_le_bytes());
        record.extend_from_slice(&[0; 6]);
        record
    }

    fn found(text: &[u8], piece: usize) -> bool {
        let mut archive = Archive::default();
        text.chunks(piece).for_each(|piece| archive.read(piece));
        archive.finish().is_some()
    }

    #[test]
    fn the_end_of_an_archive_is_found_wherever_it_is_cut() {
        let content = [&[b'x'; 100][..], &record(1, 60), b"comment"].concat();
        for piece in 1..60 {
            assert!(found(&content, piece), "{piece}");
        }
        assert!(found(&content, 1000));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        let before = [b'x'; 100];
        assert!(!found(&[&before[..], &record(0, 60)].concat(), 50));
        assert!(!found(&[&before[..], &record(1, 40)].concat(), 50));
        assert!(!found(&[&before[..], &record(1, 101)].concat(), 50));
        assert!(!found(&[&before[..], b"PK\x05\x06"].concat(), 50));
        let buried = vec![b'y'; usize::try_from(BEHIND).unwrap()];
        assert!(!found(&[&before[..], &record(1, 60), &buried].concat(), 5000));
    }
}
