//! From the local disk to the upstream: sending.

use std::sync::Arc;
use std::time::Duration;

use super::compare::{Labels, Verdict, same_acl, same_checksum, same_metadata, verdict};
use super::held::Held;
use super::up_look::{Announced, Look};
use super::watched::{Wanted, watched};
use super::{Lane, Order, Outcome, Result, Steps, Transfers, Trouble, recorded, upstream_trouble};
use crate::body::{BodyError, Expected, Payload, digesting};
use crate::object::{ChecksumKind, ETag, Encrypted, KeyFault, ObjectInfo, WriteCondition};
use crate::placement::location::Location;
use crate::placement::locks::KeyGuard;
use crate::placement::plan;
use crate::placement::read::only_tag;
use crate::placement::route::{Mode, Route, Upstream};
use crate::store::{GetRequest, NewObject, Selection, StoreError};

/// An order being carried out. The sending lock is held as long as it lasts.
pub(super) struct Up<'a> {
    pub(super) transfers: &'a Transfers,
    pub(super) order: &'a Order,
    pub(super) mode: Mode,
    pub(super) upstream: &'a Upstream,
    pub(super) steps: &'a dyn Steps,
    pub(super) sending: Arc<KeyGuard>,
}

/// How often it is looked whether a client wants the key of an object that waits for a lane.
const LOOK: Duration = Duration::from_millis(50);

/// How often a target that changes meanwhile is judged.
const JUDGEMENTS: usize = 3;

impl Transfers {
    pub(super) async fn up(
        &self,
        order: &Order,
        route: &Route,
        upstream: &Upstream,
        steps: &dyn Steps,
    ) -> Result<Outcome> {
        let sending = Arc::new(self.spool.sending().lock(&order.at).await);
        let mode = route.mode;
        let up = Up { transfers: self, order, mode, upstream, steps, sending };
        match up.look().await? {
            Look::Over(outcome) => Ok(outcome),
            Look::Settled(record, moved) => up.leave_home(record, moved).await,
            Look::Back(record, held) => up.take_back(record, held).await,
            Look::Send(record, held) => up.send(record, *held).await,
            Look::Announced(announced) => up.send_unseen(*announced).await,
        }
    }
}

