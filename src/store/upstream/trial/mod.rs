//! What the gateway needs of a bucket, tried bit by bit on a key of its own, with a verdict on
//! each in words that a person can act on.
//!
//! Every call is made once and within the upstream's own times, so that a verdict says what
//! happened and a service that is silent is found out soon: then the rest is not tried. Whatever is
//! made is removed again, also where something fails in between.

mod features;
mod leftovers;
mod permissions;
mod probe;

use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::future::join;
use tokio::time::Instant;

use super::UpstreamStore;
use super::answer::Fault;
use super::operation::Asked;
use crate::object::BucketName;

pub(super) use leftovers::Leftovers;
use permissions::is_silent;
use probe::Probe;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ability {
    /// Asking for the bucket.
    Head,
    /// Listing it.
    List,
    /// Storing an object.
    Put,
    /// Reading one.
    Get,
    /// Deleting one.
    Delete,
    /// Uploading in parts, and giving it up.
    Multipart,
    /// Whether the service decides conditions on writes.
    Conditions,
    /// Whether it keeps tags.
    Tags,
    /// Whether it takes checksums behind bodies.
    Checksums,
}

/// What a trial of one ability came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was tried.
    pub ability: Ability,
    /// Whether it is there.
    pub ok: bool,
    /// How long it took; nothing where it was not tried, as nobody answers.
    pub latency: Duration,
    /// What was found, and where it is not as it should be, what to do about it.
    pub verdict: String,
    /// The key there of what could not be removed again.
    pub left_behind: Option<String>,
}

/// What was found out about a bucket of the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The bucket there.
    pub bucket: String,
    /// The prefix of the gateway's keys there.
    pub prefix: String,
    /// One of each ability, permissions first.
    pub checks: Vec<Check>,
    /// Each thing that is wrong once, in the words in which calls fail with it.
    pub faults: Vec<Complaint>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Which upstream, which bucket, what is wrong and what to do.
    pub what: String,
    /// What cannot be done because of it.
    pub abilities: Vec<Ability>,
}

/// What one check found: words, or why it is not as it should be.
type Verdict = Result<String, String>;

/// What came of something, and how long it took.
struct Timed<T> {
    outcome: T,
    latency: Duration,
}

impl Ability {
    /// The permissions, in the order in which they are reported.
    pub const PERMISSIONS: [Self; 6] =
        [Self::Head, Self::List, Self::Put, Self::Get, Self::Delete, Self::Multipart];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::List => "list",
            Self::Put => "put",
            Self::Get => "get",
            Self::Delete => "delete",
            Self::Multipart => "multipart",
            Self::Conditions => "conditions",
            Self::Tags => "tags",
            Self::Checksums => "checksums",
        }
    }

    /// Whether it is a permission of the key rather than a feature of the service.
    pub fn is_permission(self) -> bool {
        Self::PERMISSIONS.contains(&self)
    }
}

impl Trial {
    /// Whether everything is as it should be.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

impl Complaint {
    /// The names of what cannot be done.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.abilities.iter().map(|ability| ability.name()).collect();
        names.join(", ")
    }
}

impl<T> Timed<T> {
    async fn of(call: BoxFuture<'_, T>) -> Self {
        let began = Instant::now();
        let outcome = call.await;
        Self { outcome, latency: began.elapsed() }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Timed<U> {
        Timed { outcome: change(self.outcome), latency: self.latency }
    }
}

impl Timed<Verdict> {
    fn check(self, ability: Ability) -> Check {
        let Self { outcome, latency } = self;
        let ok = outcome.is_ok();
        let verdict = outcome.unwrap_or_else(|words| words);
        Check { ability, ok, latency, verdict, left_behind: None }
    }
}

impl Check {
    /// Names what is left of a trial that failed to remove it.
    fn leaving(self, key: Option<String>) -> Self {
        Self { left_behind: key, ..self }
    }

