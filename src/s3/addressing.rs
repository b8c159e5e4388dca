//! Which bucket and key a request names: in the host, or in the path (S3 User Guide, "Virtual
//! hosting of general purpose buckets").

use std::net::IpAddr;

use http::header::HOST;
use http::request::Parts;

use super::error::{Code, S3Error};
use super::request_facts::PublicHost;
use crate::object::percent::{self, Plus};
use crate::object::{BucketName, InvalidKey, MAX_KEY_BYTES, ObjectKey};

/// The domains whose subdomains are buckets; lower-case, without port.
#[derive(Debug, Clone, Default)]
pub(super) struct BaseDomains(Vec<(String, Serving)>);

/// What is served below a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Serving {
    /// S3.
    #[default]
    Buckets,
    /// Websites.
    Websites,
}

/// What a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The bucket; absent for the service itself.
    pub(super) bucket: Option<BucketName>,
    /// The object; only with a bucket.
    pub(super) key: Option<ObjectKey>,
    /// Whether the bucket came from the host's name.
    pub(super) virtual_host: bool,
    /// Whether the host's name might hold a bucket all the same, under a domain that is not
    /// configured.
    pub(super) unknown_domain: bool,
    /// As what the bucket is asked for.
    pub(super) serving: Serving,
}

impl BaseDomains {
    /// Takes them as configured, in any case and order.
    pub(super) fn new(
        domains: impl IntoIterator<Item = String>,
        websites: impl IntoIterator<Item = String>,
    ) -> Self {
        let websites = websites.into_iter().map(|domain| (domain, Serving::Websites));
        let domains = domains.into_iter().map(|domain| (domain, Serving::Buckets));
        let mut domains: Vec<(String, Serving)> = websites
            .chain(domains)
            .map(|(domain, serving)| (domain.to_ascii_lowercase(), serving))
            .collect();
        // The longest wins, so that `localhost` does not take `b.s3.localhost` for bucket `b.s3`.
        domains.sort_by_key(|(domain, _)| std::cmp::Reverse(domain.len()));
        Self(domains)
    }

    /// The bucket in a host's name. The domains themselves, IP addresses and every other name
    /// are the service.
    fn bucket<'a>(&self, host: &'a str) -> Option<(&'a str, Serving)> {
        if host.parse::<IpAddr>().is_ok() {
            return None;
        }
        if self.0.iter().any(|(domain, _)| domain == host) {
            return None;
        }
        let below = self.0.iter().find_map(|(domain, serving)| {
            Some((host.strip_suffix(domain.as_str())?.strip_suffix('.')?, *serving))
        });
        below.filter(|(bucket, _)| !bucket.is_empty())
    }

    /// Whether the host's name has several labels and is none that is known here. It may be the
    /// gateway's own all the same: nobody has to configure that for path-style requests.
    fn is_unknown(&self, host: &str) -> bool {
        let known = self.0.iter().any(|(domain, _)| domain == host);
        !known && host.contains('.') && host.parse::<IpAddr>().is_err()
    }
}

/// Finds bucket and key.
pub(super) fn resolve(domains: &BaseDomains, parts: &Parts) -> Result<Target, S3Error> {
    let host = host(parts);
    let path = parts.uri.path();
    let path = path.strip_prefix('/').unwrap_or_default();
    if let Some((bucket, serving)) = domains.bucket(&host) {
        return Ok(Target {
            bucket: Some(bucket_name(bucket)?),
            key: key(path)?,
            virtual_host: true,
            unknown_domain: false,
            serving,
        });
    }
    let unknown_domain = domains.is_unknown(&host);
    if path.is_empty() {
        return Ok(Target { unknown_domain, ..Target::default() });
    }
    let (bucket, rest) = path.split_once('/').unwrap_or((path, ""));
    let bucket = bucket_name(&decode(bucket)?)?;
    let (bucket, key) = (Some(bucket), key(rest)?);
    Ok(Target { bucket, key, unknown_domain, ..Target::default() })
}

