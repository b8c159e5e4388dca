//! Who the client of a request is: the socket's peer, or whom a configured proxy names.
//!
//! Owns what `X-Forwarded-For`, `-Proto` and `-Host` and `Forwarded` (RFC 7239) mean. They count only
//! where the socket's peer is a configured proxy, and the chain of them is read from its near end:
//! the client is the first that is no such proxy. What stands before that one it may have made up
//! itself. Where a proxy's words cannot be understood, nothing is known of the client, which is
//! never a reason to refuse the request here. What anyone may do is for others to say; who asks
//! for the address must not let anyone past for want of it, since a client can spoil these headers.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::Peer;
use super::hops::{self, Hop};
use crate::object::is_forwarding;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who a request comes from, and how it set out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
    /// Whether the client's own connection is known to be encrypted.
    pub encrypted: bool,
    /// The host that the client named to a configured proxy, with its port.
    pub host: Option<String>,
    /// Whether a configured proxy forwarded it.
    pub forwarded: bool,
    /// Whether it came from this machine, and nobody forwarded it.
    pub nearby: bool,
}

impl Remote {
    /// The socket's peer itself.
    pub(super) fn of(peer: Peer) -> Self {
        Self {
            address: Some(peer.address.ip().to_canonical()),
            encrypted: peer.tls,
            host: None,
            forwarded: false,
            nearby: false,
        }
    }
}

/// The configured proxies.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    /// Whether it was logged that one of them cannot be understood.
    complained: AtomicBool,
}

impl Proxies {
    pub(super) fn new(trusted: Vec<IpNet>) -> Self {
        Self { trusted, complained: AtomicBool::new(false) }
    }

    /// Who the client is.
    pub(super) fn remote(&self, peer: Peer, headers: &HeaderMap) -> Remote {
        let address = peer.address.ip().to_canonical();
        let says_so = headers.keys().any(|name| is_forwarding(name.as_str()));
        if !says_so || !self.trusts(address) {
            let nearby = address.is_loopback() && !says_so;
            return Remote { nearby, ..Remote::of(peer) };
        }
        let client = self.client(headers).unwrap_or_else(|header| {
            self.complain(address, &header);
            Hop::default()
        });
        Remote {
            address: client.address.map(|address| address.to_canonical()),
            encrypted: client.encrypted.unwrap_or(false),
            host: client.host,
            forwarded: true,
            nearby: false,
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The first of the chain that is no proxy; else the header that cannot be understood.
    fn client(&self, headers: &HeaderMap) -> Result<Hop, HeaderName> {
        let old = [FOR, PROTO, HOST].iter().any(|name| headers.contains_key(name));
        let new = headers.contains_key(FORWARDED);
        match (old, new) {
            (true, false) => self.by_x_forwarded(headers),
            (false, true) => self.by_forwarded(headers),
            (false, false) => Ok(Hop::default()),
            // A proxy that sets one of them hands on what its client says by the other.
            (true, true) => {
                let new = self.by_forwarded(headers)?;
                self.by_x_forwarded(headers)?.shared_with(&new).ok_or(FORWARDED)
            }
        }
    }

    fn by_x_forwarded(&self, headers: &HeaderMap) -> Result<Hop, HeaderName> {
        let chain = hops::listed(headers, &FOR).ok_or(FOR)?;
        let (mut at, mut address) = (0, None);
        for (place, text) in chain.iter().rev().enumerate() {
            let named = hops::address(text).ok_or(FOR)?.to_canonical();
            (at, address) = (place, Some(named));
            if !self.trusts(named) {
                break;
            }
        }
        let protos = hops::listed(headers, &PROTO).ok_or(PROTO)?;
        let encrypted = match said_at(&protos, at) {
            Said::Nothing => None,
            Said::Text(text) => Some(hops::is_encrypted(text).ok_or(PROTO)?),
            Said::Unclear => return Err(PROTO),
        };
        let hosts = hops::listed(headers, &HOST).ok_or(HOST)?;
        let host = match said_at(&hosts, at) {
            Said::Nothing => None,
            Said::Text(text) => Some(hops::host(text).ok_or(HOST)?),
            Said::Unclear => return Err(HOST),
        };
        Ok(Hop { address, encrypted, host })
    }

    fn by_forwarded(&self, headers: &HeaderMap) -> Result<Hop, HeaderName> {
        let mut client = None;
        // A line that is broken spoils none that stand behind it.
        for line in headers.get_all(FORWARDED).iter().collect::<Vec<_>>().into_iter().rev() {
            let hops = line.to_str().ok().and_then(hops::forwarded).ok_or(FORWARDED)?;
            for hop in hops.into_iter().rev() {
                let proxy = hop.address.is_some_and(|address| self.trusts(address.to_canonical()));
                client = Some(hop);
                if !proxy {
                    return Ok(client.unwrap_or_default());
                }
            }
        }
        Ok(client.unwrap_or_default())
    }

    /// Says it once: every request behind such a proxy is alike.
    fn complain(&self, proxy: IpAddr, header: &HeaderName) {
        if self.complained.swap(true, Ordering::Relaxed) {
            tracing::debug!(%proxy, %header, "a proxy's header is not understood");
        } else {
            tracing::warn!(
                %proxy,
                %header,
                "a configured proxy sends a header that is not understood or contradicts another; \
                 such requests count as those of an unknown client without TLS"
            );
        }
    }
}

/// What a list says of one hop.
enum Said<'a> {
    Nothing,
    Text(&'a str),
    Unclear,
}

/// The value for the hop at that distance from the near end. Where there is one value in all, the
/// proxies handed it on.
fn said_at<'a>(list: &[&'a str], at: usize) -> Said<'a> {
    match list {
        [] => Said::Nothing,
        [only] => Said::Text(only),
        several => match several.iter().rev().nth(at) {
            Some(text) => Said::Text(text),
            None => Said::Unclear,
        },
    }
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
