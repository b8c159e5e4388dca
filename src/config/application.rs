//! The variables that applications already set for a storage switch of their own.
//!
//! `AWS_*` name an upstream and never become a client's key. This version serves the local disk
//! only: a switch that asks for an upstream stops the start instead of being ignored.

use super::env::Env;
use super::error::ConfigError;

const NOT_YET: &str = "upstream storage is not available in this version";

/// Checks the variables; the bucket that they name exists without CreateBucket.
pub(super) fn bucket(env: &Env) -> Result<Option<(&'static str, String)>, ConfigError> {
    let cloud = use_cloud_storage(env)?;
    let backend = storage_backend(env)?;
    if let (Some(cloud), Some(backend)) = (cloud, backend)
        && cloud != backend
    {
        let message = "STORAGE_BACKEND says the opposite; set one of the two, or both alike";
        return Err(ConfigError::new("USE_CLOUD_STORAGE", message));
    }
    if cloud == Some(true) {
        return Err(ConfigError::new("USE_CLOUD_STORAGE", format!("{NOT_YET}; set it to false")));
    }
    if backend == Some(true) {
        return Err(ConfigError::new("STORAGE_BACKEND", format!("{NOT_YET}; set it to local")));
    }
    match (env.get("AWS_BUCKET_NAME")?, env.get("S3_BUCKET")?) {
        (Some(one), Some(other)) if one != other => Err(ConfigError::new(
            "S3_BUCKET",
            format!("is {other:?} while AWS_BUCKET_NAME is {one:?}; both name the same bucket"),
        )),
        (Some(name), _) => Ok(Some(("AWS_BUCKET_NAME", name))),
        (None, Some(name)) => Ok(Some(("S3_BUCKET", name))),
        (None, None) => Ok(None),
    }
}

fn use_cloud_storage(env: &Env) -> Result<Option<bool>, ConfigError> {
    let Some(value) = env.get("USE_CLOUD_STORAGE")? else { return Ok(None) };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(Some(true)),
        "false" | "0" | "no" | "off" => Ok(Some(false)),
        _ => Err(ConfigError::new("USE_CLOUD_STORAGE", format!("{value:?} is not true or false"))),
    }
}

fn storage_backend(env: &Env) -> Result<Option<bool>, ConfigError> {
    let Some(value) = env.get("STORAGE_BACKEND")? else { return Ok(None) };
    match value.trim().to_ascii_lowercase().as_str() {
        "s3" => Ok(Some(true)),
        "local" => Ok(Some(false)),
        _ => Err(ConfigError::new("STORAGE_BACKEND", format!("{value:?} is not local or s3"))),
    }
}
