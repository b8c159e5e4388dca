//! What is found out about an upstream, in words, and that nothing is left behind.

use std::sync::Arc;

use stowgate::auth::Role;
use stowgate::object::{
    Algorithm, BucketName, ChecksumChoice, ChecksumKind, Clock as _, ListQuery, ManualClock,
    ObjectKey, ObjectMetadata, SystemClock, TagSet, Timestamp, UploadsQuery,
};
use stowgate::store::conformance::{body, content};
use stowgate::store::upstream::{Ability, Complaint, PROBE, Quirks, Trial};
use stowgate::store::{NewObject, NewUpload, ObjectPath, Store};

use super::{Upstream, connect, owner};

const FEATURES: [Ability; 3] = [Ability::Conditions, Ability::Tags, Ability::Checksums];

fn bucket() -> BucketName {
    BucketName::parse("tried").unwrap()
}

async fn is_clean(store: &dyn Store) -> bool {
    let all = ListQuery { limit: 10, ..ListQuery::default() };
    let objects = store.list_objects(&bucket(), &all).await.unwrap();
    let all = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    let uploads = store.list_uploads(&bucket(), &all).await.unwrap();
    objects.entries.is_empty() && uploads.entries.is_empty()
}

async fn tried(role: Role, secret: Option<&str>, reads_only: bool) -> Trial {
    let upstream = Upstream::start_as(Arc::new(SystemClock), role, None).await;
    upstream.store.create_bucket(&bucket(), &owner()).await.unwrap();
    let mut options = upstream.options();
    if let (Some(secret), Some(key)) = (secret, &mut options.credentials) {
        secret.clone_into(&mut key.secret_key);
    }
    let store = connect(options, Arc::new(SystemClock)).await;
    let trial = store.try_bucket(&bucket(), reads_only).await;
    assert!(is_clean(&*upstream.store).await);
    trial
}

fn abilities(trial: &Trial) -> Vec<Ability> {
    trial.checks.iter().map(|check| check.ability).collect()
}

fn verdict(trial: &Trial, ability: Ability) -> &str {
    &trial.checks.iter().find(|check| check.ability == ability).unwrap().verdict
}

#[tokio::test]
async fn a_key_that_may_do_everything() {
    let trial = tried(Role::Admin, None, false).await;
    assert!(trial.ok() && trial.faults.is_empty(), "{trial:?}");
    let all: Vec<_> = Ability::PERMISSIONS.into_iter().chain(FEATURES).collect();
    assert_eq!(abilities(&trial), all);
    assert!(trial.checks.iter().all(|check| !check.latency.is_zero()));
    assert_eq!(verdict(&trial, Ability::Conditions), "PutObject decides conditions");
    let trial = tried(Role::Admin, None, true).await;
    assert!(trial.ok());
    assert_eq!(abilities(&trial), [Ability::Head, Ability::List, Ability::Get]);
}

#[tokio::test]
async fn a_key_that_may_only_read() {
    let trial = tried(Role::ReadOnly, None, false).await;
    let good = trial.checks.iter().filter(|check| check.ok).map(|check| check.ability);
    assert_eq!(good.collect::<Vec<_>>(), [Ability::Head, Ability::List, Ability::Get]);
    assert_eq!(
        verdict(&trial, Ability::Put),
        "AccessDenied on PutObject: the key AKUPSTREAM needs s3:PutObject on \
         arn:aws:s3:::tried/*"
    );
    let delete = verdict(&trial, Ability::Delete);
    assert!(delete.contains("s3:DeleteObject on arn:aws:s3:::tried/*"), "{delete}");
    let told: Vec<_> = trial.faults.iter().map(Complaint::names).collect();
    assert_eq!(told, ["put, multipart", "delete"]);
    assert!(trial.faults[0].what.starts_with("upstream main (http://127.0.0.1:"));
}

#[tokio::test]
async fn one_cause_is_told_once_for_all_that_it_concerns() {
    let trial = tried(Role::Admin, Some("wrong"), false).await;
    assert!(trial.checks.iter().all(|check| !check.ok), "{trial:?}");
    assert_eq!(trial.faults.len(), 1, "{:?}", trial.faults);
    let fault = &trial.faults[0];
    assert!(fault.what.ends_with(
        "bucket tried: SignatureDoesNotMatch: the secret key does not belong to the key \
         AKUPSTREAM; correct secret_key"
    ));
    assert_eq!(fault.names(), "head, list, put, get, delete, multipart");
}

#[tokio::test]
async fn a_bucket_that_is_missing() {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    let store = connect(upstream.options(), Arc::new(SystemClock)).await;
    let trial = store.try_bucket(&bucket(), false).await;
    assert_eq!(trial.faults.len(), 1, "{:?}", trial.faults);
    assert!(trial.faults[0].what.contains("there is no bucket tried"), "{:?}", trial.faults);
    assert_eq!(abilities(&trial), Ability::PERMISSIONS);
}

#[tokio::test]
async fn nothing_more_is_tried_where_nobody_answers() {
    let mut options = Upstream::start(Arc::new(SystemClock)).await.options();
    // Nobody listens on the discard port.
    options.endpoint = Some("http://127.0.0.1:9".to_owned());
    let store = connect(options, Arc::new(SystemClock)).await;
    let trial = store.try_bucket(&bucket(), false).await;
    assert_eq!(abilities(&trial), Ability::PERMISSIONS);
    assert_eq!(trial.faults.len(), 1, "{:?}", trial.faults);
    assert!(trial.faults[0].what.contains("connection refused"), "{:?}", trial.faults);
    assert!(trial.checks[2..].iter().all(|check| check.latency.is_zero()));
}

#[tokio::test]
async fn what_is_switched_off_is_not_tried() {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    upstream.store.create_bucket(&bucket(), &owner()).await.unwrap();
    let mut options = upstream.options();
    options.quirks = Quirks { checksums: false, conditional_writes: false, tags: false };
    let store = connect(options, Arc::new(SystemClock)).await;
    let trial = store.try_bucket(&bucket(), false).await;
    assert!(trial.ok(), "{trial:?}");
    assert_eq!(abilities(&trial), Ability::PERMISSIONS);
}

/// A trial that was killed half-way leaves its key and its upload; the next removes them once
/// nobody can be working on them any more.
#[tokio::test]
async fn what_a_killed_trial_left_is_removed_by_a_later_one() {
    let then = SystemClock.now().0;
    for (age, removed) in [(7_200_000, true), (60_000, false)] {
        let clock = Arc::new(ManualClock::new(Timestamp(then - age)));
        let upstream = Upstream::start_as(clock, Role::Admin, None).await;
        upstream.store.create_bucket(&bucket(), &owner()).await.unwrap();
        let store = connect(upstream.options(), Arc::new(SystemClock)).await;
        left_behind(&*upstream.store).await;
        let trial = store.try_bucket(&bucket(), false).await;
        assert!(trial.ok(), "{trial:?}");
        assert_eq!(is_clean(&*upstream.store).await, removed, "{age}");
    }
}

async fn left_behind(there: &dyn Store) {
    let key = ObjectKey::parse(&format!("{PROBE}0")).unwrap();
    let at = ObjectPath { bucket: bucket(), key };
    let put = there.put_object(&at, NewObject::default(), body(&content(1, 1), None)).await;
    put.unwrap();
    let checksum = ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    };
    let (metadata, tags) = (ObjectMetadata::default(), TagSet::default());
    let new =
        NewUpload { metadata, tags, checksum, initiator: owner(), encryption: None, acl: None };
    there.create_upload(&at, new).await.unwrap();
    assert!(!is_clean(there).await);
}
