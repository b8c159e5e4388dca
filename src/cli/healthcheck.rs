//! `stowgate healthcheck`: asks the gateway that runs with this configuration whether it lives.
//!
//! Made for a container's HEALTHCHECK: it goes to the configured address on this machine, where
//! an unspecified address means loopback.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{ConfigArgs, Failure, say};
use crate::server::status_line;

pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    let address = reachable(config.admin_listen.unwrap_or(config.listen));
    let status = status_line(address, config.tls.is_some(), "/storage/health/live")
        .map_err(|error| Failure::Failed(format!("no answer from {address}: {error}")))?;
    if status.starts_with("HTTP/1.1 200 ") {
        say("alive");
        return Ok(());
    }
    Err(Failure::Failed(format!("{address} answers {status:?}")))
}

/// Where on this machine a server that listens there is reached.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen {
        SocketAddr::V4(address) if address.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(ip, listen.port())
}
