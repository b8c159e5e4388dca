//! Reads of pieces: ranges and parts.

use bytes::Bytes;

use super::Subject;
use super::subject::{content, listed, part_number, path, unnamed};
use crate::object::{ByteRange, MIN_PART_SIZE, RangeSpec};
use crate::store::{GetRequest, ObjectPath, Selection, StoreError};

fn of(selection: Selection) -> GetRequest {
    GetRequest { selection, ..GetRequest::default() }
}

/// Every kind of range, on packed and on large objects, at the edges of blocks.
pub async fn ranges(subject: &Subject) {
    let bucket = subject.bucket("ranges").await;
    for size in [1usize, 65_536, 131_072, 131_073, 400_000] {
        let at = path(&bucket, &format!("{size}"));
        let whole = content(3, size);
        subject.put(&at, &whole).await;
        let edges = [0, 1, size / 2, 65_535, 65_536, 131_071, 131_072, size - 1, size, size + 9];
        for first in edges {
            check(subject, &at, &whole, RangeSpec::From { first: first as u64 }).await;
            check(subject, &at, &whole, RangeSpec::Suffix { length: first as u64 }).await;
            for last in edges.into_iter().filter(|last| first <= *last) {
                let spec = RangeSpec::Closed { first: first as u64, last: last as u64 };
                check(subject, &at, &whole, spec).await;
            }
        }
    }
    let empty = path(&bucket, "empty");
    subject.put(&empty, &Bytes::new()).await;
    for spec in [
        RangeSpec::From { first: 0 },
        RangeSpec::Suffix { length: 1 },
        RangeSpec::Closed { first: 0, last: 0 },
    ] {
        check(subject, &empty, &Bytes::new(), spec).await;
    }
}

async fn check(subject: &Subject, at: &ObjectPath, whole: &Bytes, spec: RangeSpec) {
    let request = of(Selection::Range(spec));
    let size = whole.len() as u64;
    match spec.resolve(size) {
        Err(_) => {
            let got = subject.store.get_object(at, &request).await;
            refused!(got, StoreError::InvalidRange { size: told } if told == size);
            let head = subject.store.head_object(at, &request).await;
            refused!(head, StoreError::InvalidRange { size: told } if told == size);
        }
        Ok(range) => {
            let head = subject.store.head_object(at, &request).await.unwrap();
            assert_eq!((head.range, head.part, head.object.size), (Some(range), None, size));
            let (first, end) = (index(range.offset), index(range.end()));
            let got = subject.got_part(at, request).await;
            assert_eq!(got, whole.slice(first..end), "{spec:?} of {size}");
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

/// Part 1 of an object of one PUT is the whole of it, and there is no other.
pub async fn parts_of_a_single_put(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("single").await, "key");
    subject.put(&at, &content(1, 1000)).await;
    let first = of(Selection::Part(part_number(1)));
    let head = store.head_object(&at, &first).await.unwrap();
    assert_eq!((head.range, head.part), (None, None));
    assert_eq!(subject.got_part(&at, first).await, content(1, 1000));
    let second = of(Selection::Part(part_number(2)));
    let refusal = store.get_object(&at, &second).await;
    refused!(refusal, StoreError::InvalidPartNumber { count: 1 });
    refused!(store.head_object(&at, &second).await, StoreError::InvalidPartNumber { count: 1 });
}

/// Parts of a completed object count from 1, whatever the upload called them, and ranges run
/// across their borders.
pub async fn parts_of_many(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("many").await, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let five = index(MIN_PART_SIZE);
    let contents = [content(1, five), content(2, five + 1), content(3, 77)];
    let mut parts = Vec::new();
    for (number, content) in [10, 20, 9999].into_iter().zip(&contents) {
        parts.push(subject.part(&upload, number, content).await);
    }
    store.complete_upload(&upload, &listed(&parts), None).await.unwrap();

    let mut offset = 0;
    for (number, part) in (1..).zip(&contents) {
        let request = of(Selection::Part(part_number(number)));
        let head = store.head_object(&at, &request).await.unwrap();
        let range = ByteRange { offset, length: part.len() as u64 };
        assert_eq!(head.range, Some(range));
        let shown = head.part.unwrap();
        assert_eq!((shown.number, shown.size), (u32::from(number), range.length));
        assert_eq!(shown.checksum, parts[usize::from(number) - 1].checksum);
        assert_eq!(head.object.parts_count, Some(3));
        assert_eq!(subject.got_part(&at, request).await, *part);
        offset += range.length;
    }
    for number in [4, 10, 10_000] {
        let got = store.get_object(&at, &of(Selection::Part(part_number(number)))).await;
        refused!(got, StoreError::InvalidPartNumber { count: 3 });
    }
    let whole = Bytes::from(contents.concat());
    let five = MIN_PART_SIZE;
    for (first, last) in [
        (0, 0),
        (five - 1, five - 1),
        (five, five),
        (five - 1, five),
        (five - 5, 2 * five + 5),
        (2 * five, 2 * five + 1),
        (1, offset - 2),
        (0, offset + 5),
    ] {
        check(subject, &at, &whole, RangeSpec::Closed { first, last }).await;
    }
    check(subject, &at, &whole, RangeSpec::Suffix { length: 78 }).await;
    check(subject, &at, &whole, RangeSpec::From { first: offset }).await;
}
