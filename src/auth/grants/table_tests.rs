//! The table of decisions, and what must hold for any policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::auth::{Identity, Role, Session};
use crate::object::{KeyTemplate, Owner, Timestamp};

const TABLE: &str = include_str!("../../../fixtures/access/decisions.txt");
const FEWEST_CASES: usize = 150;

/// What a case gives.
#[derive(Default)]
struct Given {
    version: Option<String>,
    key: Vec<String>,
    bucket: Vec<String>,
    session: Vec<String>,
    acl: Option<Acl>,
    object: Option<Acl>,
    block: PublicAccessBlock,
    ownership: Option<Ownership>,
    facts: FixedFacts,
    company: Option<Company>,
    prefix: Option<String>,
    reach: Option<String>,
}

fn owner(id: &str) -> Owner {
    Owner { id: id.to_owned(), display_name: id.to_owned() }
}

fn quoted(texts: &str) -> String {
    format!("{:?}", texts.split(',').collect::<Vec<_>>())
}

/// The JSON of `Effect [principal] action resource [if condition]`.
fn statement(text: &str, has_principal: bool) -> String {
    let (text, condition) = match text.split_once(" if ") {
        Some((text, condition)) => (text, format!(",\"Condition\":{condition}")),
        None => (text, String::new()),
    };
    let (effect, mut rest) = text.split_once(' ').unwrap();
    let mut fields = format!("\"Effect\":\"{effect}\"{condition}");
    if has_principal {
        let (who, behind) = rest.split_once(' ').unwrap();
        let (not, who) = who.strip_prefix('!').map_or(("", who), |who| ("Not", who));
        write!(fields, ",\"{not}Principal\":{}", principal(who)).unwrap();
        rest = behind;
    }
    let (action, resource) = rest.split_once(' ').unwrap();
    let (not, action) = action.strip_prefix('!').map_or(("", action), |it| ("Not", it));
    write!(fields, ",\"{not}Action\":\"s3:{action}\"").unwrap();
    let (not, resource) = resource.strip_prefix('!').map_or(("", resource), |it| ("Not", it));
    let arn = if resource == "*" { "*".to_owned() } else { format!("arn:aws:s3:::{resource}") };
    format!("{{{fields},\"{not}Resource\":\"{arn}\"}}")
}

fn principal(text: &str) -> String {
    let spelt = |name: &str| match name.split_once(':') {
        None => name.to_owned(),
        Some(("aws", name)) => name.to_owned(),
        Some(("root", account)) => format!("arn:aws:iam::{account}:root"),
        Some((kind @ ("user" | "role"), path)) => {
            let (account, name) = path.split_once('/').unwrap();
            format!("arn:aws:iam::{account}:{kind}/{name}")
        }
        Some(("session", path)) => {
            let (account, name) = path.split_once('/').unwrap();
            format!("arn:aws:sts::{account}:assumed-role/{name}")
        }
        Some(_) => panic!("{name}"),
    };
    match text.split_once(':') {
        None if text == "*" => "\"*\"".to_owned(),
        Some(("canonical", id)) => format!("{{\"CanonicalUser\":{}}}", quoted(id)),
        Some(("service", id)) => format!("{{\"Service\":{}}}", quoted(id)),
        _ => {
            let names: Vec<String> = text.split(',').map(spelt).collect();
            format!("{{\"AWS\":{}}}", quoted(&names.join(",")))
        }
    }
}

fn policy_text(statements: &[String], version: Option<&str>) -> Option<String> {
    let version = version.unwrap_or("2012-10-17");
    let listed = statements.join(",");
    (!statements.is_empty())
        .then(|| format!("{{\"Version\":\"{version}\",\"Statement\":[{listed}]}}"))
}

