//! URLs that let whoever has them read one object at the service for a while.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::UpstreamStore;
use super::operation::Operation;
use crate::store::{ObjectPath, Result, StoreError};

impl UpstreamStore {
    /// A URL at the service that reads the object, valid for `expires` from now. Asks nothing of
    /// the service: whether there is such an object is not looked at.
    pub async fn presigned_get(&self, at: &ObjectPath, expires: Duration) -> Result<String> {
        let asked = self.asked_about(Operation::GetObject, at)?;
        let failed = |what: String| StoreError::Unavailable {
            what: format!("upstream {}: no URL could be signed: {what}", self.options.name),
        };
        let config =
            PresigningConfig::expires_in(expires).map_err(|error| failed(error.to_string()))?;
        let call = self.clients.plain.get_object().bucket(&asked.bucket).key(asked.key(at));
        let signed = call.presigned(config).await;
        // The error's own words may hold what it was signed with.
        signed.map(|it| it.uri().to_owned()).map_err(|_| failed("there are no keys".to_owned()))
    }
}
