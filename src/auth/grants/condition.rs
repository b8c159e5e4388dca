//! Conditions of a statement: read once, then asked of each request.
//!
//! A key that the request does not have fits nothing: so a negated operator holds and every other
//! does not, unless the operator's name says otherwise (`IfExists`, `ForAllValues`, `Null`). One
//! whose value cannot be told holds in whatever denies, and in nothing that allows.

use std::borrow::Cow;

use ipnet::IpNet;

use super::document::Effect;
use super::facts::{Facts, Values};
use super::json::Json;
use super::malformed::Malformed;
use super::operator::{Count, Kind, Operator, Order};
use super::pattern::{Case, ConditionKey, Match, Pattern, Reading};
use super::value;

/// The keys of S3 itself; those with a slash at the end are followed by a tag's key. One that this
/// gateway has no value for would make denials fail unseen, and is refused.
const S3_KEYS: [&str; 44] = [
    "s3:authtype",
    "s3:prefix",
    "s3:delimiter",
    "s3:max-keys",
    "s3:x-amz-acl",
    "s3:x-amz-copy-source",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
    "s3:x-amz-content-sha256",
    "s3:x-amz-object-ownership",
    "s3:x-amz-copy-source-server-side-encryption-customer-algorithm",
    "s3:existingobjecttag/",
    "s3:requestobjecttag/",
    "s3:requestobjecttagkeys",
    "s3:versionid",
    "s3:signatureversion",
    "s3:signatureage",
    "s3:if-match",
    "s3:if-none-match",
    "s3:resourceaccount",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "s3:accesspointnetworkorigin",
    "s3:object-lock-mode",
    "s3:object-lock-retain-until-date",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-legal-hold",
    "s3:x-amz-bypass-governance-retention",
    "s3:destinationregion",
    "s3:isreplicationpauserequest",
    "s3:inventoryaccessibleoptionalfields",
    "s3:jobsuspendedcause",
    "s3:objectcreationoperation",
    "s3:requestjobpriority",
    "s3:requestjoboperation",
];

/// Whose keys there are beside those of S3.
const NAMESPACES: [&str; 5] = ["aws:", "jwt:", "sts:", "saml:", "accounts.google.com:"];

/// One line of a `Condition`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    pub(super) key: ConditionKey,
    pub(super) wanted: Wanted,
}

/// What a value of the request is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    Patterns(Vec<Pattern>),
    Numbers(Vec<f64>),
    Dates(Vec<i64>),
    Bools(Vec<bool>),
    Bytes(Vec<Vec<u8>>),
    Networks(Vec<IpNet>),
}

/// Reads a `Condition`.
pub(super) fn parse(block: Json, variables: bool) -> Result<Vec<Condition>, Malformed> {
    let mut conditions = Vec::new();
    for (name, lines) in block.object()? {
        let operator = Operator::named(&name).ok_or_else(|| Malformed::Operator(name.clone()))?;
        for (key, values) in lines.object()? {
            let values = values.scalars()?;
            let key = known(&key)?;
            let wanted = Wanted::parse(operator, &values, variables)
                .map_err(|fault| fault.unwrap_or_else(|| Malformed::Value(name.clone())))?;
            conditions.push(Condition { operator, key, wanted });
        }
    }
    Ok(conditions)
}

fn known(text: &str) -> Result<ConditionKey, Malformed> {
    let key = ConditionKey::new(text);
    let name = key.as_str();
    let is_tag = |known: &&str| known.ends_with('/') && name.len() > known.len();
    let is_s3 = S3_KEYS.iter().any(|known| {
        name == *known && !known.ends_with('/') || is_tag(known) && name.starts_with(*known)
    });
    let other = NAMESPACES.iter().any(|space| name.starts_with(space) && name.len() > space.len());
    if is_s3 || other { Ok(key) } else { Err(Malformed::Key) }
}

