//! The secret that sessions are sealed with where the configuration has none: a file of the data
//! directory, made once, so that sessions live through restarts.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the one file of the data directory that is not the store's or a journal"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::auth::{SealKey, Secret};

const NAME: &str = "session.secret";
const MAX_LENGTH: u64 = 4096;

/// The secret of that data directory; where there is none and one is `wanted`, it is made. Where that
/// fails, sessions end with this process, and the log says so.
pub(super) async fn of(data_dir: &Path, wanted: bool) -> Option<SealKey> {
    let path = data_dir.join(NAME);
    let shown = path.display().to_string();
    let found = tokio::task::spawn_blocking(move || found_or_made(&path, wanted));
    let secret = match found.await.map_err(io::Error::other).and_then(|found| found) {
        Ok(secret) => secret?,
        Err(error) => {
            tracing::error!(
                file = shown,
                %error,
                "the secret of sessions can be neither read nor made: they end with this process"
            );
            fresh().ok()?
        }
    };
    SealKey::derive(&Secret::new(secret))
}

fn found_or_made(path: &PathBuf, wanted: bool) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if wanted {
                make(path).map(Some)
            } else {
                Ok(None)
            }
        }
        Err(error) => Err(error),
        Ok(file) if file.len() > MAX_LENGTH => Err(io::Error::other("it is too long")),
        Ok(_) => {
            let text = fs::read_to_string(path)?;
            let secret = text.trim();
            if secret.is_empty() {
                // A crash came between its making and its content: nobody has used it.
                return make(path).map(Some);
            }
            Ok(Some(secret.to_owned()))
        }
    }
}

/// Written aside and renamed, so that there is never half of it.
fn make(path: &Path) -> io::Result<String> {
    let secret = fresh()?;
    let aside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(format!("{secret}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(secret)
}

fn fresh() -> io::Result<String> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn it_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(of(dir.path(), false).await.is_none());
        let first = of(dir.path(), true).await.unwrap();
        assert_eq!(of(dir.path(), false).await.unwrap(), first);
        assert_eq!(of(dir.path(), true).await.unwrap(), first);
        let file = fs::metadata(dir.path().join(NAME)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(of(other.path(), true).await.unwrap(), first);
    }

    #[tokio::test]
    async fn an_empty_file_is_filled_and_a_missing_folder_costs_the_restart_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), "").unwrap();
        let first = of(dir.path(), true).await.unwrap();
        assert_eq!(of(dir.path(), false).await.unwrap(), first);
        let missing = dir.path().join("missing");
        assert_ne!(of(&missing, true).await.unwrap(), of(&missing, true).await.unwrap());
    }
}
