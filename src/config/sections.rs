//! From what was written to what holds: merges flags, environment and file, and checks values.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::amount::{Period, Size};
use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::{
    Auth, Config, Flags, Keys, Log, LogFormat, Server, Store, Tls, at_rest, bounds, file, keys,
    lifecycle, ownership, proxies, routes, rules, sessions, spool, upstream, usage, website,
};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// A text together with where it was written.
struct Written<'a> {
    text: String,
    place: Place<'a>,
}

/// Where a text was written.
pub(super) enum Place<'a> {
    Flag(&'static str),
    Variable(&'static str),
    File(&'a Document, Range<usize>),
}

impl Place<'_> {
    /// A fault in it.
    pub(super) fn error(&self, message: impl Into<String>) -> ConfigError {
        match self {
            Self::Flag(name) | Self::Variable(name) => ConfigError::new(*name, message),
            Self::File(document, span) => document.error(span, message),
        }
    }
}

/// The whole configuration.
pub(super) fn build(flags: &Flags, env: &Env, document: &Document) -> Result<Config, ConfigError> {
    let file = document.parse()?;
    let keys = keys::build(&file.key, document, env)?;
    let sessions = sessions::build(env, &file, &keys, document)?;
    let listen = listen(flags, env, file.listen.as_ref(), document, &keys)?;
    let admin_listen = admin_listen(env, file.admin.listen.as_ref(), document, &keys, listen)?;
    let named = upstream::build(&file.upstream, document, listen)?;
    let server = server(env, &file.server, document)?;
    let base = &server.base_domains;
    let website = website::build(env, &file.website, &file.bucket, base, document)?;
    let routed = routes::build(env, &file.bucket, named, document, listen)?;
    Ok(Config {
        listen,
        admin_listen,
        data_dir: data_dir(flags, env, file.data_dir.as_ref(), document)?,
        region: region(env, file.region.as_ref(), document)?,
        tls: tls(env, file.tls, document)?,
        auth: Auth {
            sigv2: file.auth.sigv2.unwrap_or(true),
            strict_region: file.auth.strict_region.unwrap_or(false),
        },
        keys,
        server,
        log: log(flags, env, &file.log, document)?,
        store: store(&file.store, document)?,
        upstreams: routed.upstreams,
        routes: routed.routes,
        spool: spool::build(&file.spool, document)?,
        usage: usage::build(env, &file.bucket, &file.usage, document)?,
        rules: rules::build(&file.rule, file.antivirus.as_ref(), document)?,
        website,
        lifecycle: lifecycle::build(&file.lifecycle, document)?,
        admin_token: env.secret("STOWGATE_ADMIN_TOKEN")?,
        at_rest: at_rest::build(env, &file.encryption, &file.bucket, document)?,
        sessions,
        ownerships: ownership::defaults(&file.bucket, document)?,
    })
}

fn written<'a>(
    env: &Env,
    variable: &'static str,
    in_file: Option<&Spanned<String>>,
    document: &'a Document,
) -> Result<Option<Written<'a>>, ConfigError> {
    if let Some(text) = env.get(variable)? {
        return Ok(Some(Written { text, place: Place::Variable(variable) }));
    }
    Ok(in_file.map(|value| Written {
        text: value.get_ref().clone(),
        place: Place::File(document, value.span()),
    }))
}

fn listen(
    flags: &Flags,
    env: &Env,
    in_file: Option<&Spanned<String>>,
    document: &Document,
    keys: &Keys,
) -> Result<SocketAddr, ConfigError> {
    let written = match &flags.listen {
        Some(text) => Some(Written { text: text.clone(), place: Place::Flag("--listen") }),
        None => written(env, "STOWGATE_LISTEN", in_file, document)?,
    };
    match written {
        Some(written) => address(&written, keys),
        None => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 9000))),
    }
}

/// Where the side API listens, where that is not where S3 does.
fn admin_listen(
    env: &Env,
    in_file: Option<&Spanned<String>>,
    document: &Document,
    keys: &Keys,
    listen: SocketAddr,
) -> Result<Option<SocketAddr>, ConfigError> {
    let Some(written) = written(env, "STOWGATE_ADMIN_LISTEN", in_file, document)? else {
        return Ok(None);
    };
    let address = address(&written, keys)?;
    if address == listen && address.port() != 0 {
        return Err(written.place.error(format!(
            "{address} is where S3 is served; leave this out to have the side API there as well"
        )));
    }
    Ok(Some(address))
}