/// A canned ACL by its name, or `OWNER PERMISSION`.
fn acl(whose: &str, text: &str) -> Acl {
    if let Some(canned) = CannedAcl::named(text) {
        return canned.of_object(owner(whose), &owner("main"));
    }
    let (who, permission) = text.split_once(' ').unwrap();
    let grantee = Grantee::User(owner(who));
    let grant = Grant { grantee, permission: Permission::named(permission).unwrap() };
    Acl::new(owner(whose), vec![grant]).unwrap()
}

impl Given {
    fn parse(text: &str) -> Self {
        let mut given = Self::default();
        for item in text.split(" & ").map(str::trim).filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once(':').unwrap();
            let value = value.trim();
            match name {
                "version" => given.version = Some(value.to_owned()),
                "key" => given.key.push(statement(value, false)),
                "session" => given.session.push(statement(value, false)),
                "bucket" => given.bucket.push(statement(value, true)),
                "acl" => given.acl = Some(acl("main", value)),
                "object" => {
                    let (whose, text) = value.split_once(' ').unwrap();
                    given.object = Some(acl(whose, text));
                }
                "block" => match value {
                    "acls" => given.block.block_public_acls = true,
                    "ignore" => given.block.ignore_public_acls = true,
                    "policy" => given.block.block_public_policy = true,
                    "restrict" => given.block.restrict_public_buckets = true,
                    _ => panic!("{value}"),
                },
                "ownership" => given.ownership = Ownership::named(value),
                "fact" => {
                    let (key, value) = value.split_once('=').unwrap();
                    given.facts = given.facts.with(key, value);
                }
                "unknown" => given.facts = given.facts.unknown(value),
                "company" => given.company = Company::new(value),
                "prefix" => given.prefix = Some(value.to_owned()),
                "reach" => given.reach = Some(value.to_owned()),
                _ => panic!("{item}"),
            }
        }
        given
    }

    fn who(&self, name: &str) -> Option<Identity> {
        let (account, role) = match name {
            "anonymous" => return None,
            "admin" => ("operator", Role::Admin),
            "main" => ("main", Role::ReadWrite),
            "reader" => ("main", Role::ReadOnly),
            "user" | "session" => ("main", Role::Policy),
            "alt" => ("alt", Role::ReadWrite),
            "altreader" => ("alt", Role::ReadOnly),
            "altuser" | "altsession" => ("alt", Role::Policy),
            _ => panic!("{name}"),
        };
        let policy = |statements: &[String]| {
            let text = policy_text(statements, self.version.as_deref())?;
            Some(Arc::new(Policy::for_identity(text.as_bytes()).expect(&text)))
        };
        let session = name.ends_with("session").then(|| {
            let claims = [("sub", vec!["7"]), ("groups", vec!["staff", "managers"])];
            let texts = |(name, list): (&str, Vec<&str>)| {
                (name.to_owned(), list.into_iter().map(str::to_owned).collect())
            };
            Arc::new(Session {
                access_key: "ASIASESSION".to_owned(),
                role: Some("r".to_owned()),
                name: "s".to_owned(),
                policy: policy(&self.session),
                issued: Timestamp(1_445_412_480_000),
                expires: Timestamp(1_445_416_080_000),
                multi_factor: false,
                source_identity: None,
                tags: BTreeMap::from([("team".to_owned(), "red".to_owned())]),
                claims: claims.into_iter().map(texts).collect(),
            })
        });
        let policies = policy(&self.key).into_iter().collect();
        let company = self.company.clone();
        Some(Identity { policies, company, session, ..Identity::new(name, role, owner(account)) })
    }

    fn decide(&self, who: &str, action: &str, target: &str) -> Decision {
        let identity = self.who(who);
        let policy = policy_text(&self.bucket, self.version.as_deref())
            .map(|text| Policy::for_bucket(text.as_bytes(), "b12").expect(&text));
        let action = Action::ALL.iter().find(|it| it.name() == format!("s3:{action}"));
        let target = match target.split_once('/') {
            None if target == "-" => Target::Service,
            None => Target::Bucket(target),
            Some((bucket, key)) => Target::Object(bucket, key),
        };
        let has_acls = self.acl.is_some() || self.object.is_some();
        let usual = if has_acls { Ownership::ObjectWriter } else { Ownership::default() };
        let bucket = BucketGrants {
            owner: "main",
            policy: policy.as_ref(),
            acl: self.acl.as_ref(),
            block: self.block,
            ownership: self.ownership.unwrap_or(usual),
        };
        let there = self.reach.as_deref() != Some("nobucket");
        let template = KeyTemplate::default();
        evaluate(&Request {
            who: identity.as_ref().map_or(Who::Anonymous, Who::Known),
            action: *action.expect("an action"),
            target,
            reach: match (self.reach.as_deref(), self.prefix.as_deref()) {
                (Some("nothing"), _) => Reach::Nothing,
                (Some("nobucket"), _) | (None, None) => Reach::Everything,
                (Some(key), _) => Reach::Key(key),
                (None, Some(prefix)) => Reach::Prefix(prefix),
            },
            template: Some(&template),
            bucket: there.then_some(bucket),
            object: self.object.as_ref().map(|acl| ObjectGrants { acl }),
            facts: &self.facts,
        })
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allowed(source) => match source {
            Source::Admin => "allow:admin",
            Source::Role => "allow:role",
            Source::BucketOwner => "allow:owner",
            Source::IdentityPolicy(_) => "allow:key",
            Source::BucketPolicy(_) => "allow:bucket",
            Source::Acl(_) => "allow:acl",
        },
        Decision::Refused(refusal) => match refusal {
            Refusal::Company => "deny:company",
            Refusal::IdentityPolicy(_) => "deny:key",
            Refusal::SessionPolicy(_) => "deny:session",
            Refusal::BucketPolicy(_) => "deny:bucket",
            Refusal::NoIdentityGrant => "deny:identity-grant",
            Refusal::SessionLimit => "deny:session-limit",
            Refusal::NoResourceGrant => "deny:resource",
            Refusal::PublicAccessBlock => "deny:blocked",
            Refusal::PolicyOfAnother => "deny:policy-of-another",
            Refusal::TooMuchWork => "deny:too-much-work",
        },
    }
}

