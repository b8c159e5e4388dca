//! Histories with crashes in them: what was acknowledged is there, what was deleted stays so,
//! nothing is there that nobody wrote, and what was not acknowledged is there whole or not at all.

use super::harness::Machine;

/// Lives of a machine's store, each ended in another way.
async fn live(seed: u64, lives: u64) {
    let mut machine = Machine::new(seed);
    for _ in 0..lives {
        let calls = machine.sim.calls();
        let stops = machine.random.below(3) > 0;
        if stops {
            // Sometimes while it opens, sometimes much later.
            let limit = if machine.random.below(4) == 0 { 40 } else { 700 };
            machine.sim.stop_at(calls + machine.random.below(limit));
        }
        machine.template = machine.random.below(3);
        machine.template = machine.random.below(3);
        machine.encrypts = machine.random.below(3) > 0;
        let opened = machine.open().await;
        if let Err(error) = &opened {
            assert!(machine.sim.is_stopped(), "{error}");
        }
        if let Ok(store) = &opened {
            if !machine.sim.is_stopped() && !stops {
                machine.verify(store).await;
            }
            for _ in 0..machine.random.below(30) {
                let group = machine.group();
                if !machine.run(store, group).await {
                    assert!(machine.sim.is_stopped(), "something failed by itself");
                    break;
                }
            }
        }
        match machine.random.below(3) {
            0 if !machine.sim.is_stopped() => {
                if let Ok(store) = opened {
                    let closed = tokio::task::spawn_blocking(move || store.close()).await.unwrap();
                    assert!(closed.is_ok() || machine.sim.is_stopped(), "{closed:?}");
                }
                machine.kill_nothing();
            }
            1 => {
                machine.kill();
                drop(opened);
            }
            _ => {
                machine.crash();
                drop(opened);
            }
        }
    }
    machine.kill();
    let store = machine.open().await.unwrap();
    machine.verify(&store).await;
    tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
    machine.check();
}

fn run(seeds: std::ops::Range<u64>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for seed in seeds {
        // Shown only where the test fails, to find the seed again.
        println!("seed {seed}");
        runtime.block_on(live(seed, 5));
    }
}

#[test]
fn many_lives() {
    run(0..40);
}

/// By hand, for as long as one likes.
#[test]
#[ignore = "takes minutes"]
fn very_many_lives() {
    run(1000..3000);
}
