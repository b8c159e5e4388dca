//! Checksums in the SDK's many fields.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType};

use crate::object::{Algorithm, Checksum, ChecksumChoice, ChecksumKind, ChecksumValue};

/// The texts of one answer, by algorithm.
pub(super) type Texts<'a> = [(Algorithm, Option<&'a str>); 5];

/// The checksum texts of anything of the SDK that has them.
macro_rules! texts {
    ($of:expr) => {
        [
            (crate::object::Algorithm::Crc32, $of.checksum_crc32()),
            (crate::object::Algorithm::Crc32c, $of.checksum_crc32_c()),
            (crate::object::Algorithm::Crc64Nvme, $of.checksum_crc64_nvme()),
            (crate::object::Algorithm::Sha1, $of.checksum_sha1()),
            (crate::object::Algorithm::Sha256, $of.checksum_sha256()),
        ]
    };
}

/// Puts a checksum's text into a builder of the SDK.
macro_rules! with_checksum {
    ($builder:expr, $algorithm:expr, $text:expr) => {
        match $algorithm {
            crate::object::Algorithm::Crc32 => $builder.checksum_crc32($text),
            crate::object::Algorithm::Crc32c => $builder.checksum_crc32_c($text),
            crate::object::Algorithm::Crc64Nvme => $builder.checksum_crc64_nvme($text),
            crate::object::Algorithm::Sha1 => $builder.checksum_sha1($text),
            crate::object::Algorithm::Sha256 => $builder.checksum_sha256($text),
        }
    };
}

pub(super) use {texts, with_checksum};

/// The checksum of a part.
pub(super) fn of_part(texts: Texts<'_>) -> Option<ChecksumValue> {
    whole(texts, None).filter(|sum| sum.parts.is_none()).map(|sum| sum.value)
}

/// The checksum of an object. Services that say nothing of its kind show it by its form.
pub(super) fn whole(texts: Texts<'_>, kind: Option<&ChecksumType>) -> Option<Checksum> {
    let (algorithm, text) =
        texts.into_iter().find_map(|(algorithm, text)| Some((algorithm, text?)))?;
    let (value, parts) = ChecksumValue::parse_whole(algorithm, text).ok()?;
    let kind = match (kind.and_then(read_kind), parts) {
        (Some(kind), _) => kind,
        (None, Some(_)) => ChecksumKind::Composite,
        (None, None) => ChecksumKind::FullObject,
    };
    Some(Checksum { value, kind, parts })
}

/// What an upload was created with.
pub(super) fn choice(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> ChecksumChoice {
    match algorithm.and_then(|algorithm| Algorithm::parse(algorithm.as_str())) {
        Some(algorithm) => ChecksumChoice {
            algorithm,
            kind: kind.and_then(read_kind).unwrap_or_else(|| algorithm.default_kind()),
            explicit: true,
        },
        None => ChecksumChoice {
            algorithm: Algorithm::Crc64Nvme,
            kind: ChecksumKind::FullObject,
            explicit: false,
        },
    }
}

/// Algorithm and kind as a listing shows them.
pub(super) fn listed(
    algorithms: &[ChecksumAlgorithm],
    kind: Option<&ChecksumType>,
) -> Option<(Algorithm, ChecksumKind)> {
    let algorithm = algorithms.iter().find_map(|name| Algorithm::parse(name.as_str()))?;
    Some((algorithm, kind.and_then(read_kind).unwrap_or(ChecksumKind::FullObject)))
}

/// The SDK's name.
pub(super) fn sdk_algorithm(algorithm: Algorithm) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from(algorithm.wire_name())
}

/// The SDK's name.
pub(super) fn sdk_kind(kind: ChecksumKind) -> ChecksumType {
    ChecksumType::from(kind.wire())
}

fn read_kind(kind: &ChecksumType) -> Option<ChecksumKind> {
    ChecksumKind::parse(kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Texts<'_> {
        let mut texts = Algorithm::ALL.map(|algorithm| (algorithm, None));
        texts[0].1 = Some(text);
        texts
    }

    #[test]
    fn kinds_are_told_or_seen() {
        let seen = |text, kind: Option<ChecksumType>| {
            whole(only(text), kind.as_ref()).map(|sum| (sum.kind, sum.parts))
        };
        let full = ChecksumKind::FullObject;
        let composite = ChecksumKind::Composite;
        assert_eq!(seen("y/Q5Jg==", None), Some((full, None)));
        assert_eq!(seen("y/Q5Jg==-3", None), Some((composite, Some(3))));
        assert_eq!(seen("y/Q5Jg==", Some(ChecksumType::Composite)), Some((composite, None)));
        assert_eq!(seen("nonsense", None), None);
        assert_eq!(of_part(only("y/Q5Jg==-3")), None);
        assert_eq!(of_part(only("y/Q5Jg==")), Some(Algorithm::Crc32.digest(b"123456789")));
    }

    #[test]
    fn an_upload_that_names_no_algorithm_has_the_default() {
        let unnamed = choice(None, None);
        assert_eq!((unnamed.algorithm, unnamed.explicit), (Algorithm::Crc64Nvme, false));
        let named = choice(Some(&ChecksumAlgorithm::Sha256), None);
        assert_eq!((named.kind, named.explicit), (ChecksumKind::Composite, true));
        let both = choice(Some(&ChecksumAlgorithm::Crc32), Some(&ChecksumType::FullObject));
        assert_eq!((both.algorithm, both.kind), (Algorithm::Crc32, ChecksumKind::FullObject));
    }
}
