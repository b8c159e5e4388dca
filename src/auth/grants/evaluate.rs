//! The decision: company, then whatever denies, then whatever allows (IAM User Guide, "Policy
//! evaluation logic"; S3 User Guide, "How Amazon S3 authorizes a request").

use std::sync::atomic::{AtomicUsize, Ordering};

use super::action::{Action, ActionKind};
use super::company::Reach;
use super::decision::{Decision, Refusal, Source};
use super::document::{Effect, Policy};
use super::facts::{Facts, Values};
use super::keys;
use super::ownership::Ownership;
use super::pattern::ConditionKey;
use super::principal::{Fit, Principal, Who};
use super::public_access::PublicAccessBlock;
use super::resource::Target;
use super::spelling::{Spelling, spellings};
use super::statement::Question;
use crate::auth::Role;
use crate::object::{Acl, KeyTemplate, Permission};

/// A request for one action.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub who: Who<'a>,
    /// What for.
    pub action: Action,
    /// What it would be done to.
    pub target: Target<'a>,
    /// Of an action on a bucket, which keys it could tell something about.
    pub reach: Reach<'a>,
    /// The shape of the bucket's keys.
    pub template: Option<&'a KeyTemplate>,
    /// The bucket; absent for the service and for one that is being made.
    pub bucket: Option<BucketGrants<'a>>,
    /// The object, where it has an ACL; without, it is private and its bucket's owner's.
    pub object: Option<ObjectGrants<'a>>,
    /// What else is known.
    pub facts: &'a dyn Facts,
}

/// What a bucket gives to whom.
#[derive(Debug, Clone, Copy)]
pub struct BucketGrants<'a> {
    /// Its owner's canonical user id.
    pub owner: &'a str,
    /// Its policy.
    pub policy: Option<&'a Policy>,
    /// Its ACL; without, only the owner has anything.
    pub acl: Option<&'a Acl>,
    /// What is taken away again.
    pub block: PublicAccessBlock,
    /// Whether ACLs count.
    pub ownership: Ownership,
}

/// What an object gives to whom.
#[derive(Debug, Clone, Copy)]
pub struct ObjectGrants<'a> {
    /// Its ACL, which says whose it is as well.
    pub acl: &'a Acl,
}

/// The name of whoever has none.
pub(super) const ANONYMOUS: &str = "anonymous";

/// How many characters are compared for one decision at most: an honest policy of the greatest
/// size needs a small part of it.
const MOST_STEPS: usize = 4_000_000;

/// The facts of a request, with those about who asks.
struct AllFacts<'a> {
    who: Who<'a>,
    action: Action,
    bucket: Option<BucketGrants<'a>>,
    reach: Reach<'a>,
    rest: &'a dyn Facts,
    steps: AtomicUsize,
}

/// Decides. A key that a service of paths would take for another needs what that one needs, too
/// (`..` in it), or may at least not be denied as that one (slashes too many in it).
pub fn evaluate(request: &Request<'_>) -> Decision {
    let decision = evaluate_once(request);
    if !decision.is_allowed() {
        return decision;
    }
    for Spelling { key, dots } in request.text().map(spellings).unwrap_or_default() {
        match evaluate_once(&request.spelt(&key)) {
            Decision::Refused(refusal) if dots || refusal.is_denial() => {
                return Decision::Refused(refusal);
            }
            _ => {}
        }
    }
    decision
}

fn evaluate_once(request: &Request<'_>) -> Decision {
    let facts = AllFacts {
        who: request.who,
        action: request.action,
        bucket: request.bucket,
        reach: request.reach,
        rest: request.facts,
        steps: AtomicUsize::new(0),
    };
    match decide(request, &facts) {
        _ if facts.steps.load(Ordering::Relaxed) > MOST_STEPS => {
            Decision::Refused(Refusal::TooMuchWork)
        }
        Ok(source) => Decision::Allowed(source),
        Err(refusal) => Decision::Refused(refusal),
    }
}

fn decide(request: &Request<'_>, facts: &AllFacts<'_>) -> Result<Source, Refusal> {
    check_company(request)?;
    if let Some(bucket) = &request.bucket
        && request.action.is_policy()
        && request.who.is_root_of(bucket.owner)
    {
        return Ok(Source::BucketOwner);
    }
    let path = if has_policies(request) { request.target.path() } else { String::new() };
    let (who, action) = (request.who, request.action);
    let question = Question { who, action, path: &path, facts };
    check_denials(request, &question)?;
    let source = grant(request, &question)?;
    if request.bucket.is_some_and(|bucket| is_kept_from(&bucket, who, action)) {
        return Err(Refusal::PolicyOfAnother);
    }
    Ok(source)
}

