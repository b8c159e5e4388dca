//! What parameters may be: AWS's bounds, in its words (STS API Reference).

use std::collections::BTreeMap;

use super::{AssumableRole, AssumeRequest, StsError};
use crate::auth::grants::Policy;

/// The shortest session that can be asked for, in seconds.
const SHORTEST: u64 = 900;
/// The longest session of a role.
pub(super) const LONGEST_ROLE: u64 = 43_200;
/// How long sessions of a role last where nobody says, and the role allows it.
pub(super) const USUAL_ROLE: u64 = 3_600;
/// The longest session of a key.
pub(super) const LONGEST_KEY: u64 = 129_600;
/// How long sessions of a key last where nobody says.
pub(super) const USUAL_KEY: u64 = 43_200;
const LONGEST_POLICY: usize = 2048;
const MOST_TAGS: usize = 50;

/// The tags that the session is to have, keys in lower case.
pub(super) fn tags(
    role: &AssumableRole,
    request: &AssumeRequest,
) -> Result<BTreeMap<String, String>, StsError> {
    if request.tags.is_empty() {
        return Ok(BTreeMap::new());
    }
    if !role.session_tags {
        return Err(StsError::Denied(format!("{} takes no session tags", role.name)));
    }
    let fits = |(key, value): &(String, String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if request.tags.len() > MOST_TAGS || !request.tags.iter().all(fits) {
        return Err(StsError::Invalid(
            "there are 50 session tags at most, keys of 1 to 128 and values of up to 256 \
             characters"
                .to_owned(),
        ));
    }
    let lower = |(key, value): &(String, String)| (key.to_ascii_lowercase(), value.clone());
    let tags: BTreeMap<String, String> = request.tags.iter().map(lower).collect();
    if tags.len() < request.tags.len() {
        return Err(StsError::Invalid("duplicate tag keys found".to_owned()));
    }
    Ok(tags)
}

/// How long the session is to last, between the shortest and `longest`.
pub(super) fn seconds(wanted: Option<u64>, usual: u64, longest: u64) -> Result<u64, StsError> {
    match wanted {
        None => Ok(usual),
        Some(seconds) if (SHORTEST..=longest).contains(&seconds) => Ok(seconds),
        Some(seconds) => Err(StsError::Invalid(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value between {SHORTEST} and {longest}"
        ))),
    }
}

/// The session's policy, if it is one.
pub(super) fn checked_policy(text: &str) -> Result<String, StsError> {
    if text.is_empty() || text.len() > LONGEST_POLICY {
        return Err(StsError::Invalid(format!(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member \
             must have length between 1 and {LONGEST_POLICY}"
        )));
    }
    Policy::for_identity(text.trim().as_bytes()).map_err(StsError::MalformedPolicy)?;
    Ok(text.trim().to_owned())
}

/// The characters that a session's name may have.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (2..=64).contains(&name.len()) && name.chars().all(allowed)
}

/// The fault that a name has others.
pub(super) fn invalid_name(field: &str) -> StsError {
    StsError::Invalid(format!(
        "1 validation error detected: Value at '{field}' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\w+=,.@-]{{2,64}}"
    ))
}

/// A client's text, bounded, for its error.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