impl Wanted {
    /// Reads the values of a line; without an error of its own a value is simply none of the kind.
    fn parse(
        operator: Operator,
        texts: &[String],
        variables: bool,
    ) -> Result<Self, Option<Malformed>> {
        fn all<T>(
            texts: &[String],
            read: fn(&str) -> Option<T>,
        ) -> Result<Vec<T>, Option<Malformed>> {
            texts.iter().map(|text| read(text).ok_or(None)).collect()
        }
        let variables = variables && operator.takes_variables();
        let patterns = |wildcards| {
            let reading = Reading { wildcards, variables };
            let parse = |text: &String| Pattern::parse(text, reading);
            texts.iter().map(parse).collect::<Result<_, _>>().map_err(|_| Some(Malformed::Variable))
        };
        Ok(match operator.kind {
            Kind::Text { wildcards, .. } => Self::Patterns(patterns(wildcards)?),
            Kind::Arn => Self::Patterns(patterns(true)?),
            Kind::Number(_) => Self::Numbers(all(texts, value::number)?),
            Kind::Date(_) => Self::Dates(all(texts, value::date)?),
            Kind::Bool | Kind::Null => Self::Bools(all(texts, value::boolean)?),
            Kind::Binary => Self::Bytes(all(texts, value::binary)?),
            Kind::Address => Self::Networks(all(texts, value::network)?),
        })
    }
}

impl Condition {
    /// Whether it holds. A variable without a value fits nothing; where the operator is negated
    /// that never makes a statement allow something. What cannot be told makes it deny.
    pub(super) fn holds(&self, effect: Effect, facts: &dyn Facts) -> bool {
        let Operator { kind, negated, if_exists, count } = self.operator;
        let values = match facts.values(&self.key) {
            Values::Some(values) if !values.is_empty() => values,
            Values::Unknown => return effect == Effect::Deny,
            Values::Some(_) | Values::None => {
                return match (kind, count) {
                    (Kind::Null, _) => self.wants_null(true),
                    (_, Count::All) => true,
                    (_, Count::Any) => if_exists,
                    (_, Count::Plain) => if_exists || negated,
                };
            }
        };
        if kind == Kind::Null {
            return self.wants_null(false);
        }
        let fits = |value: &Cow<'_, str>| match (self.fits(value, facts), negated) {
            (Match::Yes, negated) => !negated,
            (Match::No, negated) => negated,
            (Match::Unresolved, negated) => negated && effect == Effect::Deny,
            (Match::Unknown, _) => effect == Effect::Deny,
        };
        match count {
            Count::All => values.iter().all(fits),
            // Of several values none may fit a negated operator.
            Count::Plain if negated => values.iter().all(fits),
            Count::Any | Count::Plain => values.iter().any(fits),
        }
    }

    /// The request's values that it asks for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ConditionKey> {
        let patterns = match &self.wanted {
            Wanted::Patterns(patterns) => patterns.as_slice(),
            _ => &[],
        };
        std::iter::once(&self.key).chain(patterns.iter().flat_map(Pattern::keys))
    }

    fn wants_null(&self, null: bool) -> bool {
        matches!(&self.wanted, Wanted::Bools(wanted) if wanted.contains(&null))
    }

    fn fits(&self, text: &str, facts: &dyn Facts) -> Match {
        match (&self.wanted, self.operator.kind) {
            (Wanted::Patterns(patterns), kind) => any(patterns.iter().map(|pattern| match kind {
                Kind::Arn => pattern.matches_arn(text, facts),
                Kind::Text { ignore_case: true, .. } => pattern.matches(text, Case::Ignored, facts),
                _ => pattern.matches(text, Case::Sensitive, facts),
            })),
            (Wanted::Numbers(wanted), Kind::Number(order)) => {
                compared(value::number(text), wanted, order)
            }
            (Wanted::Dates(wanted), Kind::Date(order)) => {
                compared(value::date(text), wanted, order)
            }
            (Wanted::Bools(wanted), _) => compared(value::boolean(text), wanted, Order::Equal),
            (Wanted::Bytes(wanted), _) => compared(value::binary(text), wanted, Order::Equal),
            (Wanted::Networks(wanted), _) => {
                let address = value::address(text);
                let inside = address.is_some_and(|it| wanted.iter().any(|net| net.contains(&it)));
                Match::from(inside)
            }
            (Wanted::Numbers(_) | Wanted::Dates(_), _) => Match::No,
        }
    }
}

fn any(matches: impl Iterator<Item = Match>) -> Match {
    let mut result = Match::No;
    for found in matches {
        match found {
            Match::Yes => return Match::Yes,
            Match::Unknown => result = Match::Unknown,
            Match::Unresolved if result == Match::No => result = Match::Unresolved,
            Match::Unresolved | Match::No => {}
        }
    }
    result
}

fn compared<T: PartialOrd>(value: Option<T>, wanted: &[T], order: Order) -> Match {
    let fits = |value: T| wanted.iter().any(|wanted| order.holds(&value, wanted));
    Match::from(value.is_some_and(fits))
}
