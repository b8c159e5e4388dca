//! The environment: `STOWGATE_*` and the variables that applications set.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::error::ConfigError;
use super::secret;
use crate::auth::Secret;

/// A snapshot of the environment. An empty variable counts as unset.
#[derive(Debug, Clone, Default)]
pub struct Env(HashMap<String, OsString>);

impl Env {
    /// The process's environment as it is now.
    pub fn of_process() -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self(std::env::vars_os().filter_map(named).collect())
    }

    /// An environment of these variables.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The gateway that commands talk to, `STOWGATE_URL`.
    pub fn url(&self) -> Result<Option<String>, ConfigError> {
        self.get("STOWGATE_URL")
    }

    /// A variable as text.
    pub(super) fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        match self.0.get(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(ConfigError::new(name, "the value is not UTF-8 text")),
            },
        }
    }

    /// A variable as a path.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// A secret: the variable itself, or the content of the file that `NAME_FILE` names.
    pub(super) fn secret(&self, name: &str) -> Result<Option<Secret>, ConfigError> {
        let in_file = format!("{name}_FILE");
        match (self.get(name)?, self.path(&in_file)) {
            (Some(_), Some(_)) => Err(ConfigError::new(
                in_file,
                format!("{name} is set as well; one of the two is enough"),
            )),
            (Some(text), None) => Ok(Some(Secret::new(text))),
            (None, Some(path)) => {
                secret::read(&path).map(Some).map_err(|message| ConfigError::new(in_file, message))
            }
            (None, None) => Ok(None),
        }
    }
}
