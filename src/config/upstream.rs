//! Upstream services: where they are, as whom they are called, and what they cannot do.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Uri;
use toml::Spanned;

use super::amount::Period;
use super::document::Document;
use super::error::ConfigError;
use super::{bounds, file, secret};
use crate::auth::Secret;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// The region where none is said: what services without regions take.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// An upstream service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Its name, as buckets refer to it.
    pub name: String,
    /// Its URL without a slash at the end; AWS itself without.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// Whether the bucket stands in the path rather than in the host name.
    pub path_style: bool,
    /// As whom it is called; the SDK's default credential chain without.
    pub credentials: Option<Credentials>,
    /// What encryption is asked for with every write.
    pub sse: Option<Encryption>,
    /// Certificates to trust beside the system's: PEM.
    pub ca: Option<Vec<u8>>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer's head may take once the request is sent.
    pub first_byte_timeout: Duration,
    /// How long a body may stand still.
    pub stall_timeout: Duration,
    /// When checksums are sent and asked for.
    pub checksums: Checksums,
    /// Whether it decides conditions on writes.
    pub conditional_writes: bool,
    /// Whether it keeps tags of objects.
    pub tags: bool,
}

/// A key of an upstream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// The token of a temporary key.
    pub session_token: Option<Secret>,
}

/// Server-side encryption at the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// `AES256`: with keys that the upstream keeps.
    Aes256,
}

/// When an upstream is sent the SDK's checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksums {
    /// With every write, as a trailer of an aws-chunked body.
    #[default]
    WhenSupported,
    /// Only where the operation needs one: for services that refuse the other.
    WhenRequired,
}

impl Upstream {
    /// An upstream with every default, called with the SDK's default credential chain.
    pub(super) fn at(name: &str, endpoint: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            path_style: endpoint.is_some(),
            endpoint,
            region: DEFAULT_REGION.to_owned(),
            credentials: None,
            sse: None,
            ca: None,
            connect_timeout: 3 * SECOND,
            first_byte_timeout: 10 * SECOND,
            stall_timeout: 10 * SECOND,
            checksums: Checksums::default(),
            conditional_writes: true,
            tags: true,
        }
    }
}

/// The upstreams of the file, by name.
pub(super) fn build(
    sections: &BTreeMap<Spanned<String>, file::Upstream>,
    document: &Document,
    listen: SocketAddr,
) -> Result<Vec<Upstream>, ConfigError> {
    sections.iter().map(|(name, section)| one(name, section, document, listen)).collect()
}

fn one(
    name: &Spanned<String>,
    section: &file::Upstream,
    document: &Document,
    listen: SocketAddr,
) -> Result<Upstream, ConfigError> {
    check_name(name.get_ref()).map_err(|message| document.error(&name.span(), message))?;
    let url = parsed(section.endpoint.as_ref(), document, |text| endpoint(text, listen))?;
    let plain = Upstream::at(name.get_ref(), url);
    let period = |value: &Option<Spanned<Period>>, default| {
        bounds::period(value.as_ref(), default, Duration::from_millis(100)..=10 * MINUTE, document)
    };
    Ok(Upstream {
        region: parsed(section.region.as_ref(), document, region)?.unwrap_or(plain.region),
        path_style: section.path_style.unwrap_or(plain.path_style),
        credentials: credentials(name, section, document)?,
        sse: parsed(section.sse.as_ref(), document, encryption)?,
        ca: certificates(section, document)?,
        connect_timeout: period(&section.connect_timeout, plain.connect_timeout)?,
        first_byte_timeout: period(&section.first_byte_timeout, plain.first_byte_timeout)?,
        stall_timeout: period(&section.stall_timeout, plain.stall_timeout)?,
        checksums: parsed(section.checksums.as_ref(), document, checksums)?.unwrap_or_default(),
        conditional_writes: section.conditional_writes.unwrap_or(true),
        tags: section.tags.unwrap_or(true),
        ..plain
    })
}

/// A text's meaning, or the fault at its place.
fn parsed<T>(
    value: Option<&Spanned<String>>,
    document: &Document,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    parse(value.get_ref()).map(Some).map_err(|message| document.error(&value.span(), message))
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("{name:?} is no name for an upstream: 1 to 64 letters, digits, - and _"))
}

