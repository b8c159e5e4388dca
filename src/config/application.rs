//! The variables that applications already set for a storage switch of their own.
//!
//! They name one bucket, its upstream and whether to use it. `AWS_*` are the upstream's and never
//! become a client's key.

use std::net::SocketAddr;

use super::env::Env;
use super::error::ConfigError;
use super::routes::{Mapping, Mode, Route};
use super::upstream::{self, Credentials, Upstream};

/// What the upstream of these variables is called.
const NAME: &str = "environment";

const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const ENDPOINT: &str = "S3_ENDPOINT_URL";
const REGION: &str = "AWS_REGION";

/// What the variables say, where they name a bucket.
pub(super) struct Application {
    /// The variable that names the bucket, and the name.
    pub(super) bucket: (&'static str, String),
    /// The mode that a switch asks for, where one is set.
    mode: Option<Mode>,
    /// The upstream, where anything says that there is one.
    upstream: Option<Upstream>,
}

/// Reads and checks the variables; `None` where they name no bucket.
pub(super) fn read(env: &Env, listen: SocketAddr) -> Result<Option<Application>, ConfigError> {
    let (switch, mode) = match switch(env)? {
        Some((switch, mode)) => (switch, Some(mode)),
        None => ("", None),
    };
    let in_use = mode.is_some_and(|mode| mode != Mode::Local);
    match bucket(env)? {
        Some(bucket) => {
            let upstream = upstream(env, listen, in_use)?;
            Ok(Some(Application { bucket, mode, upstream }))
        }
        None if in_use => {
            let message = "asks for cloud storage, but no bucket is named; set AWS_BUCKET_NAME or \
                           S3_BUCKET";
            Err(ConfigError::new(switch, message))
        }
        None => Ok(None),
    }
}

impl Application {
    /// The bucket's route. `explicit` is what the file says of it, and where; `default` what holds
    /// for every other bucket. An upstream of the variables' own is added to `upstreams`.
    pub(super) fn route(
        self,
        explicit: Option<(&Route, &str)>,
        default: &Route,
        upstreams: &mut Vec<Upstream>,
    ) -> Result<Route, ConfigError> {
        if let Some((Route { mode, upstream: Some(mapping) }, place)) = explicit {
            if self.upstream.is_some_and(|upstream| upstream.endpoint.is_some()) {
                let message = format!("the bucket's upstream is named in {place} already");
                return Err(ConfigError::new(ENDPOINT, message));
            }
            let upstream = Some(mapping.clone());
            return Ok(Route { mode: self.mode.unwrap_or(*mode), upstream });
        }
        if self.mode.is_none() && explicit.is_none() && default.upstream.is_some() {
            return Ok(default.clone());
        }
        let mode = self.mode.unwrap_or(Mode::Local);
        let Some(upstream) = self.upstream else { return Ok(Route { mode, upstream: None }) };
        if upstreams.iter().any(|other| other.name == upstream.name) {
            let message = format!(
                "names an upstream of its own, which is called {NAME:?}; give the section \
                 [upstream.{NAME}] another name"
            );
            return Err(ConfigError::new(self.bucket.0, message));
        }
        upstreams.push(upstream);
        let mapping = Mapping { upstream: NAME.to_owned(), bucket: None, prefix: String::new() };
        Ok(Route { mode, upstream: Some(mapping) })
    }
}

/// The mode that the switches ask for, and which of them does.
fn switch(env: &Env) -> Result<Option<(&'static str, Mode)>, ConfigError> {
    const CLOUD: &str = "USE_CLOUD_STORAGE";
    const BACKEND: &str = "STORAGE_BACKEND";
    match (use_cloud_storage(env, CLOUD)?, storage_backend(env, BACKEND)?) {
        (Some(Mode::Fallback), Some(Mode::Upstream)) => {
            let message = "is true, which keeps writes on this disk while the upstream is away, \
                           and STORAGE_BACKEND is s3, which refuses them then; set one of the two";
            Err(ConfigError::new(CLOUD, message))
        }
        (Some(cloud), Some(backend)) if cloud != backend => {
            let message = "STORAGE_BACKEND says the opposite; set one of the two";
            Err(ConfigError::new(CLOUD, message))
        }
        (Some(mode), _) => Ok(Some((CLOUD, mode))),
        (None, Some(mode)) => Ok(Some((BACKEND, mode))),
        (None, None) => Ok(None),
    }
}

fn use_cloud_storage(env: &Env, name: &'static str) -> Result<Option<Mode>, ConfigError> {
    let Some(value) = env.get(name)? else { return Ok(None) };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(Some(Mode::Fallback)),
        "false" | "0" | "no" | "off" => Ok(Some(Mode::Local)),
        _ => Err(ConfigError::new(name, format!("{value:?} is not true or false"))),
    }
}

fn storage_backend(env: &Env, name: &'static str) -> Result<Option<Mode>, ConfigError> {
    let Some(value) = env.get(name)? else { return Ok(None) };
    match value.trim().to_ascii_lowercase().as_str() {
        "s3" => Ok(Some(Mode::Upstream)),
        "local" => Ok(Some(Mode::Local)),
        _ => Err(ConfigError::new(name, format!("{value:?} is not local or s3"))),
    }
}

fn bucket(env: &Env) -> Result<Option<(&'static str, String)>, ConfigError> {
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

/// The upstream, if it is `in_use` or anything at all is said of it: objects that were put there
/// before the switch was turned off stay readable. Without a key in the variables it is called
/// with the SDK's default credential chain.
fn upstream(env: &Env, listen: SocketAddr, in_use: bool) -> Result<Option<Upstream>, ConfigError> {
    let endpoint = parsed(env, ENDPOINT, |text| upstream::endpoint(text, listen))?;
    let region = parsed(env, REGION, upstream::region)?;
    let credentials = credentials(env)?;
    if !in_use && endpoint.is_none() && region.is_none() && credentials.is_none() {
        return Ok(None);
    }
    let mut upstream = Upstream { credentials, ..Upstream::at(NAME, endpoint) };
    if let Some(region) = region {
        upstream.region = region;
    }
    Ok(Some(upstream))
}

fn parsed(
    env: &Env,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<String, String>,
) -> Result<Option<String>, ConfigError> {
    let Some(text) = env.get(name)? else { return Ok(None) };
    parse(text.trim()).map(Some).map_err(|message| ConfigError::new(name, message))
}

fn credentials(env: &Env) -> Result<Option<Credentials>, ConfigError> {
    let access_key = env.secret(ACCESS_KEY)?;
    let session_token = env.secret(SESSION_TOKEN)?;
    match (access_key, env.secret(SECRET_KEY)?) {
        (Some(access_key), Some(secret_key)) => {
            let access_key = upstream::check_access_key(access_key.expose())
                .map_err(|message| ConfigError::new(ACCESS_KEY, message))?;
            upstream::check_secret(&secret_key)
                .map_err(|message| ConfigError::new(SECRET_KEY, message))?;
            Ok(Some(Credentials { access_key, secret_key, session_token }))
        }
        (Some(_), None) => Err(half(SECRET_KEY, ACCESS_KEY)),
        (None, Some(_)) => Err(half(ACCESS_KEY, SECRET_KEY)),
        (None, None) if session_token.is_some() => Err(half(ACCESS_KEY, SESSION_TOKEN)),
        (None, None) => Ok(None),
    }
}

fn half(missing: &'static str, there: &'static str) -> ConfigError {
    ConfigError::new(missing, format!("is not set while {there} is; a key has both"))
}
