//! Reads: asks the layers that may have a key, in the order of the plan.
//!
//! An object that moves between the look at its record and the read is looked up again; only the
//! layer that decides makes a `NoSuchKey`, and an upstream that is away is an error.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::location::{Location, Remote, Truth};
use super::plan::{self, Known, Layer};
use super::route::{Route, Upstream};
use super::{Placement, answered};
use crate::object::{
    ETag, ETagMatch, ReadConditions, ReadVerdict, Replication, TagSet, VersionId, WriteCondition,
};
use crate::store::{GetRequest, Got, Head, ObjectParts, ObjectPath, Result, Store, StoreError};

/// How often a key that moves is looked up, before it is made to stand still.
const LOOKUPS: usize = 4;
/// How long a reader waits for a key that is being written to be looked up a last time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an object is, with what answers about it have to say.
#[derive(Clone)]
pub(super) enum Place<'a> {
    /// At home.
    Home(Option<Replication>),
    /// Upstream. Where clients know it by tag and time of a record, that is given.
    Upstream(&'a Upstream, Option<Box<Remote>>, Option<Replication>),
}

/// An answer with an object's head in it.
trait Headed: Send {
    fn head_mut(&mut self) -> &mut Head;
}

impl Headed for Head {
    fn head_mut(&mut self) -> &mut Head {
        self
    }
}

impl Headed for Got {
    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }
}

/// One of the two calls that read an object.
type Call<T> =
    for<'a> fn(&'a dyn Store, &'a ObjectPath, &'a GetRequest) -> BoxFuture<'a, Result<T>>;

const HEAD: Call<Head> = |store, at, request| store.head_object(at, request);
const GET: Call<Got> = |store, at, request| store.get_object(at, request);

impl Placement {
    /// An object's head.
    pub(super) async fn head(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        self.read(at, request, HEAD).await
    }

    /// An object's content.
    pub(super) async fn get(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        self.read(at, request, GET).await
    }

    /// The parts of an object.
    pub(super) async fn parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        let Some(_) = self.routes.of(&at.bucket).upstream else {
            return self.home.object_parts(at, version, after, limit).await;
        };
        self.found(at, version, |place| {
            Box::pin(async move {
                let store = self.store(&place);
                place.answered(store.object_parts(at, version, after, limit).await)
            })
        })
        .await
    }

    /// An object's tags.
    pub(super) async fn tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        let Some(_) = self.routes.of(&at.bucket).upstream else {
            return self.home.object_tags(at, version).await;
        };
        self.found(at, version, |place| {
            Box::pin(
                async move { place.answered(self.store(&place).object_tags(at, version).await) },
            )
        })
        .await
    }

    /// The layer that a place is in.
    pub(super) fn store<'a>(&'a self, place: &'a Place<'_>) -> &'a dyn Store {
        match place {
            Place::Home(_) => self.home(),
            Place::Upstream(upstream, ..) => &*upstream.store,
        }
    }

    /// Asks one place after the other until one has the object. Where none has it although the
    /// record that said where to ask has been replaced meanwhile, it all begins anew.
    pub(super) async fn found<'a, T>(
        &'a self,
        at: &ObjectPath,
        version: Option<VersionId>,
        ask: impl Fn(Place<'a>) -> BoxFuture<'a, Result<T>> + Send + Sync,
    ) -> Result<T> {
        let route = self.routes.of(&at.bucket);
        for _ in 0..LOOKUPS {
            let record = self.locations.of(at).await?;
            match self.asked(route, at, record.as_ref(), version, &ask).await {
                Err(StoreError::NoSuchKey | StoreError::NoSuchVersion)
                    if self.locations.of(at).await? != record => {}
                known => return known,
            }
        }
        let held = tokio::time::timeout(PATIENCE, self.locations.lock(at)).await;
        let _held = held.map_err(|_| StoreError::Unavailable {
            what: format!("{}/{} is being written to all the time", at.bucket, at.key),
        })?;
        let record = self.locations.of(at).await?;
        self.asked(route, at, record.as_ref(), version, &ask).await
    }

    async fn asked<'a, T>(
        &'a self,
        route: &'a Route,
        at: &ObjectPath,
        record: Option<&Location>,
        version: Option<VersionId>,
        ask: &(impl Fn(Place<'a>) -> BoxFuture<'a, Result<T>> + Send + Sync),
    ) -> Result<T> {
        for layer in plan::reads(route.mode, Known::of(record)) {
            let Some(place) = place(route, *layer, record) else { continue };
            match ask(place).await {
                Err(StoreError::NoSuchKey | StoreError::NoSuchVersion) => {}
                known => return known,
            }
        }
        Err(elsewhere(route, at, record).unwrap_or_else(|| missing(version)))
    }

    async fn read<T: Headed>(
        &self,
        at: &ObjectPath,
        request: &GetRequest,
        call: Call<T>,
    ) -> Result<T> {
        if self.routes.of(&at.bucket).upstream.is_none() {
            return call(self.home(), at, request).await;
        }
        self.found(at, request.version, |place| {
            Box::pin(async move { self.read_at(&place, at, request, call).await })
        })
        .await
    }

    /// The head of an object that is in a place.
    pub(super) async fn head_at(
        &self,
        place: &Place<'_>,
        at: &ObjectPath,
        request: &GetRequest,
    ) -> Result<Head> {
        self.read_at(place, at, request, HEAD).await
    }

    async fn read_at<T: Headed>(
        &self,
        place: &Place<'_>,
        at: &ObjectPath,
        request: &GetRequest,
        call: Call<T>,
    ) -> Result<T> {
        match place {
            Place::Home(replication) => {
                let mut answer = call(self.home(), at, request).await?;
                answer.head_mut().object.replication = *replication;
                Ok(answer)
            }
            Place::Upstream(upstream, remote, replication) => {
                let reading = Reading { placement: self, upstream, at };
                let mut answer = reading.read(remote.as_deref(), request, call).await?;
                answer.head_mut().object.replication = *replication;
                Ok(answer)
            }
        }
    }
}

