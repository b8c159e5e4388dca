//! Tags of objects and buckets.

use super::Subject;
use super::subject::{content, path};
use crate::object::TagSet;
use crate::store::{GetRequest, NewObject};

fn set(pairs: &[(&str, &str)]) -> TagSet {
    TagSet::for_object(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))).unwrap()
}

/// Tags are replaced as a whole and leave the rest of the object alone.
pub async fn objects(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("tagged").await;
    for size in [10, 200_000] {
        let at = path(&bucket, &format!("{size}"));
        let new = NewObject { tags: set(&[("a", "1"), ("b", "2")]), ..NewObject::default() };
        let before = subject.put_as(&at, new, &content(1, size)).await.object;
        assert_eq!(before.tag_count, 2);
        assert_eq!(store.object_tags(&at, None).await.unwrap(), set(&[("a", "1"), ("b", "2")]));
        subject.clock.advance(60_000);
        for tags in [set(&[("ü", ""), ("c d", "=:/@")]), set(&[]), set(&[("z", "z")])] {
            store.set_object_tags(&at, None, tags.clone()).await.unwrap();
            assert_eq!(store.object_tags(&at, None).await.unwrap(), tags);
            let after = store.head_object(&at, &GetRequest::default()).await.unwrap().object;
            assert_eq!(after.tag_count as usize, tags.len());
            let untouched = crate::object::ObjectInfo { tag_count: 2, ..after };
            assert_eq!(untouched, before);
        }
        assert_eq!(subject.got(&at).await, content(1, size));
    }
}

/// A bucket's tags are absent until they are set, and again after they were removed.
pub async fn buckets(subject: &Subject) {
    let store = &subject.store;
    let (name, other) = (subject.bucket("tagged").await, subject.bucket("plain").await);
    assert_eq!(store.bucket_tags(&name).await.unwrap(), None);
    for tags in [set(&[("a", "1"), ("b", "2")]), set(&[("c", "")])] {
        store.set_bucket_tags(&name, Some(tags.clone())).await.unwrap();
        assert_eq!(store.bucket_tags(&name).await.unwrap(), Some(tags));
    }
    assert_eq!(store.bucket_tags(&other).await.unwrap(), None);
    for _ in 0..2 {
        store.set_bucket_tags(&name, None).await.unwrap();
        assert_eq!(store.bucket_tags(&name).await.unwrap(), None);
    }
}
