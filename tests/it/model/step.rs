//! What a history is made of. Names are few, so that steps meet on the same keys, and the keys
//! share prefixes.

use proptest::prelude::*;
use stowgate::object::Algorithm;

pub(super) const BUCKETS: [&str; 3] = ["bucket", "bucket-2", "other"];
pub(super) const KEYS: [&str; 10] =
    ["a", "a/", "a/b", "a/b/c", "a/c", "a0", "b", "é/\u{10ffff}", "é/\u{10ffff}x", "\0"];
pub(super) const TEXTS: [&str; 9] = ["", "a", "a/", "a/b", "/", "b", "é", "\u{10ffff}", "/b/"];
pub(super) const ALGORITHMS: [Algorithm; 5] = Algorithm::ALL;

/// An object's place, by numbers into the tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) bucket: usize,
    pub(super) key: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Condition {
    Absent,
    Any,
    Current,
    Wrong,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Pick {
    Whole,
    Closed(u64, u64),
    From(u64),
    Suffix(u64),
    Part(u16),
}

/// A page of something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) prefix: usize,
    pub(super) delimiter: Option<usize>,
    pub(super) after: Option<usize>,
    pub(super) limit: usize,
}

/// Which of an upload's parts are listed for its completion.
#[derive(Debug, Clone, Copy)]
pub(super) enum Listed {
    All,
    First,
    Reversed,
    WrongTag,
    WithoutChecksums,
    /// What was listed for this upload the last time.
    Again,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Restart {
    /// Closed and opened.
    Clean,
    /// Dropped and opened.
    Dirty,
    /// Closed, the index removed, and opened.
    IndexLost,
    /// Closed, the index replaced by that of an earlier restart, and opened.
    IndexStale,
    /// Dropped, the index overwritten with noise, and opened.
    IndexDamaged,
    /// Dropped, both checkpoints removed, and opened.
    CheckpointLost,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    CreateBucket {
        bucket: usize,
        owner: usize,
    },
    DeleteBucket {
        bucket: usize,
    },
    ListBuckets {
        page: Page,
    },
    TagBucket {
        bucket: usize,
        tags: Option<usize>,
    },
    SetSetting {
        bucket: usize,
        setting: usize,
        document: Option<u64>,
    },
    Put {
        at: At,
        size: usize,
        seed: u64,
        rich: bool,
        sum: Option<usize>,
        condition: Option<Condition>,
    },
    BrokenPut {
        at: At,
        size: usize,
    },
    AbandonedPut {
        at: At,
        size: usize,
    },
    Get {
        at: At,
        pick: Pick,
    },
    Delete {
        at: At,
        condition: Option<Condition>,
    },
    Copy {
        from: At,
        to: At,
        sum: Option<usize>,
        replace: bool,
        condition: Option<Condition>,
    },
    Tag {
        at: At,
        tags: usize,
    },
    ObjectParts {
        at: At,
        after: u32,
        limit: usize,
    },
    List {
        bucket: usize,
        page: Page,
    },
    ListVersions {
        bucket: usize,
        page: Page,
    },
    CreateUpload {
        at: At,
        sum: Option<usize>,
        composite: bool,
        rich: bool,
    },
    PutPart {
        upload: usize,
        number: u16,
        size: usize,
        seed: u64,
    },
    BrokenPart {
        upload: usize,
        number: u16,
        size: usize,
    },
    CopyPart {
        upload: usize,
        number: u16,
        from: At,
        range: Option<(u64, u64)>,
    },
    ListParts {
        upload: usize,
        after: u32,
        limit: usize,
    },
    ListUploads {
        bucket: usize,
        page: Page,
        upload: Option<usize>,
    },
    Complete {
        upload: usize,
        listed: Listed,
        condition: Option<Condition>,
    },
    Abort {
        upload: usize,
    },
    Expire {
        limit: usize,
    },
    Tick {
        millis: i64,
    },
    Restart {
        how: Restart,
    },
}

/// A history: buckets at the start, so that not everything is refused.
pub(super) fn history() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..60).prop_map(|mut steps| {
        let made = [0, 1].map(|bucket| Step::CreateBucket { bucket, owner: bucket });
        steps.splice(..0, made);
        steps
    })
}

fn at() -> impl Strategy<Value = At> {
    // The first bucket has most of it.
    (prop_oneof![6 => Just(0usize), 2 => Just(1), 1 => Just(2)], 0..KEYS.len())
        .prop_map(|(bucket, key)| At { bucket, key })
}

fn bucket() -> impl Strategy<Value = usize> {
    0..BUCKETS.len()
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => prop::sample::select(vec![0usize, 1, 10, 1000]),
        2 => prop::sample::select(vec![65_535usize, 65_536, 65_537]),
        3 => prop::sample::select(vec![131_071usize, 131_072, 131_073, 300_000]),
    ]
}

/// Now and then a part that may be followed by another.
fn part_size() -> impl Strategy<Value = usize> {
    prop_oneof![4 => size(), 1 => Just(5 * 1024 * 1024)]
}

fn condition() -> impl Strategy<Value = Option<Condition>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Condition::Absent)),
        1 => Just(Some(Condition::Any)),
        1 => Just(Some(Condition::Current)),
        1 => Just(Some(Condition::Wrong)),
    ]
}

