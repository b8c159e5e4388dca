//! How an upstream is reached, with which keys, and where the gateway's buckets are in it.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::object::{BucketName, Owner};

/// An upstream as configured.
#[derive(Debug, Clone)]
pub struct UpstreamOptions {
    /// Its name, for the operator.
    pub name: String,
    /// Where it answers; AWS where absent.
    pub endpoint: Option<String>,
    /// Its region, which requests are signed for.
    pub region: String,
    /// Whether buckets stand in the path instead of the host name.
    pub path_style: bool,
    /// The keys; the AWS SDK's default chain where absent.
    pub credentials: Option<UpstreamKey>,
    /// Server-side encryption that writes ask for: `AES256` or `aws:kms`.
    pub sse: Option<String>,
    /// Certificates in PEM form that are trusted beside the system's.
    pub trusted: Option<Vec<u8>>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take to begin after the request was sent.
    pub first_byte_timeout: Duration,
    /// How long the upstream may neither take nor give a byte of a body.
    pub stall_timeout: Duration,
    /// What the service cannot do.
    pub quirks: Quirks,
    /// Who is shown as the owner of its buckets.
    pub owner: Owner,
    /// Buckets that have another name there, or only a prefix of one.
    pub buckets: HashMap<BucketName, UpstreamBucket>,
}

/// An access key of the upstream.
#[derive(Clone)]
pub struct UpstreamKey {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: String,
    /// The token of temporary keys.
    pub session_token: Option<String>,
}

/// Where a bucket's objects are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamBucket {
    /// The bucket's name there.
    pub bucket: String,
    /// What stands before every key there.
    pub prefix: String,
}

/// What a service can do of what not all can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// Whether it takes and gives additional checksums (`x-amz-checksum-*`), in headers and
    /// behind aws-chunked bodies.
    pub checksums: bool,
    /// Whether it decides `If-Match` and `If-None-Match` on writes.
    pub conditional_writes: bool,
    /// Whether it keeps tags of objects.
    pub tags: bool,
}

impl UpstreamOptions {
    /// AWS in `us-east-1`, with the default chain of credentials.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            endpoint: None,
            region: "us-east-1".to_owned(),
            path_style: false,
            credentials: None,
            sse: None,
            trusted: None,
            connect_timeout: Duration::from_secs(3),
            first_byte_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(10),
            quirks: Quirks::default(),
            owner: Owner { id: "upstream".to_owned(), display_name: "upstream".to_owned() },
            buckets: HashMap::new(),
        }
    }

    /// Where a bucket's objects are: by default in a bucket of the same name.
    pub fn target(&self, bucket: &BucketName) -> UpstreamBucket {
        self.buckets.get(bucket).cloned().unwrap_or_else(|| UpstreamBucket {
            bucket: bucket.as_str().to_owned(),
            prefix: String::new(),
        })
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self { checksums: true, conditional_writes: true, tags: true }
    }
}

impl fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamKey").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_shown() {
        let mut options = UpstreamOptions::new("main");
        options.credentials = Some(UpstreamKey {
            access_key: "AKIA".to_owned(),
            secret_key: "hush".to_owned(),
            session_token: Some("whisper".to_owned()),
        });
        let shown = format!("{options:?}");
        assert!(shown.contains("AKIA") && !shown.contains("hush") && !shown.contains("whisper"));
    }

    #[test]
    fn buckets_keep_their_names_where_nothing_else_is_said() {
        let (own, mapped) = ("own-name", "mapped");
        let (own, mapped) = (BucketName::parse(own).unwrap(), BucketName::parse(mapped).unwrap());
        let mut options = UpstreamOptions::new("main");
        let elsewhere = UpstreamBucket { bucket: "other".into(), prefix: "dir/".into() };
        options.buckets.insert(mapped.clone(), elsewhere.clone());
        assert_eq!(options.target(&mapped), elsewhere);
        let same = UpstreamBucket { bucket: "own-name".into(), prefix: String::new() };
        assert_eq!(options.target(&own), same);
    }
}
