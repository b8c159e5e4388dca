//! From the upstream to the local disk: looking, and taking in an object of one PUT.

use super::compare::same_checksum;
use super::read_back::is_told;
use super::recorded;
use super::watched::watched;
use super::{Identity, Moved, Order, Outcome, Result, Skip, Source, Steps, Transfers, Trouble};
use super::{up_look::identity, upstream_trouble};
use crate::body::{BodyError, Expected, digesting};
use crate::object::{
    Acl, Checksum, ChecksumKind, ETag, Encrypted, Encryption, ObjectInfo, Original, TagSet,
};
use crate::placement::location::{Location, Remote, Truth};
use crate::placement::passing::Moving;
use crate::placement::plan::{self, Known, Layer};
use crate::placement::read::only_tag;
use crate::placement::route::{Route, Upstream};
use crate::placement::write::sides::{Event, Sides};
use crate::store::{GetRequest, Got, NewObject, StoreError};

/// An order being carried out.
pub(super) struct Down<'a> {
    pub(super) transfers: &'a Transfers,
    pub(super) order: &'a Order,
    pub(super) route: &'a Route,
    pub(super) upstream: &'a Upstream,
    pub(super) steps: &'a dyn Steps,
    pub(super) moving: Moving,
}

/// The upstream object that is to be taken in.
pub(super) struct Wanted {
    /// The key's record.
    pub(super) record: Option<Location>,
    /// What lies at home under that record, and is nobody's.
    pub(super) left_over: Option<ObjectInfo>,
    /// As the upstream shows it.
    pub(super) there: ObjectInfo,
    /// As clients know it.
    pub(super) original: Original,
    /// Whether the copy at home is the object already.
    kept: bool,
}

impl Wanted {
    /// How it is to be encrypted at home: not less than it was, or was to be.
    pub(super) fn encryption(&self) -> Option<Encryption> {
        let remote = self.record.as_ref().and_then(|record| record.remote.as_ref());
        let asked =
            remote.is_some_and(|remote| remote.asked && remote.upstream_etag == self.there.etag);
        Encrypted::taken_home(self.there.encryption, asked)
    }
}

/// What there is to do.
enum Look {
    Over(Outcome),
    /// It is at home, and the record says so; the upstream's copy may have to go yet.
    Settled(Location),
    Take(Box<Wanted>),
}

impl Transfers {
    pub(super) async fn down(
        &self,
        order: &Order,
        route: &Route,
        upstream: &Upstream,
        steps: &dyn Steps,
    ) -> Result<Outcome> {
        let moving = self.passing.moving(&order.at);
        let down = Down { transfers: self, order, route, upstream, steps, moving };
        let _lane = steps.lane().await.ok_or(Trouble::Stopped)?;
        match down.look().await? {
            Look::Over(outcome) => Ok(outcome),
            Look::Settled(record) => down.leave_upstream(record).await,
            Look::Take(wanted) if wanted.kept => down.take_kept(*wanted).await,
            Look::Take(wanted) => down.take(*wanted).await,
        }
    }
}

