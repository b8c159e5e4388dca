//! Roles that can be assumed, and by whom.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::document::Document;
use super::error::ConfigError;
use super::sessions::{name, optional_texts, texts, twice};
use super::{Keys, bounds, file, grants};
use crate::auth::{AssumableRole, Binding, IdentityProvider, TrustedIdentity};
use crate::object::Owner;

/// How long sessions last where nothing is said, and at most (IAM User Guide, "Maximum session
/// duration"). What is shorter than AWS's quarter of an hour is for clients that name no length.
const USUAL: Duration = Duration::from_hours(1);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(12);

/// Reads the sections.
pub(super) fn build(
    listed: &[Spanned<file::Role>],
    providers: &[IdentityProvider],
    keys: &Keys,
    document: &Document,
) -> Result<Vec<Arc<AssumableRole>>, ConfigError> {
    let mut roles: Vec<Arc<AssumableRole>> = Vec::with_capacity(listed.len());
    for entry in listed {
        let section = entry.get_ref();
        let role = one(section, providers, keys, document)?;
        if roles.iter().any(|other| other.name == role.name) {
            return Err(twice(&role.name, &section.name.span(), document));
        }
        roles.push(Arc::new(role));
    }
    Ok(roles)
}

fn one(
    section: &file::Role,
    providers: &[IdentityProvider],
    keys: &Keys,
    document: &Document,
) -> Result<AssumableRole, ConfigError> {
    let given = grants::given(section.policy.as_ref(), section.policy_file.as_ref(), document)?;
    let Some(given) = given else {
        let message = "a role has a policy; give policy or policy_file";
        return Err(document.error(&section.name.span(), message));
    };
    let trusted =
        |identity: &Spanned<file::RoleIdentity>| trusted(identity.get_ref(), providers, document);
    let role = AssumableRole {
        name: name(&section.name, document)?,
        owner: owner(section, keys),
        policy: grants::read(&given, document)?,
        company: company(section, document)?,
        max_session: bounds::period(
            section.max_session.as_ref(),
            USUAL,
            SHORTEST..=LONGEST,
            document,
        )?,
        keys: assuming_keys(section, keys, document)?,
        identities: section.identity.iter().map(trusted).collect::<Result<_, _>>()?,
        session_tags: section.session_tags.unwrap_or(false),
    };
    if role.keys.is_empty() && role.identities.is_empty() {
        let message = "nobody may assume the role; give keys, or a section [[role.identity]]";
        return Err(document.error(&section.name.span(), message));
    }
    Ok(role)
}

/// The account: that of another key with the same user_id where there is one, else whose the
/// configured buckets are.
fn owner(section: &file::Role, keys: &Keys) -> Owner {
    let Some(id) = &section.user_id else { return keys.operator.clone() };
    let id = id.get_ref();
    let known = keys.ring.iter().map(|key| &key.identity.owner).find(|owner| owner.id == *id);
    known.cloned().unwrap_or_else(|| Owner { id: id.clone(), display_name: id.clone() })
}

fn company(section: &file::Role, document: &Document) -> Result<Binding, ConfigError> {
    match (&section.company, &section.company_claim) {
        (None, None) => Ok(Binding::Free),
        (Some(fixed), None) => {
            let company = grants::company(Some(fixed), document)?;
            Ok(company.map_or(Binding::Free, Binding::Company))
        }
        (None, Some(claim)) if claim.get_ref().is_empty() => {
            Err(document.error(&claim.span(), "is empty; name the claim that holds the company"))
        }
        (None, Some(claim)) => Ok(Binding::Claim(claim.get_ref().clone())),
        (Some(_), Some(claim)) => {
            let message = "company is given as well; one of the two is enough";
            Err(document.error(&claim.span(), message))
        }
    }
}

fn assuming_keys(
    section: &file::Role,
    keys: &Keys,
    document: &Document,
) -> Result<BTreeSet<String>, ConfigError> {
    let Some(listed) = &section.keys else { return Ok(BTreeSet::new()) };
    let ids = texts(listed, document)?;
    match ids.iter().find(|id| keys.ring.get(id).is_none()) {
        Some(unknown) => {
            let message = format!("{unknown:?} is no access key of this configuration");
            Err(document.error(&listed.span(), message))
        }
        None => Ok(ids.into_iter().collect()),
    }
}

fn trusted(
    section: &file::RoleIdentity,
    providers: &[IdentityProvider],
    document: &Document,
) -> Result<TrustedIdentity, ConfigError> {
    let wanted = section.provider.get_ref();
    let Some(provider) = providers.iter().find(|provider| provider.name == *wanted) else {
        let message = format!("{wanted:?} is no [[identity_provider]] of this configuration");
        return Err(document.error(&section.provider.span(), message));
    };
    let audiences = optional_texts(section.audience.as_ref(), document)?;
    if let Some((other, span)) = audiences
        .iter()
        .find(|audience| !provider.audiences.contains(audience))
        .zip(section.audience.as_ref().map(Spanned::span))
    {
        let message = format!("{other:?} is no audience of the provider {wanted:?}");
        return Err(document.error(&span, message));
    }
    let claims = section.claims.iter();
    let claims = claims.map(|(name, value)| Ok((name.clone(), texts(value, document)?)));
    Ok(TrustedIdentity {
        provider: wanted.clone(),
        audiences,
        claims: claims.collect::<Result<_, ConfigError>>()?,
    })
}
