//! A list of keys that an application still refers to, one on each line: read as it streams in, and
//! kept at a few bytes a key.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use http::StatusCode;

use super::reply::Fault;
use crate::body::Payload;
use crate::object::{MAX_KEY_BYTES, ObjectKey};

/// The most keys of a manifest.
const MOST: usize = 10_000_000;

/// Keys, as two keyed hashes of 64 bits each: two of them do not collide.
#[derive(Default)]
pub(super) struct Manifest {
    hashes: HashSet<(u64, u64)>,
    by: (RandomState, RandomState),
}

impl Manifest {
    /// Reads a manifest; no body at all is none. A body that breaks off, holds no key, or has a
    /// line that is none is a fault.
    pub(super) async fn read(mut body: Payload) -> Result<Option<Self>, Fault> {
        let mut manifest = Self::default();
        let (mut line, mut number, mut any) = (Vec::new(), 1, false);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                Fault::parameter(format!("the manifest did not come whole: {error}"))
            })?;
            any = true;
            let mut pieces = chunk.split(|byte| *byte == b'\n');
            line.extend_from_slice(pieces.next().unwrap_or_default());
            for piece in pieces {
                manifest.add(&line, number)?;
                (line, number) = (piece.to_vec(), number + 1);
            }
            // Longer than any key: it would only grow.
            if line.len() > MAX_KEY_BYTES + 1 {
                return Err(wrong(number, "it is longer than any key"));
            }
        }
        if !any {
            return Ok(None);
        }
        manifest.add(&line, number)?;
        if manifest.hashes.is_empty() {
            let message = "the manifest holds no key, by which every object would go";
            return Err(Fault::parameter(message));
        }
        Ok(Some(manifest))
    }

    /// Whether a key is in it.
    pub(super) fn contains(&self, key: &ObjectKey) -> bool {
        self.hashes.contains(&self.hash(key.as_str()))
    }

    fn add(&mut self, line: &[u8], number: usize) -> Result<(), Fault> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(line).map_err(|_| wrong(number, "it is not UTF-8"))?;
        let key = ObjectKey::parse(text).map_err(|why| wrong(number, &why.to_string()))?;
        if self.hashes.len() >= MOST {
            let message = format!("the manifest has more than {MOST} keys");
            return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "ManifestTooLarge", message));
        }
        let hash = self.hash(key.as_str());
        self.hashes.insert(hash);
        Ok(())
    }

    fn hash(&self, key: &str) -> (u64, u64) {
        (self.by.0.hash_one(key), self.by.1.hash_one(key))
    }
}

fn wrong(number: usize, why: &str) -> Fault {
    Fault::parameter(format!("line {number} of the manifest is no key: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &'static [u8]) -> Result<Option<Manifest>, Fault> {
        Manifest::read(Payload::from_bytes(text)).await
    }

    #[tokio::test]
    async fn every_line_is_a_key() {
        let manifest = read("a/b\r\n\nü c\nlast".as_bytes()).await.expect("good").expect("keys");
        for (key, there) in
            [("a/b", true), ("ü c", true), ("last", true), ("a/b\r", false), ("a", false)]
        {
            let key = ObjectKey::parse(key).expect("a key");
            assert_eq!(manifest.contains(&key), there, "{key:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_manifest_is_refused_with_its_line() {
        assert!(read(b"").await.expect("no fault").is_none());
        let long = "x".repeat(1025).leak();
        for (text, hint) in
            [(&b"\n\r\n"[..], "no key"), (b"a\n\xff\n", "line 2"), (long.as_bytes(), "line 1")]
        {
            let fault = read(text).await.err().expect("a fault");
            assert!(fault.message.contains(hint), "{}", fault.message);
        }
    }
}