/// An address to listen on. The built-in secret is for this machine alone.
fn address(written: &Written<'_>, keys: &Keys) -> Result<SocketAddr, ConfigError> {
    let Written { text, place } = written;
    let address = socket_address(text).ok_or_else(|| {
        place.error(format!("{text:?} is not an address such as 127.0.0.1:9000 or [::]:9000"))
    })?;
    if !address.ip().is_loopback() && keys.any_public() {
        return Err(place.error(format!(
            "{address} is not a loopback address, and the built-in secret is known to everyone; \
             configure a key of your own ([[key]], or STOWGATE_ACCESS_KEY and \
             STOWGATE_SECRET_KEY) or listen on 127.0.0.1"
        )));
    }
    Ok(address)
}

fn socket_address(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)));
    }
    text.parse().ok()
}

fn region(
    env: &Env,
    in_file: Option<&Spanned<String>>,
    document: &Document,
) -> Result<String, ConfigError> {
    let Some(Written { text, place }) = written(env, "STOWGATE_REGION", in_file, document)? else {
        return Ok("us-east-1".to_owned());
    };
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text);
    }
    Err(place.error(format!("{text:?} is not a region such as us-east-1")))
}

fn data_dir(
    flags: &Flags,
    env: &Env,
    in_file: Option<&Spanned<PathBuf>>,
    document: &Document,
) -> Result<PathBuf, ConfigError> {
    if let Some(dir) = flags.data_dir.clone().or_else(|| env.path("STOWGATE_DATA_DIR")) {
        return Ok(dir);
    }
    match in_file {
        None => Ok(PathBuf::from("stowgate-data")),
        Some(dir) if dir.get_ref().as_os_str().is_empty() => {
            let message = "is empty; name a directory such as stowgate-data";
            Err(document.error(&dir.span(), message))
        }
        Some(dir) => Ok(dir.get_ref().clone()),
    }
}

fn tls(
    env: &Env,
    in_file: Option<file::Tls>,
    document: &Document,
) -> Result<Option<Tls>, ConfigError> {
    let variables = ["STOWGATE_TLS_CERT", "STOWGATE_TLS_KEY"];
    let [cert, key] = variables.map(|name| env.path(name));
    match (cert, key) {
        (Some(cert), Some(key)) => {
            Ok(Some(Tls { cert, key, places: variables.map(str::to_owned) }))
        }
        (None, None) => Ok(in_file.map(|tls| Tls {
            places: [&tls.cert, &tls.key].map(|path| document.place(&path.span())),
            cert: tls.cert.into_inner(),
            key: tls.key.into_inner(),
        })),
        (Some(_), None) => Err(ConfigError::new(
            "STOWGATE_TLS_KEY",
            "is not set while STOWGATE_TLS_CERT is; TLS needs both",
        )),
        (None, Some(_)) => Err(ConfigError::new(
            "STOWGATE_TLS_CERT",
            "is not set while STOWGATE_TLS_KEY is; TLS needs both",
        )),
    }
}

fn log(
    flags: &Flags,
    env: &Env,
    in_file: &file::Log,
    document: &Document,
) -> Result<Log, ConfigError> {
    let level = match written(env, "STOWGATE_LOG", in_file.level.as_ref(), document)? {
        None => Targets::new().with_default(tracing::Level::INFO),
        Some(Written { text, place }) => levels(&text).ok_or_else(|| {
            place.error(format!(
                "{text:?} is not a level (error, warn, info, debug, trace, off) or a list such as \
                 \"warn,stowgate::access=info\""
            ))
        })?,
    };
    let in_env = match env.get("STOWGATE_LOG_FORMAT")? {
        None => None,
        Some(text) => {
            let format = <LogFormat as clap::ValueEnum>::from_str(&text, false);
            let wrong = format!("{text:?} is not auto, text or json");
            Some(format.map_err(|_| ConfigError::new("STOWGATE_LOG_FORMAT", wrong))?)
        }
    };
    let format = flags.log_format.or(in_env).or(in_file.format).unwrap_or_default();
    Ok(Log { level, format })
}

