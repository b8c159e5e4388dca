//! Writers and forwarders side by side, over an upstream that fails and loses answers.

use super::*;
use crate::background::Supervisor;

const KEYS: [&str; 3] = ["a", "b", "attachments/payroll/company_1/c"];
const CONTENTS: [&str; 3] = ["one", "two", "three"];

/// One client of one key: after every answer it reads what it wrote.
async fn writes(world: Arc<World>, key: &'static str, steps: u64) -> Written {
    let at = path(key);
    let mut state = None;
    for number in 0..steps {
        world.clock.advance(i64::try_from(world.tap.random(900)).unwrap());
        if world.tap.random(4) == 0 {
            world.delete(&at).await.unwrap();
            state = None;
        } else {
            let content = Bytes::from(CONTENTS[usize::try_from(world.tap.random(3)).unwrap()]);
            world.put(&at, &content, numbered(number)).await.unwrap();
            state = Some((content, number));
        }
        {
            // A reader sees record and objects of one moment.
            let _key = world.keys.lock(&at).await;
            assert_eq!(world.view(&at).await, state, "{key} after step {number}");
        }
        tokio::time::sleep(Duration::from_millis(world.tap.random(400))).await;
    }
    state
}

async fn run(seed: u64, percent: u64) {
    let options = SpoolOptions { seed, ..SpoolOptions::default() };
    let world = Arc::new(World::with(Mode::Fallback, options, seed).await);
    world.tap.gives_way();
    world.tap.upstream_fails(percent);
    world.resume().await;
    let mut supervisor = Supervisor::default();
    world.spool.forwarders().into_iter().for_each(|forwarder| supervisor.start(forwarder));
    let clients = KEYS.map(|key| tokio::spawn(writes(world.clone(), key, 12)));
    let states: Vec<Written> = futures_util::future::join_all(clients)
        .await
        .into_iter()
        .map(|state| state.unwrap())
        .collect();
    world.tap.upstream_fails(0);
    let flushed = world.spool.flush(Duration::from_mins(10)).await;
    assert_eq!(flushed, Flushed { left: 0, complete: true, dead: 0 }, "seed {seed}");
    for (key, state) in KEYS.iter().zip(&states) {
        world.assert_forwarded(&path(key), state).await;
    }
    assert_eq!(world.spool.snapshot(), SpoolSnapshot { complete: true, ..Default::default() });
    supervisor.drain(Duration::from_secs(20)).await;
    assert_eq!((world.keys.in_use(), world.spool.sending().in_use()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_write_arrives_and_none_before_it_afterwards() {
    for seed in 1..=120 {
        run(seed, [0, 10, 30, 60][(seed % 4) as usize]).await;
    }
}