fn sum() -> impl Strategy<Value = Option<usize>> {
    prop::option::of(0..ALGORITHMS.len())
}

fn pick() -> impl Strategy<Value = Pick> {
    let edge = || prop::sample::select(vec![0u64, 1, 9, 65_535, 65_536, 131_071, 131_072, 131_073]);
    prop_oneof![
        3 => Just(Pick::Whole),
        2 => (edge(), edge()).prop_map(|(a, b)| Pick::Closed(a.min(b), a.max(b))),
        1 => edge().prop_map(Pick::From),
        1 => edge().prop_map(Pick::Suffix),
        1 => (1u16..4).prop_map(Pick::Part),
    ]
}

fn page() -> impl Strategy<Value = Page> {
    let text = || 0..TEXTS.len();
    (text(), prop::option::of(text()), prop::option::of(text()), 0usize..6)
        .prop_map(|(prefix, delimiter, after, limit)| Page { prefix, delimiter, after, limit })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => buckets(),
        12 => writes(),
        5 => reads(),
        9 => uploads(),
        5 => around(),
    ]
}

fn buckets() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (bucket(), 0usize..2).prop_map(|(bucket, owner)| Step::CreateBucket { bucket, owner }),
        2 => bucket().prop_map(|bucket| Step::DeleteBucket { bucket }),
        1 => page().prop_map(|page| Step::ListBuckets { page }),
        1 => (bucket(), prop::option::of(0usize..3))
            .prop_map(|(bucket, tags)| Step::TagBucket { bucket, tags }),
        1 => (bucket(), 0usize..3, prop::option::of(0u64..4)).prop_map(
            |(bucket, setting, document)| Step::SetSetting { bucket, setting, document }
        ),
    ]
}

fn writes() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (at(), size(), 0u64..8, any::<bool>(), sum(), condition()).prop_map(
            |(at, size, seed, rich, sum, condition)| Step::Put { at, size, seed, rich, sum, condition }
        ),
        1 => (at(), size()).prop_map(|(at, size)| Step::BrokenPut { at, size }),
        1 => (at(), size()).prop_map(|(at, size)| Step::AbandonedPut { at, size }),
        4 => (at(), condition()).prop_map(|(at, condition)| Step::Delete { at, condition }),
        3 => (at(), at(), sum(), any::<bool>(), condition()).prop_map(
            |(from, to, sum, replace, condition)| Step::Copy { from, to, sum, replace, condition }
        ),
        2 => (at(), 0usize..3).prop_map(|(at, tags)| Step::Tag { at, tags }),
    ]
}

fn reads() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (at(), pick()).prop_map(|(at, pick)| Step::Get { at, pick }),
        3 => (bucket(), page()).prop_map(|(bucket, page)| Step::List { bucket, page }),
        1 => (bucket(), page()).prop_map(|(bucket, page)| Step::ListVersions { bucket, page }),
        1 => (at(), 0u32..3, 0usize..3)
            .prop_map(|(at, after, limit)| Step::ObjectParts { at, after, limit }),
    ]
}

fn uploads() -> impl Strategy<Value = Step> {
    let upload = || 0usize..4;
    let number = || 1u16..4;
    let listed = prop::sample::select(vec![
        Listed::All,
        Listed::All,
        Listed::First,
        Listed::Reversed,
        Listed::WrongTag,
        Listed::WithoutChecksums,
        Listed::Again,
    ]);
    let range = prop::option::of((0u64..200_000, 0u64..200_000));
    prop_oneof![
        3 => (at(), sum(), any::<bool>(), any::<bool>()).prop_map(
            |(at, sum, composite, rich)| Step::CreateUpload { at, sum, composite, rich }
        ),
        6 => (upload(), number(), part_size(), 0u64..8).prop_map(
            |(upload, number, size, seed)| Step::PutPart { upload, number, size, seed }
        ),
        1 => (upload(), number(), size())
            .prop_map(|(upload, number, size)| Step::BrokenPart { upload, number, size }),
        2 => (upload(), number(), at(), range).prop_map(
            |(upload, number, from, range)| Step::CopyPart { upload, number, from, range }
        ),
        1 => (upload(), 0u32..3, 0usize..3)
            .prop_map(|(upload, after, limit)| Step::ListParts { upload, after, limit }),
        1 => (bucket(), page(), prop::option::of(upload())).prop_map(
            |(bucket, page, upload)| Step::ListUploads { bucket, page, upload }
        ),
        5 => (upload(), listed, condition()).prop_map(
            |(upload, listed, condition)| Step::Complete { upload, listed, condition }
        ),
        1 => upload().prop_map(|upload| Step::Abort { upload }),
        1 => (0usize..3).prop_map(|limit| Step::Expire { limit }),
    ]
}

fn around() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::sample::select(vec![1i64, 999, 1000, 30_000])
            .prop_map(|millis| Step::Tick { millis }),
        4 => prop::sample::select(vec![
            Restart::Clean,
            Restart::Clean,
            Restart::Dirty,
            Restart::Dirty,
            Restart::IndexLost,
            Restart::IndexStale,
            Restart::IndexStale,
            Restart::IndexDamaged,
            Restart::CheckpointLost,
        ])
        .prop_map(|how| Step::Restart { how }),
    ]
}
