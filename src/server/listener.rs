//! The listening socket, its connections, and how they are ended.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::connection::Context;
use super::dispatch::Dispatch;
use super::forwarded::Proxies;
use super::request_ids::RequestIds;
use super::{Handler, Peer, Settings, TlsConfig};

/// How long to wait after the system could not give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How often to say that there are too many.
const WARN_PAUSE: Duration = Duration::from_secs(10);
/// How often to ask another idle connection to make room.
const CROWD_PAUSE: Duration = Duration::from_millis(100);

/// A server that is bound to its address.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    tls: Arc<ArcSwapOption<TlsConfig>>,
    seed: u64,
}

/// Replaces the certificate of a running server.
#[derive(Clone)]
pub struct TlsSwitch(Arc<ArcSwapOption<TlsConfig>>);

impl Server {
    /// Binds to `address`; connections wait until [`Server::serve`]. `seed` is where request ids
    /// start. With `tls` there is no plain HTTP.
    pub async fn bind(
        address: SocketAddr,
        settings: Settings,
        tls: Option<TlsConfig>,
        seed: u64,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let tls = Arc::new(ArcSwapOption::from_pointee(tls));
        Ok(Self { listener, address, settings, tls, seed })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What replaces the certificate while it serves.
    pub fn tls(&self) -> TlsSwitch {
        TlsSwitch(Arc::clone(&self.tls))
    }

    /// Serves until `drain` is done: then no connection is accepted any more, requests under way
    /// have their time, and what is left after it, or when `abort` is done, is cut off.
    pub async fn serve(
        self,
        handler: Arc<dyn Handler>,
        drain: impl Future<Output = ()>,
        abort: impl Future<Output = ()>,
    ) {
        let (stop, stopped) = watch::channel(false);
        let drain_timeout = self.settings.drain_timeout;
        let ids = RequestIds::new(self.seed);
        let permits = Arc::new(Semaphore::new(self.settings.max_connections));
        let proxies = Proxies::new(self.settings.trusted_proxies.clone());
        let dispatch = Arc::new(Dispatch { handler, settings: self.settings, ids, proxies });
        let context = Context { dispatch, stop: stopped, crowd: Arc::new(Notify::new()) };
        let mut accepting = Accepting {
            listener: self.listener,
            tls: self.tls,
            permits,
            context,
            open: JoinSet::new(),
            warned: None,
        };
        tokio::select! {
            () = accepting.run() => {}
            () = drain => {}
        }
        let Accepting { listener, mut open, .. } = accepting;
        drop(listener);
        // Nobody listens where there is no connection.
        let _ = stop.send(true);
        let finished = async {
            while let Some(ended) = open.join_next().await {
                note(ended);
            }
        };
        let cut = tokio::select! {
            () = finished => false,
            () = tokio::time::sleep(drain_timeout) => true,
            () = abort => true,
        };
        if cut {
            tracing::warn!(connections = open.len(), "cutting off what is still under way");
        }
        open.shutdown().await;
    }
}

impl TlsSwitch {
    /// New connections get this certificate.
    pub fn replace(&self, tls: TlsConfig) {
        self.0.store(Some(Arc::new(tls)));
    }
}

struct Accepting {
    listener: TcpListener,
    tls: Arc<ArcSwapOption<TlsConfig>>,
    permits: Arc<Semaphore>,
    context: Context,
    open: JoinSet<()>,
    warned: Option<Instant>,
}

impl Accepting {
    async fn run(&mut self) {
        loop {
            let (socket, address) = self.accept().await;
            let permit = self.admit().await;
            while let Some(ended) = self.open.try_join_next() {
                note(ended);
            }
            let tls = self.tls.load_full().map(|tls| TlsConfig::clone(&tls));
            let serving = self.context.clone().serve(socket, Peer { address, tls: false }, tls);
            self.open.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
    }

    /// The next connection. Without file descriptors or memory left it waits for better times.
    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// A place for one more connection; while there is none, idle ones are asked to go.
    async fn admit(&mut self) -> Option<OwnedSemaphorePermit> {
        let mut permit = std::pin::pin!(Arc::clone(&self.permits).acquire_owned());
        if let Some(permit) = futures_util::FutureExt::now_or_never(&mut permit) {
            return permit.ok();
        }
        if self.warned.is_none_or(|at| at.elapsed() > WARN_PAUSE) {
            tracing::warn!("as many connections as allowed; the next ones wait");
            self.warned = Some(Instant::now());
        }
        loop {
            self.context.crowd.notify_one();
            if let Ok(permit) = tokio::time::timeout(CROWD_PAUSE, &mut permit).await {
                return permit.ok();
            }
        }
    }
}

/// The connection was gone before it was accepted: nothing is wrong here.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}
