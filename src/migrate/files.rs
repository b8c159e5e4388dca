//! The files of migrations: plans, journals and manifests in a directory of the data directory.
//!
//! The only place here that touches files. Knows nothing of what is in them.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this is where migrations keep their files"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

/// Where the files are.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Adds to the end of a file, which is made where it isn't there. With `durable`, everything
    /// in it has reached the disk on return.
    async fn append(&self, name: &str, bytes: Vec<u8>, durable: bool) -> io::Result<()>;

    /// Up to `limit` bytes from `offset` on; none behind the end.
    async fn read(&self, name: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>>;

    /// The names of all files.
    async fn list(&self) -> io::Result<Vec<String>>;

    /// Cuts a file off behind these many bytes.
    async fn cut(&self, name: &str, length: u64) -> io::Result<()>;

    /// Removes a file, if it is there.
    async fn remove(&self, name: &str) -> io::Result<()>;
}

/// A directory on the disk.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The directory of this name; it is made with the first file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    async fn on<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Path, PathBuf) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (folder, path) = (self.0.clone(), self.0.join(name));
        tokio::task::spawn_blocking(move || work(&folder, path)).await.map_err(io::Error::other)?
    }
}

#[async_trait]
impl Shelf for Folder {
    async fn append(&self, name: &str, bytes: Vec<u8>, durable: bool) -> io::Result<()> {
        self.on(name, move |folder, path| {
            let (mut file, new) = match OpenOptions::new().append(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(folder)?;
                    (OpenOptions::new().append(true).create(true).open(&path)?, true)
                }
                opened => (opened?, false),
            };
            file.write_all(&bytes)?;
            if durable {
                file.sync_data()?;
            }
            if new {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        })
        .await
    }

    async fn read(&self, name: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.on(name, move |_, path| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(limit as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
        .await
    }

    async fn list(&self) -> io::Result<Vec<String>> {
        self.on("", |folder, _| {
            let entries = match fs::read_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
            Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
        .await
    }

    async fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        self.on(name, move |_, path| {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(length)?;
            file.sync_all()
        })
        .await
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        self.on(name, |_, path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_appended_is_read_and_what_is_cut_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("migrations"));
        assert!(folder.list().await.unwrap().is_empty());
        folder.append("a", b"hello ".to_vec(), false).await.unwrap();
        folder.append("a", b"world".to_vec(), true).await.unwrap();
        assert_eq!(folder.read("a", 6, 100).await.unwrap(), b"world");
        assert_eq!(folder.read("a", 0, 5).await.unwrap(), b"hello");
        assert!(folder.read("a", 100, 5).await.unwrap().is_empty());
        folder.cut("a", 5).await.unwrap();
        assert_eq!(folder.read("a", 0, 100).await.unwrap(), b"hello");
        assert_eq!(folder.list().await.unwrap(), ["a"]);
        folder.remove("a").await.unwrap();
        folder.remove("a").await.unwrap();
        assert!(folder.read("a", 0, 1).await.is_err());
    }
}
