//! From a policy's JSON to its statements, refusing what S3 refuses.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::action::ActionPattern;
use super::condition;
use super::document::Effect;
use super::json::{self, Json};
use super::malformed::Malformed;
use super::principal::Named;
use super::resource::ResourcePattern;
use super::statement::{Listed, Principals, Statement};

/// Whose policy it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder<'a> {
    /// A key's or a session's.
    Identity,
    /// That bucket's.
    Bucket(&'a str),
    /// A bucket's, which was checked to be about that one before.
    AnyBucket,
}

/// The fields of a statement as they stand.
#[derive(Default)]
struct Fields {
    sid: Option<Json>,
    effect: Option<Json>,
    principal: Option<Json>,
    not_principal: Option<Json>,
    action: Option<Json>,
    not_action: Option<Json>,
    resource: Option<Json>,
    not_resource: Option<Json>,
    condition: Option<Json>,
}

/// Reads a whole policy.
pub(super) fn statements(text: &[u8], holder: Holder<'_>) -> Result<Vec<Statement>, Malformed> {
    let mut variables = false;
    let mut listed = None;
    for (name, value) in json::parse(text)? {
        match name.as_str() {
            "Version" => variables = has_variables(&value)?,
            "Id" => drop(value.text()?),
            "Statement" => listed = Some(value),
            _ => return Err(Malformed::Unknown(name)),
        }
    }
    let listed = match listed.ok_or(Malformed::Missing("Statement"))? {
        Json::List(listed) => listed,
        one @ Json::Object(_) => vec![one],
        _ => return Err(Malformed::Syntax),
    };
    if listed.is_empty() {
        return Err(Malformed::Empty);
    }
    let parse = |one: Json| Fields::read(one)?.statement(holder, variables);
    let statements: Vec<Statement> = listed.into_iter().map(parse).collect::<Result<_, _>>()?;
    let sids = statements.iter().filter_map(|statement| statement.sid.as_ref());
    let mut seen = BTreeSet::new();
    if sids.into_iter().all(|sid| seen.insert(sid)) { Ok(statements) } else { Err(Malformed::Sid) }
}

/// Whether a policy of that version has variables; without a version it is of the old one.
fn has_variables(version: &Json) -> Result<bool, Malformed> {
    match version {
        Json::Text(text) if text == "2012-10-17" => Ok(true),
        Json::Text(text) if text == "2008-10-17" => Ok(false),
        _ => Err(Malformed::Version),
    }
}

impl Fields {
    fn read(statement: Json) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        for (name, value) in statement.object()? {
            let field = match name.as_str() {
                "Sid" => &mut fields.sid,
                "Effect" => &mut fields.effect,
                "Principal" => &mut fields.principal,
                "NotPrincipal" => &mut fields.not_principal,
                "Action" => &mut fields.action,
                "NotAction" => &mut fields.not_action,
                "Resource" => &mut fields.resource,
                "NotResource" => &mut fields.not_resource,
                "Condition" => &mut fields.condition,
                _ => return Err(Malformed::Unknown(name)),
            };
            *field = Some(value);
        }
        Ok(fields)
    }

    fn statement(self, holder: Holder<'_>, variables: bool) -> Result<Statement, Malformed> {
        let effect = effect(self.effect)?;
        let principals = principals(holder, self.principal, self.not_principal, effect)?;
        let actions = texts("Action", self.action, self.not_action)?;
        let resources = texts("Resource", self.resource, self.not_resource)?;
        if let Holder::Bucket(bucket) = holder {
            check_bucket(bucket, &actions, &resources)?;
        }
        let conditions = self.condition.map(|block| condition::parse(block, variables));
        Ok(Statement {
            sid: self.sid.map(Json::text).transpose()?.filter(|sid| !sid.is_empty()).map(Arc::from),
            effect,
            principals,
            actions: actions.map(ActionPattern::parse)?,
            resources: resources.map(|text| ResourcePattern::parse(text, variables))?,
            conditions: conditions.transpose()?.unwrap_or_default(),
        })
    }
}

