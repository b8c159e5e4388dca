//! Settings of buckets, for the layers that keep them.

use std::future::Future;

use super::Subject;
use super::subject::content;
use crate::object::{BucketName, BucketSetting, MAX_SETTING_BYTES, SettingDocument};
use crate::store::StoreError;

/// Runs every function, each on a store that `make` makes new.
pub async fn all<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Subject>,
{
    are_what_was_set_last(&make().await).await;
    stay_the_same_document(&make().await).await;
    end_with_their_bucket(&make().await).await;
    nothing_without_a_bucket(&make().await).await;
}

fn document(seed: u64, size: usize) -> SettingDocument {
    SettingDocument::new(content(seed, size)).unwrap()
}

/// Each is absent until it is set and after it was removed, is replaced as a whole, and leaves
/// the others and other buckets alone.
pub async fn are_what_was_set_last(subject: &Subject) {
    let store = &subject.store;
    let (name, other) = (subject.bucket("first").await, subject.bucket("second").await);
    for (seed, setting) in (0..).zip(BucketSetting::ALL) {
        assert_eq!(store.bucket_setting(&name, *setting).await.unwrap(), None);
        for size in [0, 300, MAX_SETTING_BYTES] {
            let new = document(seed, size);
            store.set_bucket_setting(&name, *setting, Some(new.clone())).await.unwrap();
            assert_eq!(store.bucket_setting(&name, *setting).await.unwrap(), Some(new));
        }
        let small = document(seed, 50);
        store.set_bucket_setting(&name, *setting, Some(small)).await.unwrap();
    }
    for (seed, setting) in (0..).zip(BucketSetting::ALL) {
        assert_eq!(store.bucket_setting(&other, *setting).await.unwrap(), None);
        let kept = store.bucket_setting(&name, *setting).await.unwrap();
        assert_eq!(kept, Some(document(seed, 50)));
        for _ in 0..2 {
            store.set_bucket_setting(&name, *setting, None).await.unwrap();
            assert_eq!(store.bucket_setting(&name, *setting).await.unwrap(), None);
        }
    }
    assert_eq!(store.bucket_tags(&name).await.unwrap(), None);
}

/// Asking again gives a clone of the same document; setting it again gives another.
pub async fn stay_the_same_document(subject: &Subject) {
    let store = &subject.store;
    let name = subject.bucket("asked").await;
    let read = async || store.bucket_setting(&name, BucketSetting::Cors).await.unwrap().unwrap();
    store.set_bucket_setting(&name, BucketSetting::Cors, Some(document(1, 99))).await.unwrap();
    let first = read().await;
    assert!(first.same(&read().await));
    store.set_bucket_setting(&name, BucketSetting::Cors, Some(document(1, 99))).await.unwrap();
    let second = read().await;
    assert_eq!(first, second);
    assert!(!first.same(&second));
}

/// A bucket of a name that was in use before has none of the former one's.
pub async fn end_with_their_bucket(subject: &Subject) {
    let store = &subject.store;
    let name = subject.bucket("again").await;
    for setting in BucketSetting::ALL {
        store.set_bucket_setting(&name, *setting, Some(document(1, 20))).await.unwrap();
    }
    store.delete_bucket(&name).await.unwrap();
    subject.bucket("again").await;
    for setting in BucketSetting::ALL {
        assert_eq!(store.bucket_setting(&name, *setting).await.unwrap(), None);
    }
}

/// Without a bucket there is nothing to read and nothing to set.
pub async fn nothing_without_a_bucket(subject: &Subject) {
    let store = &subject.store;
    let name = BucketName::parse("not-there").unwrap();
    for setting in BucketSetting::ALL {
        refused!(store.bucket_setting(&name, *setting).await, StoreError::NoSuchBucket);
        for document in [Some(document(1, 20)), None] {
            let set = store.set_bucket_setting(&name, *setting, document).await;
            refused!(set, StoreError::NoSuchBucket);
        }
    }
}
