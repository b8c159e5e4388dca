//! A client goes on writing while objects are moved and moved back, the upstream goes away, and
//! the process ends: what the client knows always holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::world::{World, spec};
use crate::migrate::{Ask, State};
use crate::object::ListQuery;
use crate::placement::Mode;
use crate::placement::tests::world::{bucket, content, path};
use crate::placement::transfer::Direction;
use crate::store::conformance::body;
use crate::store::{DeleteRequest, GetRequest, NewObject, Objects as _, StoreError};

const KEYS: [&str; 6] = ["a", "b", "d/1", "d/2", "e", "f"];

/// What keys may be: the last that was acknowledged, or what has got no answer since.
type Model = BTreeMap<&'static str, Vec<Option<String>>>;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_knows_holds() {
    for seed in 1..=20 {
        for direction in [Direction::ToS3, Direction::ToLocal] {
            for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
                history(seed, direction, mode).await;
            }
        }
    }
}

async fn history(seed: u64, direction: Direction, mode: Mode) {
    let words = format!("{seed} {direction:?} {mode:?}");
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut world = World::new(Mode::Local).await;
    let mut model = Model::new();
    for key in KEYS {
        world.put(key, key).await;
        model.insert(key, vec![Some(key.to_owned())]);
    }
    if direction == Direction::ToLocal {
        world.done(spec(Direction::ToS3)).await;
    }
    world.restart(mode).await;
    let migrations = Arc::clone(&world.migrations);
    let id = world.until(migrations.start(spec(direction), None)).await.unwrap().unwrap().id;
    for wanted in [State::Done, State::RolledBack] {
        let turns = random.below(6);
        for _ in 0..turns {
            if random.below(4) == 0 {
                world.fate.crash_after(i64::try_from(random.below(150)).unwrap());
            }
            if random.below(5) == 0 {
                world.flaky.set_away(true);
            }
            let placement = Arc::clone(&world.placement);
            let (mut writes, number) = (random.below(4), random.below(1000));
            let writing = async {
                while writes > 0 {
                    writes -= 1;
                    let key = KEYS[usize::try_from(random.below(6)).unwrap()];
                    write(&placement, key, number * 10 + writes, &mut model, &mut random).await;
                    tokio::time::sleep(Duration::from_millis(random.below(3))).await;
                }
            };
            let crashed = world.until(writing).await.is_none();
            world.flaky.set_away(false);
            if crashed {
                world.restart(mode).await;
            }
            world.fate.forget();
            check(&world, &model, &words).await;
        }
        world.over(&id, wanted).await;
        world.forward().await;
        check(&world, &model, &words).await;
        if wanted == State::Done {
            world.asked(&id, Ask::RollBack).await.unwrap();
        }
    }
    for mode in [mode, Mode::Fallback, Mode::Local] {
        world.restart(mode).await;
        world.forward().await;
        check(&world, &model, &words).await;
    }
}

async fn write(
    placement: &crate::placement::Placement,
    key: &'static str,
    number: u64,
    model: &mut Model,
    random: &mut Random,
) {
    let text = (random.below(3) > 0).then(|| format!("{key} {number}"));
    let may = model.get_mut(key).unwrap();
    // Until there is an answer, it may be either.
    may.push(text.clone());
    let answer = match &text {
        Some(text) => {
            let body = body(&content(text), None);
            placement.put_object(&path(key), NewObject::default(), body).await.map(|_| ())
        }
        None => placement.delete_object(&path(key), &DeleteRequest::default()).await.map(|_| ()),
    };
    match answer {
        Ok(()) => *may = vec![text],
        Err(StoreError::Unavailable { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

async fn check(world: &World, model: &Model, words: &str) {
    let query = ListQuery { limit: 100, ..ListQuery::default() };
    let page = world.placement.list_objects(&bucket(), &query).await.unwrap();
    for key in KEYS {
        let got = world.placement.get_object(&path(key), &GetRequest::default()).await;
        let found = match got {
            Ok(got) => {
                let bytes = got.body.collect(usize::MAX).await.unwrap();
                Some(String::from_utf8(bytes.to_vec()).unwrap())
            }
            Err(StoreError::NoSuchKey) => None,
            Err(error) => panic!("{words} {key}: {error:?}"),
        };
        assert!(model[key].contains(&found), "{words} {key} is {found:?}, not {:?}", model[key]);
        let listed = page.entries.iter().any(|entry| {
            matches!(entry, crate::object::ListEntry::Object { key: listed, .. } if listed.as_str() == key)
        });
        if model[key].len() == 1 {
            assert_eq!(listed, found.is_some(), "{words} {key}");
        }
    }
}