/// Whether it is about the service itself: no bucket in host or path.
pub(super) fn is_service(domains: &BaseDomains, parts: &Parts) -> bool {
    matches!(parts.uri.path(), "" | "/") && domains.bucket(&host(parts)).is_none()
}

/// As what the host's name is served, whatever else the request says.
pub(super) fn serving(domains: &BaseDomains, parts: &Parts) -> Serving {
    domains.bucket(&host(parts)).map_or(Serving::default(), |(_, serving)| serving)
}

/// The host as the client named it, with its port. HTTP/2 has it in the target; of an
/// absolute-form target of HTTP/1.1 only path and query count where a `Host` header is beside it.
/// Signatures are verified over the same choice.
pub(super) fn named_host(parts: &Parts) -> &str {
    let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = match parts.version {
        http::Version::HTTP_2 | http::Version::HTTP_3 => authority.or(header),
        _ => header.or(authority),
    };
    host.unwrap_or_default().trim()
}

/// The host that leads the client back here, with its port.
pub(super) fn public_host(parts: &Parts) -> &str {
    match parts.extensions.get() {
        Some(PublicHost(host)) => host,
        None => named_host(parts),
    }
}

/// The host's name in lower case, without port, brackets and final dot.
fn host(parts: &Parts) -> String {
    let host = named_host(parts).to_ascii_lowercase();
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

fn bucket_name(name: &str) -> Result<BucketName, S3Error> {
    BucketName::parse(name).map_err(|error| {
        S3Error::new(Code::InvalidBucketName).message(error.0).with("BucketName", name)
    })
}

fn key(raw: &str) -> Result<Option<ObjectKey>, S3Error> {
    match ObjectKey::parse(&decode(raw)?) {
        Ok(key) => Ok(Some(key)),
        Err(InvalidKey::Empty) => Ok(None),
        Err(InvalidKey::TooLong(size)) => Err(key_too_long(size)),
    }
}

/// The error for a key of `size` bytes.
pub(super) fn key_too_long(size: usize) -> S3Error {
    S3Error::new(Code::KeyTooLongError)
        .with("Size", size.to_string())
        .with("MaxSizeAllowed", MAX_KEY_BYTES.to_string())
}

fn decode(raw: &str) -> Result<String, S3Error> {
    percent::decode(raw, Plus::Literal)
        .map_err(|percent::Malformed| S3Error::new(Code::InvalidURI).with("URI", raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains() -> BaseDomains {
        let buckets =
            ["localhost", "S3.Localhost", "s3.example.com", "s3.example.org"].map(str::to_owned);
        let websites = ["Site.localhost", "example.org"].map(str::to_owned);
        BaseDomains::new(buckets, websites)
    }

    type Names = (Option<String>, Option<String>);

    fn at(host: &str, target: &str) -> Result<Names, Code> {
        let request = http::Request::get(target).header(HOST, host).body(()).unwrap();
        let target = resolve(&domains(), &request.into_parts().0).map_err(|e| e.code())?;
        Ok((target.bucket.map(|b| b.to_string()), target.key.map(|k| k.to_string())))
    }

    fn names(bucket: &str, key: &str) -> Names {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(bucket), some(key))
    }

    #[test]
    fn the_longest_base_domain_wins() {
        assert_eq!(at("photos.s3.localhost:9000", "/a/b"), Ok(names("photos", "a/b")));
        assert_eq!(at("photos.localhost", "/a/b"), Ok(names("photos", "a/b")));
        assert_eq!(at("my.dotted.name.S3.example.COM", "/k"), Ok(names("my.dotted.name", "k")));
    }

    #[test]
    fn websites_have_domains_of_their_own() {
        for (host, expected) in [
            ("photos.site.localhost:9000", Serving::Websites),
            ("photos.example.org", Serving::Websites),
            ("photos.s3.example.org", Serving::Buckets),
            ("photos.localhost", Serving::Buckets),
            ("site.localhost", Serving::Buckets),
            ("example.org", Serving::Buckets),
            ("127.0.0.1", Serving::Buckets),
        ] {
            let request = http::Request::get("/b12/k").header(HOST, host).body(()).unwrap();
            let parts = request.into_parts().0;
            assert_eq!(serving(&domains(), &parts), expected, "{host}");
            assert_eq!(resolve(&domains(), &parts).unwrap().serving, expected, "{host}");
        }
        assert_eq!(at("photos.site.localhost:9000", "/a/b"), Ok(names("photos", "a/b")));
        assert_eq!(at("photos.site.localhost", "/"), Ok(names("photos", "")));
    }

    #[test]
    fn base_domains_and_strangers_are_path_style() {
        for host in [
            "localhost:9000",
            "s3.localhost",
            "s3.localhost.",
            "minio.internal",
            "127.0.0.1:9000",
            "[::1]:9000",
            "nots3.example.com",
            "photoslocalhost",
        ] {
            assert_eq!(at(host, "/photos/a"), Ok(names("photos", "a")), "{host}");
        }
    }

    #[test]
    fn the_path_is_split_before_it_is_decoded_and_nothing_is_normalised() {
        for (path, key) in [
            ("/b12", ""),
            ("/b12/", ""),
            ("/b12//", "/"),
            ("/b12//a//b", "/a//b"),
            ("/b12/../x/./y", "../x/./y"),
            ("/b12/a+b%2Bc%20d%2Fe", "a+b+c d/e"),
            ("/b12/%252e", "%2e"),
            ("/b12/a%00b", "a\0b"),
        ] {
            assert_eq!(at("localhost", path), Ok(names("b12", key)), "{path}");
        }
        assert_eq!(at("localhost", "/"), Ok(names("", "")));
        assert_eq!(at("photos.localhost", "/"), Ok(names("photos", "")));
        assert_eq!(at("photos.localhost", "//lead"), Ok(names("photos", "/lead")));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(at("localhost", "/b12/%zz"), Err(Code::InvalidURI));
        assert_eq!(at("localhost", "/b12/%ff"), Err(Code::InvalidURI));
        assert_eq!(at("localhost", "/b12/a%"), Err(Code::InvalidURI));
        assert_eq!(at("localhost", "/B_12/a"), Err(Code::InvalidBucketName));
        assert_eq!(at("localhost", "//a"), Err(Code::InvalidBucketName));
        let long = "k".repeat(1025);
        assert_eq!(at("localhost", &format!("/b12/{long}")), Err(Code::KeyTooLongError));
        assert_eq!(at("localhost", &format!("/b12/{}", &long[1..])), Ok(names("b12", &long[1..])));
    }

    #[test]
    fn an_absolute_target_gives_only_path_and_query() {
        let target = "http://elsewhere.localhost/b12/k?x";
        assert_eq!(at("127.0.0.1", target), Ok(names("b12", "k")));
        let request = http::Request::get("http://photos.s3.localhost/k").body(()).unwrap();
        let target = resolve(&domains(), &request.into_parts().0).unwrap();
        assert_eq!(target.bucket.map(|b| b.to_string()).as_deref(), Some("photos"));
        assert!(target.virtual_host);
    }

    proptest::proptest! {
        #[test]
        fn every_key_survives_its_encoding(key in "\\PC{1,40}|[\u{0}-\u{ff}]{1,40}") {
            let path = format!("/b12/{}", percent::encode(&key, percent::Slash::Keep));
            proptest::prop_assert_eq!(at("localhost", &path), Ok(names("b12", &key)));
            let path = format!("/{}", percent::encode(&key, percent::Slash::Keep));
            proptest::prop_assert_eq!(at("b12.localhost", &path), Ok(names("b12", &key)));
        }

        #[test]
        fn no_path_is_a_fault(path in "/[!-~]{0,60}") {
            if path.parse::<http::Uri>().is_ok() {
                let _ = at("localhost", &path);
            }
        }
    }
}