impl Place<'_> {
    /// The place's answer: an upstream without the bucket has failed.
    pub(super) fn answered<T>(&self, answer: Result<T>) -> Result<T> {
        match self {
            Place::Home(_) => answer,
            Place::Upstream(upstream, ..) => answered(upstream, answer),
        }
    }
}

/// Where in a layer the object is that a record tells of.
pub(super) fn place<'a>(
    route: &'a Route,
    layer: Layer,
    record: Option<&Location>,
) -> Option<Place<'a>> {
    let todo = record.and_then(|record| record.todo.as_ref());
    let replication = plan::replication(route.mode, layer, todo);
    match layer {
        Layer::Home => Some(Place::Home(replication)),
        Layer::Upstream => {
            let remote = record.and_then(|record| record.remote.clone());
            let remote = remote.filter(|remote| plan::shows_record(route.mode, remote));
            let upstream = route.upstream.as_ref()?;
            Some(Place::Upstream(upstream, remote.map(Box::new), replication))
        }
    }
}

/// Why an object that is not found may be there all the same: it was recorded in another place than
/// the one where its bucket is by now.
fn elsewhere(route: &Route, at: &ObjectPath, record: Option<&Location>) -> Option<StoreError> {
    let record = record.filter(|record| record.truth == Truth::Remote)?;
    let (remote, upstream) = (record.remote.as_ref()?, route.upstream.as_ref()?);
    let (bucket, prefix) = (upstream.target)(&at.bucket);
    let moved = remote.bucket != bucket || remote.key != format!("{prefix}{}", at.key);
    moved.then(|| StoreError::Unavailable {
        what: format!(
            "the object is recorded as {}/{} at upstream {}, but its bucket is {bucket}/{prefix} \
             there now",
            remote.bucket, remote.key, upstream.name,
        ),
    })
}

fn missing(version: Option<VersionId>) -> StoreError {
    if version.is_some() { StoreError::NoSuchVersion } else { StoreError::NoSuchKey }
}

