//! The upstream layer against a gateway of our own in this process.

mod conformance;
mod faults;
mod objects;
mod silence;
mod trial;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures_core::future::BoxFuture;
use http::{Request, Response};
use stowgate::auth::grants::{Ownership, OwnershipDefaults};
use stowgate::auth::{AuthSettings, Authenticator, Identity, Key, Keyring, Role, Secret};
use stowgate::body::Payload;
use stowgate::object::{Clock, KeyTemplates, Owner, SystemClock};
use stowgate::s3::{Service, TokenKey};
use stowgate::server::{Ended, Handler, Refused, Server, Settings, TlsConfig};
use stowgate::store::upstream::{UpstreamKey, UpstreamOptions, UpstreamStore};
use stowgate::store::{Front, MemoryStore, Store};
use tokio::sync::oneshot;

const KEY: &str = "AKUPSTREAM";
const SECRET: &str = "upstream-secret";

/// An S3 service that ends with this.
struct Upstream {
    address: SocketAddr,
    /// What it keeps its objects in.
    store: Arc<dyn Store>,
    _abort: oneshot::Sender<()>,
}

struct Served(Arc<Service>);

impl Handler for Served {
    fn handle(&self, mut request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        // Customers' keys are taken without TLS from clients of this machine.
        request.extensions_mut().insert(stowgate::s3::Nearby);
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.handle(request).await })
    }

    fn ended(&self, _: Ended<'_>) {}

    fn refuse(&self, refused: &Refused) -> Response<Payload> {
        panic!("{refused:?}");
    }
}

fn owner() -> Owner {
    Owner { id: "alice".to_owned(), display_name: "alice the owner".to_owned() }
}

impl Upstream {
    /// A service whose objects carry the times of `clock`.
    async fn start(clock: Arc<dyn Clock>) -> Self {
        Self::start_as(clock, Role::Admin, None).await
    }

    /// A service over TLS, or for a key that may not do everything.
    async fn start_as(clock: Arc<dyn Clock>, role: Role, tls: Option<TlsConfig>) -> Self {
        let front: Arc<dyn Front> = Arc::new(MemoryStore::new(clock));
        let store: Arc<dyn Store> = Arc::clone(&front) as _;
        let identity = Identity::new(KEY, role, owner());
        let key = Key {
            access_key: KEY.to_owned(),
            secret: Secret::new(SECRET),
            identity: Arc::new(identity),
        };
        let region = "us-east-1".to_owned();
        let settings = AuthSettings { sigv2: false, region: region.clone(), strict_region: true };
        let auth = Authenticator::new(Keyring::new([key]), settings, Arc::new(SystemClock));
        let settings = stowgate::s3::Settings {
            region,
            base_domains: Vec::new(),
            websites: stowgate::s3::Websites::default(),
            expiring: stowgate::s3::Expiring::default(),
            token_key: TokenKey::new([7; 32]),
            rules: stowgate::rules::Rulebook::default(),
            templates: KeyTemplates::default(),
            ownerships: OwnershipDefaults {
                everywhere: Ownership::ObjectWriter,
                ..OwnershipDefaults::default()
            },
        };
        let service = Service::new(settings, front, Arc::new(auth));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = Settings::default();
        let server = Server::bind(any, settings, tls, 1).await.expect("bound");
        let address = server.address();
        let (abort, aborted) = oneshot::channel::<()>();
        let aborted = futures_util::FutureExt::shared(async move {
            let _ = aborted.await;
        });
        let handler = Arc::new(Served(Arc::new(service)));
        tokio::spawn(server.serve(handler, aborted.clone(), aborted));
        Self { address, store, _abort: abort }
    }

    fn options(&self) -> UpstreamOptions {
        UpstreamOptions {
            endpoint: Some(format!("http://{}", self.address)),
            path_style: true,
            credentials: Some(UpstreamKey {
                access_key: KEY.to_owned(),
                secret_key: SECRET.to_owned(),
                session_token: None,
            }),
            owner: owner(),
            ..UpstreamOptions::new("main")
        }
    }
}

async fn connect(options: UpstreamOptions, clock: Arc<dyn Clock>) -> UpstreamStore {
    UpstreamStore::connect(options, clock).await.expect("a client")
}
