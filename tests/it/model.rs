//! Random histories, run against the store in memory and the store on disk side by side, with
//! restarts of the latter in between.
//!
//! After every step both give the same answer, and at the end both hold the same. A history that
//! makes a difference is shrunk to a short one. `STOWGATE_MODEL_CASES` runs more of them.

mod disk;
mod outcome;
mod pair;
mod request;
mod step;

use proptest::test_runner::{Config, TestRunner};

/// How many histories run where nothing else is said: a few seconds' worth.
const CASES: u32 = 16;

#[test]
fn the_disk_behaves_as_the_model() {
    behaves(false);
}

#[test]
fn the_disk_behaves_as_the_model_where_everything_is_encrypted() {
    behaves(true);
}

fn behaves(encrypts: bool) {
    let cases = std::env::var("STOWGATE_MODEL_CASES").ok().and_then(|n| n.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outcome = TestRunner::new(config)
        .run(&step::history(), |history| runtime.block_on(pair::play(&history, encrypts)));
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}
