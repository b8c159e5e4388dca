//! What is found out about an upstream, and what is left behind there.

use std::collections::HashMap;

use super::*;
use crate::object::{ManualClock, UploadsQuery};
use crate::placement::{Mode, Route, Upstream};
use crate::store::{Call, FaultStore, MemoryStore, Multipart as _, Objects as _};

const NAMES: [&str; 6] = ["head", "list", "put", "get", "delete", "multipart"];

struct World {
    far: Arc<MemoryStore>,
    fault: Arc<FaultStore>,
    trials: PermissionTrials,
}

fn name(text: &str) -> BucketName {
    BucketName::parse(text).expect("a good name")
}

fn owner() -> Owner {
    Owner { id: "id".into(), display_name: "name".into() }
}

/// An upstream that has the named buckets; bucket `cloud` leads there by name, the others of the
/// gateway by default.
async fn world(there: &[&str], here: &[&str]) -> World {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000)));
    let store = || Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
    let (far, home) = (store(), store());
    for (store, names) in [(&far, there), (&home, here)] {
        for bucket in names {
            store.create_bucket(&name(bucket), &owner()).await.expect("made");
        }
    }
    let fault = Arc::new(FaultStore::new(Arc::clone(&far) as _));
    let upstream = Upstream {
        name: "main".into(),
        store: Arc::clone(&fault) as _,
        target: Arc::new(|bucket| (bucket.as_str().to_owned(), "p/".to_owned())),
    };
    let route = Route { mode: Mode::Fallback, upstream: Some(upstream), configured: true };
    let routes = Routes { named: HashMap::from([(name("cloud"), route.clone())]), default: route };
    let trials = PermissionTrials::new(Tried {
        upstream: "main".into(),
        store: Arc::clone(&fault) as _,
        budget: Duration::from_secs(5),
        home,
        routes: Arc::new(routes),
        owner: owner(),
        clock,
    });
    World { far, fault, trials }
}

impl World {
    async fn is_clean(&self, bucket: &str) -> bool {
        let list = ListQuery { limit: 10, ..ListQuery::default() };
        let objects = self.far.list_objects(&name(bucket), &list).await.expect("listed");
        let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
        let uploads = self.far.list_uploads(&name(bucket), &query).await.expect("listed");
        objects.entries.is_empty() && uploads.entries.is_empty()
    }
}

fn refused(what: &'static str) -> impl Fn() -> StoreError {
    move || StoreError::Unavailable { what: what.to_owned() }
}

#[tokio::test]
async fn every_permission_is_tried_in_every_bucket_and_nothing_stays_behind() {
    let world = world(&["cloud", "other"], &["cloud", "other"]).await;
    assert_eq!(world.trials.last(), None);
    let trials = world.trials.run().await;
    assert_eq!(trials.iter().map(|trial| &*trial.bucket).collect::<Vec<_>>(), ["cloud", "other"]);
    for trial in &trials {
        assert!(trial.is_good(), "{trial:?}");
        let names: Vec<_> = trial.permissions.iter().map(|permission| permission.name).collect();
        assert_eq!((names.as_slice(), &*trial.prefix), (&NAMES[..], "p/"));
        assert!(world.is_clean(&trial.bucket).await);
    }
    assert_eq!(world.trials.last(), Some((Timestamp(1_000), trials)));
}

#[tokio::test]
async fn each_permission_has_its_own_verdict() {
    let cases = [
        (Call::HeadBucket, "head"),
        (Call::ListObjects, "list"),
        (Call::PutObject, "put"),
        (Call::GetObject, "get"),
        (Call::DeleteObject, "delete"),
        (Call::CreateUpload, "multipart"),
        (Call::AbortUpload, "multipart"),
    ];
    for (call, denied) in cases {
        let world = world(&["cloud"], &[]).await;
        world.fault.fail_always(call, refused("AccessDenied: the key needs more"));
        let trials = world.trials.run().await;
        for permission in &trials[0].permissions {
            let fault = permission.fault.as_deref().unwrap_or_default();
            assert_eq!(permission.name == denied, fault.contains("AccessDenied"), "{call:?}");
        }
        assert_eq!(faults(&trials).len(), 1, "{call:?}");
        let is_left = matches!(call, Call::DeleteObject | Call::AbortUpload);
        assert_eq!(world.is_clean("cloud").await, !is_left, "{call:?}");
    }
}

#[tokio::test]
async fn faults_are_told_once_with_all_that_they_concern() {
    let world = world(&["cloud", "other"], &["other"]).await;
    for call in Call::ALL {
        world.fault.fail_always(*call, refused("connection refused"));
    }
    let trials = world.trials.run().await;
    let faults = faults(&trials);
    assert_eq!(faults[0], "head, list, put, get, multipart: connection refused");
    assert!(faults[1..].iter().all(|fault| fault.starts_with("delete: connection refused; the")));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let world = world(&[], &[]).await;
    let trials = world.trials.run().await;
    assert!(!trials[0].is_good());
    assert!(trials[0].permissions.iter().all(|permission| permission.fault.is_some()));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_does_not_answer_takes_no_longer_than_one_answer() {
    let world = world(&["cloud"], &[]).await;
    let start = Instant::now();
    let silent = |name| world.trials.tried.timed(name, std::future::pending());
    let permission = silent("head").await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let fault = permission.fault.expect("nobody answered");
    assert!(fault.contains("upstream main did not answer in 5s"), "{fault}");
    assert_eq!(untried(&fault).len(), 4);
}
