//! Short-lived credentials: what seals them, roles, and whose tokens may assume those.

use std::ops::Range;

use toml::{Spanned, Value};

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::{Keys, file, identity, roles, secret};
use crate::auth::{SealKey, SealKeys, Secret, Sts};

const VARIABLE: &str = "STOWGATE_STS_SECRET";
/// As many random bits as the keys that are made of it have.
const SHORTEST: usize = 32;

/// Sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    /// What their tokens are sealed with; without any, the gateway makes a secret of its own.
    pub seals: SealKeys,
    /// Roles and identity providers.
    pub sts: Sts,
}

/// Reads the sections and the environment, whose secret beats the file's.
pub(super) fn build(
    env: &Env,
    parsed: &file::File,
    keys: &Keys,
    document: &Document,
) -> Result<Sessions, ConfigError> {
    let providers = identity::providers(&parsed.identity_provider, document)?;
    let roles = roles::build(&parsed.role, &providers, keys, document)?;
    Ok(Sessions { seals: seals(env, &parsed.sts, document)?, sts: Sts { roles, providers } })
}

fn seals(env: &Env, section: &file::Sts, document: &Document) -> Result<SealKeys, ConfigError> {
    if let Some(secret) = env.secret(VARIABLE)? {
        return lines(&secret).map_err(|message| ConfigError::new(VARIABLE, message));
    }
    match secret::given(section.secret.as_ref(), section.secret_file.as_ref(), document)? {
        None => Ok(SealKeys::default()),
        Some((secret, span)) => lines(&secret).map_err(|message| document.error(&span, message)),
    }
}

/// A secret a line, the newest first.
fn lines(secret: &Secret) -> Result<SealKeys, String> {
    let lines = secret.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<SealKey> = lines
        .map(|line| {
            let long_enough = line.len() >= SHORTEST;
            long_enough.then(|| SealKey::derive(&Secret::new(line))).flatten().ok_or_else(|| {
                format!(
                    "a secret of sessions has at least {SHORTEST} characters, and may have older \
                     ones in lines behind it; make one with: openssl rand -base64 32"
                )
            })
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(format!("is empty; give a secret of at least {SHORTEST} characters"));
    }
    Ok(SealKeys::new(keys))
}

/// One text or a list of them, none of them empty. Numbers and booleans are texts as well.
pub(super) fn texts(
    value: &Spanned<Value>,
    document: &Document,
) -> Result<Vec<String>, ConfigError> {
    let scalar = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        _ => None,
    };
    let texts = match value.get_ref() {
        Value::Array(list) => list.iter().map(scalar).collect(),
        one => scalar(one).map(|text| vec![text]),
    };
    texts.filter(|texts: &Vec<String>| !texts.is_empty()).ok_or_else(|| {
        document.error(&value.span(), "should be a text in quotes or a list of them, none empty")
    })
}

/// A list of texts, or none where nothing is written.
pub(super) fn optional_texts(
    value: Option<&Spanned<Value>>,
    document: &Document,
) -> Result<Vec<String>, ConfigError> {
    value.map_or(Ok(Vec::new()), |value| texts(value, document))
}

/// The name of a role or a provider.
pub(super) fn name(name: &Spanned<String>, document: &Document) -> Result<String, ConfigError> {
    let text = name.get_ref();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text.clone());
    }
    let message = "should be 1 to 64 letters, digits and any of _ + = , . @ -";
    Err(document.error(&name.span(), message))
}

/// The fault that one name is given twice.
pub(super) fn twice(name: &str, span: &Range<usize>, document: &Document) -> ConfigError {
    document.error(span, format!("{name:?} is there already; names are given once"))
}
