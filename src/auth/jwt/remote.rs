//! Keys of a provider that are fetched: kept, refreshed now and then and for a key that is not
//! among them, and kept on while the provider is away.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;

use super::VerifyKey;
use super::token::Fault;
use crate::object::Timestamp;

/// Fetches documents.
#[async_trait]
pub trait FetchKeys: Send + Sync {
    /// The document at that URL, from a server that the system or the authority in `ca`, PEM,
    /// speaks for. An error says why not, for the log.
    async fn fetch(&self, url: &str, ca: Option<&[u8]>) -> Result<Vec<u8>, String>;
}

/// Nothing can be fetched.
pub(in crate::auth) struct NoFetching;

/// The keys behind a URL. Clones share what was fetched.
#[derive(Clone)]
pub struct RemoteKeys {
    url: String,
    ca: Option<Vec<u8>>,
    /// After how long they are fetched again.
    refresh: Duration,
    /// How often at most they are fetched for a key that is unknown, or after a failure.
    pause: Duration,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    fetched: RwLock<Option<Fetched>>,
    /// Held by whoever fetches; when that was tried last.
    fetching: tokio::sync::Mutex<Option<Timestamp>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<[VerifyKey]>,
    at: Timestamp,
}

impl RemoteKeys {
    /// Nothing is fetched before a token has to be verified.
    pub fn new(url: String, ca: Option<Vec<u8>>, refresh: Duration, pause: Duration) -> Self {
        Self { url, ca, refresh, pause, state: Arc::default() }
    }

    /// Where they are.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes over what `older` has fetched, where it is the same place.
    pub(in crate::auth) fn inherit(&mut self, older: &Self) {
        if self.url == older.url && self.ca == older.ca {
            self.state = Arc::clone(&older.state);
        }
    }

    /// The keys, among which is the one of that id if the provider has it.
    pub(super) async fn keys(
        &self,
        id: Option<&str>,
        fetcher: &dyn FetchKeys,
        now: Timestamp,
    ) -> Result<Arc<[VerifyKey]>, Fault> {
        if let Some(fetched) = self.usable(id, now) {
            return Ok(fetched);
        }
        let last_good = self.last_good();
        let known = last_good.as_ref().is_some_and(|it| holds(&it.keys, id));
        let mut tried = match self.state.fetching.try_lock() {
            Ok(tried) => tried,
            // Somebody is at it, and these will do so long.
            Err(_) if known => return last_good.map(|it| it.keys).ok_or(Fault::Away),
            Err(_) => self.state.fetching.lock().await,
        };
        if let Some(fetched) = self.usable(id, now) {
            return Ok(fetched);
        }
        if tried.is_none_or(|last| now.0.saturating_sub(last.0) >= millis(self.pause)) {
            *tried = Some(now);
            self.fetch(fetcher, now).await;
        }
        self.last_good().map(|it| it.keys).ok_or(Fault::Away)
    }

    async fn fetch(&self, fetcher: &dyn FetchKeys, now: Timestamp) {
        let document = fetcher.fetch(&self.url, self.ca.as_deref()).await;
        match document.and_then(|text| VerifyKey::parse_set(&text)) {
            Ok(keys) => {
                tracing::debug!(url = self.url, keys = keys.len(), "fetched a provider's keys");
                let newest = Fetched { keys: keys.into(), at: now };
                *self.state.fetched.write().unwrap_or_else(PoisonError::into_inner) = Some(newest);
            }
            Err(reason) => {
                let kept = self.last_good().is_some();
                tracing::warn!(
                    url = self.url,
                    reason,
                    kept,
                    "the keys of an identity provider cannot be fetched; those of last time are kept"
                );
            }
        }
    }

    /// What needs no fetching: fresh enough, and with the key.
    fn usable(&self, id: Option<&str>, now: Timestamp) -> Option<Arc<[VerifyKey]>> {
        let fetched = self.last_good()?;
        let fresh = now.0.saturating_sub(fetched.at.0) < millis(self.refresh);
        (fresh && holds(&fetched.keys, id)).then_some(fetched.keys)
    }

    fn last_good(&self) -> Option<Fetched> {
        self.state.fetched.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn holds(keys: &[VerifyKey], id: Option<&str>) -> bool {
    id.is_none_or(|id| keys.iter().any(|key| key.id.as_deref().is_none_or(|known| known == id)))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl PartialEq for RemoteKeys {
    /// Whether both are configured alike, whatever was fetched.
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.ca, self.refresh, self.pause)
            == (&other.url, &other.ca, other.refresh, other.pause)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").field("url", &self.url).finish_non_exhaustive()
    }
}

#[async_trait]
impl FetchKeys for NoFetching {
    async fn fetch(&self, _url: &str, _ca: Option<&[u8]>) -> Result<Vec<u8>, String> {
        Err("nothing is fetched here".to_owned())
    }
}