/// A bare word is a level here; `Targets` alone would take a misspelt one for a target.
fn levels(text: &str) -> Option<Targets> {
    let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    let is_entry = |entry: &str| match entry.split_once('=') {
        Some((target, level)) => !target.is_empty() && is_level(level),
        None => is_level(entry),
    };
    text.split(',').all(is_entry).then(|| text.parse().ok())?
}

fn server(env: &Env, in_file: &file::Server, document: &Document) -> Result<Server, ConfigError> {
    let period = |value: &Option<Spanned<Period>>, default, allowed| {
        bounds::period(value.as_ref(), default, allowed, document)
    };
    let second = Duration::from_secs(1);
    let timeout = second..=60 * MINUTE;
    let connections =
        bounds::number(in_file.max_connections.as_ref(), 1024, 1..=1_000_000, document)?;
    Ok(Server {
        base_domains: base_domains(env, in_file.base_domains.as_deref(), document)?,
        trusted_proxies: proxies::build(env, in_file.trusted_proxies.as_deref(), document)?,
        max_connections: connections,
        max_header_size: bounds::size(
            in_file.max_header_size.as_ref(),
            8 << 10,
            1 << 10..=64 << 10,
            document,
        )?,
        header_timeout: period(&in_file.header_timeout, 30 * second, timeout.clone())?,
        idle_timeout: period(&in_file.idle_timeout, 2 * MINUTE, timeout.clone())?,
        body_timeout: period(&in_file.body_timeout, MINUTE, timeout.clone())?,
        write_timeout: period(&in_file.write_timeout, MINUTE, timeout.clone())?,
        handshake_timeout: period(&in_file.handshake_timeout, 10 * second, timeout.clone())?,
        drain_timeout: period(&in_file.drain_timeout, 15 * second, Duration::ZERO..=60 * MINUTE)?,
    })
}

fn base_domains(
    env: &Env,
    in_file: Option<&[Spanned<String>]>,
    document: &Document,
) -> Result<Vec<String>, ConfigError> {
    if let Some(list) = env.get("STOWGATE_BASE_DOMAINS")? {
        let place = Place::Variable("STOWGATE_BASE_DOMAINS");
        return list.split(',').map(|name| domain(name.trim(), &place)).collect();
    }
    let Some(listed) = in_file else {
        return Ok(vec!["s3.localhost".to_owned(), "localhost".to_owned()]);
    };
    listed.iter().map(|name| domain(name.get_ref(), &Place::File(document, name.span()))).collect()
}

/// A host name.
pub(super) fn domain(name: &str, place: &Place<'_>) -> Result<String, ConfigError> {
    let name = name.to_ascii_lowercase();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() <= 253 && name.split('.').all(label) && name.parse::<Ipv4Addr>().is_err() {
        return Ok(name);
    }
    Err(place.error(format!("{name:?} is not a host name such as s3.example.com, without port")))
}

fn store(in_file: &file::Store, document: &Document) -> Result<Store, ConfigError> {
    let size = |value: &Option<Spanned<Size>>, default, allowed| {
        bounds::size(value.as_ref(), default, allowed, document)
    };
    let period = |value: &Option<Spanned<Period>>, default, allowed| {
        bounds::period(value.as_ref(), default, allowed, document)
    };
    let often = Duration::from_millis(100)..=60 * MINUTE;
    let quota = in_file.quota.as_ref().map(|_| size(&in_file.quota, 0, 1..=1 << 60)).transpose()?;
    Ok(Store {
        pack_limit: size(&in_file.pack_limit, 128 << 10, 0..=1 << 20)?,
        segment_size: size(&in_file.segment_size, 256 << 20, 16 << 20..=1 << 30)?,
        cache_size: size(&in_file.cache_size, 64 << 20, 1 << 20..=1 << 40)?,
        checkpoint_interval: period(&in_file.checkpoint_interval, Duration::from_secs(5), often)?,
        multipart_expiry: period(&in_file.multipart_expiry, 7 * DAY, MINUTE..=3650 * DAY)?,
        min_free: size(&in_file.min_free, 1 << 30, 0..=1 << 50)?,
        quota,
        allow_network: in_file.allow_network.unwrap_or(false),
        compaction: in_file.compaction.unwrap_or(true),
        compaction_rate: size(&in_file.compaction_rate, 16 << 20, 64 << 10..=1 << 40)?,
    })
}
