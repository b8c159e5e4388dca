//! The port: listened on, or held so that nobody else gets it while connections are refused.

use std::io::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};

use crate::Shared;
use crate::fault::Kind;
use crate::relay;

/// A port of the loopback address that is ours, whether or not it is listened on.
pub(crate) struct Port {
    held: TcpSocket,
}

impl Port {
    /// Takes a free one.
    pub(crate) fn take() -> Result<Self> {
        let held = TcpSocket::new_v4()?;
        held.set_reuseaddr(true)?;
        held.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { held })
    }

    /// Its number.
    pub(crate) fn number(&self) -> Result<u16> {
        Ok(self.held.local_addr()?.port())
    }

    /// Linux lets a second socket listen on a port that is only bound.
    fn listen(&self) -> Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(self.held.local_addr()?)?;
        socket.listen(1024)
    }
}

/// Accepts connections, except while they are to be refused.
pub(crate) async fn listen(port: Port, shared: Arc<Shared>) -> Result<()> {
    let mut fault = shared.fault.subscribe();
    let mut listener = None;
    loop {
        let now = fault.borrow_and_update().clone();
        if now.kind == Kind::Refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(port.listen()?);
        }
        now.settle();
        let Some(listener) = &listener else {
            let _ = fault.changed().await;
            continue;
        };
        tokio::select! {
            _ = fault.changed() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    shared.record.connection();
                    tokio::spawn(relay::serve(stream, shared.clone()));
                }
            }
        }
    }
}
