//! Bringing what is encrypted under the active master key, so that older ones can be taken away.
//!
//! Only descriptions are written anew, with the same object keys wrapped by another master key. No
//! body is read. Copies of the old descriptions, in the log and in backups, still open with the old
//! key: whoever has that key and those copies can read what they name.
//!
//! It goes through the whole index again and again until a pass has met nothing that it could bring
//! under the active key. Only what that last pass has met decides which keys are needed; whether a
//! description could be written, and why not, decides nothing. Why that is enough: [`keyring`].
//!
//! [`keyring`]: super::keyring

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::future::join_all;

use super::LocalStore;
use super::buckets::TRIES;
use super::commit::{Command, Outcome};
use super::core::Core;
use super::format::meta::At;
use super::keyring::Goal;
use super::read::{blocking, describe, find};
use super::sealing::{Taken, under_active};
use crate::object::{BucketName, MasterKey, ObjectKey};
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

/// A re-wrapping under way, or what the last one has left.
#[derive(Debug, Default)]
pub struct Rewrapping {
    /// What it is to get rid of, and for which key; `None` before the first step.
    goal: Option<Goal>,
    after: Option<At>,
    pass: Pass,
    left: Option<Left>,
}

/// What one way through the index has met under older keys.
#[derive(Debug, Default)]
pub(super) struct Pass {
    met: BTreeSet<String>,
    /// How many objects of these are not any more, or may not be.
    moved: u64,
    /// How many cannot be brought under the active key, and one of them.
    stuck: u64,
    example: Option<String>,
    /// Whether that may be another time, with the same keys.
    may_pass: bool,
}

/// An upload under way.
type Witness = (At, u128);

/// What still needs older keys after the last pass.
#[derive(Debug)]
struct Left {
    goal: Goal,
    /// Keys that uploads under way need, and no object.
    by_uploads: BTreeSet<String>,
    /// One of these uploads.
    witness: Option<Witness>,
    may_pass: bool,
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
        /// How many objects could not be written anew, and an example: which, and why.
        stuck: Option<(u64, String)>,
    },
}

/// What has become of an object under an older key.
enum Brought {
    /// It is not under an older key any more, as far as that can be said.
    Away,
    /// It changes so often that it could not be written in between.
    Busy,
}

impl LocalStore {
    /// The master keys that there are, and those that are in use.
    pub fn master_keys(&self) -> KeysInUse {
        let keys = self.core.keyring.now();
        let known: BTreeSet<&str> = keys.iter().map(MasterKey::id).collect();
        KeysInUse {
            active: keys.active().map(|active| active.id().to_owned()),
            known: known.into_iter().map(str::to_owned).collect(),
            in_use: self.core.keyring.in_use().into_iter().collect(),
        }
    }

    /// Goes on with a re-wrapping. Where the keys change under it, it begins anew.
    pub async fn rewrap(&self, work: &mut Rewrapping) -> Result<Rewrapped> {
        self.core.writable()?;
        if !work.goal.as_ref().is_some_and(|goal| self.core.keyring.is_current(goal)) {
            *work = Rewrapping::default();
            let Some(goal) = self.core.keyring.goal() else {
                return Ok(Rewrapped::Done { retired: vec![], needed: vec![], stuck: None });
            };
            if !self.core.keyring.is_quiet(&goal) {
                return Ok(Rewrapped::Wait);
            }
            // What failed and may be found after a restart is in no one's hand any more.
            self.core.writable()?;
            work.goal = Some(goal);
        }
        let (Some(goal), after) = (work.goal.clone(), work.after.take()) else {
            return Ok(Rewrapped::More);
        };
        let found = blocking(&self.core, move |core| portion(core, &goal, after.as_ref())).await?;
        self.bring(&mut work.pass, &found.old).await;
        work.pass.skip(&found);
        work.after = found.after;
        if work.after.is_some() {
            return Ok(Rewrapped::More);
        }
        self.end_pass(work).await
    }

    /// Whether there may be something to do that could not be done the last time: other keys are
    /// there, or the uploads that needed them have ended. `by_time` asks as well for what may
    /// have gone by itself.
    pub async fn may_rewrap(&self, work: &mut Rewrapping, by_time: bool) -> Result<bool> {
        let Some(left) = &mut work.left else { return Ok(true) };
        if !self.core.keyring.is_current(&left.goal) || by_time && left.may_pass {
            return Ok(true);
        }
        let (witness, keys) = (left.witness.clone(), left.by_uploads.clone());
        if keys.is_empty() {
            return Ok(false);
        }
        let found = blocking(&self.core, move |core| {
            let catalog = core.whole_catalog()?;
            if let Some((at, id)) = &witness
                && catalog.upload(at.bucket, &at.key, *id)?.is_some()
            {
                return Ok((keys, witness));
            }
            uploads_under(core, &keys)
        });
        let (still, witness) = found.await?;
        left.witness = witness;
        Ok(still != left.by_uploads)
    }

    /// Brings objects under the active key.
    pub(super) async fn bring(&self, pass: &mut Pass, found: &[(ObjectPath, String)]) {
        for some in found.chunks(AT_ONCE) {
            let done = join_all(some.iter().map(|(at, _)| self.bring_one(at))).await;
            for ((at, key), done) in some.iter().zip(done) {
                pass.met.insert(key.clone());
                match done {
                    Ok(Brought::Away | Brought::Busy) => pass.moved += 1,
                    Err(error) => {
                        pass.may_pass |= !matches!(error, StoreError::Damaged { .. });
                        pass.stick(|| format!("{}/{}: {error}", at.bucket, at.key));
                    }
                }
            }
        }
    }

