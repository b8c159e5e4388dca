//! How the parts of an upload become one object: pure, the same for every store.

use md5::{Digest, Md5};

use super::{
    Algorithm, Checksum, ChecksumChoice, ChecksumKind, ChecksumValue, CustomerKey, ETag, Original,
    PartNumber, Timestamp,
};

/// The least size of every part but the last, in bytes.
pub const MIN_PART_SIZE: u64 = 5 * 1024 * 1024;

/// A stored part of an upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSummary {
    /// Its number.
    pub number: PartNumber,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag: the MD5 of its content.
    pub etag: ETag,
    /// When it was stored, as a whole second.
    pub last_modified: Timestamp,
    /// Its checksum: the client's, or the one that the upload's choice has the store compute.
    pub checksum: Option<ChecksumValue>,
}

/// A part as the client lists it in `CompleteMultipartUpload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its entity tag.
    pub etag: ETag,
    /// Its checksum, where given.
    pub checksum: Option<ChecksumValue>,
}

/// What the client asks of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// The parts in the client's order.
    pub parts: Vec<CompletedPart>,
    /// The whole object's checksum that the client expects.
    pub checksum: Option<ChecksumValue>,
    /// `x-amz-checksum-type`.
    pub checksum_kind: Option<ChecksumKind>,
    /// `x-amz-mp-object-size`.
    pub object_size: Option<u64>,
    /// What the object keeps of itself; only stores of the gateway's own can do that.
    pub original: Option<Original>,
    /// The customer's key, where the upload was begun with one; only a store that forwards needs it.
    pub key: Option<CustomerKey>,
}

/// Why the parts do not make an object. The variants carry what S3's error shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompletionError {
    /// No part is listed: `MalformedXML`.
    #[error("the list of parts is empty")]
    Empty,
    /// Numbers do not ascend, or (composite) are not 1, 2, 3 …: `InvalidPartOrder`.
    #[error("the list of parts was not in ascending order")]
    Order,
    /// No such part, or another tag or checksum: `InvalidPart`.
    #[error("part {number} was not found or its ETag or checksum differs")]
    Part {
        /// The part's number.
        number: u16,
        /// The tag that the client gave.
        etag: ETag,
    },
    /// A part but the last is under 5 MiB: `EntityTooSmall`.
    #[error("part {number} has {size} bytes; every part but the last has at least 5 MiB")]
    TooSmall {
        /// The part's number.
        number: u16,
        /// Its size.
        size: u64,
        /// Its tag.
        etag: ETag,
    },
    /// A part lacks the checksum that a composite one needs: `InvalidRequest`.
    #[error("part {0} has no checksum, which the upload's composite checksum needs")]
    MissingChecksum(u16),
    /// The kind differs from the upload's: `InvalidRequest`.
    #[error("the checksum type differs from the one that the upload was created with")]
    Kind,
    /// The whole's checksum differs: `BadDigest`.
    #[error("the checksum of the assembled object differs from the one given")]
    Checksum,
    /// `x-amz-mp-object-size` differs: `InvalidRequest`.
    #[error("the parts come to {actual} bytes, not to the {expected} given")]
    Size {
        /// What the client gave.
        expected: u64,
        /// What the parts come to.
        actual: u64,
    },
}

/// The object that the parts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// The listed parts, in the object's order.
    pub parts: Vec<PartSummary>,
    /// MD5 over the parts' MD5s, a dash, and their number.
    pub etag: ETag,
    /// The whole's checksum, by the upload's choice.
    pub checksum: Option<Checksum>,
    /// Size in bytes.
    pub size: u64,
}

/// Checks `wanted` against the stored parts and says what the object will be.
///
/// `stored` are the upload's parts by ascending number. Part tags are compared without quotes.
/// Of several faults the first of these is reported: no part, the kind of checksum, the order,
/// then part by part existence, tag and checksum, then the sizes, then the whole's checksum.
///
/// An upload whose creation named no algorithm gives a CRC64NVME object where every part has that
/// checksum, and otherwise one without checksum.
pub fn plan_completion(
    choice: ChecksumChoice,
    stored: &[PartSummary],
    wanted: &Completion,
) -> Result<Assembled, CompletionError> {
    if wanted.parts.is_empty() {
        return Err(CompletionError::Empty);
    }
    if wanted.checksum_kind.is_some_and(|kind| kind != choice.kind) {
        return Err(CompletionError::Kind);
    }
    let composite = choice.explicit && choice.kind == ChecksumKind::Composite;
    check_order(&wanted.parts, composite)?;
    let parts = wanted
        .parts
        .iter()
        .map(|part| chosen_part(choice, stored, part))
        .collect::<Result<Vec<_>, _>>()?;
    let size = check_sizes(&parts, wanted.object_size)?;
    let checksum = whole_checksum(choice, &parts)?;
    check_whole(checksum.as_ref(), &parts, wanted.checksum.as_ref())?;
    let etag = ETag::multipart(parts.iter().map(part_md5));
    Ok(Assembled { parts, etag, checksum, size })
}

