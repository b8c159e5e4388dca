//! Plans: what they show, what they refuse, and that they are run as they are.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::world::{World, spec};
use crate::body::Payload;
use crate::migrate::{
    Amendment, Amount, Filter, List, Migrations, Refusal, RefusalKind, Spec, State, View,
};
use crate::placement::Mode;
use crate::placement::tests::world::{content, path};
use crate::placement::transfer::Direction;
use crate::store::conformance::body;
use crate::store::{GetRequest, MemoryStore, NewObject, Objects as _};

const INVOICE: &str = "attachments/invoice/company_1/2024/a.pdf";
const EXPENSE: &str = "attachments/expense/company_1/2024/b.pdf";
const OTHER: &str = "attachments/invoice/company_22/2024/c.pdf";

async fn world() -> World {
    let world = World::new(Mode::Local).await;
    for (key, text) in [(INVOICE, "1"), (EXPENSE, "22"), (OTHER, "333"), ("avatars/x", "4444")] {
        world.put(key, text).await;
    }
    world
}

async fn plant(store: &MemoryStore, key: &str, text: &str) {
    let body = body(&content(text), None);
    store.put_object(&path(key), NewObject::default(), body).await.unwrap();
}

async fn is_there(world: &World, key: &str) -> bool {
    world.there.head_object(&path(key), &GetRequest::default()).await.is_ok()
}

