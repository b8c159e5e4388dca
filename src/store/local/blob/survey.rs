//! Going through all blobs and what they say about themselves: how a store is checked, and what
//! is left of it when the log is gone.

use std::path::Path;

use uuid::Uuid;

use super::super::vfs;
use super::footer::MAX_FOOTER;
use super::{
    BLOCK, BlobDir, BlobFooter, BlobId, BlobReader, Blobs, ExtentError, ROOT, SHARDS, SUFFIX,
    format,
};

/// How much [`BlobReader::verify`] reads at once.
const VERIFY: u64 = 4 * BLOCK as u64;

impl BlobId {
    /// The id in a file's name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.strip_suffix(SUFFIX)?;
        let id = Uuid::try_parse(name).ok()?;
        // Only the one form that `path` makes, so that no blob has two names.
        (id.hyphenated().to_string() == name).then_some(Self(id.as_u128()))
    }
}

impl BlobDir {
    /// Every one.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }
}

impl Blobs {
    /// The ids of the blobs in a directory, in order; other files are passed over. With
    /// [`BlobDir::all`] this visits every blob without holding all their ids.
    pub(crate) fn ids_in(&self, dir: BlobDir) -> vfs::Result<Vec<BlobId>> {
        let entries = match self.vfs.list(&dir.path()) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            listed => listed?,
        };
        let id = |entry: &vfs::DirEntry| entry.name.to_str().and_then(BlobId::parse);
        let mut ids: Vec<BlobId> = entries.iter().filter_map(id).collect();
        ids.retain(|id| id.dir() == dir);
        ids.sort_unstable();
        Ok(ids)
    }
}

impl Blobs {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> vfs::Result<bool> {
        for entry in self.vfs.list(Path::new(ROOT))? {
            let dir = entry.name.to_str().and_then(BlobDir::parse).filter(|_| entry.is_dir);
            if let Some(dir) = dir
                && !self.ids_in(dir)?.is_empty()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl BlobReader {
    /// What it says about itself.
    pub(crate) fn footer(&self) -> Result<BlobFooter, ExtentError> {
        let len = usize::try_from(self.trailer.footer_len).ok().filter(|len| *len <= MAX_FOOTER);
        let len = len.ok_or_else(|| self.damaged("has a footer that is too long"))?;
        let mut footer = vec![0; len];
        self.fill(&mut footer, self.geometry().footer())?;
        if format::footer_crc(self.id, &footer) != self.trailer.footer_crc {
            return Err(self.damaged("has a footer that fails its checksum"));
        }
        BlobFooter::decode(&footer, self.trailer.sealed)
            .map_err(|_| self.damaged("has a footer that says nothing"))
    }

    /// Reads everything and compares every checksum; gives the footer.
    pub(crate) fn verify(&self) -> Result<BlobFooter, ExtentError> {
        self.file.expect_sequential()?;
        let mut offset = 0;
        while offset < self.size() {
            let len = VERIFY.min(self.size() - offset);
            self.read(offset, usize::try_from(len).unwrap_or(BLOCK))?;
            offset += len;
        }
        self.footer()
    }
}
