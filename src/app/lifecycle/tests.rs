use std::collections::HashMap;

use super::*;
use crate::admin::LifeCycleCounts;
use crate::object::{BucketSetting, SettingDocument, TagSet, UploadsQuery};
use crate::placement::tests::world::{START, World, bucket, content, new_upload, path};
use crate::placement::{Route, Upstream};
use crate::store::{
    Buckets as _, GetRequest, MemoryStore, Multipart as _, Objects as _, Tags as _,
};

const DAY: i64 = DAY_MILLIS;

fn days(prefix: &str, days: u32) -> String {
    format!(
        "<Rule><ID>{prefix}</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>\
         <Expiration><Days>{days}</Days></Expiration></Rule>"
    )
}

async fn set(world: &World, rules: &str) {
    let text = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
    let document = SettingDocument::new(text).unwrap();
    let (bucket, which) = (bucket(), BucketSetting::Lifecycle);
    world.home.set_bucket_setting(&bucket, which, Some(document)).await.unwrap();
}

fn worker(world: &World, mode: Mode) -> (LifecycleWorker, Arc<Metrics>) {
    let target = |bucket: &BucketName| (bucket.as_str().to_owned(), String::new());
    let store = Arc::clone(&world.faults) as Arc<dyn Store>;
    let upstream = Some(Upstream { name: "main".into(), store, target: Arc::new(target) });
    let default = Route { mode, upstream, configured: false };
    let metrics = Arc::new(Metrics::default());
    let parts = Parts {
        home: Arc::clone(&world.home) as Arc<dyn Home>,
        store: Arc::clone(&world.placement) as Arc<dyn Store>,
        routes: Arc::new(Routes { named: HashMap::new(), default }),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        metrics: Arc::clone(&metrics),
        options: config::Lifecycle { period: Duration::from_hours(24), rate: 1000 },
    };
    (LifecycleWorker::new(parts), metrics)
}

/// A whole pass; says when the next one is.
async fn pass(worker: &mut LifecycleWorker) -> Duration {
    for _ in 0..1000 {
        match worker.step().await {
            Next::After(pause) if pause > Duration::from_secs(1) => return pause,
            Next::Now | Next::After(_) => {}
            Next::Done => break,
        }
    }
    panic!("the pass does not end");
}

