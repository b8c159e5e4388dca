//! Who may do what: each action that an operation needs is put to the evaluator, with what its
//! bucket gives to whom.
//!
//! A bucket that does not exist is `NoSuchBucket` to everyone, as on S3. What is refused is
//! refused before the object is looked up, and an object that is not there is `AccessDenied` to
//! whoever may not list it: so nobody learns of a key what is not theirs to know.

use std::sync::Arc;

use super::acl;
use super::configured::Configured;
use super::context::Context;
use super::error::{Code, S3Error};
use super::guards::Guard;
use super::header::Head;
use super::initiator;
use super::operation::{Access, Operation};
use super::permit::{self, Permit};
use super::request_facts::{AskedFacts, ObjectFacts, RequestFacts};
use crate::auth::grants::{
    Acl, Action, ActionKind, BucketGrants, Decision, ObjectGrants, Ownership, Permission, Policy,
    Reach, Refusal, Request, Source, Target, Who, evaluate,
};
use crate::auth::{Caller, Identity};
use crate::object::{Bucket, BucketName, KeyTemplates, ObjectKey, Owner, TagSet, VersionId};
use crate::store::{ObjectPath, Store, StoreError};

/// The parameters that replace headers of a response.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// Decides about everything that one request wants. Cheap to clone.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

/// What a gate decides with.
pub(super) struct Inner {
    /// On whose behalf.
    pub(super) caller: Caller,
    /// What the request says of itself.
    pub(super) facts: RequestFacts,
    /// Where buckets' settings are.
    pub(super) store: Arc<dyn Store>,
    /// What was made of them.
    pub(super) configured: Arc<Configured>,
    /// The shapes of buckets' keys.
    pub(super) templates: Arc<KeyTemplates>,
}

/// One action, put to the gate.
struct Ask<'a> {
    bucket: &'a Bucket,
    action: Action,
    target: Target<'a>,
    reach: Reach<'a>,
    object: &'a ObjectFacts,
    policy: Option<&'a Policy>,
    /// Whether it is about an object that is there, rather than one that is being made.
    made: Made,
}

/// Whether an object is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It may be, and says then by its ACL whose it is.
    Before,
    /// It is being made: another of the same name has no say.
    Now,
}

/// Decides whether the caller may run the operation; gives the bucket it is about, where there is
/// one already.
pub(super) async fn authorize(
    gate: &Gate,
    operation: Operation,
    head: &Head,
) -> Result<Option<Bucket>, S3Error> {
    if gate.0.caller == Caller::Anonymous && operation.takes_overrides() {
        refuse_overrides(head)?;
    }
    match operation.access() {
        Access::Anyone => Ok(None),
        Access::Service | Access::NewBucket => {
            let permit = Permit::of(operation, head);
            let actions = permit.actions.iter().chain(&permit.extras);
            for action in actions {
                gate.check_service(*action, permit::target(head))?;
            }
            Ok(None)
        }
        Access::Read | Access::Write => {
            let bucket = gate.0.store.head_bucket(head.bucket()?).await?;
            gate.check_operation(&bucket, operation, head).await?;
            expected_owner(head, "x-amz-expected-bucket-owner", &bucket.owner)?;
            Ok(Some(bucket))
        }
    }
}

/// Whether anybody may read the object through its bucket's website: where the gateway's own
/// configuration says so of the whole bucket, or else wherever anybody may read it at all.
pub(super) async fn anyone_reads(ctx: &Context, head: &Head) -> Result<(), S3Error> {
    let name = head.bucket()?;
    if ctx.public_sites.contains(name) {
        return Ok(());
    }
    let bucket = ctx.gate.bucket(name).await?;
    ctx.gate.check_object(&bucket, &head.object()?.key, None, Action::GetObject).await
}

/// The error as visitors of a website see it: where not everybody may list the bucket, a page that
/// is not there is one that they may not read.
pub(super) async fn veil_page(ctx: &Context, head: &Head, error: S3Error) -> S3Error {
    let object = match (head.bucket(), head.object()) {
        (Ok(name), Ok(object)) if !ctx.public_sites.contains(name) => object,
        _ => return error,
    };
    match ctx.gate.bucket(&object.bucket).await {
        Ok(bucket) => ctx.gate.veil(error, &bucket, &object.key).await,
        Err(fault) => fault,
    }
}

/// Refuses where the header names another owner than the bucket's.
pub(super) fn expected_owner(head: &Head, header: &str, owner: &Owner) -> Result<(), S3Error> {
    match head.header(header) {
        Some(expected) if expected != owner.id.as_str() => Err(S3Error::new(Code::AccessDenied)),
        _ => Ok(()),
    }
}

