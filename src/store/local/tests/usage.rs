//! Counters by class: what they must be, whatever the history; recounts beside writes; repairs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::harness::{KEYS, Machine, at, bucket, owner};
use crate::object::{BucketName, KeyTemplate, KeyTemplates, Month, ObjectKey, Timestamp};
use crate::store::conformance::{body, content};
use crate::store::local::format::checkpoint::Usage;
use crate::store::local::{Accuracy, BucketUsage, LocalStore, Recounted, SplitUsage};
use crate::store::{
    Buckets, Claim, DeleteRequest, GetRequest, Kept, Ledger, NewObject, ObjectPath, Objects,
    StoreError,
};

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

/// What the records of these tests say of where objects are.
pub(super) fn claim(note: &[u8]) -> Claim {
    let size = note.len() as u64;
    let modified =
        Timestamp(1_700_000_000_000 + i64::from(note.first().copied().unwrap_or(0)) * DAY);
    match size % 4 {
        0 => Claim::Gone,
        1 => Claim::There(Kept { size, modified }),
        2 => Claim::Here { otherwise: Some(Kept { size, modified }) },
        _ => Claim::Here { otherwise: None },
    }
}

/// One of a few templates, none among them.
pub(super) fn templates(number: u64) -> KeyTemplates {
    let text = match number {
        0 => return KeyTemplates::default(),
        1 => "{type}/{company}",
        _ => "k{company}",
    };
    KeyTemplates::from_iter([("bucket", KeyTemplate::parse(text).unwrap())])
}

/// The counters were right.
pub(super) fn assert_right(recounted: &Recounted) {
    assert_eq!(recounted.counted, recounted.found);
    assert_eq!(recounted.wrong, []);
}