impl Listed<String> {
    fn map<T>(&self, read: impl Fn(&str) -> Result<T, Malformed>) -> Result<Listed<T>, Malformed> {
        let all = |texts: &[String]| texts.iter().map(|text| read(text)).collect::<Result<_, _>>();
        Ok(match self {
            Self::Only(texts) => Listed::Only(all(texts)?),
            Self::Except(texts) => Listed::Except(all(texts)?),
        })
    }
}

fn effect(value: Option<Json>) -> Result<Effect, Malformed> {
    match value.ok_or(Malformed::Missing("Effect"))?.text()?.as_str() {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(Malformed::Effect(other.to_owned())),
    }
}

fn texts(
    name: &'static str,
    only: Option<Json>,
    except: Option<Json>,
) -> Result<Listed<String>, Malformed> {
    match (only, except) {
        (Some(_), Some(_)) => Err(Malformed::Both(name)),
        (Some(only), None) => only.texts().map(Listed::Only),
        (None, Some(except)) => except.texts().map(Listed::Except),
        (None, None) => Err(Malformed::Missing(name)),
    }
}

fn principals(
    holder: Holder<'_>,
    only: Option<Json>,
    except: Option<Json>,
    effect: Effect,
) -> Result<Principals, Malformed> {
    match (holder, only, except) {
        (Holder::Identity, None, None) => Ok(Principals::Holder),
        (Holder::Identity, _, _) => Err(Malformed::UnwantedPrincipal),
        (_, Some(_), Some(_)) => Err(Malformed::Both("Principal")),
        (_, None, None) => Err(Malformed::Missing("Principal")),
        (_, Some(only), None) => named(only).map(Principals::Only),
        (_, None, Some(_)) if effect == Effect::Allow => Err(Malformed::AllowNotPrincipal),
        (_, None, Some(except)) => named(except).map(Principals::Except),
    }
}

fn named(value: Json) -> Result<Vec<Named>, Malformed> {
    let kinds = match value {
        Json::Text(text) if text == "*" => return Ok(vec![Named::Everyone]),
        Json::Object(kinds) => kinds,
        _ => return Err(Malformed::Principal),
    };
    let mut all = Vec::new();
    for (kind, names) in kinds {
        let names = names.texts().map_err(|_| Malformed::Principal)?;
        let read = match kind.as_str() {
            "AWS" => Named::aws,
            "CanonicalUser" => Named::canonical,
            "Service" | "Federated" => foreign,
            _ => return Err(Malformed::Principal),
        };
        for name in &names {
            all.push(read(name)?);
        }
    }
    if all.is_empty() { Err(Malformed::Principal) } else { Ok(all) }
}

fn foreign(text: &str) -> Result<Named, Malformed> {
    if text.is_empty() || text.contains(['*', '?', ' ']) {
        return Err(Malformed::Principal);
    }
    Ok(Named::Foreign)
}

/// What a bucket's policy may be about: that bucket, and actions that it or its objects can have.
fn check_bucket(
    bucket: &str,
    actions: &Listed<String>,
    resources: &Listed<String>,
) -> Result<(), Malformed> {
    let (Listed::Only(arns) | Listed::Except(arns)) = resources;
    for arn in arns {
        ResourcePattern::parse(arn, false)?;
        if !ResourcePattern::is_within(arn, bucket) {
            return Err(Malformed::Resource);
        }
    }
    let (Listed::Only(names) | Listed::Except(names)) = actions;
    for name in names {
        let pattern = ActionPattern::parse(name)?;
        if pattern.kinds().next().is_none() {
            return Err(Malformed::Action);
        }
        let suits = |kind| arns.iter().any(|arn| ResourcePattern::suits(arn, kind));
        let both = matches!((actions, resources), (Listed::Only(_), Listed::Only(_)));
        if both && !pattern.kinds().any(suits) {
            return Err(Malformed::Inapplicable);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