impl Gate {
    /// A gate for one request.
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The bucket of that name, about which nothing has been decided yet.
    pub(super) async fn bucket(&self, name: &BucketName) -> Result<Bucket, S3Error> {
        Ok(self.0.store.head_bucket(name).await?)
    }

    /// Refuses the action on an object unless it may be done.
    pub(super) async fn check_object(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
        action: Action,
    ) -> Result<(), S3Error> {
        let object =
            ObjectFacts { version: version.map(|it| it.to_string()), ..ObjectFacts::default() };
        let decision = self.decide_object(bucket, key, version, action, object).await?;
        allowed(&decision).map(|_| ())
    }

    /// Refuses to give an object these tags, which came in a document, unless that may be done.
    pub(super) async fn check_new_tags(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
        (action, tags): (Action, &TagSet),
    ) -> Result<(), S3Error> {
        let object = ObjectFacts { new_tags: Some(tags.clone()), ..ObjectFacts::default() };
        let decision = self.decide_object(bucket, key, version, action, object).await?;
        allowed(&decision).map(|_| ())
    }

    /// Refuses whoever could delete nothing in the bucket, whatever its key.
    pub(super) async fn check_deletions(&self, bucket: &Bucket) -> Result<(), S3Error> {
        let identity = self.identity();
        let by_key = identity.is_some_and(|it| !it.policies.is_empty() || it.session.is_some());
        if by_key || self.policy(bucket).await?.is_some() {
            return Ok(());
        }
        // A company is asked for with each key.
        let unbound = identity.map(|it| Identity { company: None, ..it.clone() });
        let who = unbound.as_ref().map_or(Who::Anonymous, Who::Known);
        let ask = Ask {
            bucket,
            action: Action::DeleteObject,
            target: Target::Object(bucket.name.as_str(), ""),
            reach: Reach::Everything,
            object: &ObjectFacts::default(),
            policy: None,
            made: Made::Before,
        };
        allowed(&self.evaluate(who, &ask, &Guard::default(), None)).map(|_| ())
    }

    /// Whether the caller may know whether there is such a key.
    pub(super) async fn may_know(&self, bucket: &Bucket, key: &ObjectKey) -> Result<bool, S3Error> {
        let policy = self.policy(bucket).await?;
        let ask = Ask {
            bucket,
            action: Action::ListBucket,
            target: Target::Bucket(bucket.name.as_str()),
            reach: Reach::Key(key.as_str()),
            object: &ObjectFacts::default(),
            policy: policy.as_deref(),
            made: Made::Before,
        };
        Ok(self.decide(&ask).await?.is_allowed())
    }

    /// The error as whoever asked for that key may see it.
    pub(super) async fn veil(&self, error: S3Error, bucket: &Bucket, key: &ObjectKey) -> S3Error {
        if !matches!(error.code(), Code::NoSuchKey | Code::NoSuchVersion) {
            return error;
        }
        match self.may_know(bucket, key).await {
            Ok(true) => error,
            Ok(false) => denied("there is no such key, which the caller may not know"),
            Err(fault) => fault,
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match &self.0.caller {
            Caller::Anonymous => None,
            Caller::Key(identity) => Some(identity),
        }
    }

    fn who(&self) -> Who<'_> {
        self.identity().map_or(Who::Anonymous, Who::Known)
    }

    fn check_service(&self, action: Action, target: Target<'_>) -> Result<(), S3Error> {
        let object = ObjectFacts::default();
        let decision = evaluate(&Request {
            who: self.who(),
            action,
            target,
            reach: Reach::Everything,
            template: None,
            bucket: None,
            object: None,
            facts: &AskedFacts { request: &self.0.facts, object: &object },
        });
        allowed(&decision).map(|_| ())
    }

