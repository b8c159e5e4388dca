//! What must hold after every step of a history.

use std::collections::BTreeMap;

use super::History;
use super::script::{KEYS, Seen};
use crate::object::{ListEntry, ListQuery};
use crate::placement::Mode;
use crate::placement::location::{Location, Task, Todo};
use crate::placement::tests::world::{bucket, path};
use crate::store::{GetRequest, Ledger as _, Objects as _, StoreError};

impl History {
    /// Reads and lists everything, and holds it against the model.
    pub(super) async fn check(&self) {
        let mut seen = BTreeMap::new();
        for key in KEYS {
            let got = self.placement.get_object(&path(key), &GetRequest::default()).await;
            let found = match got {
                Ok(got) => {
                    let etag = got.head.object.etag;
                    Some((etag, got.body.collect(usize::MAX).await.unwrap()))
                }
                Err(StoreError::NoSuchKey) => None,
                Err(StoreError::Unavailable { .. }) => {
                    assert!(!self.flaky.is_well(), "{key}: {:#?}", self.log);
                    continue;
                }
                Err(error) => panic!("{key}: {error:?} {:#?}", self.log),
            };
            let belief = &self.model[key];
            assert!(belief.allows(&found), "{key} is {found:?}, not {belief:?}: {:#?}", self.log);
            seen.insert(key, found);
        }
        self.check_list(&seen).await;
        self.check_spool().await;
    }

    /// The spool knows of all that waits, without a restart. What a move has announced and is not
    /// done with waits for the move.
    async fn check_spool(&self) {
        for key in KEYS {
            let at = path(key);
            let Some(entry) = self.home.entry(&at).await.unwrap() else { continue };
            let todo = Location::decode(&entry).unwrap().todo;
            let stays = |todo: &Todo| self.mode == Mode::Local && todo.task == Task::Put;
            if todo.is_some_and(|todo| !stays(&todo)) {
                let waits = self.spool.knows(&at) || self.moving.get(key) == Some(&entry);
                assert!(waits, "{key} waits, and nobody knows: {:#?}", self.log);
            }
        }
    }

    async fn check_list(&self, seen: &BTreeMap<&str, Seen>) {
        let query = ListQuery { limit: 10, ..ListQuery::default() };
        let page = match self.placement.list_objects(&bucket(), &query).await {
            Ok(page) => page,
            Err(StoreError::Unavailable { .. }) => {
                let excused = self.mode != Mode::Local && !self.flaky.is_well();
                assert!(excused, "{:#?}", self.log);
                return;
            }
            Err(error) => panic!("{error:?} {:#?}", self.log),
        };
        for key in KEYS {
            let listed = page.entries.iter().find_map(|entry| match entry {
                ListEntry::Object { key: listed, etag, .. } if listed.as_str() == key => {
                    Some(etag.clone())
                }
                _ => None,
            });
            // A record may tell of an object that a call without answer has replaced upstream.
            if self.model[key].certain().is_some()
                && let Some(found) = seen.get(key)
            {
                let found = found.as_ref().map(|(etag, _)| etag.clone());
                assert_eq!(listed, found, "{key} in the list: {:#?}", self.log);
            }
        }
    }
}
