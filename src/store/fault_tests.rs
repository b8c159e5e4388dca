//! The wrapper passes on what it is not told to fail, and fails what it is told to.

use super::*;
use crate::body::{Expected, digesting};
use crate::object::ObjectKey;
use crate::store::MemoryStore;
use crate::store::conformance::{self, Subject, content};

fn wrapped() -> (Arc<FaultStore<MemoryStore>>, Subject) {
    let clock = Subject::clock();
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new(clock.clone()))));
    (store.clone(), Subject::new(store, clock))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_plan_it_conforms() {
    conformance::all(|| async { wrapped().1 }).await;
}

async fn filled() -> (Arc<FaultStore<MemoryStore>>, ObjectPath) {
    let (store, _) = wrapped();
    let owner = Owner { id: "alice".into(), display_name: "Alice".into() };
    let bucket = BucketName::parse("bucket").unwrap();
    store.create_bucket(&bucket, &owner).await.unwrap();
    let at = ObjectPath { bucket, key: ObjectKey::parse("key").unwrap() };
    let body = digesting(Payload::from_bytes(content(1, 100)), Expected::default());
    store.put_object(&at, NewObject::default(), body).await.unwrap();
    (store, at)
}

#[tokio::test]
async fn calls_fail_as_planned() {
    let (store, at) = filled().await;
    let read = GetRequest::default();
    store.fail_next(Call::HeadObject, StoreError::Rebuilding);
    store.fail_next(Call::HeadObject, StoreError::Closing);
    assert!(store.get_object(&at, &read).await.is_ok());
    assert!(matches!(store.head_object(&at, &read).await, Err(StoreError::Rebuilding)));
    assert!(matches!(store.head_object(&at, &read).await, Err(StoreError::Closing)));
    assert!(store.head_object(&at, &read).await.is_ok());

    store.fail_always(Call::HeadObject, || StoreError::StorageFull);
    for _ in 0..3 {
        assert!(matches!(store.head_object(&at, &read).await, Err(StoreError::StorageFull)));
    }
    store.heal();
    assert!(store.head_object(&at, &read).await.is_ok());
    assert_eq!(store.count(Call::HeadObject), 7);
    assert_eq!(store.count(Call::ListParts), 0);
    assert_eq!(Call::ALL.len(), 30);
}

#[tokio::test]
async fn bodies_break_after_so_many_bytes() {
    let (store, at) = filled().await;
    for after in [0, 1, 99] {
        store.break_next_body(after);
        let mut body = store.get_object(&at, &GetRequest::default()).await.unwrap().body;
        assert_eq!(body.length(), Some(100));
        let mut seen = Vec::new();
        let error = loop {
            match body.next().await.unwrap() {
                Ok(chunk) => seen.extend_from_slice(&chunk),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, BodyError::Store(_)));
        assert_eq!(seen, content(1, 100)[..usize::try_from(after).unwrap()]);
    }
    let body = store.get_object(&at, &GetRequest::default()).await.unwrap().body;
    assert_eq!(body.collect(1000).await.unwrap(), content(1, 100));
}