    async fn check_operation(
        &self,
        bucket: &Bucket,
        operation: Operation,
        head: &Head,
    ) -> Result<(), S3Error> {
        if operation == Operation::DeleteObjects {
            return self.check_deletions(bucket).await;
        }
        let Permit { actions, extras } = Permit::of(operation, head);
        let target = permit::target(head);
        let reach = permit::reach(operation, head);
        let version = head.parameter("versionId").and_then(VersionId::parse);
        let policy = self.policy(bucket).await?;
        let policy = policy.as_deref();
        let tags_follow = operation == Operation::PutObjectTagging
            && self.mentions(policy, "s3:requestobjecttag");
        let mut made_by_acl = false;
        for action in actions.into_iter().filter(|_| !tags_follow) {
            let key = head.target().key.as_ref();
            let (object, made) = (ObjectFacts::default(), Made::Before);
            let ask = Ask { bucket, action, target, reach, object: &object, policy, made };
            self.check_company(&ask)?;
            let object = self.object_facts(bucket, policy, action, key, version).await?;
            let decision = self.decide(&Ask { object: &object, ..ask }).await?;
            if decision == Decision::Refused(Refusal::NoResourceGrant)
                && initiator::began(&*self.0.store, self.who().account(), operation, head).await?
            {
                continue;
            }
            let source = allowed(&decision)?;
            made_by_acl |=
                matches!(source, Source::Acl(Permission::Write | Permission::FullControl));
        }
        // Whoever may put an object may give it to the bucket's owner, unless that is denied (S3 User
        // Guide, "Bucket policy examples using condition keys").
        let harmless = acl::Asked::parse(head)
            .is_ok_and(|asked| asked.is_some_and(|asked| asked.is_only_for(&bucket.owner)));
        for action in extras {
            let object = ObjectFacts::default();
            let made = Made::Now;
            let ask = Ask { bucket, action, target, reach, object: &object, policy, made };
            let decision = self.decide(&ask).await?;
            let needless = made_by_acl || harmless && action == Action::PutObjectAcl;
            let ungranted = Decision::Refused(Refusal::NoIdentityGrant) == decision
                || Decision::Refused(Refusal::NoResourceGrant) == decision;
            if !(needless && ungranted) {
                allowed(&decision)?;
            }
        }
        Ok(())
    }

    /// Refuses whoever is of another company, before anything of the object is looked at: so that
    /// not even the time that it takes tells of it.
    fn check_company(&self, ask: &Ask<'_>) -> Result<(), S3Error> {
        if self.identity().is_none_or(|identity| identity.company.is_none()) {
            return Ok(());
        }
        match self.evaluate(self.who(), ask, &Guard::default(), None) {
            refused @ Decision::Refused(Refusal::Company) => allowed(&refused).map(|_| ()),
            Decision::Allowed(_) | Decision::Refused(_) => Ok(()),
        }
    }

    /// Whether what may be stored in the bucket depends on its tags.
    pub(super) async fn judges_new_tags(&self, bucket: &Bucket) -> Result<bool, S3Error> {
        let policy = self.policy(bucket).await?;
        Ok(self.mentions(policy.as_deref(), "s3:requestobjecttag"))
    }

    /// The bucket's policy.
    async fn policy(&self, bucket: &Bucket) -> Result<Option<Arc<Policy>>, S3Error> {
        self.0.configured.policy(&*self.0.store, &bucket.name).await
    }

    async fn decide_object(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
        action: Action,
        object: ObjectFacts,
    ) -> Result<Decision, S3Error> {
        let policy = self.policy(bucket).await?;
        let policy = policy.as_deref();
        let target = Target::Object(bucket.name.as_str(), key.as_str());
        let (reach, made) = (Reach::Everything, Made::Before);
        let ask = Ask { bucket, action, target, reach, object: &object, policy, made };
        self.check_company(&ask)?;
        let known = self.object_facts(bucket, policy, action, Some(key), version).await?;
        let object = ObjectFacts { tags: known.tags, ..object.clone() };
        self.decide(&Ask { object: &object, ..ask }).await
    }