    fn untried(ability: Ability, verdict: &str) -> Self {
        Timed { outcome: Err(verdict.to_owned()), latency: Duration::ZERO }.check(ability)
    }
}

impl UpstreamStore {
    /// Tries what the gateway needs of a bucket; with `reads_only` nothing is written.
    pub async fn try_bucket(&self, bucket: &BucketName, reads_only: bool) -> Trial {
        let (bucket, prefix) = self.target(bucket);
        let mut probe = Probe::new(bucket, prefix);
        let head = Timed::of(self.try_head(&probe).boxed());
        let (head, list) = join(head, Timed::of(self.try_list(&probe).boxed())).await;
        let away = is_silent(&head.outcome) && is_silent(&list.outcome);
        let (list, abandoned) = self.verdict_on_list(&probe, list);
        let head = head.map(|head| self.verdict_on_head(&probe, head));
        let mut checks = vec![head.check(Ability::Head), list.check(Ability::List)];
        if away {
            checks.extend(untried(reads_only, &checks));
        } else if reads_only {
            checks.push(Timed::of(self.try_get(&probe).boxed()).await.check(Ability::Get));
        } else {
            let multipart = probe.clone();
            let multipart = Timed::of(self.try_multipart(&multipart).boxed());
            let (objects, multipart) = join(self.try_objects(&mut probe).boxed(), multipart).await;
            let (multipart, left) = multipart.map_apart();
            checks.extend(objects);
            checks.push(multipart.check(Ability::Multipart).leaving(left));
            self.sweep(&probe, &abandoned).await;
        }
        checks.sort_by_key(|check| !check.ability.is_permission());
        let faults = self.complaints(&probe, &checks);
        let Probe { bucket, prefix, .. } = probe;
        Trial { bucket, prefix, checks, faults }
    }

    /// Puts the probe, tries things on it and deletes it: in every case, as a put without an
    /// answer may have been done.
    async fn try_objects(&self, probe: &mut Probe) -> Vec<Check> {
        let put = Timed::of(self.try_put(probe).boxed()).await.check(Ability::Put);
        let get = Timed::of(self.try_get(probe).boxed()).await.check(Ability::Get);
        let mut checks = vec![put, get];
        if probe.stored {
            checks.extend(self.try_features(probe).await);
        }
        let delete = Timed::of(self.try_delete(probe).boxed()).await.check(Ability::Delete);
        let left = (probe.stored && !delete.ok).then(|| probe.key.clone());
        checks.insert(2, delete.leaving(left));
        self.remove_versions(probe).await;
        checks
    }

    /// Every verdict that is not as it should be, once: those that differ in what was asked alone
    /// say the same.
    fn complaints(&self, probe: &Probe, checks: &[Check]) -> Vec<Complaint> {
        let advice = |verdict: &str| verdict.split_once(": ").map(|(_, advice)| advice.to_owned());
        let same = |one: &str, other: &str| {
            one == other || advice(one).is_some_and(|one| advice(other) == Some(one))
        };
        let mut faults: Vec<(&str, Vec<Ability>)> = Vec::new();
        for check in checks.iter().filter(|check| !check.ok) {
            match faults.iter_mut().find(|(verdict, _)| same(verdict, &check.verdict)) {
                Some((_, abilities)) => abilities.push(check.ability),
                None => faults.push((&check.verdict, vec![check.ability])),
            }
        }
        let complaint = |(verdict, abilities)| Complaint {
            what: self.site.placed(&probe.bucket, verdict),
            abilities,
        };
        faults.into_iter().map(complaint).collect()
    }

    /// A fault in words.
    fn blame(&self, asked: &Asked, fault: impl Into<Fault>) -> String {
        self.site.words(asked, &self.explained(asked, fault.into()))
    }
}

impl<T> Timed<(Verdict, T)> {
    fn map_apart(self) -> (Timed<Verdict>, T) {
        let Self { outcome: (outcome, rest), latency } = self;
        (Timed { outcome, latency }, rest)
    }
}

/// What is not tried as nobody answers.
fn untried(reads_only: bool, tried: &[Check]) -> Vec<Check> {
    let why = tried.first().map(|check| check.verdict.as_str()).unwrap_or_default();
    let left = Ability::PERMISSIONS.into_iter().skip(2);
    let left = left.filter(|ability| !reads_only || *ability == Ability::Get);
    left.map(|ability| Check::untried(ability, why)).collect()
}