/// Whether the bucket's policy is for its own account alone, whoever else it lets at itself (S3 API
/// Reference, PutBucketPolicy).
fn is_kept_from(bucket: &BucketGrants<'_>, who: Who<'_>, action: Action) -> bool {
    let kept = action.is_policy() && action != Action::GetBucketPolicyStatus;
    kept && !who.is_admin() && who.account() != Some(bucket.owner)
}

/// What allows it, where nothing denies it.
fn grant(request: &Request<'_>, question: &Question<'_>) -> Result<Source, Refusal> {
    let who = request.who;
    let identity = identity_grant(request, question);
    let Some(bucket) = &request.bucket else {
        let source = identity.ok_or(Refusal::NoIdentityGrant)?;
        return check_session(who, question).map(|()| source);
    };
    let resource = resource_grant(request, bucket, question);
    if who.is_admin()
        && let Some(source) = identity
    {
        return check_session(who, question).map(|()| source);
    }
    match (who.account() == Some(account(request, bucket)), identity, resource) {
        // What a session is given by name is not limited by its own policy.
        (true, _, Ok((Fit::Session, source))) => Ok(source),
        (true, Some(source), _) | (true, None, Ok((Fit::Direct, source))) => {
            check_session(who, question).map(|()| source)
        }
        (false, _, Err(refusal)) => Err(refusal),
        (false, Some(_), Ok((_, source))) => check_session(who, question).map(|()| source),
        (false, None, Ok((_, source))) if who.identity().is_none() => Ok(source),
        (true | false, None, _) => Err(Refusal::NoIdentityGrant),
    }
}

fn check_company(request: &Request<'_>) -> Result<(), Refusal> {
    let company = request.who.identity().and_then(|identity| identity.company.as_ref());
    match company {
        Some(company)
            if !company.admits(request.action, request.target, request.reach, request.template) =>
        {
            Err(Refusal::Company)
        }
        _ => Ok(()),
    }
}

/// Whether anything will ask for the target's name.
fn has_policies(request: &Request<'_>) -> bool {
    let identity = request.who.identity();
    identity.is_some_and(|identity| !identity.policies.is_empty() || identity.session.is_some())
        || request.bucket.is_some_and(|bucket| bucket.policy.is_some())
}

fn check_denials(request: &Request<'_>, question: &Question<'_>) -> Result<(), Refusal> {
    let denies = |policy: &Policy| policy.find(Effect::Deny, question).map(|(_, title)| title);
    if let Some(identity) = request.who.identity()
        && let Some(title) = identity.policies.iter().find_map(|policy| denies(policy))
    {
        return Err(Refusal::IdentityPolicy(title));
    }
    if let Some(title) = request.who.session_policy().and_then(denies) {
        return Err(Refusal::SessionPolicy(title));
    }
    match request.bucket.and_then(|bucket| bucket.policy).and_then(denies) {
        Some(title) => Err(Refusal::BucketPolicy(title)),
        None => Ok(()),
    }
}

fn check_session(who: Who<'_>, question: &Question<'_>) -> Result<(), Refusal> {
    match who.session_policy() {
        Some(policy) if policy.find(Effect::Allow, question).is_none() => {
            Err(Refusal::SessionLimit)
        }
        _ => Ok(()),
    }
}

/// What the identity's side allows, whoever the resource belongs to.
fn identity_grant(request: &Request<'_>, question: &Question<'_>) -> Option<Source> {
    let identity = request.who.identity()?;
    let by_role = match identity.role {
        Role::Admin => Some(Source::Admin),
        Role::ReadWrite => Some(Source::Role),
        Role::ReadOnly => request.action.is_read().then_some(Source::Role),
        Role::Policy => None,
    };
    by_role.or_else(|| {
        let mut policies = identity.policies.iter();
        let title = policies.find_map(|policy| policy.find(Effect::Allow, question))?.1;
        Some(Source::IdentityPolicy(title))
    })
}

/// Whose account decides alone: the object's owner's, where the action is about an object that
/// exists, else the bucket's.
fn account<'a>(request: &Request<'a>, bucket: &BucketGrants<'a>) -> &'a str {
    match request.object {
        Some(object) if has_other_owner(request, bucket) => &object.acl.owner.id,
        _ => bucket.owner,
    }
}

/// Whether the action is about an object that is not the bucket owner's.
fn has_other_owner(request: &Request<'_>, bucket: &BucketGrants<'_>) -> bool {
    bucket.ownership.has_acls()
        && request.action.needs_object_owner()
        && request.object.is_some_and(|object| object.acl.owner.id != bucket.owner)
}