#[test]
fn every_line_of_the_table_is_decided_as_it_says() {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for line in lines {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [rule, who, action, target, given, expected] = columns[..] else { panic!("{line}") };
        assert!(names.insert(rule), "{rule} is there twice");
        let decision = Given::parse(given).decide(who, action, target);
        if word(&decision) != expected {
            wrong.push(format!("{rule}: {decision}"));
        }
    }
    assert!(names.len() >= FEWEST_CASES, "{} cases", names.len());
    assert!(wrong.is_empty(), "of {} cases:\n{}", names.len(), wrong.join("\n"));
}

#[test]
fn the_log_is_told_which_statement() {
    let given = Given::parse("key: Allow * * & key: Deny GetObject b12/k");
    let decision = given.decide("user", "GetObject", "b12/k");
    assert_eq!(decision.to_string(), "refused: the key's policy denies it, statement 2");
    let allowed = given.decide("user", "PutObject", "b12/k");
    assert_eq!(allowed.to_string(), "allowed by the key's policy, statement 1");
}

const CALLERS: [&str; 9] =
    ["anonymous", "admin", "main", "reader", "user", "alt", "altuser", "session", "altsession"];

fn statements(effect: &'static str) -> impl Strategy<Value = String> {
    let place = prop_oneof![Just("key"), Just("session"), Just("bucket")];
    let principal = prop_oneof![
        Just("*"),
        Just("main"),
        Just("alt"),
        Just("user:main/user"),
        Just("role:main/r"),
    ];
    let action = prop_oneof![
        Just("*"),
        Just("GetObject"),
        Just("Get*"),
        Just("!GetObject"),
        Just("PutObject")
    ];
    let resource =
        prop_oneof![Just("b12/*"), Just("b12/k"), Just("!b12/k"), Just("b12/${aws:username}*")];
    let condition = prop_oneof![
        Just(""),
        Just(r#" if {"StringEquals":{"s3:prefix":"a"}}"#),
        Just(r#" if {"StringNotEquals":{"s3:prefix":"${aws:username}"}}"#),
        Just(r#" if {"Null":{"s3:prefix":"true"}}"#),
    ];
    (place, principal, action, resource, condition).prop_map(
        move |(place, principal, action, resource, condition)| match place {
            "bucket" => format!("bucket: {effect} {principal} {action} {resource}{condition}"),
            other => format!("{other}: {effect} {action} {resource}{condition}"),
        },
    )
}

fn any_statement() -> impl Strategy<Value = String> {
    prop_oneof![statements("Allow"), statements("Deny")]
}

/// A session without a policy is not limited: it gets one, so that another statement only adds.
fn joined(given: &[String], more: &str) -> String {
    let usual = ["session: Allow PutObject b12/k".to_owned()];
    given.iter().chain(&usual).map(String::as_str).chain([more]).collect::<Vec<_>>().join(" & ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn another_denial_never_allows_more(
        given in proptest::collection::vec(any_statement(), 0..5),
        denial in statements("Deny"),
    ) {
        for who in CALLERS {
            for action in ["GetObject", "PutObject", "GetObjectTagging"] {
                let before = Given::parse(&joined(&given, "")).decide(who, action, "b12/k");
                let after = Given::parse(&joined(&given, &denial)).decide(who, action, "b12/k");
                prop_assert!(before.is_allowed() || !after.is_allowed(), "{} {}", who, action);
            }
        }
    }

    #[test]
    fn another_allowance_never_refuses_more(
        given in proptest::collection::vec(any_statement(), 0..5),
        allowance in statements("Allow"),
    ) {
        for who in CALLERS {
            for action in ["GetObject", "PutObject", "GetObjectTagging"] {
                let before = Given::parse(&joined(&given, "")).decide(who, action, "b12/k");
                let after = Given::parse(&joined(&given, &allowance)).decide(who, action, "b12/k");
                prop_assert!(!before.is_allowed() || after.is_allowed(), "{} {}", who, action);
            }
        }
    }

    #[test]
    fn a_company_never_reaches_a_key_that_is_not_its_own(
        given in proptest::collection::vec(any_statement(), 0..4),
        key in "attachments/[a-b/]{1,3}/company_[12/]{1,3}/[k/]{0,2}|[a-z/]{1,8}",
    ) {
        let all = format!("{} & company: 1", joined(&given, ""));
        for who in ["admin", "main", "user", "session"] {
            for action in ["GetObject", "PutObject"] {
                let decision = Given::parse(&all).decide(who, action, &format!("b12/{key}"));
                let labels = KeyTemplate::default().labels(&key).and_then(|it| it.company);
                prop_assert!(!decision.is_allowed() || labels == Some("1"), "{}", key);
            }
        }
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,60}|\\{\"Statement\":\\[?\\{[\\]{}:,\"A-Za-z*$]{0,80}") {
        let _ = Policy::for_bucket(text.as_bytes(), "b12").is_ok();
        let _ = Policy::for_identity(text.as_bytes()).is_ok();
    }
}

#[test]
fn what_takes_too_long_to_compare_is_refused() {
    let sender = "a".repeat(2000);
    let given = format!(
        "bucket: Allow * GetObject b12/* & bucket: Deny * GetObject b12/* if \
         {{\"StringLike\":{{\"aws:Referer\":[\"*a?${{aws:Referer}}b*\",\"*aa?${{aws:Referer}}b*\"]}}}} & fact: \
         aws:Referer={sender}"
    );
    let decided = Given::parse(&given).decide("anonymous", "GetObject", "b12/k");
    assert_eq!(word(&decided), "deny:too-much-work");
}
