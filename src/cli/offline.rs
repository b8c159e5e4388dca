//! The gateway's own layers on the data directory, while no gateway runs: for one command, on a
//! loopback port that the system chooses, behind a token that nobody else has.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::sync::oneshot;

use super::Failure;
use super::gateway::Gateway;
use crate::app::{App, AppError};
use crate::auth::Secret;
use crate::config::Config;
use crate::server::{Client, Origin, Trust};

/// A gateway for one command.
pub(super) struct Offline {
    app: App,
    config: Config,
    token: Secret,
    silence: String,
}

impl Offline {
    /// Makes one on the configuration's data directory. `silence` says why no gateway is asked.
    pub(super) async fn start(mut config: Config, silence: &str) -> Result<Self, Failure> {
        if !config.data_dir.is_dir() {
            return Err(Failure::Unreachable(format!(
                "{silence}; and there is no store in {}. Start one with `stowgate serve`, or say \
                 where it is: --url, --config or --data-dir",
                config.data_dir.display()
            )));
        }
        let token = Secret::new(uuid::Uuid::new_v4().simple().to_string());
        config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.admin_listen = None;
        config.tls = None;
        config.admin_token = Some(token.clone());
        let app = App::bind(config.clone()).await?;
        Ok(Self { app, config, token, silence: silence.to_owned() })
    }

    /// Runs it for as long as the command takes.
    pub(super) async fn during<T>(
        self,
        command: impl AsyncFnOnce(&Gateway) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Self { app, config, token, silence } = self;
        let origin =
            Origin::parse(&format!("http://{}", app.address())).map_err(Failure::Failed)?;
        let client = Client::new(origin, &Trust::Authorities(None))
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let gateway = Gateway::own(client, token, &config);
        let (open, opened) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let announce = move || {
            // The command below waits for it, or has gone.
            let _ = open.send(());
        };
        let drain = async move {
            let _ = stopped.await;
        };
        let running = app.run(announce, drain, std::future::pending());
        let commanded = async {
            if opened.await.is_err() {
                // The run below has failed, and says why.
                return std::future::pending().await;
            }
            gateway.readiness().await?;
            command(&gateway).await
        };
        tokio::pin!(running, commanded);
        tokio::select! {
            ended = &mut running => Err(cannot(&ended, &silence)),
            result = &mut commanded => {
                let _ = stop.send(());
                let ended = running.await;
                result.and_then(|value| ended.map(|()| value).map_err(Failure::from))
            }
        }
    }
}

/// Why the store can't be used either.
fn cannot(ended: &Result<(), AppError>, silence: &str) -> Failure {
    match ended {
        Err(error) => Failure::Unreachable(format!("{silence}; and {error}")),
        Ok(()) => Failure::Failed("the store was closed meanwhile".to_owned()),
    }
}
