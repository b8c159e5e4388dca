//! The words of proxies' headers: addresses, protocols, hosts, and the syntax of RFC 7239.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName};

/// What is said of one hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// Who sent the request there; `None` also where that is hidden.
    pub(super) address: Option<IpAddr>,
    /// Whether it was sent over TLS.
    pub(super) encrypted: Option<bool>,
    /// Which host it was sent to.
    pub(super) host: Option<String>,
}

impl Hop {
    /// What two descriptions of the same hop have in common; `None` where they contradict each
    /// other. What one of them alone says may be the client's own word.
    pub(super) fn shared_with(self, other: &Self) -> Option<Self> {
        let same_protocol = self.encrypted.zip(other.encrypted).is_none_or(|(one, two)| one == two);
        let hosts = self.host.as_deref().zip(other.host.as_deref());
        let same_host = hosts.is_none_or(|(one, two)| one.eq_ignore_ascii_case(two));
        (self.address == other.address && same_protocol && same_host).then_some(Self {
            address: self.address,
            encrypted: self.encrypted.filter(|_| other.encrypted.is_some()),
            host: self.host.filter(|_| other.host.is_some()),
        })
    }
}

/// The members of all lines of a header that is a list; `None` where they are no text.
pub(super) fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let mut members = Vec::new();
    for line in headers.get_all(name) {
        let line = line.to_str().ok()?;
        members.extend(line.split(',').map(str::trim).filter(|member| !member.is_empty()));
    }
    Some(members)
}

/// An address, with or without a port.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().ok().filter(|_| good).map(IpAddr::V6);
    }
    match text.split_once(':') {
        Some((address, port)) if is_port(port) => {
            address.parse::<Ipv4Addr>().ok().map(IpAddr::V4).or_else(|| text.parse().ok())
        }
        _ => text.parse().ok(),
    }
}

/// What a protocol's name says about TLS.
pub(super) fn is_encrypted(text: &str) -> Option<bool> {
    let named = |names: [&str; 2]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    match () {
        () if named(["https", "wss"]) => Some(true),
        () if named(["http", "ws"]) => Some(false),
        () => None,
    }
}

/// A host's name or address with its port, as it may stand in a URL.
pub(super) fn host(text: &str) -> Option<String> {
    let authority: http::uri::Authority = text.parse().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let good = !authority.host().is_empty() && text.bytes().all(plain);
    let port = text.strip_prefix(authority.host())?;
    let good_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (good && good_port).then(|| text.to_owned())
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.parse::<u16>().is_ok()
}

/// The elements of one line of `Forwarded` (RFC 7239 section 4).
pub(super) fn forwarded(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (hop, behind) = element(rest)?;
        hops.extend(hop);
        rest = behind.trim_start();
    }
    Some(hops)
}

/// One element and what stands behind its comma. An empty one is none.
fn element(mut rest: &str) -> Option<(Option<Hop>, &str)> {
    let (mut hop, mut any) = (Hop::default(), false);
    let mut named: Vec<String> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            break;
        }
        if let Some(behind) = rest.strip_prefix(',') {
            rest = behind;
            break;
        }
        if let Some(behind) = rest.strip_prefix(';') {
            rest = behind;
            continue;
        }
        let (name, value, behind) = pair(rest)?;
        let name = name.to_ascii_lowercase();
        if named.contains(&name) {
            return None;
        }
        match name.as_str() {
            "for" => hop.address = node(&value)?,
            "proto" => hop.encrypted = Some(is_encrypted(&value)?),
            "host" => hop.host = Some(host(&value)?),
            _ => {}
        }
        named.push(name);
        any = true;
        rest = behind.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with([',', ';'])) {
            return None;
        }
    }
    Some((any.then_some(hop), rest))
}

/// A name, its value without quotes, and what stands behind.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    if !is_token(name) {
        return None;
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, behind) = unquoted(quoted)?;
        return Some((name, value, behind));
    }
    let end = rest.find([',', ';', ' ', '\t']).unwrap_or(rest.len());
    let (value, behind) = rest.split_at_checked(end)?;
    // Many proxies write addresses with colons and no quotes.
    let loose = |b: u8| is_token_byte(b) || b":[]".contains(&b);
    (!value.is_empty() && value.bytes().all(loose)).then(|| (name, value.to_owned(), behind))
}

/// The text up to the closing quote, and what stands behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

/// A node's address (RFC 7239 section 6); the inner `None` where it is hidden.
#[allow(clippy::option_option, reason = "one for what cannot be read, one for what is not told")]
fn node(text: &str) -> Option<Option<IpAddr>> {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    let hidden = name.strip_prefix('_').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    });
    if hidden || name.eq_ignore_ascii_case("unknown") {
        return Some(None);
    }
    // A port may be hidden as well.
    let bare = match text.rsplit_once(":_") {
        Some((bare, port)) if !port.is_empty() => bare,
        _ => text,
    };
    address(bare).map(Some)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}