    /// Whatever was written there meanwhile may have taken the old seal over: it is looked up
    /// again until it could be written, or needs not be.
    async fn bring_one(&self, at: &ObjectPath) -> Result<Brought> {
        for _ in 0..TRIES {
            let path = at.clone();
            let planned = blocking(&self.core, move |core| {
                let found = match find(core, &path, None) {
                    Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => return Ok(None),
                    found => found?,
                };
                let Some(seal) = found.entry.seal() else { return Ok(None) };
                let Taken { seal, is_new, keys } = under_active(core, &path, seal)?;
                if !is_new {
                    return Ok(None);
                }
                let mut object = describe(core, found.entry.head)?;
                if let Some(sealing) = &mut object.sealing {
                    sealing.seal = Some(seal);
                }
                let (head, object) = (found.entry.head.lsn, Box::new(object));
                Ok(Some((Command::Change { at: path, head, object }, keys)))
            });
            let Some((command, keys)) = planned.await? else { return Ok(Brought::Away) };
            match self.submitter.submit_under(command, keys).await? {
                Outcome::Retry => {}
                _ => return Ok(Brought::Away),
            }
        }
        Ok(Brought::Busy)
    }

    /// The index was gone through from its beginning to its end.
    async fn end_pass(&self, work: &mut Rewrapping) -> Result<Rewrapped> {
        let pass = std::mem::take(&mut work.pass);
        let Some(goal) = work.goal.clone() else { return Ok(Rewrapped::More) };
        if pass.moved > 0 {
            // The next one sees what has become of them.
            return Ok(Rewrapped::More);
        }
        let met = pass.met;
        let ended = blocking(&self.core, move |core| {
            let unmet = goal.old.difference(&met).cloned().collect();
            let (by_uploads, witness) = uploads_under(core, &unmet)?;
            let free = |id: &&String| !met.contains(*id) && !by_uploads.contains(*id);
            let retired: BTreeSet<String> = goal.old.iter().filter(free).cloned().collect();
            core.believe_all()?;
            core.refusal()?;
            if !core.keyring.retire(&*core.vfs, &goal, &retired)? {
                return Ok(None);
            }
            let needed = goal.old.difference(&retired).cloned().collect();
            Ok(Some((goal, retired, needed, by_uploads, witness)))
        });
        let ended = ended.await?;
        *work = Rewrapping::default();
        let Some((goal, retired, needed, by_uploads, witness)) = ended else {
            return Ok(Rewrapped::More);
        };
        work.left = Some(Left { goal, by_uploads, witness, may_pass: pass.may_pass });
        let retired = retired.into_iter().collect();
        Ok(Rewrapped::Done { retired, needed, stuck: pass.example.map(|text| (pass.stuck, text)) })
    }
}

impl Pass {
    /// Something cannot be brought under the active key.
    fn stick(&mut self, example: impl FnOnce() -> String) {
        self.stuck += 1;
        self.example.get_or_insert_with(example);
    }

    /// Takes over what is not even to be tried.
    fn skip(&mut self, found: &Portion) {
        for (what, key) in &found.hopeless {
            self.met.insert(key.clone());
            self.stick(|| format!("{what}: the master key {key} is not there"));
        }
    }
}

/// Some entries of the index.
#[derive(Default)]
pub(super) struct Portion {
    /// Objects under older keys, each with its key.
    pub(super) old: Vec<(ObjectPath, String)>,
    /// The same of keys that are not there, or with names that are none.
    hopeless: Vec<(String, String)>,
    /// Where to go on, if there is more.
    after: Option<At>,
}

/// What of the next entries has an older key.
pub(super) fn portion(core: &Arc<Core>, goal: &Goal, after: Option<&At>) -> Result<Portion> {
    let catalog = core.whole_catalog()?;
    core.believe_all()?;
    let keys = core.keyring.now();
    let (mut entries, mut looked_at, mut last) = (Vec::new(), 0, None);
    catalog.objects_after(after, |at, entry| {
        looked_at += 1;
        let key = entry.seal().and_then(|seal| seal.master()).filter(|key| *key != goal.active);
        entries.extend(key.map(|key| (at.clone(), key.to_owned())));
        last = Some(at);
        if looked_at < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let names: HashMap<_, _> =
        core.buckets().into_iter().map(|(name, bucket)| (bucket.id, name)).collect();
    let after = last.filter(|_| looked_at >= LOOKED_AT);
    let mut portion = Portion { after, ..Portion::default() };
    for (at, key) in entries {
        let name = names.get(&at.bucket).map(String::as_str).unwrap_or_default();
        match (BucketName::parse(name), ObjectKey::parse(&at.key)) {
            (Ok(bucket), Ok(text)) if keys.get(&key).is_some() => {
                portion.old.push((ObjectPath { bucket, key: text }, key));
            }
            _ => portion.hopeless.push((format!("{name}/{}", at.key), key)),
        }
    }
    Ok(portion)
}

/// Which of these keys uploads under way need, and one of those uploads.
fn uploads_under(
    core: &Core,
    keys: &BTreeSet<String>,
) -> Result<(BTreeSet<String>, Option<Witness>)> {
    let (mut needed, mut witness) = (BTreeSet::new(), None);
    core.whole_catalog()?.uploads(None, |at, id, upload| {
        let master = upload.seal.as_ref().and_then(|seal| seal.master());
        if let Some(key) = master.filter(|key| keys.contains(*key)) {
            needed.insert(key.to_owned());
            witness = Some((at, id));
        }
        ControlFlow::Continue(())
    })?;
    Ok((needed, witness))
}