/// A read of an upstream object that clients may know by another tag and time than the upstream.
struct Reading<'a> {
    placement: &'a Placement,
    upstream: &'a Upstream,
    at: &'a ObjectPath,
}

impl Reading<'_> {
    async fn call<T>(&self, request: &GetRequest, call: Call<T>) -> Result<T> {
        answered(self.upstream, call(&*self.upstream.store, self.at, request).await)
    }

    async fn read<T: Headed>(
        &self,
        remote: Option<&Remote>,
        request: &GetRequest,
        call: Call<T>,
    ) -> Result<T> {
        let Some(remote) = remote else { return self.call(request, call).await };
        if request.conditions == ReadConditions::default() {
            let mut answer = self.call(request, call).await?;
            translate(answer.head_mut(), remote);
            return Ok(answer);
        }
        // The conditions are about what clients see of the object that the record means; the
        // upstream only says whether it still has that one.
        let now = self.placement.clock.now();
        let verdict = request.conditions.evaluate(&remote.etag, remote.last_modified, now);
        let refusal = match verdict {
            ReadVerdict::Proceed => None,
            ReadVerdict::NotModified => Some(StoreError::NotModified {
                etag: remote.etag.clone(),
                last_modified: remote.last_modified,
                caching: Box::default(),
            }),
            ReadVerdict::Failed(header) => Some(StoreError::PreconditionFailed(header)),
        };
        let conditions = only_tag(&remote.upstream_etag);
        let answer = match refusal {
            None => self.call(&GetRequest { conditions, ..request.clone() }, call).await,
            Some(refusal) => {
                let (version, key) = (request.version, request.key.clone());
                let whole = GetRequest { version, conditions, key, ..GetRequest::default() };
                match self.call(&whole, HEAD).await {
                    Ok(head) => return Err(told(refusal, &head)),
                    Err(error) => Err(error),
                }
            }
        };
        match answer {
            Ok(mut answer) => {
                translate(answer.head_mut(), remote);
                Ok(answer)
            }
            // It has another one: the record says nothing of that.
            Err(StoreError::PreconditionFailed(_)) => self.call(request, call).await,
            Err(error) => Err(error),
        }
    }
}

/// The condition that an object has this tag.
pub(super) fn only_tag(tag: &ETag) -> ReadConditions {
    let tags = ETagMatch::Tags(vec![tag.clone()]);
    ReadConditions { if_match: Some(tags), ..ReadConditions::default() }
}

/// Puts tag and time of the record on the head of the object that it means.
fn translate(head: &mut Head, remote: &Remote) {
    if head.object.etag == remote.upstream_etag {
        head.object.etag = remote.etag.clone();
        head.object.last_modified = remote.last_modified;
    }
}

/// What a condition that a client set comes to upstream, where the object has the upstream's tag.
pub(super) fn translated(condition: &WriteCondition, remote: Option<&Remote>) -> WriteCondition {
    match (condition, remote) {
        (WriteCondition::Matches(ETagMatch::Tags(tags)), Some(remote)) => {
            let shown = |tag: &&ETag| **tag == remote.etag || **tag != remote.upstream_etag;
            let tags = tags.iter().filter(shown).map(|tag| {
                if *tag == remote.etag { remote.upstream_etag.clone() } else { tag.clone() }
            });
            WriteCondition::Matches(ETagMatch::Tags(tags.collect()))
        }
        // The object that the record means was stored when the record says.
        (WriteCondition::Unchanged(tag, since), Some(remote)) if *tag == remote.etag => {
            let same = *since == remote.last_modified;
            let tags = same.then(|| remote.upstream_etag.clone());
            WriteCondition::Matches(ETagMatch::Tags(tags.into_iter().collect()))
        }
        (condition, _) => condition.clone(),
    }
}

/// The refusal with what the object itself says to caches.
fn told(refusal: StoreError, head: &Head) -> StoreError {
    match refusal {
        StoreError::NotModified { etag, last_modified, .. } => {
            let caching = Box::new(head.object.metadata.headers.caching());
            StoreError::NotModified { etag, last_modified, caching }
        }
        other => other,
    }
}
