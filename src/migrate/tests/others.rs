//! Migrations beside work of another kind: whose objects, and whose uploads.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::world::{World, spec};
use crate::migrate::journal::Entry;
use crate::migrate::{Amendment, Ask, Filter, Limits, RefusalKind, Spec, State};
use crate::object::ETag;
use crate::placement::Mode;
use crate::placement::tests::world::path;
use crate::placement::transfer::Direction;

fn of(bucket: &str) -> Filter {
    Filter { bucket: Some(bucket.to_owned()), ..Filter::default() }
}

#[tokio::test(start_paused = true)]
async fn claimed_objects_are_left_alone_until_the_claim_is_dropped() {
    let mut world = World::new(Mode::Local).await;
    world.put("a", "1").await;
    let migrations = Arc::clone(&world.migrations);
    let claim = migrations.claim("the work 7".to_owned(), of("bucket")).await.unwrap();
    let elsewhere = migrations.claim("the work 8".to_owned(), of("other")).await.unwrap();
    let refusal = migrations.start(spec(Direction::ToS3), None).await.unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.fault.code.as_str()),
        (RefusalKind::Conflict, "OverlappingJob")
    );
    assert!(refusal.fault.message.contains("the work 7"), "{}", refusal.fault.message);
    let plan = world.until(migrations.plan(spec(Direction::ToS3), None)).await.unwrap().unwrap();
    let run = migrations.run_plan(&plan.id, Direction::ToS3, Amendment::default()).await;
    assert_eq!(run.unwrap_err().fault.code, "OverlappingJob");
    drop(claim);
    let view = world.done(spec(Direction::ToS3)).await;
    let claim = migrations.claim("the work 9".to_owned(), Filter::default()).await;
    assert_eq!(claim.as_ref().unwrap_err().fault.code, "OverlappingJob", "{claim:?}");
    drop(elsewhere);
    let claim = migrations.claim("the work 9".to_owned(), Filter::default()).await.unwrap();
    let refusal = world.asked(&view.id, Ask::RollBack).await.unwrap_err();
    assert!(refusal.fault.message.contains("the work 9"), "{}", refusal.fault.message);
    drop(claim);
    world.asked(&view.id, Ask::RollBack).await.unwrap();
    world.over(&view.id, State::RolledBack).await;
}

#[tokio::test(start_paused = true)]
async fn objects_of_a_migration_cannot_be_claimed_before_it_is_over() {
    let mut world = World::new(Mode::Local).await;
    for number in 0..5 {
        world.put(&format!("k{number}"), "1").await;
    }
    let requests_per_second = Some(1);
    let limits = Limits { concurrency: 1, bytes_per_second: None, requests_per_second };
    let migrations = Arc::clone(&world.migrations);
    let order = Spec { limits, ..spec(Direction::ToS3) };
    let id = world.until(migrations.start(order, None)).await.unwrap().unwrap().id;
    world.asked(&id, Ask::Pause).await.unwrap();
    let refusal = migrations.claim("the work 7".to_owned(), of("bucket")).await.unwrap_err();
    assert_eq!(refusal.fault.code, "OverlappingMigration");
    assert!(refusal.fault.message.contains(&id), "{}", refusal.fault.message);
    migrations.claim("the work 7".to_owned(), of("other")).await.unwrap();
    world.asked(&id, Ask::Cancel).await.unwrap();
    world.over(&id, State::Cancelled).await;
    migrations.claim("the work 7".to_owned(), of("bucket")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn uploads_that_a_migration_began_are_known_once_it_is_over() {
    let mut world = World::new(Mode::Local).await;
    world.put("a", "1").await;
    let view = world.done(spec(Direction::ToS3)).await;
    let migrations = Arc::clone(&world.migrations);
    assert!(!migrations.began_uploads(Direction::ToS3).await.unwrap());
    let journal = migrations.job(&view.id).unwrap().journal.clone();
    let of = ETag::parse("e");
    journal.note(&Entry::Upload { line: 0, id: "ours".to_owned(), of }, true).await.unwrap();
    world.restart(Mode::Local).await;
    let migrations = Arc::clone(&world.migrations);
    let among: BTreeSet<String> = ["ours", "theirs"].map(str::to_owned).into();
    assert!(migrations.began_uploads(Direction::ToS3).await.unwrap());
    let found = migrations.left_uploads(Direction::ToS3, &among).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("ours".to_owned(), view.id.clone())]);
    assert!(migrations.left_uploads(Direction::ToLocal, &among).await.unwrap().is_empty());
    // While it is taken back, they are its own.
    migrations.ask(&view.id, Ask::RollBack).await.unwrap();
    assert!(migrations.left_uploads(Direction::ToS3, &among).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_objects_history_is_read_up_to_a_bound() {
    let mut world = World::new(Mode::Local).await;
    for key in ["a", "a\"b", "a/b"] {
        world.put(key, key).await;
    }
    let etag = world.seen("a\"b").await.unwrap().0.etag;
    let first = world.done(spec(Direction::ToS3)).await;
    world.asked(&first.id, Ask::RollBack).await.unwrap();
    world.over(&first.id, State::RolledBack).await;
    world.clock.advance(60_000);
    let filter = Filter { prefix: "a/".to_owned(), ..of("bucket") };
    let second = world.done(Spec { filter, ..spec(Direction::ToS3) }).await;
    let migrations = Arc::clone(&world.migrations);
    let (found, complete) = migrations.history(&path("a\"b"), u64::MAX).await.unwrap();
    let ways: Vec<_> = found.iter().map(|it| (it.migration.as_str(), it.back)).collect();
    assert_eq!((ways, complete), (vec![(first.id.as_str(), false), (&first.id, true)], true));
    assert!(found.iter().all(|it| it.end.as_deref() == Ok(etag.as_str())), "{found:?}");
    let (found, complete) = migrations.history(&path("a/b"), u64::MAX).await.unwrap();
    assert_eq!((found.len(), complete, &found[0].migration), (3, true, &second.id));
    assert!(found[0].at.0 >= found[1].at.0 + 60_000, "{found:?}");
    // What the newest journal has is within these bytes, and nothing of the other one.
    let (found, complete) = migrations.history(&path("a/b"), 1500).await.unwrap();
    assert!(!complete && found.iter().all(|it| it.migration == second.id), "{found:?}");
    assert_eq!(migrations.history(&path("absent"), u64::MAX).await.unwrap(), (Vec::new(), true));
}
