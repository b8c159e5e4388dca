//! Who calls the Security Token Service: Signature Version 4 for the service `sts`, over a body that
//! has been read. Such calls are small, and whom they are from stands in some of them.

use std::sync::Arc;

use http::request::Parts;
use sha2::{Digest as _, Sha256};

use crate::auth::query::Query;
use crate::auth::scope::STS;
use crate::auth::verify::{Incoming, Presented, unsupported_mechanism};
use crate::auth::{AuthError, AuthSettings, Authenticator, Identity, header, presigned};

impl Authenticator {
    /// Verifies a call from its head and its whole body; nobody where nobody signed it.
    pub fn verify_sts(
        &self,
        head: &Parts,
        body: &[u8],
    ) -> Result<Option<Arc<Identity>>, AuthError> {
        let ring = self.ring();
        let query = Query(head.uri.query().unwrap_or_default().as_bytes());
        let presented = Presented::by(&head.headers, query)?;
        let digest = hex::encode(Sha256::digest(body));
        // AWS has one such service for all regions, which clients sign for as they please.
        let settings = AuthSettings { strict_region: false, ..self.settings().clone() };
        let incoming = Incoming {
            head,
            query,
            bucket: None,
            ring: &ring,
            service: STS,
            digest: Some(&digest),
            settings: &settings,
            now: self.now(),
        };
        let genuine = match presented {
            Presented::Nothing => return Ok(None),
            Presented::V4Header(items) => header::verify(&incoming, items),
            Presented::V4Query => presigned::verify(&incoming),
            Presented::V2Header(_) | Presented::V2Query => Err(unsupported_mechanism()),
        }?;
        Ok(Some(genuine.identity))
    }
}
