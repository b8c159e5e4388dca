//! Who may use the side API.
//!
//! A bearer token, a request signed with a key of the role `admin`, or, only while nothing but the
//! built-in key and no proxy is configured, a caller on this machine. That last one is held to being a tool of
//! the person at this machine: not a proxy's client, not a page in a browser, not a name that an
//! attacker's DNS server points here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use http::{StatusCode, uri};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::reply::Fault;
use crate::auth::{AuthError, Authenticator, Caller, Role, Secret};
use crate::body::Payload;
use crate::object::is_forwarding;

/// What the configuration says about access.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// The bearer token.
    pub token: Option<Secret>,
    /// Whether no key is configured, so that only the built-in one is there.
    pub only_built_in_keys: bool,
    /// Whether proxies are configured, whose clients could be taken for callers on this machine.
    pub behind_proxies: bool,
}

/// Where a request comes from, and how.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address of the socket.
    pub address: IpAddr,
    /// Whether the client's connection is encrypted.
    pub encrypted: bool,
    /// The host that the client named to a configured proxy.
    pub host: Option<String>,
}

/// Decides about access.
pub(super) struct Access {
    rule: ArcSwap<Rule>,
    authenticator: Arc<Authenticator>,
}

impl Access {
    pub(super) fn new(rule: Rule, authenticator: Arc<Authenticator>) -> Self {
        Self { rule: ArcSwap::from_pointee(rule), authenticator }
    }

    /// What verifies signatures.
    pub(super) fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// From now on this holds.
    pub(super) fn replace(&self, rule: Rule) {
        self.rule.store(Arc::new(rule));
    }

    /// The body of a request that may go on. It ends in an `Err` where it is not what was signed.
    pub(super) fn check(
        &self,
        head: &Parts,
        origin: &Origin,
        body: Payload,
    ) -> Result<Payload, Fault> {
        let rule = self.rule.load();
        match head.headers.get(AUTHORIZATION) {
            Some(value) => match bearer(value.as_bytes()) {
                Some(token) => rule.check_token(token).map(|()| body),
                None => self.check_signature(head, body),
            },
            None => rule.check_tokenless(head, origin).map(|()| body),
        }
    }

    fn check_signature(&self, head: &Parts, body: Payload) -> Result<Payload, Fault> {
        let (caller, body) = match self.authenticator.verify(head, None, body) {
            Ok(verified) => (verified.caller, verified.body),
            Err(error) => return Err(not_believed(&error)),
        };
        match caller {
            Caller::Key(identity) if identity.role == Role::Admin && identity.company.is_none() => {
                Ok(body.open())
            }
            Caller::Key(identity) => Err(denied(format!(
                "the key {} does not have the role admin, which the side API wants",
                identity.access_key
            ))),
            Caller::Anonymous => Err(unauthorized("the request is not signed")),
        }
    }
}

impl Rule {
    fn check_token(&self, given: &[u8]) -> Result<(), Fault> {
        let Some(token) = &self.token else {
            let message = "no token is configured here; set STOWGATE_ADMIN_TOKEN, or sign the \
                           request with a key of the role admin";
            return Err(unauthorized(message));
        };
        // Digests are of one length, so that not even the token's length can be timed.
        let [expected, given] = [token.expose().as_bytes(), given].map(Sha256::digest);
        if bool::from(expected.as_slice().ct_eq(given.as_slice())) {
            return Ok(());
        }
        Err(unauthorized("the bearer token is not the one of STOWGATE_ADMIN_TOKEN"))
    }

    fn check_tokenless(&self, head: &Parts, origin: &Origin) -> Result<(), Fault> {
        if self.token.is_some() || !self.only_built_in_keys {
            let message = "the side API wants \"Authorization: Bearer\" with the token of \
                           STOWGATE_ADMIN_TOKEN, or a request signed with a key of the role admin";
            return Err(unauthorized(message));
        }
        if self.behind_proxies {
            return Err(without_token("[server] trusted_proxies says that there are proxies"));
        }
        if !is_loopback(origin.address) {
            return Err(without_token("the caller is not on this machine"));
        }
        if let Some(name) = head.headers.keys().find(|name| is_forwarding(name.as_str())) {
            return Err(without_token(&format!("the header {name} says that it was forwarded")));
        }
        let Some(host) = local_host(head) else {
            return Err(without_token("its Host header is not a name of this machine"));
        };
        if is_cross_site(&head.headers, &host, origin.encrypted) {
            return Err(without_token("a page of another site sent it"));
        }
        Ok(())
    }
}

/// The token behind `Bearer`, where that is the scheme.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Whether an address is this machine's own, as IPv4 inside IPv6 too.
fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            let mapped = address.to_ipv4_mapped();
            address.is_loopback() || mapped.is_some_and(|address| address.is_loopback())
        }
    }
}

/// The host that the request is for, with its port, if every mention of it is a loopback name.
fn local_host(head: &Parts) -> Option<String> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let header = hosts.next();
    if hosts.next().is_some() {
        return None;
    }
    let header = header.map(|host| host.to_str()).transpose().ok()?;
    let target = head.uri.authority().map(uri::Authority::as_str);
    let mut named = [header, target].into_iter().flatten().peekable();
    let first = named.peek().copied()?.to_ascii_lowercase();
    named.all(is_loopback_name).then_some(first)
}

fn is_loopback_name(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let good_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return good_port && address.parse::<Ipv6Addr>().is_ok_and(|it| is_loopback(it.into()));
    }
    let name = match host.split_once(':') {
        Some((name, port)) if is_port(port) => name,
        Some(_) => return false,
        None => &host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a browser says that another site's page sent the request.
fn is_cross_site(headers: &HeaderMap, host: &str, encrypted: bool) -> bool {
    let scheme = if encrypted { "https" } else { "http" };
    let own = format!("{scheme}://{host}");
    let foreign_origin = headers
        .get_all(ORIGIN)
        .iter()
        .any(|origin| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()));
    let foreign_fetch = headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    foreign_origin || foreign_fetch
}

fn unauthorized(message: &str) -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
}

fn denied(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::FORBIDDEN, "AccessDenied", message)
}

/// A caller who would do without a token, but can't.
fn without_token(why: &str) -> Fault {
    denied(format!(
        "without a token only a caller on this machine is let in, and {why}; set \
         STOWGATE_ADMIN_TOKEN and send it as \"Authorization: Bearer …\""
    ))
}

/// What is wrong with a signature. A fault of form is 400, one of substance 403.
fn not_believed(error: &AuthError) -> Fault {
    let (status, code) = match error {
        AuthError::HeaderMalformed { .. } => {
            (StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed")
        }
        AuthError::InvalidArgument { .. } => (StatusCode::BAD_REQUEST, "InvalidArgument"),
        AuthError::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "InvalidRequest"),
        _ => (StatusCode::FORBIDDEN, "AccessDenied"),
    };
    Fault::new(status, code, error.to_string())
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
