//! Identity providers: whose tokens are believed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::document::Document;
use super::error::ConfigError;
use super::sessions::{name, optional_texts, texts, twice};
use super::{bounds, file, secret};
use crate::auth::{Algorithm, ClaimNames, IdentityProvider, KeySource, RemoteKeys, VerifyKey};

/// RFC 7518 section 3.2 wants as many bits as the digest has; this is SHA-256's.
const SHORTEST_SECRET: usize = 32;
const MAX_SET: u64 = 256 << 10;
const LEEWAY: Duration = Duration::from_secs(30);
const LONGEST_LEEWAY: Duration = Duration::from_mins(5);
const REFRESH: Duration = Duration::from_mins(10);
/// How often at most keys are fetched for a token that names an unknown one.
const PAUSE: Duration = Duration::from_secs(10);

/// Reads the sections.
pub(super) fn providers(
    listed: &[Spanned<file::IdentityProvider>],
    document: &Document,
) -> Result<Vec<IdentityProvider>, ConfigError> {
    let mut providers: Vec<IdentityProvider> = Vec::with_capacity(listed.len());
    for entry in listed {
        let section = entry.get_ref();
        let provider = one(section, document)?;
        if providers.iter().any(|other| other.name == provider.name) {
            return Err(twice(&provider.name, &section.name.span(), document));
        }
        providers.push(provider);
    }
    Ok(providers)
}

fn one(
    section: &file::IdentityProvider,
    document: &Document,
) -> Result<IdentityProvider, ConfigError> {
    let keys = keys(section, document)?;
    let symmetric = section.secret.is_some() || section.secret_file.is_some();
    let issuer = plain(section.issuer.as_ref(), document)?;
    let audiences = optional_texts(section.audience.as_ref(), document)?;
    if !symmetric && (issuer.is_none() || audiences.is_empty()) {
        let message = "a provider with public keys has an issuer and an audience: others have \
                       tokens of the same keys";
        return Err(document.error(&section.name.span(), message));
    }
    let claim = |claim: Option<&Spanned<String>>| plain(claim, document);
    Ok(IdentityProvider {
        name: name(&section.name, document)?,
        issuer,
        audiences,
        algorithms: algorithms(section, symmetric, document)?,
        leeway: bounds::period(
            section.leeway.as_ref(),
            LEEWAY,
            Duration::ZERO..=LONGEST_LEEWAY,
            document,
        )?,
        names: ClaimNames {
            subject: claim(section.subject_claim.as_ref())?.unwrap_or_else(|| "sub".to_owned()),
            role: claim(section.role_claim.as_ref())?,
            company: claim(section.company_claim.as_ref())?,
            session: claim(section.session_claim.as_ref())?,
        },
        kept: section.keep_claims.as_ref().map(|list| texts(list, document)).transpose()?,
        keys,
    })
}

fn keys(section: &file::IdentityProvider, document: &Document) -> Result<KeySource, ConfigError> {
    const ONE: &str = "a provider has one of jwks_file, jwks_url, secret and secret_file";
    let shared = secret::given(section.secret.as_ref(), section.secret_file.as_ref(), document)?;
    if let Some(url) = section.jwks_url.as_ref().filter(|_| shared.is_some()) {
        return Err(document.error(&url.span(), ONE));
    }
    match (&section.jwks_file, &section.jwks_url, shared) {
        (Some(path), None, None) => from_file(path, document),
        (None, Some(url), None) => from_url(section, url, document).map(KeySource::Remote),
        (None, None, Some((secret, span))) => {
            if secret.expose().len() < SHORTEST_SECRET {
                let message = format!(
                    "a secret that tokens are signed with has at least {SHORTEST_SECRET} bytes"
                );
                return Err(document.error(&span, message));
            }
            Ok(KeySource::Known(Arc::from([VerifyKey::shared(secret)])))
        }
        (Some(path), _, _) => Err(document.error(&path.span(), ONE)),
        (None, _, _) => Err(document.error(&section.name.span(), ONE)),
    }
}

fn from_file(
    path: &Spanned<std::path::PathBuf>,
    document: &Document,
) -> Result<KeySource, ConfigError> {
    let shown = path.get_ref().display();
    let fault = |message: String| document.error(&path.span(), format!("{shown} {message}"));
    let text = read(path.get_ref()).map_err(&fault)?;
    let keys = VerifyKey::parse_set(&text).map_err(&fault)?;
    Ok(KeySource::Known(keys.into()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > MAX_SET {
        return Err(format!("has more than {MAX_SET} bytes"));
    }
    std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}

fn from_url(
    section: &file::IdentityProvider,
    url: &Spanned<String>,
    document: &Document,
) -> Result<RemoteKeys, ConfigError> {
    let text = url.get_ref();
    let parsed: Option<http::Uri> = text.parse().ok();
    let fits = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|it| !it.as_str().contains('@'))
    });
    if !fits {
        let message = "should be a URL such as https://login.example.com/.well-known/jwks.json";
        return Err(document.error(&url.span(), message));
    }
    let ca = section.ca_file.as_ref().map(|path| {
        let shown = path.get_ref().display();
        std::fs::read(path.get_ref()).map_err(|error| {
            document.error(&path.span(), format!("{shown} cannot be read: {error}"))
        })
    });
    let hour = Duration::from_hours(24);
    let range = Duration::from_secs(1)..=hour;
    let refresh = bounds::period(section.jwks_refresh.as_ref(), REFRESH, range, document)?;
    Ok(RemoteKeys::new(text.clone(), ca.transpose()?, refresh, PAUSE.min(refresh)))
}

fn algorithms(
    section: &file::IdentityProvider,
    symmetric: bool,
    document: &Document,
) -> Result<Vec<Algorithm>, ConfigError> {
    let fitting: Vec<Algorithm> =
        Algorithm::ALL.into_iter().filter(|it| it.is_symmetric() == symmetric).collect();
    let Some(listed) = &section.algorithms else { return Ok(fitting) };
    let wanted = texts(listed, document)?;
    let known = |name: &String| fitting.iter().copied().find(|it| it.name() == name);
    wanted.iter().map(|name| known(name).ok_or(name)).collect::<Result<_, _>>().map_err(|name| {
        let names: Vec<&str> = fitting.iter().map(|it| it.name()).collect();
        let kind = if symmetric { "a secret" } else { "public keys" };
        let message = format!("{name:?} is none for {kind}; those are {}", names.join(", "));
        document.error(&listed.span(), message)
    })
}

fn plain(
    text: Option<&Spanned<String>>,
    document: &Document,
) -> Result<Option<String>, ConfigError> {
    match text {
        Some(text) if text.get_ref().is_empty() => {
            Err(document.error(&text.span(), "is empty; leave it out where there is none"))
        }
        text => Ok(text.map(|text| text.get_ref().clone())),
    }
}