/// What the resource's side allows.
fn resource_grant(
    request: &Request<'_>,
    bucket: &BucketGrants<'_>,
    question: &Question<'_>,
) -> Result<(Fit, Source), Refusal> {
    let mut blocked = false;
    let by_policy =
        bucket.policy.filter(|_| !has_other_owner(request, bucket)).and_then(|policy| {
            let (fit, title) = policy.find(Effect::Allow, question)?;
            let stranger = request.who.account() != Some(bucket.owner);
            blocked = bucket.block.restrict_public_buckets && policy.is_public() && stranger;
            (!blocked).then_some((fit, Source::BucketPolicy(title)))
        });
    let by_acl = acl_grant(request, bucket, bucket.block.ignore_public_acls)
        .map(|(fit, permission)| (fit, Source::Acl(permission)));
    if by_acl.is_none() && bucket.block.ignore_public_acls {
        blocked |= acl_grant(request, bucket, false).is_some();
    }
    let best = by_policy.into_iter().chain(by_acl).max_by_key(|(fit, _)| *fit);
    best.ok_or(if blocked { Refusal::PublicAccessBlock } else { Refusal::NoResourceGrant })
}

fn acl_grant(
    request: &Request<'_>,
    bucket: &BucketGrants<'_>,
    ignore_public: bool,
) -> Option<(Fit, Permission)> {
    if !bucket.ownership.has_acls() {
        return None;
    }
    let needed = Permission::needed_for(request.action)?;
    let on_object = request.action.kind() == ActionKind::Object && needed != Permission::Write;
    let acl = if on_object { request.object.map(|object| object.acl) } else { bucket.acl };
    acl?.find(needed, request.who, ignore_public)
}

impl Facts for AllFacts<'_> {
    fn allows(&self, steps: usize) -> bool {
        let before = self.steps.fetch_add(steps, Ordering::Relaxed);
        before.saturating_add(steps) <= MOST_STEPS
    }

    fn values(&self, key: &ConditionKey) -> Values<'_> {
        if !keys::has(self.action, key) {
            return Values::None;
        }
        match key.as_str() {
            "aws:principalisawsservice" | "aws:viaawsservice" => return Values::one("false"),
            "aws:resourceaccount" | "s3:resourceaccount" => {
                return Values::optional(self.bucket.map(|bucket| bucket.owner));
            }
            // Who asks for a key that is not there learns that where they may list so far.
            "s3:prefix" => match (self.reach, self.rest.values(key)) {
                (Reach::Key(reached), _) | (Reach::Prefix(reached), Values::Some(_)) => {
                    return Values::one(reached);
                }
                (_, values) => return values,
            },
            _ => {}
        }
        let Some(identity) = self.who.identity() else {
            return match key.as_str() {
                "aws:userid" => Values::one(ANONYMOUS),
                "aws:principaltype" => Values::one("Anonymous"),
                "aws:username" | "aws:principalarn" | "aws:principalaccount" => Values::None,
                _ => self.rest.values(key),
            };
        };
        let principal = Principal::of(identity);
        let session = identity.session.as_deref();
        match key.as_str() {
            "aws:username" => Values::optional(principal.username()),
            "aws:userid" => Values::one(principal.user_id()),
            "aws:principalarn" => Values::one(principal.arn()),
            "aws:principaltype" => Values::one(principal.kind()),
            "aws:principalaccount" => Values::one(principal.account),
            "aws:tokenissuetime" => Values::optional(session.map(|it| it.issued.iso8601())),
            "aws:sourceidentity" => {
                Values::optional(session.and_then(|it| it.source_identity.as_deref()))
            }
            "aws:multifactorauthpresent" => {
                Values::optional(session.map(|it| it.multi_factor.to_string()))
            }
            "aws:principaltag/company" if identity.company.is_some() => {
                Values::optional(identity.company.as_ref().map(super::Company::as_str))
            }
            name => match (name.strip_prefix("aws:principaltag/"), name.strip_prefix("jwt:")) {
                (Some(tag), _) => Values::optional(session.and_then(|it| it.tag(tag))),
                (_, Some(claim)) => session.map_or(Values::None, |it| it.claim(claim)),
                (None, None) => self.rest.values(key),
            },
        }
    }
}

impl<'a> Request<'a> {
    /// The same request for another action.
    #[must_use]
    pub fn asking(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// The key or prefix that it is about.
    fn text(&self) -> Option<&'a str> {
        match (self.target, self.reach) {
            (Target::Object(_, key), _) | (Target::Bucket(_), Reach::Key(key)) => Some(key),
            (Target::Bucket(_), Reach::Prefix(prefix)) => Some(prefix),
            (Target::Service | Target::Bucket(_), _) => None,
        }
    }

    /// The same request about another key or prefix.
    fn spelt<'b>(&self, text: &'b str) -> Request<'b>
    where
        'a: 'b,
    {
        let (target, reach) = match (self.target, self.reach) {
            (Target::Object(bucket, _), reach) => (Target::Object(bucket, text), reach),
            (target, Reach::Key(_)) => (target, Reach::Key(text)),
            (target, Reach::Prefix(_)) => (target, Reach::Prefix(text)),
            unchanged => unchanged,
        };
        Request { target, reach, ..*self }
    }
}