async fn there(store: &MemoryStore, key: &str) -> bool {
    store.head_object(&path(key), &GetRequest::default()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn what_is_due_goes_and_nothing_else() {
    let world = World::new(Mode::Local).await;
    let many: Vec<String> = (0..300).map(|number| format!("old/{number:03}")).collect();
    for key in many.iter().map(String::as_str).chain(["kept", "later/1"]) {
        world.put(key, &content("12345")).await.unwrap();
    }
    set(&world, &(days("old/", 1) + &days("later/", 30))).await;
    let (mut worker, metrics) = worker(&world, Mode::Local);
    // It is 22:13:20.250, and at midnight there may be more to do.
    assert_eq!(pass(&mut worker).await, Duration::from_millis(6_399_750));
    assert_eq!(world.listed().await.unwrap().len(), 302);
    assert_eq!(metrics.life_cycles(), (LifeCycleCounts::default(), Some(START)));
    world.clock.advance(2 * DAY);
    pass(&mut worker).await;
    assert_eq!(world.listed().await.unwrap(), ["kept", "later/1"]);
    let counts = LifeCycleCounts { deleted: 300, deleted_bytes: 1500, ..Default::default() };
    assert_eq!(metrics.life_cycles().0, counts);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_after_it_was_judged_stays() {
    let world = World::new(Mode::Local).await;
    for key in ["a", "b"] {
        world.put(key, &content("same")).await.unwrap();
    }
    set(&world, &days("", 1)).await;
    world.clock.advance(3 * DAY);
    let (mut worker, metrics) = worker(&world, Mode::Local);
    // Buckets are looked up, the first is taken, its page is read.
    for _ in 0..3 {
        assert_eq!(worker.step().await, Next::Now);
    }
    world.put("b", &content("same")).await.unwrap();
    pass(&mut worker).await;
    assert_eq!(world.listed().await.unwrap(), ["b"]);
    let counts = LifeCycleCounts { deleted: 1, deleted_bytes: 4, kept: 1, ..Default::default() };
    assert_eq!(metrics.life_cycles().0, counts);
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_removed_meanwhile_do_nothing() {
    let world = World::new(Mode::Local).await;
    world.put("a", &content("x")).await.unwrap();
    set(&world, &days("", 1)).await;
    world.clock.advance(3 * DAY);
    let (mut worker, _) = worker(&world, Mode::Local);
    for _ in 0..3 {
        worker.step().await;
    }
    world.home.set_bucket_setting(&bucket(), BucketSetting::Lifecycle, None).await.unwrap();
    pass(&mut worker).await;
    assert_eq!(world.listed().await.unwrap(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn tags_are_looked_up_where_they_decide() {
    let world = World::new(Mode::Local).await;
    for (key, value) in [("a", "no"), ("b", "yes"), ("c", "no")] {
        world.put(key, &content("x")).await.unwrap();
        let tags = TagSet::for_object([("keep".to_owned(), value.to_owned())]).unwrap();
        world.home.set_object_tags(&path(key), None, tags).await.unwrap();
    }
    let tag = "<Filter><Tag><Key>keep</Key><Value>no</Value></Tag></Filter>";
    set(&world, &days("x", 1).replace("<Filter><Prefix>x</Prefix></Filter>", tag)).await;
    world.clock.advance(3 * DAY);
    pass(&mut worker(&world, Mode::Local).0).await;
    assert_eq!(world.listed().await.unwrap(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn uploads_that_nobody_finishes_go() {
    let world = World::new(Mode::Local).await;
    for key in ["a/1", "b/1"] {
        world.home.create_upload(&path(key), new_upload()).await.unwrap();
    }
    let abort = "<Rule><ID>r</ID><Filter><Prefix>a/</Prefix></Filter><Status>Enabled</Status>\
                 <AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>\
                 </AbortIncompleteMultipartUpload></Rule>";
    set(&world, abort).await;
    let (mut worker, metrics) = worker(&world, Mode::Local);
    let left = async || {
        let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
        world.home.list_uploads(&bucket(), &query).await.unwrap().entries.len()
    };
    pass(&mut worker).await;
    assert_eq!(left().await, 2);
    world.clock.advance(2 * DAY);
    pass(&mut worker).await;
    assert_eq!((left().await, metrics.life_cycles().0.aborted), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_upstream_goes_there_too_once_it_answers() {
    let world = World::new(Mode::Fallback).await;
    world.put("sent", &content("x")).await.unwrap();
    World::plant(&world.there, "others", &content("x")).await;
    world.go_away();
    world.put("spooled", &content("x")).await.unwrap();
    set(&world, &days("", 1)).await;
    world.clock.advance(3 * DAY);
    let (mut worker, metrics) = worker(&world, Mode::Fallback);
    pass(&mut worker).await;
    assert!(!there(&world.home, "spooled").await && there(&world.there, "sent").await);
    let counts = metrics.life_cycles().0;
    assert_eq!((counts.deleted, counts.failed), (1, 1));
    world.come_back();
    world.clock.advance(DAY);
    pass(&mut worker).await;
    assert!(!there(&world.there, "sent").await && there(&world.there, "others").await);
    assert_eq!(metrics.life_cycles().0.deleted, 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_the_same_content_upstream_is_not_what_was_judged() {
    let world = World::new(Mode::Fallback).await;
    world.put("a", &content("same")).await.unwrap();
    set(&world, &days("", 1)).await;
    world.clock.advance(3 * DAY);
    let (mut worker, metrics) = worker(&world, Mode::Fallback);
    // The page of what is here, then the one of what is recorded.
    for _ in 0..4 {
        worker.step().await;
    }
    world.put("a", &content("same")).await.unwrap();
    pass(&mut worker).await;
    assert_eq!(world.listed().await.unwrap(), ["a"]);
    assert_eq!(metrics.life_cycles().0, LifeCycleCounts { kept: 1, ..Default::default() });
}

#[tokio::test(start_paused = true)]
async fn an_upstreams_own_objects_are_left_to_it() {
    let world = World::new(Mode::Upstream).await;
    world.put("a", &content("x")).await.unwrap();
    set(&world, &days("", 1)).await;
    world.clock.advance(3 * DAY);
    pass(&mut worker(&world, Mode::Upstream).0).await;
    assert_eq!(world.listed().await.unwrap(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn removals_leave_room_for_others() {
    let begun = Instant::now();
    assert_eq!(pause(200, 100, begun), Next::After(Duration::from_millis(500)));
    tokio::time::advance(Duration::from_millis(400)).await;
    assert_eq!(pause(200, 100, begun), Next::After(Duration::from_millis(100)));
    assert_eq!(pause(200, 0, begun), Next::Now);
}

#[test]
fn rules_are_told_of_where_they_are_carried_out() {
    let route = |mode| Route { mode, upstream: None, configured: true };
    let name = |text: &str| BucketName::parse(text).unwrap();
    let named = HashMap::from([(name("up1"), route(Mode::Upstream))]);
    let told = expiring(&Routes { named, default: route(Mode::Local) });
    assert!(told.contains(&name("b12")) && !told.contains(&name("up1")));
    let named = HashMap::from([(name("b12"), route(Mode::Fallback))]);
    let told = expiring(&Routes { named, default: route(Mode::Upstream) });
    assert!(told.contains(&name("b12")) && !told.contains(&name("up1")));
}
