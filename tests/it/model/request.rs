//! What the numbers of a step stand for, as the stores are asked it.

use stowgate::object::{
    Algorithm, BucketName, ChecksumChoice, ChecksumKind, ListQuery, ObjectKey, ObjectMetadata,
    Owner, PartNumber, RangeSpec, TagSet, UserMetadata,
};
use stowgate::store::{ObjectPath, Selection};

use super::step::{ALGORITHMS, At, BUCKETS, KEYS, Page, Pick, TEXTS};

pub(super) fn bucket(number: usize) -> BucketName {
    BucketName::parse(BUCKETS[number]).unwrap()
}

pub(super) fn key_of(key: &str) -> ObjectKey {
    ObjectKey::parse(key).unwrap()
}

pub(super) fn path(at: At) -> ObjectPath {
    ObjectPath { bucket: bucket(at.bucket), key: key_of(KEYS[at.key]) }
}

pub(super) fn owner(number: usize) -> Owner {
    Owner { id: format!("owner-{number}"), display_name: format!("Owner {number}") }
}

pub(super) fn part_number(number: u16) -> PartNumber {
    PartNumber::new(number).unwrap()
}

pub(super) fn tags(count: usize) -> TagSet {
    TagSet::for_object((0..count).map(|n| (format!("k{n}"), format!("v{n}")))).unwrap()
}

pub(super) fn metadata(rich: bool, seed: u64) -> ObjectMetadata {
    let mut metadata = ObjectMetadata::default();
    if rich {
        let mut user = UserMetadata::default();
        user.add("seed", &seed.to_string());
        user.add("long", &"x".repeat(300));
        metadata.user = user;
        metadata.headers.content_type = Some("text/plain".to_owned());
        metadata.storage_class = Some("STANDARD_IA".to_owned());
    }
    metadata
}

pub(super) fn choice(sum: Option<usize>, composite: bool) -> ChecksumChoice {
    let Some(algorithm) = sum.map(|sum| ALGORITHMS[sum]) else {
        return ChecksumChoice {
            algorithm: Algorithm::Crc64Nvme,
            kind: ChecksumKind::FullObject,
            explicit: false,
        };
    };
    let wanted = if composite { ChecksumKind::Composite } else { ChecksumKind::FullObject };
    let kind = if algorithm.allows(wanted) { wanted } else { algorithm.default_kind() };
    ChecksumChoice { algorithm, kind, explicit: true }
}

pub(super) fn selection(pick: Pick) -> Selection {
    match pick {
        Pick::Whole => Selection::Whole,
        Pick::Closed(first, last) => Selection::Range(RangeSpec::Closed { first, last }),
        Pick::From(first) => Selection::Range(RangeSpec::From { first }),
        Pick::Suffix(length) => Selection::Range(RangeSpec::Suffix { length }),
        Pick::Part(number) => Selection::Part(part_number(number)),
    }
}

pub(super) fn list_query(page: Page) -> ListQuery {
    ListQuery {
        prefix: TEXTS[page.prefix].to_owned(),
        delimiter: page.delimiter.map(|text| TEXTS[text].to_owned()).filter(|d| !d.is_empty()),
        after: page.after.map(|text| TEXTS[text].to_owned()),
        limit: page.limit,
    }
}