impl Down<'_> {
    async fn look(&self) -> Result<Look> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let (record, home) = {
            let _key = transfers.locations.lock(at).await;
            transfers.record_and_object(at).await?
        };
        let skip = |skip| Ok(Look::Over(Outcome::Skipped(skip)));
        if let Some(record) = record.clone().filter(recorded::is_leaving)
            && self.order.again
            && let (Some(home), Some(remote)) = (&home, &record.remote)
            && home.etag == remote.etag
        {
            return Ok(Look::Settled(record));
        }
        let known = Known::of(record.as_ref());
        if known.waits() {
            return skip(Skip::WaitsInSpool);
        }
        match plan::holder(self.route.mode, known, home.is_some()) {
            None => return skip(Skip::Gone),
            Some(Layer::Home) => return self.at_home(record, home).await,
            Some(Layer::Upstream) => {}
        }
        self.steps.turn().await;
        let Some(there) = transfers.there(at, self.upstream).await? else {
            return match record {
                Some(record) if record.truth == Truth::Remote => {
                    Err(Trouble::Refused("it does not have the object any more".to_owned()))
                }
                _ => skip(Skip::Gone),
            };
        };
        let original = self.original(record.as_ref(), &there);
        if !self.is_meant(&original, &there) {
            return skip(Skip::Changed);
        }
        let kept = record.as_ref().is_some_and(|record| record.kept)
            && home.as_ref().is_some_and(|home| {
                home.etag == original.etag
                    && home.size == there.size
                    && home.last_modified == original.last_modified
            });
        Ok(Look::Take(Box::new(Wanted { record, left_over: home, there, original, kept })))
    }

    /// The key's object is at home already; of an order that is given again, it may have been
    /// carried out up to the record.
    async fn at_home(&self, record: Option<Location>, home: Option<ObjectInfo>) -> Result<Look> {
        let over = |outcome| Ok(Look::Over(outcome));
        let Some(home) = home.filter(|_| self.order.again) else {
            return over(Outcome::Skipped(Skip::AlreadyThere));
        };
        let (expected, found) = (self.order.expected.as_ref(), Identity::of(&home));
        let noted = record.as_ref().and_then(|record| record.remote.clone());
        let brought = match noted {
            Some(_) => self.order.may_have_brought(&found, self.route.mode),
            None => expected.is_some_and(|meant| found.is(meant)),
        };
        if !brought {
            return over(Outcome::Skipped(Skip::AlreadyThere));
        }
        if let Some(remote) = noted {
            return over(Outcome::Moved(Box::new(arrived(
                &home,
                &remote.upstream_etag,
                Source::Kept,
            ))));
        }
        self.steps.turn().await;
        match self.transfers.there(&self.order.at, self.upstream).await? {
            // The record was to follow.
            Some(there) if there.size == home.size && there.etag == home.etag => {
                let remote = recorded::remote(&self.order.at, self.upstream, &home, &there);
                let record = self.note(record.as_ref(), &home, remote).await?;
                Ok(Look::Settled(record))
            }
            Some(_) => over(Outcome::Skipped(Skip::AlreadyThere)),
            None => over(Outcome::Moved(Box::new(arrived(&home, &home.etag, Source::Removed)))),
        }
    }

    fn original(&self, record: Option<&Location>, there: &ObjectInfo) -> Original {
        let remote = record.and_then(|record| record.remote.as_ref());
        let shown = remote.filter(|remote| {
            remote.upstream_etag == there.etag && plan::shows_record(self.route.mode, remote)
        });
        match shown {
            Some(Remote { etag, last_modified, .. }) => {
                Original { etag: etag.clone(), last_modified: *last_modified }
            }
            None => Original { etag: there.etag.clone(), last_modified: there.last_modified },
        }
    }

    fn is_meant(&self, original: &Original, there: &ObjectInfo) -> bool {
        let found = Identity { etag: original.etag.clone(), size: there.size, last_modified: None };
        let expected = self.order.expected.as_ref().filter(|_| self.order.exact);
        expected.is_none_or(|meant| found.is(meant))
            && self.order.only_upstream.as_ref().is_none_or(|only| *only == there.etag)
    }

    pub(super) async fn take(&self, wanted: Wanted) -> Result<Outcome> {
        match self.parts_there(&wanted).await? {
            Some(parts) => self.take_parts(wanted, parts).await,
            None => self.take_whole(wanted).await,
        }
    }

    /// Takes the object in as a whole. It becomes one of home's at the very end, under the lock.
    async fn take_whole(&self, mut wanted: Wanted) -> Result<Outcome> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let got = self.open(&wanted.there).await?;
        let tags = self.tags(&got).await?;
        let acl = self.acl().await?;
        wanted.there.metadata = got.head.object.metadata.clone();
        wanted.there.checksum = got.head.object.checksum.clone().or(wanted.there.checksum);
        let vouched = wanted.there.checksum.clone().filter(is_of_content);
        let checksum = vouched.as_ref().map(|sum| sum.value.clone());
        let length = got.body.length();
        let body = digesting(got.body, Expected { checksum, ..Expected::default() });
        let (body, md5) = watched(body, None);
        let body = self.steps.paced(body);
        debug_assert_eq!(body.length(), length, "the pace does not change a body");
        let new = NewObject {
            metadata: wanted.there.metadata.clone(),
            tags,
            condition: None,
            original: Some(wanted.original.clone()),
            encryption: wanted.encryption(),
            acl,
        };
        let mut sides = Sides::at_home(&*transfers.home, at, new, body);
        self.arrive(&mut sides).await?;
        let md5 = md5.get().copied().ok_or(Trouble::Changed)?;
        self.told(&wanted, vouched.as_ref(), md5).await?;
        self.commit(wanted, &[md5], async |_| sides.release_home().await).await
    }

    async fn arrive(&self, sides: &mut Sides<'_>) -> Result<()> {
        match sides.event().await {
            Event::Arrived => Ok(()),
            Event::Broken(BodyError::Store(what)) => Err(Trouble::Away(what)),
            Event::Broken(error) => Err(Trouble::Unverified(error.to_string())),
            Event::HomeFailed => sides.home_error().map_err(Trouble::Home),
            Event::UpstreamFailed(error) | Event::UpstreamRefused(error) => {
                Err(upstream_trouble(error))
            }
        }
    }

    /// Opens the upstream object, if it is still that one.
    pub(super) async fn open(&self, there: &ObjectInfo) -> Result<Got> {
        let conditions = only_tag(&there.etag);
        let request = GetRequest { conditions, ..GetRequest::default() };
        self.steps.turn().await;
        let got = self.upstream.store.get_object(&self.order.at, &request).await;
        got.map_err(gone_or_trouble)
    }

    pub(super) async fn tags(&self, got: &Got) -> Result<TagSet> {
        if got.head.object.tag_count == 0 {
            return Ok(TagSet::default());
        }
        self.steps.turn().await;
        self.transfers.tags_there(&self.order.at, self.upstream).await
    }

    pub(super) async fn acl(&self) -> Result<Option<Acl>> {
        self.steps.turn().await;
        self.transfers.acl_there(&self.order.at, self.upstream).await
    }

    /// Whether what arrived is shown to be the object: by its tag, its checksum, or else by
    /// arriving the same a second time.
    pub(super) async fn told(
        &self,
        wanted: &Wanted,
        vouched: Option<&Checksum>,
        md5: [u8; 16],
    ) -> Result<()> {
        let by_tag = [&wanted.there.etag, &wanted.original.etag].map(|etag| is_told(etag, &[md5]));
        if by_tag.contains(&true) || vouched.is_some() {
            return Ok(());
        }
        let mut body = digesting(self.open(&wanted.there).await?.body, Expected::default());
        while let Some(chunk) = body.next().await {
            chunk.map_err(|error| Trouble::Away(error.to_string()))?;
        }
        match body.digests() {
            Some(digests) if digests.md5 == Some(md5) => Ok(()),
            _ => Err(Trouble::Unverified("it does not arrive the same twice".to_owned())),
        }
    }
}

/// What an error in opening a pinned object means.
pub(super) fn gone_or_trouble(error: StoreError) -> Trouble {
    match error {
        StoreError::NoSuchKey | StoreError::PreconditionFailed(_) => Trouble::Changed,
        other => upstream_trouble(other),
    }
}

fn is_of_content(sum: &Checksum) -> bool {
    sum.kind == ChecksumKind::FullObject
}

pub(super) fn arrived(home: &ObjectInfo, upstream_etag: &ETag, source: Source) -> Moved {
    Moved { object: Identity::of(home), upstream_etag: upstream_etag.clone(), source }
}

/// Whether two checksums contradict each other.
pub(super) fn contradict(here: Option<&Checksum>, there: Option<&Checksum>) -> bool {
    same_checksum(here, there) == Some(false)
}

/// What clients know of an object that a record tells of.
pub(super) fn moved_home(remote: &Remote, source: Source) -> Moved {
    Moved { object: identity(remote), upstream_etag: remote.upstream_etag.clone(), source }
}