impl Up<'_> {
    pub(super) async fn send(&self, before: Option<Location>, held: Held) -> Result<Outcome> {
        if held.object.encryption == Some(Encrypted::Customer) {
            // Known before anything is noted or sent.
            return Err(Trouble::Refused(KeyFault::Missing.to_string()));
        }
        self.transfers.check_acl(&self.order.at, &held).await?;
        let lane = self.lane().await?;
        let judged = self.judge(before.as_ref(), &held).await?;
        if let Verdict::Conflict(words) = judged {
            let noted = before.as_ref().is_some_and(recorded::is_announced);
            return self.conflict(before, noted, words).await;
        }
        let record = self.announce(before.as_ref(), &held).await?;
        self.send_announced(Announced { held, before, record }, judged, lane).await
    }

    /// Sends an object on the condition that there is none yet.
    async fn send_unseen(&self, announced: Announced) -> Result<Outcome> {
        match self.lane().await {
            Ok(lane) => {
                let judged = Verdict::Send(WriteCondition::Absent);
                self.send_announced(announced, judged, lane).await
            }
            Err(trouble) => {
                // Nothing was sent.
                let Announced { before, record, .. } = announced;
                self.transfers.replace(&self.order.at, &record, before).await?;
                Err(trouble)
            }
        }
    }

    /// Waits for a lane, unless a client wants the key meanwhile.
    pub(super) async fn lane(&self) -> Result<Lane> {
        let mut lane = self.steps.lane();
        loop {
            tokio::select! {
                lane = &mut lane => return lane.ok_or(Trouble::Stopped),
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.wanted().now() {
                return Err(Trouble::Changed);
            }
        }
    }

    async fn send_announced(
        &self,
        announced: Announced,
        mut judged: Verdict,
        lane: Lane,
    ) -> Result<Outcome> {
        let Announced { held, before, record } = announced;
        let noted = before.as_ref().is_some_and(recorded::is_announced);
        let mut unconditional = false;
        for _ in 0..JUDGEMENTS {
            let sent = match judged {
                Verdict::Arrived => Ok(None),
                Verdict::Conflict(words) => {
                    return self.conflict(Some(record), noted, words).await;
                }
                Verdict::Send(condition) => {
                    let condition = Some(condition).filter(|_| !unconditional);
                    self.send_on(&held, condition).await.map(Some)
                }
            };
            match sent {
                Ok(sent) => {
                    let remote = self.verified(&held, sent.as_ref()).await?;
                    drop(lane);
                    return self.settle(record, &held, remote).await;
                }
                Err(Sent::Unconditional) => unconditional = true,
                Err(Sent::Judge) => {}
                Err(Sent::Failed(trouble)) => return Err(trouble),
            }
            judged = self.judge(before.as_ref(), &held).await?;
        }
        Err(Trouble::Changed)
    }

    /// Whether the target is looked at before anything is noted: where the forwarder of the spool
    /// would go on by the note alone, and where much would be sent in vain.
    pub(super) fn looks_first(&self, before: Option<&Location>, held: &Held) -> bool {
        let known = before.is_some_and(|record| record.remote.is_some());
        self.mode != Mode::Local
            || known
            || self.order.again
            || held.acl.is_some()
            || held.object.parts_count.is_some()
            || held.object.size > LITTLE
    }

    async fn judge(&self, before: Option<&Location>, held: &Held) -> Result<Verdict> {
        let (transfers, at) = (self.transfers, &self.order.at);
        self.steps.turn().await;
        let found = transfers.there(at, self.upstream).await?;
        let labels = match &found {
            Some(found) if found.etag == held.object.etag => {
                transfers.labels_there(at, self.upstream, held).await?
            }
            _ => Labels::default(),
        };
        Ok(verdict(before, held, found.as_ref(), &labels))
    }

    /// Nothing was sent that arrived: the record is again what it was. One that told of the
    /// object `before` this try may be the spool's, which then sees the conflict by itself.
    async fn conflict(
        &self,
        record: Option<Location>,
        before: bool,
        words: String,
    ) -> Result<Outcome> {
        if let Some(record) = record.filter(recorded::is_announced) {
            let spools = before && self.mode != Mode::Local;
            let by = if spools { Some(record.clone()) } else { recorded::before(record.clone()) };
            self.transfers.replace(&self.order.at, &record, by).await?;
        }
        Ok(Outcome::Conflict(words))
    }

    /// Notes, before anything is sent, that the upstream may have the object from now on.
    async fn announce(&self, before: Option<&Location>, held: &Held) -> Result<Location> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let key = transfers.locations.lock(at).await;
        let (record, object) = transfers.record_and_held(at).await?;
        if record.as_ref() != before || object.as_ref() != Some(held) {
            return Err(Trouble::Changed);
        }
        self.note_announced(&key, before, held).await
    }

    pub(super) async fn note_announced(
        &self,
        key: &KeyGuard,
        before: Option<&Location>,
        held: &Held,
    ) -> Result<Location> {
        let (tag, now) = (Some(&held.object.etag), self.transfers.clock.now());
        let record = plan::announced(before, true, tag, now);
        Ok(self.transfers.locations.replace(key, record).await?)
    }

    async fn send_on(
        &self,
        held: &Held,
        condition: Option<WriteCondition>,
    ) -> std::result::Result<ETag, Sent> {
        if held.object.parts_count.is_some() {
            return self.send_parts(held, condition).await;
        }
        match self.send_whole(held, condition.clone(), held.object.etag.md5()).await {
            // The tag comes from a service whose tags are no MD5s.
            Err(StoreError::Body(BodyError::Md5)) => self.send_whole(held, condition, None).await,
            sent => sent,
        }
        .map_err(|error| self.sent(error))
    }

    async fn send_whole(
        &self,
        held: &Held,
        condition: Option<WriteCondition>,
        md5: Option<[u8; 16]>,
    ) -> std::result::Result<ETag, StoreError> {
        let checksum = held.object.checksum.as_ref();
        let checksum = checksum.filter(|sum| sum.kind == ChecksumKind::FullObject);
        let checksum = checksum.map(|sum| sum.value.clone());
        let expected = Expected { md5, checksum, ..Expected::default() };
        self.steps.turn().await;
        let body = self.body(held, Selection::Whole, expected).await?;
        let new = NewObject {
            metadata: held.object.metadata.clone(),
            tags: held.tags.clone(),
            condition,
            original: None,
            encryption: Encrypted::passed_on(held.object.encryption),
            acl: held.acl.clone(),
        };
        let stored = self.upstream.store.put_object(&self.order.at, new, body).await?;
        Ok(stored.object.etag)
    }

    async fn body(
        &self,
        held: &Held,
        selection: Selection,
        expected: Expected,
    ) -> std::result::Result<Payload, StoreError> {
        let body = digesting(self.open(held, selection).await?, expected);
        let (body, _) = watched(body, Some(self.wanted()));
        Ok(self.steps.paced(body))
    }

    /// Opens the local object, if it is still that one; a changed one is a `Conflict`.
    pub(super) async fn open(
        &self,
        held: &Held,
        selection: Selection,
    ) -> std::result::Result<Payload, StoreError> {
        let conditions = only_tag(&held.object.etag);
        let request = GetRequest { selection, conditions, ..GetRequest::default() };
        match self.transfers.home.get_object(&self.order.at, &request).await {
            Ok(got) if got.head.object == held.object => Ok(got.body),
            Ok(_) | Err(StoreError::NoSuchKey | StoreError::PreconditionFailed(_)) => {
                Err(StoreError::Body(BodyError::Store(MOVED_ON.to_owned())))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted::by(&self.sending)
    }

    /// What an error in sending means.
    pub(super) fn sent(&self, error: StoreError) -> Sent {
        match error {
            StoreError::PreconditionFailed(_) | StoreError::Conflict | StoreError::NoSuchKey => {
                Sent::Judge
            }
            StoreError::Unsupported { .. } => Sent::Unconditional,
            _ if self.wanted().now() => Sent::Failed(Trouble::Changed),
            StoreError::Body(BodyError::Store(what)) if what == MOVED_ON => {
                Sent::Failed(Trouble::Changed)
            }
            StoreError::Body(error) => Sent::Failed(Trouble::Home(StoreError::Body(error))),
            error @ (StoreError::Io { .. } | StoreError::Damaged { .. }) => {
                Sent::Failed(Trouble::Home(error))
            }
            error => Sent::Failed(upstream_trouble(error)),
        }
    }

    /// What the upstream has now, if it is shown to be the object.
    async fn verified(&self, held: &Held, sent: Option<&ETag>) -> Result<ObjectInfo> {
        let (transfers, at) = (self.transfers, &self.order.at);
        self.steps.turn().await;
        let Some(there) = transfers.there(at, self.upstream).await? else {
            return Err(unverified("the upstream does not have it, though it answered well"));
        };
        if there.size != held.object.size {
            let words = format!("it has {} bytes there, not {}", there.size, held.object.size);
            return Err(Trouble::Unverified(words));
        }
        if sent.is_some_and(|sent| *sent != there.etag) {
            return Err(unverified("its ETag there is another than the write was answered with"));
        }
        same_metadata(&held.object, &there).map_err(Trouble::Unverified)?;
        if !held.tags.is_empty() && sent.is_some() {
            self.steps.turn().await;
            if transfers.tags_there(at, self.upstream).await? != held.tags {
                return Err(unverified("its tags there are others"));
            }
        }
        if held.acl.is_some() && sent.is_some() {
            self.steps.turn().await;
            let there = transfers.acl_there(at, self.upstream).await?;
            if !same_acl(there.as_ref(), held.acl.as_ref()) {
                return Err(unverified("its ACL there is another"));
            }
        }
        let sums = same_checksum(held.object.checksum.as_ref(), there.checksum.as_ref());
        if sums == Some(false) {
            return Err(unverified("its checksum there is another"));
        }
        let told = there.etag == held.object.etag || sums == Some(true);
        if (!told || self.order.read_back)
            && !transfers.same_bytes(at, self.upstream, (&held.object, &there), self.steps).await?
        {
            return Err(unverified("what is read back is not what was sent"));
        }
        Ok(there)
    }
}

/// Objects up to this size are sent without a look at the target: the condition of the write
/// tells as much.
const LITTLE: u64 = 1 << 20;

/// What the body of an object says that is another by now.
const MOVED_ON: &str = "the object was replaced";

/// Why sending came to nothing.
pub(super) enum Sent {
    /// The target is to be looked at, and judged again.
    Judge,
    /// The target knows no conditions: having looked is all that can be done.
    Unconditional,
    Failed(Trouble),
}

fn unverified(what: &str) -> Trouble {
    Trouble::Unverified(what.to_owned())
}
