//! The buckets of the gateway, for calls that go through them.

use http::StatusCode;

use super::reply::Fault;
use super::view::Views;
use crate::object::{BucketName, BucketsQuery};
use crate::store::StoreError;

const PAGE: usize = 1000;

/// All of them, by name.
pub(super) async fn names(views: &Views) -> Result<Vec<BucketName>, Fault> {
    let mut names = Vec::new();
    let mut query = BucketsQuery { limit: PAGE, ..BucketsQuery::default() };
    loop {
        let page = views.home.list_buckets(&query).await.map_err(|error| unknown(&error))?;
        names.extend(page.buckets.into_iter().map(|bucket| bucket.name));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(names),
        }
    }
}

/// The bucket itself, if there is one of that name.
pub(super) async fn known(views: &Views, bucket: &BucketName) -> Result<BucketName, Fault> {
    match views.home.head_bucket(bucket).await {
        Ok(_) => Ok(bucket.clone()),
        Err(error) => Err(unknown(&error)),
    }
}

/// What a call answers that the local layer could not.
pub(super) fn unknown(error: &StoreError) -> Fault {
    let message = match error {
        StoreError::NoSuchBucket => {
            let message = "there is no bucket of that name";
            return Fault::new(StatusCode::NOT_FOUND, "NoSuchBucket", message);
        }
        StoreError::Rebuilding => "the store's index is being rebuilt; try again soon",
        _ => "the store cannot say what it holds; the log says why",
    };
    tracing::warn!(%error, "the side API could not ask the local store");
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}
