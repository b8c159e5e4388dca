//! Making a plan: which objects are to be moved, written to a file page by page.

use std::io;
use std::sync::Arc;

use super::Context;
use super::journal::{End, Entry, Fault, Journal};
use super::lines::{Lines, encode};
use super::manifest::{Form, Named, form, named};
use super::plan::{Planned, Sum};
use super::spec::{List, Spec};
use crate::object::{BucketName, ObjectKey};
use crate::placement::transfer::{Candidate, Direction, Trouble};
use crate::store::{ObjectPath, StoreError};

/// How much of a plan is written at once.
const PIECE: usize = 256 * 1024;

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum NoPlan {
    /// A layer could not be looked at; it may be tried again.
    Away(String),
    /// It never will be.
    Fault(Fault),
    /// Whoever wanted it wants it no more.
    Stopped,
}

/// A plan being made.
pub(super) struct Planner<'a> {
    context: &'a Context,
    spec: &'a Spec,
    id: &'a str,
    name: String,
    /// Whether conflicts are looked for.
    compare: bool,
    sum: Sum,
    unwritten: Vec<u8>,
    /// Told of how many were found; says whether to go on.
    found: &'a (dyn Fn(u64) -> bool + Send + Sync),
}

/// The file of a plan.
pub(super) fn plan_name(id: &str) -> String {
    format!("{id}.plan")
}

/// The file of a list that came with an order.
pub(super) fn manifest_name(id: &str) -> String {
    format!("{id}.manifest")
}

pub(super) fn fault(code: &str, message: impl Into<String>) -> Fault {
    Fault { code: code.to_owned(), message: message.into() }
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        context: &'a Context,
        spec: &'a Spec,
        id: &'a str,
        compare: bool,
        found: &'a (dyn Fn(u64) -> bool + Send + Sync),
    ) -> Self {
        let (name, sum, unwritten) = (plan_name(id), Sum::default(), Vec::new());
        Self { context, spec, id, name, compare, sum, unwritten, found }
    }

    /// Makes the plan anew, and says what it comes to.
    pub(super) async fn make(mut self) -> Result<Sum, NoPlan> {
        self.context.shelf.remove(&self.name).await?;
        match self.spec.filter.list.clone() {
            None => self.list_buckets().await?,
            Some(List::Manifest) => self.read_manifest().await?,
            Some(List::FailedOf(other)) => self.read_failed(&other).await?,
        }
        self.write(true).await?;
        Ok(self.sum)
    }

    async fn list_buckets(&mut self) -> Result<(), NoPlan> {
        let context = self.context;
        let buckets = match &self.spec.filter.bucket {
            Some(name) => BucketName::parse(name).into_iter().collect(),
            None => context.transfers.buckets().await?,
        };
        for bucket in buckets {
            for prefix in self.prefixes(&bucket) {
                let direction = self.spec.direction;
                let candidates =
                    context.transfers.candidates(&bucket, &prefix, direction, self.compare);
                let Some(mut candidates) = candidates else { continue };
                while let Some(page) = candidates.next().await? {
                    for candidate in page {
                        self.take(&bucket, candidate).await?;
                    }
                    if !(self.found)(self.sum.movable.objects) {
                        return Err(NoPlan::Stopped);
                    }
                }
            }
        }
        Ok(())
    }

    /// What the keys begin with that can be wanted, none of them with another.
    fn prefixes(&self, bucket: &BucketName) -> Vec<String> {
        let filter = &self.spec.filter;
        if filter.companies.is_empty() && filter.types.is_empty() {
            return vec![filter.prefix.clone()];
        }
        // Without a template no key is anybody's.
        let Some(template) = self.context.templates.of(bucket.as_str()) else { return Vec::new() };
        let some = |texts: &[String]| -> Vec<Option<String>> {
            if texts.is_empty() { vec![None] } else { texts.iter().cloned().map(Some).collect() }
        };
        let mut prefixes = Vec::new();
        for company in some(&filter.companies) {
            for kind in some(&filter.types) {
                let labelled = template.prefix(company.as_deref(), kind.as_deref());
                if labelled.starts_with(&filter.prefix) {
                    prefixes.push(labelled);
                } else if filter.prefix.starts_with(&labelled) {
                    prefixes.push(filter.prefix.clone());
                }
            }
        }
        prefixes.sort();
        let mut apart: Vec<String> = Vec::new();
        for prefix in prefixes {
            if apart.last().is_none_or(|last| !prefix.starts_with(last.as_str())) {
                apart.push(prefix);
            }
        }
        apart
    }

    async fn read_manifest(&mut self) -> Result<(), NoPlan> {
        let mut lines = Lines::of(&self.context.shelf, &manifest_name(self.id), 0);
        let mut form_known: Option<Form> = None;
        let mut number = 0;
        loop {
            let line = match lines.text().await {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let message = format!("behind line {number} of the manifest, {error}");
                    return Err(NoPlan::Fault(fault("InvalidManifest", message)));
                }
                line => line?,
            };
            let Some(line) = line else { return Ok(()) };
            number += 1;
            let known = form_known.clone();
            let form = if let Some(form) = known {
                form
            } else {
                let (form, header) = form(&line);
                form_known = Some(form.clone());
                if header {
                    continue;
                }
                form
            };
            let wrong = |why: &str| {
                let message = format!("line {number} of the manifest cannot be read: {why}");
                NoPlan::Fault(fault("InvalidManifest", message))
            };
            if let Some(named) = named(&form, &line).map_err(|why| wrong(&why))? {
                self.take_named(named).await.map_err(|why| match why {
                    Ok(why) => wrong(&why),
                    Err(other) => other,
                })?;
            }
        }
    }

    async fn read_failed(&mut self, other: &str) -> Result<(), NoPlan> {
        let mut entries = Journal::of(&self.context.shelf, other).entries(0);
        while let Some(entry) = entries.next::<Entry>().await? {
            if let Entry::Ended { bucket, key, end: End::Failed(_) | End::Busy, .. } = entry {
                let named = Named { bucket: Some(bucket), key };
                self.take_named(named).await.map_err(|why| match why {
                    Ok(why) => NoPlan::Fault(fault("InvalidManifest", why)),
                    Err(other) => other,
                })?;
            }
        }
        Ok(())
    }

    /// Takes a key that a list names; `Err(Ok(why))` where the line is wrong.
    async fn take_named(&mut self, named: Named) -> Result<(), Result<String, NoPlan>> {
        let bucket = named.bucket.filter(|bucket| !bucket.is_empty());
        let Some(bucket) = bucket.or_else(|| self.spec.filter.bucket.clone()) else {
            return Err(Ok("it names no bucket, and the parameter bucket does not either".into()));
        };
        let bucket = BucketName::parse(&bucket).map_err(|why| Ok(format!("bucket: {why}")))?;
        let key = ObjectKey::parse(&named.key).map_err(|why| Ok(format!("key: {why}")))?;
        if self.spec.filter.bucket.as_ref().is_some_and(|only| only != bucket.as_str()) {
            self.sum.left_out.objects += 1;
            return Ok(());
        }
        let at = ObjectPath { bucket, key };
        let found = self.context.transfers.candidate(&at, self.spec.direction).await;
        match found.map_err(|trouble| Err(trouble.into()))? {
            Some(candidate) => {
                self.take(&at.bucket, candidate).await.map_err(Err)?;
            }
            None => self.sum.absent += 1,
        }
        if (self.found)(self.sum.movable.objects) { Ok(()) } else { Err(Err(NoPlan::Stopped)) }
    }

    async fn take(&mut self, bucket: &BucketName, candidate: Candidate) -> Result<(), NoPlan> {
        let Candidate { key, object, standing } = candidate;
        let template = self.context.templates.of(bucket.as_str());
        let labels = template.and_then(|it| it.labels(key.as_str())).unwrap_or_default();
        let now = self.context.clock.now();
        if !self.spec.filter.takes(key.as_str(), labels, &object, now) {
            self.sum.left_out.add(object.size);
            return Ok(());
        }
        let bucket = bucket.as_str().to_owned();
        let planned = Planned { bucket, key: key.as_str().to_owned(), object, standing };
        self.sum.count(&planned, labels);
        self.unwritten.extend(encode(&planned)?);
        if self.unwritten.len() >= PIECE {
            self.write(false).await?;
        }
        Ok(())
    }

    async fn write(&mut self, durable: bool) -> io::Result<()> {
        let piece = std::mem::take(&mut self.unwritten);
        self.context.shelf.append(&self.name, piece, durable).await
    }
}

