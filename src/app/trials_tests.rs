//! Which buckets are tried and when. What is found out is the upstream layer's matter.

use std::collections::HashMap;

use super::*;
use crate::object::{ManualClock, Owner};
use crate::placement::guard::GuardOptions;
use crate::placement::{Route, Upstream};
use crate::store::MemoryStore;
use crate::store::upstream::{UpstreamKey, UpstreamOptions};

fn name(text: &str) -> BucketName {
    BucketName::parse(text).expect("a good name")
}

/// An upstream that nobody answers for. Bucket `cloud` leads there by name and `quiet` in the mode
/// `local`, `home` nowhere, and the others by default.
async fn trials(here: &[&str]) -> PermissionTrials {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000)));
    let home = Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
    let owner = Owner { id: "id".into(), display_name: "name".into() };
    for bucket in here {
        home.create_bucket(&name(bucket), &owner).await.expect("made");
    }
    let options = UpstreamOptions {
        // Nobody listens on the discard port.
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        path_style: true,
        credentials: Some(UpstreamKey {
            access_key: "AKIA".to_owned(),
            secret_key: "secret".to_owned(),
            session_token: None,
        }),
        ..UpstreamOptions::new("main")
    };
    let store = UpstreamStore::connect(options, Arc::clone(&clock) as _).await.expect("a client");
    let store = Arc::new(store);
    let guard = Guarded::new("main", Arc::clone(&store) as _, GuardOptions::default());
    let guard = Arc::new(guard);
    let upstream = Upstream {
        name: "main".into(),
        store: Arc::clone(&guard) as _,
        target: Arc::new(|bucket| (bucket.as_str().to_owned(), String::new())),
    };
    let leading = |mode| Route { mode, upstream: Some(upstream.clone()), configured: true };
    let nowhere = Route { mode: Mode::Local, upstream: None, configured: true };
    let named = HashMap::from([
        (name("cloud"), leading(Mode::Fallback)),
        (name("quiet"), leading(Mode::Local)),
        (name("home"), nowhere),
    ]);
    let routes = Arc::new(Routes { named, default: leading(Mode::Upstream) });
    PermissionTrials::new(Tried { upstream: "main".into(), store, guard, home, routes, clock })
}

fn buckets(trials: &[Trial]) -> Vec<&str> {
    trials.iter().map(|trial| trial.bucket.as_str()).collect()
}

#[tokio::test]
async fn at_the_start_only_what_calls_the_upstream_is_tried_and_on_demand_all_that_may() {
    let mut trials = trials(&["cloud", "home", "other"]).await;
    assert!(trials.last().is_none());
    assert_eq!(trials.step().await, Next::After(LOOK));
    let (at, found) = trials.last().expect("tried");
    assert_eq!((at, buckets(&found)), (Timestamp(1_000), vec!["cloud", "other"]));
    assert!(!is_good(&found) && found.iter().all(|trial| trial.faults.len() == 1), "{found:?}");
    let found = trials.run().await;
    assert_eq!(buckets(&found), ["cloud", "quiet", "other"]);
    assert_eq!(trials.last(), Some((Timestamp(1_000), found)));
}

#[tokio::test]
async fn who_comes_while_one_is_under_way_is_given_what_it_finds() {
    let trials = trials(&[]).await;
    let (one, other) = tokio::join!(trials.run(), trials.run());
    assert_eq!(one, other, "latencies and all");
    assert_ne!(one, trials.run().await);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_it() {
    let trials = trials(&[]).await;
    let run = trials.run();
    assert!(futures_util::FutureExt::now_or_never(run).is_none());
    let _turn = loop {
        tokio::task::yield_now().await;
        let turn = trials.turn.lock().await;
        if trials.last().is_some() {
            break turn;
        }
    };
    assert_eq!(buckets(&trials.last().expect("tried").1), ["cloud", "quiet"]);
}