/// An upstream's URL, which is not this gateway's own at `listen`.
pub(super) fn endpoint(text: &str, listen: SocketAddr) -> Result<String, String> {
    let wrong = |why: &str| {
        format!("{text:?} {why}; an endpoint is a URL such as https://s3.example.com:9000")
    };
    let uri: Uri = text.parse().map_err(|_| wrong("is no URL"))?;
    let Some(scheme @ ("http" | "https")) = uri.scheme_str() else {
        return Err(wrong("does not begin with http:// or https://"));
    };
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("has no host"))?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(
            "the endpoint holds a name or a password; write access_key and secret_key".to_owned()
        );
    }
    if text.contains(['?', '#']) {
        return Err(wrong("has a query or a fragment"));
    }
    let port = uri.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
    if is_here(host, port, listen) {
        return Err(format!("{text:?} is this gateway itself, which would call itself for ever"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn is_here(host: &str, port: u16, listen: SocketAddr) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address: Option<IpAddr> = match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        other => other.parse().ok(),
    };
    let is_ours = |address: IpAddr| {
        address == listen.ip() || (listen.ip().is_unspecified() && address.is_loopback())
    };
    port == listen.port() && address.is_some_and(is_ours)
}

/// A region as services name theirs: `us-east-1`, `auto`, `garage`.
pub(super) fn region(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a region such as us-east-1"))
}

fn encryption(text: &str) -> Result<Encryption, String> {
    match text {
        "AES256" => Ok(Encryption::Aes256),
        other => Err(format!("{other:?} is not available; it is \"AES256\" or left out")),
    }
}

fn checksums(text: &str) -> Result<Checksums, String> {
    match text {
        "when-supported" => Ok(Checksums::WhenSupported),
        "when-required" => Ok(Checksums::WhenRequired),
        other => Err(format!("{other:?} is not \"when-supported\" or \"when-required\"")),
    }
}

fn certificates(
    section: &file::Upstream,
    document: &Document,
) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some(path) = &section.ca_file else { return Ok(None) };
    let shown = path.get_ref().display();
    let fault = |message: String| document.error(&path.span(), message);
    let pem = std::fs::read(path.get_ref())
        .map_err(|error| fault(format!("{shown} cannot be read: {error}")))?;
    let marker = b"-----BEGIN CERTIFICATE-----";
    if !pem.windows(marker.len()).any(|window| window == marker) {
        return Err(fault(format!("{shown} holds no certificate in PEM form")));
    }
    Ok(Some(pem))
}

fn credentials(
    name: &Spanned<String>,
    section: &file::Upstream,
    document: &Document,
) -> Result<Option<Credentials>, ConfigError> {
    let secret = secret_key(section, document)?;
    match (&section.access_key, secret) {
        (Some(key), Some(secret_key)) => {
            let access_key = check_access_key(key.get_ref())
                .map_err(|message| document.error(&key.span(), message))?;
            let session_token = section.session_token.as_ref();
            let session_token = session_token.map(|token| token.get_ref().0.clone());
            Ok(Some(Credentials { access_key, secret_key, session_token }))
        }
        (Some(key), None) => {
            let message = "the key has no secret; give secret_key or secret_key_file";
            Err(document.error(&key.span(), message))
        }
        (None, Some(_)) => {
            let message = "has a secret but no access_key; give both, or neither";
            Err(document.error(&name.span(), message))
        }
        (None, None) => match &section.session_token {
            None => Ok(None),
            Some(token) => {
                let message = "belongs to an access_key and its secret, which are not given";
                Err(document.error(&token.span(), message))
            }
        },
    }
}

fn secret_key(
    section: &file::Upstream,
    document: &Document,
) -> Result<Option<Secret>, ConfigError> {
    let (inline, file) = (section.secret_key.as_ref(), section.secret_key_file.as_ref());
    let Some((secret, span)) = secret::given(inline, file, document)? else { return Ok(None) };
    check_secret(&secret).map_err(|message| document.error(&span, message))?;
    Ok(Some(secret))
}

/// What cannot stand in a credential scope is no access key.
pub(super) fn check_access_key(id: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ',' | '=');
    if (1..=128).contains(&id.len()) && id.chars().all(allowed) {
        return Ok(id.to_owned());
    }
    Err("should be an access key id: 1 to 128 characters without spaces and none of / , =".into())
}

/// An empty secret, or one with the line end of a careless copy, is refused.
pub(super) fn check_secret(secret: &Secret) -> Result<(), String> {
    let text = secret.expose();
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("should be a secret access key, without spaces".to_owned());
    }
    Ok(())
}