    /// Looks at the policy alone first: what it and the identity's side settle is most of what is
    /// asked, and needs nothing else, except where an object may be another's than the bucket's
    /// owner's. Of an object that is not there nobody was given anything; whoever may list learns
    /// that instead of a refusal.
    async fn decide(&self, ask: &Ask<'_>) -> Result<Decision, S3Error> {
        let first = self.evaluate(self.who(), ask, &Guard::default(), None);
        let settled = match &first {
            Decision::Allowed(Source::Admin)
            | Decision::Refused(
                Refusal::Company
                | Refusal::IdentityPolicy(_)
                | Refusal::SessionPolicy(_)
                | Refusal::BucketPolicy(_)
                | Refusal::PolicyOfAnother
                | Refusal::SessionLimit
                | Refusal::TooMuchWork,
            ) => true,
            Decision::Allowed(Source::Role | Source::BucketOwner | Source::IdentityPolicy(_)) => {
                !ask.is_of_object() || !self.ownership(ask.bucket).await?.has_acls()
            }
            Decision::Allowed(Source::BucketPolicy(_) | Source::Acl(_))
            | Decision::Refused(
                Refusal::NoIdentityGrant | Refusal::NoResourceGrant | Refusal::PublicAccessBlock,
            ) => false,
        };
        if settled {
            return Ok(first);
        }
        let guard = Guard::of(&*self.0.store, &self.0.configured, &ask.bucket.name).await?;
        let listed = ask.is_of_object() && guard.ownership.has_acls();
        let found = if listed { self.object_acl(ask).await } else { Ok(None) };
        let acl = found.as_ref().ok().and_then(Option::as_ref);
        let decision = self.evaluate(self.who(), ask, &guard, acl);
        match found {
            Ok(_) => Ok(decision),
            Err(StoreError::NoSuchKey | StoreError::NoSuchVersion)
                if decision != Decision::Refused(Refusal::NoResourceGrant)
                    || !self.may_list(ask).await? =>
            {
                Ok(decision)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the caller may know whether the object asked for is there.
    async fn may_list(&self, ask: &Ask<'_>) -> Result<bool, S3Error> {
        let Target::Object(_, key) = ask.target else { return Ok(false) };
        let Ok(key) = ObjectKey::parse(key) else { return Ok(false) };
        Box::pin(self.may_know(ask.bucket, &key)).await
    }

    async fn ownership(&self, bucket: &Bucket) -> Result<Ownership, S3Error> {
        self.0.configured.ownership(&*self.0.store, &bucket.name).await
    }

    /// The ACL of the object, where it has one of its own. Where none is told, nobody but the
    /// bucket's owner has anything.
    async fn object_acl(&self, ask: &Ask<'_>) -> Result<Option<Acl>, StoreError> {
        let Target::Object(_, key) = ask.target else { return Ok(None) };
        let Ok(key) = ObjectKey::parse(key) else { return Ok(None) };
        let version = ask.object.version.as_deref().and_then(VersionId::parse);
        let at = ObjectPath { bucket: ask.bucket.name.clone(), key };
        match self.0.store.object_acl(&at, version).await {
            Err(StoreError::Unsupported { .. }) => Ok(None),
            acl => acl,
        }
    }

    fn evaluate(&self, who: Who<'_>, ask: &Ask<'_>, guard: &Guard, acl: Option<&Acl>) -> Decision {
        evaluate(&Request {
            who,
            action: ask.action,
            target: ask.target,
            reach: ask.reach,
            template: self.0.templates.of(ask.bucket.name.as_str()),
            bucket: Some(BucketGrants {
                owner: &ask.bucket.owner.id,
                policy: ask.policy,
                acl: guard.acl.as_ref(),
                block: guard.block,
                ownership: guard.ownership,
            }),
            object: acl.map(|acl| ObjectGrants { acl }),
            facts: &AskedFacts { request: &self.0.facts, object: ask.object },
        })
    }

    /// What policies may ask about an object that exists: looked up only where one does ask.
    async fn object_facts(
        &self,
        bucket: &Bucket,
        policy: Option<&Policy>,
        action: Action,
        key: Option<&ObjectKey>,
        version: Option<VersionId>,
    ) -> Result<ObjectFacts, S3Error> {
        let mut facts =
            ObjectFacts { version: version.map(|it| it.to_string()), ..ObjectFacts::default() };
        let Some(key) = key else { return Ok(facts) };
        let existing = action.kind() == ActionKind::Object && action != Action::PutObject;
        if existing && self.mentions(policy, "s3:existingobjecttag/") {
            let at = ObjectPath { bucket: bucket.name.clone(), key: key.clone() };
            facts.tags = match self.0.store.object_tags(&at, version).await {
                Ok(tags) => Some(tags),
                Err(StoreError::NoSuchKey | StoreError::NoSuchVersion) => None,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(facts)
    }

    /// Whether a policy that concerns the request asks for a value whose key begins so.
    fn mentions(&self, bucket: Option<&Policy>, prefix: &str) -> bool {
        let identity = self.identity();
        let session = identity.and_then(|it| it.session.as_ref()).and_then(|it| it.policy.as_ref());
        let own = identity.map(|it| it.policies.as_slice()).unwrap_or_default();
        let others = session.into_iter().chain(own).map(|policy| &**policy);
        bucket.into_iter().chain(others).any(|policy| policy.mentions(prefix))
    }
}

impl Ask<'_> {
    /// Whether the object that is there may have something to say.
    fn is_of_object(&self) -> bool {
        self.made == Made::Before && self.action.needs_object_owner()
    }
}

/// What allows it, or `AccessDenied`; why it was refused is for the log.
fn allowed(decision: &Decision) -> Result<Source, S3Error> {
    match decision {
        Decision::Allowed(source) => Ok(source.clone()),
        Decision::Refused(refusal @ Refusal::PolicyOfAnother) => {
            Err(S3Error::new(Code::MethodNotAllowed).known_cause(refusal.to_string()))
        }
        Decision::Refused(refusal) => Err(denied(refusal.to_string())),
    }
}

fn denied(why: impl Into<String>) -> S3Error {
    S3Error::new(Code::AccessDenied).known_cause(why)
}

/// Only who has signed a request may say what its response says (S3 API Reference, GetObject).
fn refuse_overrides(head: &Head) -> Result<(), S3Error> {
    if OVERRIDES.iter().any(|name| head.query().has(name)) {
        return Err(S3Error::invalid_request(
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    Ok(())
}
