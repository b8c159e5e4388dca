//! Encryption at rest: the master keys, and which buckets encrypt by default.

use toml::Spanned;

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::{file, secret};
use crate::object::{BucketName, EncryptionDefaults, MasterKey, MasterKeyError, MasterKeys};

/// The key's name among the credentials that systemd hands over.
const CREDENTIAL: &str = "stowgate-master-key";
const VARIABLE: &str = "STOWGATE_MASTER_KEY";

/// How objects are encrypted where they lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtRest {
    /// The master keys; without any, the store makes one of its own when it needs it.
    pub keys: MasterKeys,
    /// Which buckets encrypt what nobody asked to be encrypted.
    pub defaults: EncryptionDefaults,
    /// Whether to go on where a key is missing that objects are encrypted with.
    pub allow_missing_keys: bool,
}

/// Reads the section, the environment and what the buckets say. Without `active`, the key in the
/// environment is the active one, else the first of the file, else the credential.
pub(super) fn build(
    env: &Env,
    section: &file::Encryption,
    buckets: &[Spanned<file::Bucket>],
    document: &Document,
) -> Result<AtRest, ConfigError> {
    let mut keys = from_env(env)?;
    keys.extend(from_file(section, document)?);
    keys.extend(from_credentials(env)?);
    let active = section.active.as_ref();
    let keys =
        MasterKeys::new(keys, active.map(|id| id.get_ref().as_str())).map_err(|error| {
            match (active, &error) {
                (Some(id), MasterKeyError::Unknown(_)) => {
                    document.error(&id.span(), error.to_string())
                }
                _ => ConfigError::new("[encryption]", error.to_string()),
            }
        })?;
    Ok(AtRest {
        keys,
        defaults: defaults(section, buckets, document)?,
        allow_missing_keys: section.allow_missing_keys.unwrap_or(false),
    })
}

fn from_env(env: &Env) -> Result<Vec<MasterKey>, ConfigError> {
    let Some(text) = env.secret(VARIABLE)? else { return Ok(Vec::new()) };
    let place = if env.path(VARIABLE).is_some() { VARIABLE } else { "STOWGATE_MASTER_KEY_FILE" };
    MasterKey::parse_all(text.expose()).map_err(|error| ConfigError::new(place, error.to_string()))
}

fn from_credentials(env: &Env) -> Result<Vec<MasterKey>, ConfigError> {
    let Some(path) = env.path("CREDENTIALS_DIRECTORY").map(|dir| dir.join(CREDENTIAL)) else {
        return Ok(Vec::new());
    };
    if !path.exists() {
        return Ok(Vec::new());
    }
    let place = path.display().to_string();
    let text = secret::read(&path).map_err(|message| ConfigError::new(place.clone(), message))?;
    MasterKey::parse_all(text.expose()).map_err(|error| ConfigError::new(place, error.to_string()))
}

fn from_file(
    section: &file::Encryption,
    document: &Document,
) -> Result<Vec<MasterKey>, ConfigError> {
    let mut all = Vec::new();
    if let Some((text, span)) =
        secret::given(section.key.as_ref(), section.key_file.as_ref(), document)?
    {
        let keys = MasterKey::parse_all(text.expose());
        all.extend(keys.map_err(|error| document.error(&span, error.to_string()))?);
    }
    for listed in &section.keys {
        let entry = listed.get_ref();
        let given = secret::given(entry.key.as_ref(), entry.key_file.as_ref(), document)?;
        let Some((text, span)) = given else {
            return Err(document.error(&listed.span(), "a key has a key or a key_file"));
        };
        let material = MasterKey::parse(text.expose());
        let material = material.map_err(|error| document.error(&span, error.to_string()))?;
        let id = entry.id.as_ref();
        let key = MasterKey::new(
            id.map_or(Some(material.id()), |id| Some(id.get_ref().as_str())),
            *material.expose(),
        );
        let span = id.map_or(span, Spanned::span);
        all.push(key.map_err(|error| document.error(&span, error.to_string()))?);
    }
    Ok(all)
}

fn defaults(
    section: &file::Encryption,
    buckets: &[Spanned<file::Bucket>],
    document: &Document,
) -> Result<EncryptionDefaults, ConfigError> {
    let everywhere = section.default.unwrap_or(false);
    let mut defaults = EncryptionDefaults { everywhere, ..EncryptionDefaults::default() };
    for bucket in buckets {
        let bucket = bucket.get_ref();
        let Some(text) = &bucket.encryption else { continue };
        let encrypts = match text.get_ref().as_str() {
            "AES256" => true,
            "none" => false,
            other => {
                let message = format!("{other:?} is neither \"AES256\" nor \"none\"");
                return Err(document.error(&text.span(), message));
            }
        };
        let name = bucket.name.get_ref();
        if name == super::EVERY_BUCKET {
            defaults.everywhere = encrypts;
        } else if let Ok(name) = BucketName::parse(name) {
            defaults.buckets.insert(name, encrypts);
        }
    }
    Ok(defaults)
}

#[cfg(test)]
#[path = "at_rest_tests.rs"]
mod tests;
