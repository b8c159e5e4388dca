//! A placement whose upstream is well passes what every store passes, in every mode.

use crate::placement::Mode;
use crate::placement::tests::World;
use crate::store::conformance::{self, Subject};

async fn conforms(mode: Mode) {
    let subject = || async {
        let world = World::bare(mode);
        let subject = Subject::new(world.placement.clone(), world.clock.clone()).keeping(world);
        if mode == Mode::Upstream { subject.leaving_uploads() } else { subject }
    };
    conformance::all(subject).await;
    conformance::settings::all(subject).await;
    conformance::acls::objects(&subject().await).await;
    conformance::acls::copies(&subject().await).await;
    conformance::acls::uploads(&subject().await).await;
    if mode == Mode::Local {
        conformance::acls::of_users(&subject().await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_local_mode() {
    conforms(Mode::Local).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_upstream_mode() {
    conforms(Mode::Upstream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_fallback_mode() {
    conforms(Mode::Fallback).await;
}