fn check_order(parts: &[CompletedPart], consecutive: bool) -> Result<(), CompletionError> {
    let numbers = || parts.iter().map(|part| part.number.get());
    let ascending = numbers().zip(numbers().skip(1)).all(|(one, next)| one < next);
    // Ascending numbers from 1 leave no gap exactly where the last one is their count.
    let gapless = numbers().next_back().map(usize::from) == Some(parts.len());
    if ascending && (gapless || !consecutive) { Ok(()) } else { Err(CompletionError::Order) }
}

fn chosen_part(
    choice: ChecksumChoice,
    stored: &[PartSummary],
    wanted: &CompletedPart,
) -> Result<PartSummary, CompletionError> {
    let number = wanted.number.get();
    let refused = || CompletionError::Part { number, etag: wanted.etag.clone() };
    let found = stored
        .binary_search_by_key(&wanted.number, |part| part.number)
        .ok()
        .and_then(|at| stored.get(at))
        .filter(|part| part.etag == wanted.etag)
        .ok_or_else(refused)?;
    match &wanted.checksum {
        Some(_) if wanted.checksum == found.checksum => {}
        Some(_) => return Err(refused()),
        None if choice.explicit && choice.kind == ChecksumKind::Composite => {
            return Err(CompletionError::MissingChecksum(number));
        }
        None => {}
    }
    Ok(found.clone())
}

fn check_sizes(parts: &[PartSummary], expected: Option<u64>) -> Result<u64, CompletionError> {
    let but_last = parts.split_last().map_or(&[] as &[_], |(_, rest)| rest);
    if let Some(part) = but_last.iter().find(|part| part.size < MIN_PART_SIZE) {
        let (number, size) = (part.number.get(), part.size);
        return Err(CompletionError::TooSmall { number, size, etag: part.etag.clone() });
    }
    let actual = parts.iter().map(|part| part.size).sum();
    match expected {
        Some(expected) if expected != actual => Err(CompletionError::Size { expected, actual }),
        _ => Ok(actual),
    }
}

fn whole_checksum(
    choice: ChecksumChoice,
    parts: &[PartSummary],
) -> Result<Option<Checksum>, CompletionError> {
    let lacking = parts.iter().find(|part| value_of(part, choice.algorithm).is_none());
    match lacking {
        Some(part) if choice.explicit => {
            return Err(CompletionError::MissingChecksum(part.number.get()));
        }
        Some(_) => return Ok(None),
        None => {}
    }
    Ok(match choice.kind {
        ChecksumKind::FullObject => full_object(choice.algorithm, parts).map(Checksum::full_object),
        ChecksumKind::Composite => Some(Checksum {
            value: composite(choice.algorithm, parts),
            kind: ChecksumKind::Composite,
            parts: u32::try_from(parts.len()).ok(),
        }),
    })
}

/// What the client gave is compared even where the object keeps no such checksum, as far as the
/// parts allow: a value that nobody compared must not look as if it had been.
fn check_whole(
    computed: Option<&Checksum>,
    parts: &[PartSummary],
    wanted: Option<&ChecksumValue>,
) -> Result<(), CompletionError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let holds = match computed {
        Some(computed) if computed.value.algorithm == wanted.algorithm => computed.value == *wanted,
        _ => full_object(wanted.algorithm, parts).as_ref() == Some(wanted),
    };
    if holds { Ok(()) } else { Err(CompletionError::Checksum) }
}

fn value_of(part: &PartSummary, algorithm: Algorithm) -> Option<&ChecksumValue> {
    part.checksum.as_ref().filter(|value| value.algorithm == algorithm)
}

fn full_object(algorithm: Algorithm, parts: &[PartSummary]) -> Option<ChecksumValue> {
    let pieces: Option<Vec<_>> =
        parts.iter().map(|part| Some((value_of(part, algorithm)?, part.size))).collect();
    ChecksumValue::combined(algorithm, pieces?)
}

fn composite(algorithm: Algorithm, parts: &[PartSummary]) -> ChecksumValue {
    let digests: Vec<u8> = parts
        .iter()
        .filter_map(|part| value_of(part, algorithm))
        .flat_map(|value| value.digest.iter().copied())
        .collect();
    algorithm.digest(&digests)
}

/// Tags of parts are MD5s; one that isn't, from a store that computes none, counts by its text.
fn part_md5(part: &PartSummary) -> [u8; 16] {
    part.etag.md5().unwrap_or_else(|| Md5::digest(part.etag.as_str()).into())
}

#[cfg(test)]
#[path = "completion_tests.rs"]
mod tests;