/// Whether a plan may be run, by what it comes to.
pub(super) fn guard(context: &Context, spec: &Spec, sum: &Sum) -> Result<(), Fault> {
    let movable = sum.movable;
    if movable.objects == 0 {
        let message = "nothing is there to be moved by this; look at bucket, prefix and the other \
                       parameters, or ask with dry_run=true what there is";
        return Err(fault("EmptySource", message));
    }
    if let Some(most) = spec.max_deletions
        && !spec.keep_source
        && movable.objects > most
    {
        let message = format!(
            "{} objects would be removed from where they are, and max_deletions allows {most}",
            movable.objects
        );
        return Err(fault("TooManyDeletions", message));
    }
    if spec.direction == Direction::ToLocal
        && let Some(room) = (context.room)()
        && movable.bytes > room
    {
        let message = format!(
            "{} bytes are to come to the disk, which has room for {room} more ([store] min_free and quota)",
            movable.bytes
        );
        return Err(fault("InsufficientStorage", message));
    }
    Ok(())
}

impl From<io::Error> for NoPlan {
    fn from(error: io::Error) -> Self {
        Self::Fault(fault("InternalError", format!("the files of the migration: {error}")))
    }
}

impl From<StoreError> for NoPlan {
    fn from(error: StoreError) -> Self {
        Self::Away(format!("the local store: {error}"))
    }
}

impl From<Trouble> for NoPlan {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(_) => Self::Fault(fault("UpstreamRefused", trouble.to_string())),
            other => Self::Away(other.to_string()),
        }
    }
}

/// The lines of a plan.
pub(super) fn planned(context: &Arc<Context>, id: &str) -> Lines {
    Lines::of(&context.shelf, &plan_name(id), 0)
}
