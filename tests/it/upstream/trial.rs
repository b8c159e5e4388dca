//! Permissions tried, with a verdict on each, and nothing left behind.

use std::sync::Arc;

use stowgate::auth::Role;
use stowgate::object::{BucketName, ListQuery, SystemClock, UploadsQuery};
use stowgate::store::upstream::{Permission, Trial};

use super::{Upstream, connect, owner};

const ALL: [Permission; 6] = [
    Permission::Head,
    Permission::List,
    Permission::Put,
    Permission::Get,
    Permission::Delete,
    Permission::Multipart,
];

fn bucket() -> BucketName {
    BucketName::parse("tried").unwrap()
}

async fn tried(role: Role, secret: Option<&str>, reads_only: bool) -> (Upstream, Trial) {
    let upstream = Upstream::start_as(Arc::new(SystemClock), role, None).await;
    upstream.store.create_bucket(&bucket(), &owner()).await.unwrap();
    let mut options = upstream.options();
    if let (Some(secret), Some(key)) = (secret, &mut options.credentials) {
        secret.clone_into(&mut key.secret_key);
    }
    let store = connect(options, Arc::new(SystemClock)).await;
    let trial = store.try_permissions(&bucket(), reads_only).await;
    let all = ListQuery { limit: 10, ..ListQuery::default() };
    let objects = upstream.store.list_objects(&bucket(), &all).await.unwrap();
    assert!(objects.entries.is_empty(), "{objects:?}");
    let all = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    let uploads = upstream.store.list_uploads(&bucket(), &all).await.unwrap();
    assert!(uploads.entries.is_empty(), "{uploads:?}");
    (upstream, trial)
}

fn permissions(trial: &Trial) -> Vec<Permission> {
    trial.checks.iter().map(|check| check.permission).collect()
}

#[tokio::test]
async fn a_key_that_may_do_everything() {
    let (_upstream, trial) = tried(Role::Admin, None, false).await;
    assert!(trial.ok(), "{trial:?}");
    assert_eq!(permissions(&trial), ALL);
    for check in &trial.checks {
        assert!(check.verdict.ends_with("work") || check.verdict.ends_with("works"));
    }
    let (_upstream, trial) = tried(Role::Admin, None, true).await;
    assert!(trial.ok());
    assert_eq!(permissions(&trial), [Permission::Head, Permission::List, Permission::Get]);
}

#[tokio::test]
async fn a_key_that_may_only_read() {
    let (_upstream, trial) = tried(Role::ReadOnly, None, false).await;
    let ok: Vec<Permission> =
        trial.checks.iter().filter(|check| check.ok).map(|check| check.permission).collect();
    assert_eq!(ok, [Permission::Head, Permission::List, Permission::Get]);
    let put = &trial.checks[2];
    assert_eq!(
        put.verdict,
        "AccessDenied on PutObject: the key AKUPSTREAM needs s3:PutObject on \
         arn:aws:s3:::tried/*"
    );
    let delete = &trial.checks[4];
    assert!(delete.verdict.contains("s3:DeleteObject on arn:aws:s3:::tried/*"), "{delete:?}");
}

#[tokio::test]
async fn a_key_that_is_wrong() {
    let (_upstream, trial) = tried(Role::Admin, Some("wrong"), false).await;
    assert!(trial.checks.iter().all(|check| !check.ok), "{trial:?}");
    assert!(trial.checks[1].verdict.contains("SignatureDoesNotMatch on ListObjectsV2"));
}

#[tokio::test]
async fn a_bucket_that_is_missing() {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    let store = connect(upstream.options(), Arc::new(SystemClock)).await;
    let trial = store.try_permissions(&bucket(), false).await;
    for check in &trial.checks {
        assert!(!check.ok && check.verdict.contains("there is no bucket tried"), "{check:?}");
    }
}
