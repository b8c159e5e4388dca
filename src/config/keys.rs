//! Access keys: who may come, as whom.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use toml::Spanned;

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::file;
use super::{Keys, grants, secret};
use crate::auth::{Identity, Key, Keyring, Role, Secret};
use crate::object::Owner;

/// The access key that there is while none is configured.
pub const BUILT_IN_ACCESS_KEY: &str = "stowgate";
/// Its secret, known to everyone.
pub const BUILT_IN_SECRET_KEY: &str = "stowgate-secret";

const MIN_SECRET: usize = 8;
const MAX_ACCESS_KEY: usize = 128;
const MAX_TEXT: usize = 256;

/// All keys of file and environment; the key in the environment replaces one of the same id.
pub(super) fn build(
    listed: &[Spanned<file::Key>],
    document: &Document,
    env: &Env,
) -> Result<Keys, ConfigError> {
    let mut keys = from_file(listed, document)?;
    let in_env = from_env(env)?;
    let built_in = (keys.is_empty() && in_env.is_none())
        .then(|| operator(BUILT_IN_ACCESS_KEY.to_owned(), Secret::new(BUILT_IN_SECRET_KEY)));
    let is_admin = |key: &&Key| key.identity.role == Role::Admin;
    let first = in_env.as_ref().or_else(|| keys.iter().find(is_admin)).or_else(|| keys.first());
    let operator = first.map_or_else(operator_owner, |key| key.identity.owner.clone());
    let is_built_in = built_in.is_some();
    keys.extend(in_env.into_iter().chain(built_in));
    Ok(Keys { ring: Keyring::new(keys), built_in: is_built_in, operator })
}

/// A key of the one who runs the gateway: the built-in one and the one in the environment share
/// an owner, so that buckets stay theirs when they set a key of their own.
fn operator(access_key: String, secret: Secret) -> Key {
    let identity = Identity::new(access_key.clone(), Role::Admin, operator_owner());
    Key { access_key, secret, identity: Arc::new(identity) }
}

fn operator_owner() -> Owner {
    Owner { id: canonical_id(BUILT_IN_ACCESS_KEY), display_name: BUILT_IN_ACCESS_KEY.to_owned() }
}

/// An owner id in the form AWS gives them: 64 hexadecimal digits that say nothing.
fn canonical_id(access_key: &str) -> String {
    hex::encode(Sha256::digest(access_key.as_bytes()))
}

fn from_env(env: &Env) -> Result<Option<Key>, ConfigError> {
    let access_key = env.secret("STOWGATE_ACCESS_KEY")?.map(|key| key.expose().to_owned());
    match (access_key, env.secret("STOWGATE_SECRET_KEY")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::new(
            "STOWGATE_SECRET_KEY",
            "is not set while STOWGATE_ACCESS_KEY is; a key has both",
        )),
        (None, Some(_)) => Err(ConfigError::new(
            "STOWGATE_ACCESS_KEY",
            "is not set while STOWGATE_SECRET_KEY is; a key has both",
        )),
        (Some(access_key), Some(secret)) => {
            check_access_key(&access_key)
                .map_err(|message| ConfigError::new("STOWGATE_ACCESS_KEY", message))?;
            check_secret(&secret)
                .map_err(|message| ConfigError::new("STOWGATE_SECRET_KEY", message))?;
            Ok(Some(operator(access_key, secret)))
        }
    }
}

fn from_file(listed: &[Spanned<file::Key>], document: &Document) -> Result<Vec<Key>, ConfigError> {
    let mut lines = HashMap::new();
    let mut keys = Vec::with_capacity(listed.len());
    for entry in listed {
        let key = one(entry, document)?;
        let span = entry.get_ref().access_key.span();
        if let Some(line) = lines.insert(key.access_key.clone(), document.line(&span)) {
            let message = format!("{:?} is also the key of line {line}", key.access_key);
            return Err(document.error(&span, message));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn one(entry: &Spanned<file::Key>, document: &Document) -> Result<Key, ConfigError> {
    let key = entry.get_ref();
    let access_key = key.access_key.get_ref().clone();
    check_access_key(&access_key)
        .map_err(|message| document.error(&key.access_key.span(), message))?;
    let secret = secret_of(entry, document)?;
    let display_name = text(key.display_name.as_ref(), document)?;
    let owner = Owner {
        id: text(key.user_id.as_ref(), document)?.unwrap_or_else(|| canonical_id(&access_key)),
        display_name: display_name.unwrap_or_else(|| access_key.clone()),
    };
    let role = role(key.role.as_ref(), document)?;
    let identity = Identity {
        email: text(key.email.as_ref(), document)?,
        policies: grants::policies(key, role, document)?,
        company: grants::company(key.company.as_ref(), document)?,
        ..Identity::new(access_key.clone(), role, owner)
    };
    Ok(Key { access_key, secret, identity: Arc::new(identity) })
}

fn secret_of(entry: &Spanned<file::Key>, document: &Document) -> Result<Secret, ConfigError> {
    let key = entry.get_ref();
    let given = secret::given(key.secret_key.as_ref(), key.secret_key_file.as_ref(), document)?;
    let Some((secret, span)) = given else {
        let message = "the key has no secret; give secret_key or secret_key_file";
        return Err(document.error(&key.access_key.span(), message));
    };
    check_secret(&secret).map_err(|message| document.error(&span, message))?;
    Ok(secret)
}

fn role(role: Option<&Spanned<String>>, document: &Document) -> Result<Role, ConfigError> {
    let Some(role) = role else { return Ok(Role::ReadWrite) };
    let known = "\"admin\", \"read-write\", \"read-only\" or \"policy\"";
    match role.get_ref().as_str() {
        "admin" => Ok(Role::Admin),
        "read-write" => Ok(Role::ReadWrite),
        "read-only" => Ok(Role::ReadOnly),
        "policy" => Ok(Role::Policy),
        other => {
            Err(document.error(&role.span(), format!("{other:?} is no role; it is one of {known}")))
        }
    }
}

fn text(
    value: Option<&Spanned<String>>,
    document: &Document,
) -> Result<Option<String>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    let fits = (1..=MAX_TEXT).contains(&value.get_ref().len());
    if !fits || value.get_ref().chars().any(char::is_control) {
        let message = format!("should be 1 to {MAX_TEXT} bytes without control characters");
        return Err(document.error(&value.span(), message));
    }
    Ok(Some(value.get_ref().clone()))
}

/// The separators of a credential scope and of the `Authorization` header can't be in an id.
fn check_access_key(id: &str) -> Result<(), String> {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+');
    if (1..=MAX_ACCESS_KEY).contains(&id.len()) && id.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{id:?} is no access key: 1 to {MAX_ACCESS_KEY} letters, digits and any of - _ . @ +"
    ))
}

fn check_secret(secret: &Secret) -> Result<(), String> {
    let text = secret.expose();
    if text.len() < MIN_SECRET || text.chars().any(char::is_control) {
        return Err(format!(
            "the secret should have at least {MIN_SECRET} characters and no control characters"
        ));
    }
    Ok(())
}
