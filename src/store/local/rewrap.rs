//! Bringing what is encrypted under the active master key, so that older ones can be taken away.
//!
//! Only descriptions are written anew, with the same object keys wrapped by another master key. No
//! body is read. Copies of the old descriptions, in the log and in backups, still open with the old
//! key: whoever has that key and those copies can read what they name.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::future::join_all;

use super::LocalStore;
use super::buckets::TRIES;
use super::commit::{Command, Outcome};
use super::core::Core;
use super::format::meta::At;
use super::format::seal::{Holder, Seal};
use super::read::{blocking, describe, find};
use super::sealing::{NewSeal, rewrapped};
use crate::object::{BucketName, ObjectKey};
use crate::store::{ObjectPath, Result, StoreError};

/// How many entries of the index one step looks at.
const LOOKED_AT: usize = 1000;
/// How many descriptions are written at once.
const AT_ONCE: usize = 64;

/// The master keys of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeysInUse {
    /// The one that new objects use; none while the store has not made its own yet.
    pub active: Option<String>,
    /// Those that are there.
    pub known: Vec<String>,
    /// Those that something may be encrypted with.
    pub in_use: Vec<String>,
}

/// A re-wrapping under way.
#[derive(Debug, Default)]
pub struct Rewrapping {
    /// What it is to get rid of, and for which key; `None` before the first step.
    goal: Option<Goal>,
    after: Option<At>,
    /// Older keys that are still needed.
    needed: BTreeSet<String>,
    /// How many objects were written anew.
    pub rewrapped: u64,
    /// How many could not be.
    pub failed: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Goal {
    active: String,
    old: BTreeSet<String>,
}

/// What a step of a re-wrapping came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrapped {
    /// There is more to do.
    More,
    /// Writes that began before the last change of keys have to end first.
    Wait,
    /// It is done: these keys are needed no more, those still are.
    Done {
        /// Nothing is encrypted with them.
        retired: Vec<String>,
        /// By uploads under way, or by objects that could not be written anew.
        needed: Vec<String>,
    },
}

/// An object to be described anew.
struct Old {
    at: ObjectPath,
    key: String,
}

impl LocalStore {
    /// The master keys that there are, and those that are in use.
    pub fn master_keys(&self) -> KeysInUse {
        let keys = self.core.keyring.now();
        KeysInUse {
            active: keys.active().map(|active| active.id().to_owned()),
            known: keys.ids().map(str::to_owned).collect(),
            in_use: self.core.keyring.in_use().into_iter().collect(),
        }
    }

    /// Goes on with a re-wrapping. Where the active key changes under it, it begins anew.
    pub async fn rewrap(&self, work: &mut Rewrapping) -> Result<Rewrapped> {
        self.core.writable()?;
        let Some(goal) = self.goal() else {
            *work = Rewrapping::default();
            return Ok(Rewrapped::Done { retired: Vec::new(), needed: Vec::new() });
        };
        if work.goal.as_ref() != Some(&goal) {
            if self.core.keyring.has_older_writers() {
                return Ok(Rewrapped::Wait);
            }
            *work = Rewrapping { goal: Some(goal), ..Rewrapping::default() };
        }
        let after = work.after.clone();
        let (found, after) =
            blocking(&self.core, move |core| portion(core, after.as_ref())).await?;
        for some in found.chunks(AT_ONCE) {
            let done = join_all(some.iter().map(|old| self.rewrap_one(old))).await;
            for (old, done) in some.iter().zip(done) {
                match done {
                    Ok(changed) => work.rewrapped += u64::from(changed),
                    Err(error) => {
                        let ObjectPath { bucket, key } = &old.at;
                        tracing::warn!(%bucket, %key, %error, "not brought under the active key");
                        work.failed += 1;
                        work.needed.insert(old.key.clone());
                    }
                }
            }
        }
        work.after = after;
        if work.after.is_some() {
            return Ok(Rewrapped::More);
        }
        self.finish_rewrapping(work).await
    }

    fn goal(&self) -> Option<Goal> {
        let active = self.core.keyring.now().active()?.id().to_owned();
        let mut old = self.core.keyring.in_use();
        old.remove(&active);
        (!old.is_empty()).then_some(Goal { active, old })
    }

    /// Says whether it was written. What was replaced or removed meanwhile has a newer key, or none;
    /// what was only described anew, or moved within the log, still has the older one.
    async fn rewrap_one(&self, old: &Old) -> Result<bool> {
        for _ in 0..TRIES {
            let at = old.at.clone();
            let planned = blocking(&self.core, move |core| {
                let found = match find(core, &at, None) {
                    Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => return Ok(None),
                    found => found?,
                };
                let Some(seal) = found.entry.seal() else { return Ok(None) };
                let Some(NewSeal { seal, keys, .. }) = rewrapped(core, &at, seal)? else {
                    return Ok(None);
                };
                let mut object = describe(core, found.entry.head)?;
                if let Some(sealing) = &mut object.sealing {
                    sealing.seal = Some(seal);
                }
                let (head, object) = (found.entry.head.lsn, Box::new(object));
                Ok(Some((Command::Change { at, head, object }, keys)))
            });
            let Some((command, _keys)) = planned.await? else { return Ok(false) };
            match self.submitter.submit(command).await? {
                Outcome::Retry => {}
                outcome => return Ok(matches!(outcome, Outcome::Done(_))),
            }
        }
        Err(StoreError::Conflict)
    }

    async fn finish_rewrapping(&self, work: &mut Rewrapping) -> Result<Rewrapped> {
        let Rewrapping { goal, mut needed, .. } = std::mem::take(work);
        let old = goal.map(|goal| goal.old).unwrap_or_default();
        blocking(&self.core, move |core| {
            core.whole_catalog()?.uploads(None, |_, _, upload| {
                needed.extend(upload.seal.as_ref().and_then(master_of).map(str::to_owned));
                ControlFlow::Continue(())
            })?;
            needed.retain(|id| old.contains(id));
            let retired: BTreeSet<String> = old.difference(&needed).cloned().collect();
            core.keyring.retire(&*core.vfs, &retired)?;
            let (retired, needed) = (retired.into_iter().collect(), needed.into_iter().collect());
            Ok(Rewrapped::Done { retired, needed })
        })
        .await
    }
}

/// What of the next entries has an older key, and where to go on, if there is more.
fn portion(core: &Arc<Core>, after: Option<&At>) -> Result<(Vec<Old>, Option<At>)> {
    let catalog = core.whole_catalog()?;
    core.believe_all()?;
    let active = core.keyring.now().active().map(|key| key.id().to_owned()).unwrap_or_default();
    let names: std::collections::HashMap<_, _> =
        core.buckets().into_iter().map(|(name, bucket)| (bucket.id, name)).collect();
    let (mut found, mut looked_at, mut last) = (Vec::new(), 0, None);
    catalog.objects_after(after, |at, entry| {
        looked_at += 1;
        let key = entry.seal().and_then(master_of).filter(|key| *key != active);
        let name = names.get(&at.bucket).and_then(|name| BucketName::parse(name).ok());
        if let Some((key, (bucket, text))) = key.zip(name.zip(ObjectKey::parse(&at.key).ok())) {
            let key = key.to_owned();
            found.push(Old { at: ObjectPath { bucket, key: text }, key });
        }
        last = Some(at);
        if looked_at < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok((found, last.filter(|_| looked_at >= LOOKED_AT)))
}

/// The master key that something is wrapped with.
fn master_of(seal: &Seal) -> Option<&str> {
    match &seal.holder {
        Holder::Master { id, .. } => Some(id),
        Holder::Customer => None,
    }
}