impl Machine {
    /// The counters by class, once they are counted by the template that is set.
    pub(super) async fn settled(&self, store: &LocalStore) -> SplitUsage {
        loop {
            let usage = store.split_usage(&bucket()).unwrap();
            if usage.accuracy == Accuracy::Exact
                && usage.template == templates(self.template).of("bucket").cloned()
            {
                return usage;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The counters by class are those of what is there, and a recount finds nothing else.
    pub(super) async fn verify_usage(&mut self, store: &LocalStore) {
        let mut expected = BTreeMap::new();
        for key in 0..KEYS {
            let path = at(key);
            let object = store.head_object(&path, &GetRequest::default()).await.ok();
            let object = object.map(|head| (head.object.size, head.object.last_modified));
            let claimed = self.notes[&key][0].as_deref().map(claim);
            let kept = |kept: Kept| (true, kept.size, kept.modified);
            let here = object.map(|(size, modified)| (false, size, modified));
            let counted = match claimed {
                None | Some(Claim::Here { otherwise: None }) => here,
                Some(Claim::Here { otherwise: Some(other) }) => here.or(Some(kept(other))),
                Some(Claim::There(other)) => Some(kept(other)),
                Some(Claim::Gone) => None,
            };
            let Some((away, size, modified)) = counted else { continue };
            let template = templates(self.template).of("bucket").cloned();
            let labels = template.as_ref().and_then(|it| it.labels(path.key.as_str()));
            let labels = labels.unwrap_or_default();
            let label = |label: Option<&str>| label.map(str::to_owned);
            let class =
                (label(labels.company), label(labels.kind), away, Month::of(modified).to_string());
            let (objects, bytes) = expected.entry(class).or_insert((0_u64, 0_u64));
            (*objects, *bytes) = (*objects + 1, *bytes + size);
        }
        let usage = self.settled(store).await;
        let rows = usage.rows.into_iter().map(|row| {
            let class = (row.company, row.kind, row.away, row.month.to_string());
            (class, (row.usage.objects, row.usage.bytes))
        });
        assert_eq!(rows.collect::<BTreeMap<_, _>>(), expected);
        if store.read_only_reason().is_none() {
            let recounted = store.recount(&bucket()).await.unwrap();
            assert!(recounted.compared);
            assert_right(&recounted);
        }
    }
}

fn numbered(number: u64) -> ObjectPath {
    ObjectPath {
        bucket: bucket(),
        key: ObjectKey::parse(&format!("{}/{number:05}", number % 7)).unwrap(),
    }
}

async fn put(store: &LocalStore, path: &ObjectPath, size: usize) {
    let content = content(1, size);
    store.put_object(path, NewObject::default(), body(&content, None)).await.unwrap();
}

async fn exact(store: &LocalStore, template: Option<&KeyTemplate>) -> (u64, u64, usize) {
    let usage = loop {
        let usage = store.split_usage(&bucket()).unwrap();
        if usage.accuracy == Accuracy::Exact && usage.template.as_ref() == template {
            break usage;
        }
        tokio::task::yield_now().await;
    };
    let sum = |of: fn(&BucketUsage) -> u64| usage.rows.iter().map(|row| of(&row.usage)).sum();
    (sum(|usage| usage.objects), sum(|usage| usage.bytes), usage.rows.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recount_in_many_portions_misses_nothing_that_is_written_beside_it() {
    let machine = Machine::new(1).without_checkpoints();
    let store = machine.open().await.unwrap();
    let all: Vec<_> = (0..2000).map(numbered).collect();
    futures_util::future::join_all(all.iter().map(|path| put(&store, path, 3))).await;
    for path in all.iter().step_by(5) {
        store.set_entry(path, Some(content(1, 5))).await.unwrap();
    }
    let changes = async {
        for (number, path) in all.iter().enumerate() {
            match number % 4 {
                0 => put(&store, path, 10).await,
                1 => {
                    store.delete_object(path, &DeleteRequest::default()).await.unwrap();
                }
                2 => store.set_entry(path, Some(content(2, 9))).await.unwrap(),
                _ => store.set_entry(path, None).await.unwrap(),
            }
        }
        false
    };
    let bucket = bucket();
    let recounts = async {
        for _ in 0..20 {
            let recounted = store.recount(&bucket).await.unwrap();
            assert!(recounted.compared && recounted.keys >= 1400);
            assert_right(&recounted);
        }
    };
    tokio::join!(changes, recounts);
    assert_right(&store.recount(&bucket).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_counters_are_told_and_repaired() {
    let machine = Machine::new(1);
    let store = machine.open().await.unwrap();
    for number in 0..20 {
        put(&store, &numbered(number), 5).await;
    }
    let id = store.core.bucket(&bucket()).unwrap().id;
    {
        let mut progress = store.core.progress();
        progress.tally.set_bucket(id, Usage { objects: 99, bytes: 1 });
        let split = progress.tally.split_mut(id).unwrap();
        let (class, _) = split.rows.iter().next().unwrap();
        split.rows = crate::store::local::split::Rows::default();
        split.rows.set(class, Usage { objects: 21, bytes: 100 });
    }
    let recounted = store.recount(&bucket()).await.unwrap();
    assert_eq!(recounted.counted, BucketUsage { objects: 99, bytes: 1 });
    assert_eq!(recounted.found, BucketUsage { objects: 20, bytes: 100 });
    let [(row, found)] = recounted.wrong.as_slice() else { panic!("{recounted:?}") };
    assert_eq!((row.usage.objects, found.objects), (21, 20));
    assert_eq!(store.usage(&bucket()).unwrap(), BucketUsage { objects: 20, bytes: 100 });
    assert_right(&store.recount(&bucket()).await.unwrap());
    // The repair is among what a restart goes on from.
    tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
    machine.check();
}

/// Killed before a checkpoint, even the bucket itself comes out of the log again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_exact_at_once_when_a_killed_store_is_open_again() {
    // Whatever became of the index.
    for seed in 0..12 {
        let mut machine = Machine::new(seed).without_checkpoints();
        machine.template = 1;
        let store = machine.open().await.unwrap();
        for number in 0..150 {
            put(&store, &numbered(number), 2).await;
        }
        let before = store.split_usage(&bucket()).unwrap();
        assert!(before.accuracy == Accuracy::Exact && before.template.is_some());
        machine.kill();
        drop(store);
        let store = machine.open().await.unwrap();
        assert_eq!(store.split_usage(&bucket()).unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_template_has_the_bucket_counted_anew_and_its_rows_dated_until_then() {
    let template = KeyTemplate::parse("{company}/{*}").unwrap();
    let by = |template: &KeyTemplate| KeyTemplates::from_iter([("bucket", template.clone())]);
    let mut machine = Machine::new(1).without_checkpoints();
    machine.options.checkpoint_interval = Duration::from_millis(5);
    let store = machine.open().await.unwrap();
    for number in 0..50 {
        put(&store, &numbered(number), 2).await;
    }
    assert_eq!(exact(&store, None).await, (50, 100, 1));
    store.count_by(by(&template));
    assert_eq!(exact(&store, Some(&template)).await, (50, 100, 7));
    // A bucket that is made later is counted so from its first object on.
    store.delete_bucket(&BucketName::parse("absent").unwrap()).await.unwrap_err();
    let other = BucketName::parse("other").unwrap();
    store.count_by(KeyTemplates::from_iter([("other", template.clone())]));
    store.create_bucket(&other, &owner()).await.unwrap();
    let made = store.split_usage(&other).unwrap();
    assert_eq!((made.accuracy, made.template), (Accuracy::Exact, Some(template.clone())));
    assert_eq!(exact(&store, None).await, (50, 100, 1));
    machine.kill();
    drop(store);
    let store = machine.open().await.unwrap();
    store.count_by(by(&template));
    assert_eq!(exact(&store, Some(&template)).await, (50, 100, 7));
    store.delete_bucket(&other).await.unwrap();
    assert!(matches!(store.recount(&other).await, Err(StoreError::NoSuchBucket)));
    // While it is counted anew, what it was before is told, with the date.
    let id = store.core.bucket(&bucket()).unwrap().id;
    store.core.progress().tally.split_mut(id).unwrap().begin(None, Timestamp(77));
    put(&store, &numbered(50), 2).await;
    let dated = store.split_usage(&bucket()).unwrap();
    assert_eq!((dated.accuracy, dated.rows.len()), (Accuracy::AsOf(Timestamp(77)), 7));
    assert_eq!(dated.recounted, Some(0));
    assert!(store.recount(&bucket()).await.is_ok());
    assert_eq!(exact(&store, Some(&template)).await, (51, 102, 7));
}