async fn plan(world: &World, filter: Filter) -> View {
    let spec = Spec { filter, ..spec(Direction::ToS3) };
    world.migrations.plan(spec, None).await.unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn start(world: &mut World, spec: Spec) -> Result<View, Refusal> {
    let migrations = Arc::clone(&world.migrations);
    world.until(migrations.start(spec, None)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_what_would_be_moved_and_moves_nothing() {
    let world = world().await;
    plant(&world.there, OTHER, "theirs").await;
    let view = plan(&world, Filter::default()).await;
    assert_eq!(view.state, State::Planned);
    let shown = view.plan.unwrap();
    assert_eq!((shown.objects, shown.bytes), (3, 7));
    assert_eq!(shown.by_company["1"], Amount { objects: 2, bytes: 3 });
    assert_eq!(shown.by_company[""], Amount { objects: 1, bytes: 4 });
    assert_eq!(shown.by_type["invoice"], Amount { objects: 1, bytes: 1 });
    assert_eq!((shown.conflicts.objects, shown.conflicts.examples[0].key.as_str()), (1, OTHER));
    assert!(!is_there(&world, INVOICE).await);
    let one = Filter { companies: texts(&["1"]), ..Filter::default() };
    let shown = plan(&world, one.clone()).await.plan.unwrap();
    assert_eq!((shown.objects, shown.bytes), (2, 3));
    let typed = Filter { types: texts(&["expense"]), ..one };
    assert_eq!(plan(&world, typed).await.plan.unwrap().objects, 1);
    let large = Filter { min_size: Some(4), ..Filter::default() };
    let shown = plan(&world, large).await.plan.unwrap();
    assert_eq!((shown.objects, shown.skipped.filtered.objects), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_run_as_it_is_and_once() {
    let mut world = world().await;
    let filter = Filter { companies: texts(&["1"]), ..Filter::default() };
    let shown = plan(&world, filter).await;
    // What comes or changes afterwards is no part of it, whatever a restart does.
    world.put("attachments/invoice/company_1/2024/new.pdf", "new").await;
    world.clock.advance(5_000);
    world.put(EXPENSE, "changed").await;
    world.restart(Mode::Local).await;
    let run = |migrations: &Arc<Migrations>, direction| {
        let (migrations, id) = (Arc::clone(migrations), shown.id.clone());
        async move { migrations.run_plan(&id, direction, Amendment::default()).await }
    };
    let other_way = run(&world.migrations, Direction::ToLocal).await.unwrap_err();
    assert_eq!(other_way.kind, RefusalKind::Invalid);
    let ordered = run(&world.migrations, Direction::ToS3).await.unwrap();
    assert_eq!(ordered.id, shown.id);
    let view = world.over(&shown.id, State::Done).await;
    assert_eq!((view.progress.counts.moved, view.progress.counts.skipped), (1, 1));
    assert!(is_there(&world, INVOICE).await && !is_there(&world, EXPENSE).await);
    assert!(!is_there(&world, "attachments/invoice/company_1/2024/new.pdf").await);
    let again = run(&world.migrations, Direction::ToS3).await.unwrap_err();
    assert_eq!((again.kind, again.fault.code.as_str()), (RefusalKind::Conflict, "PlanAlreadyRun"));
}

#[tokio::test(start_paused = true)]
async fn guards_refuse_before_anything_is_done() {
    let mut world = world().await;
    let refused = async |world: &mut World, spec: Spec| start(world, spec).await.unwrap_err();
    let none = Filter { companies: texts(&["99"]), ..Filter::default() };
    let refusal = refused(&mut world, Spec { filter: none, ..spec(Direction::ToS3) }).await;
    assert_eq!((refusal.kind, refusal.fault.code.as_str()), (RefusalKind::Conflict, "EmptySource"));
    let capped = Spec { max_deletions: Some(3), ..spec(Direction::ToS3) };
    let refusal = refused(&mut world, capped.clone()).await;
    assert_eq!(refusal.fault.code, "TooManyDeletions");
    assert!(refusal.fault.message.contains('4') && refusal.fault.message.contains('3'));
    assert!(world.migrations.latest(10).is_empty(), "nothing is left of what was refused");
    assert!(!is_there(&world, INVOICE).await);
    let kept = start(&mut world, Spec { keep_source: true, ..capped }).await.unwrap();
    world.over(&kept.id, State::Done).await;
    world.room.store(9, Ordering::SeqCst);
    let refusal = refused(&mut world, spec(Direction::ToLocal)).await;
    assert_eq!(
        (refusal.kind, refusal.fault.code.as_str()),
        (RefusalKind::NoRoom, "InsufficientStorage")
    );
    world.room.store(10, Ordering::SeqCst);
    world.done(spec(Direction::ToLocal)).await;
    let other = Filter { bucket: Some("other".to_owned()), ..Filter::default() };
    let refusal = refused(&mut world, Spec { filter: other, ..spec(Direction::ToS3) }).await;
    assert_eq!(refusal.fault.code, "EmptySource");
    let unknown = Filter { list: Some(List::FailedOf("x".to_owned())), ..Filter::default() };
    let refusal = refused(&mut world, Spec { filter: unknown, ..spec(Direction::ToS3) }).await;
    assert_eq!(refusal.kind, RefusalKind::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_names_what_is_moved() {
    let mut world = world().await;
    let manifest =
        format!("{INVOICE}\n\nabsent\n{{\"bucket\":\"bucket\",\"key\":\"avatars/x\"}}\n");
    let filter = Filter {
        bucket: Some("bucket".to_owned()),
        list: Some(List::Manifest),
        ..Filter::default()
    };
    let spec = Spec { filter, ..spec(Direction::ToS3) };
    let body = Payload::from_bytes(manifest);
    let shown = world.migrations.plan(spec.clone(), Some(body)).await.unwrap().plan.unwrap();
    assert_eq!((shown.objects, shown.skipped.not_there), (2, 1));
    let migrations = Arc::clone(&world.migrations);
    let body = Payload::from_bytes(format!("key,bucket\r\n{EXPENSE},bucket\r\n"));
    let view = world.until(migrations.start(spec.clone(), Some(body))).await.unwrap().unwrap();
    world.over(&view.id, State::Done).await;
    assert!(is_there(&world, EXPENSE).await && !is_there(&world, INVOICE).await);
    let body = Payload::from_bytes("{\"no\":1}\n");
    let refusal = world.migrations.plan(spec, Some(body)).await.unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.fault.code.as_str()),
        (RefusalKind::Invalid, "InvalidManifest")
    );
    assert!(refusal.fault.message.contains("line 1"), "{}", refusal.fault.message);
}
