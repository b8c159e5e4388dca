//! Fetches the public keys of identity providers.

use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode, Uri};

use crate::auth::FetchKeys;
use crate::body::Payload;
use crate::server::{Client, Origin, Trust};

/// How long all of it may take: a client waits for its credentials.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_LENGTH: usize = 256 << 10;
const AGENT: &str = concat!("stowgate/", env!("CARGO_PKG_VERSION"));

/// Over HTTP, a connection for each time: that is seldom. Redirections are not followed.
pub(super) struct KeyFetcher;

#[async_trait]
impl FetchKeys for KeyFetcher {
    async fn fetch(&self, url: &str, ca: Option<&[u8]>) -> Result<Vec<u8>, String> {
        let fetched = tokio::time::timeout(PATIENCE, fetch(url, ca)).await;
        fetched.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
    }
}

async fn fetch(url: &str, ca: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("it is no whole URL".to_owned());
    };
    let origin = Origin::parse(&format!("{scheme}://{authority}"))?;
    let trust = Trust::Authorities(ca.map(<[u8]>::to_vec));
    let client = Client::new(origin, &trust).map_err(|error| error.to_string())?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::get(target)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, AGENT)
        .body(Payload::empty())
        .map_err(|error| error.to_string())?;
    let answer = client.send(request, PATIENCE).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("the answer is {}", answer.status()));
    }
    let text = answer.into_body().collect(MAX_LENGTH).await.map_err(|error| error.to_string())?;
    Ok(text.to_vec())
}
