//! Which gateway a command talks to, as whom, and what it answers.
//!
//! The one that `--url` names, else the one that runs with this configuration, else, where none
//! runs, the store itself: see `offline`. The side API is called with the token, else signed with an
//! admin key, else, while only the built-in key is there, without either.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode};
use serde_json::Value;

use super::offline::Offline;
use super::{ConfigArgs, Failure, healthcheck};
use crate::auth::{Key, Role, Secret, Signer, UNSIGNED_PAYLOAD};
use crate::body::Payload;
use crate::config::{Config, Env};
use crate::object::{Clock as _, SystemClock};
use crate::server::{CallError, Client, Origin, Trust};

/// How long an answer of the side API may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long finding out who answers may take.
const GREETING: Duration = Duration::from_secs(5);
/// How often a store that rebuilds its index is asked whether it is ready.
const REBUILDING: Duration = Duration::from_millis(50);
/// The longest answer that is read as a whole.
const LONGEST: usize = 256 << 20;

/// Above the options that all have that talk to a gateway.
const HEADING: &str = "Which gateway";

/// Which gateway to talk to.
#[derive(Debug, clap::Args)]
#[command(next_line_help = true)]
pub(super) struct GatewayArgs {
    /// The gateway [env: STOWGATE_URL] [default: where this
    /// configuration listens; where nothing answers there, the data
    /// directory itself]
    #[arg(long, value_name = "URL", global = true, help_heading = HEADING, verbatim_doc_comment)]
    url: Option<String>,
    /// The configuration file [env: STOWGATE_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = HEADING)]
    config: Option<PathBuf>,
    /// The directory of the local store, for when no gateway runs
    /// [env: STOWGATE_DATA_DIR] [default: stowgate-data]
    #[arg(long, value_name = "DIR", global = true, help_heading = HEADING, verbatim_doc_comment)]
    data_dir: Option<PathBuf>,
    /// A file that holds the token of the side API
    /// [env: STOWGATE_ADMIN_TOKEN] [default: an admin key of the
    /// configuration]
    #[arg(long, value_name = "FILE", global = true, help_heading = HEADING, verbatim_doc_comment)]
    token_file: Option<PathBuf>,
    /// Authorities to trust beside the system's, for an https URL
    #[arg(long, value_name = "FILE", global = true, help_heading = HEADING)]
    ca_file: Option<PathBuf>,
}

/// A gateway that answers.
pub(super) struct Gateway {
    client: Client,
    /// Calls the side API where that has a listener of its own.
    side: Option<Client>,
    token: Option<Secret>,
    /// Signs calls of the side API where there is no token.
    admin: Option<Signer>,
    /// Signs S3 requests.
    s3: Option<Signer>,
    local: bool,
}

/// An answer of the side API.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its body.
    pub(super) json: Value,
}

impl GatewayArgs {
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Ok(self.config_args().load()?)
    }

    fn config_args(&self) -> ConfigArgs {
        let (config, data_dir) = (self.config.clone(), self.data_dir.clone());
        ConfigArgs { config, listen: None, data_dir, log_format: None }
    }

    fn token(&self, config: &Config) -> Result<Option<Secret>, Failure> {
        let Some(path) = &self.token_file else { return Ok(config.admin_token.clone()) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::Usage(format!("{} cannot be read: {error}", path.display()))
        })?;
        match text.trim() {
            "" => Err(Failure::Usage(format!("{} is empty", path.display()))),
            token => Ok(Some(Secret::new(token))),
        }
    }

    fn trust(&self) -> Result<Trust, Failure> {
        let more = self.ca_file.as_ref().map(|path| {
            std::fs::read(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
        });
        Ok(Trust::Authorities(more.transpose()?))
    }

    /// Whom to ask first, for S3 and for the side API where that is elsewhere; `None` where the
    /// configuration names no port.
    fn clients(&self, config: &Config) -> Result<Option<(Client, Option<Client>)>, Failure> {
        let url = match &self.url {
            Some(url) => Some(url.clone()),
            None => Env::of_process().url()?,
        };
        if let Some(url) = url {
            let origin = Origin::parse(&url).map_err(Failure::Usage)?;
            return Ok(Some((Client::new(origin, &self.trust()?).map_err(reach)?, None)));
        }
        if [Some(config.listen), config.admin_listen].iter().flatten().any(|at| at.port() == 0) {
            return Ok(None);
        }
        let side = config.admin_listen.map(|listen| client_of(listen, config)).transpose()?;
        Ok(Some((client_of(config.listen, config)?, side)))
    }

    fn names_url(&self) -> Result<bool, Failure> {
        Ok(self.url.is_some() || Env::of_process().url()?.is_some())
    }
}

/// A client of what listens there with this configuration.
fn client_of(listen: SocketAddr, config: &Config) -> Result<Client, Failure> {
    let address = healthcheck::reachable(listen);
    let (scheme, trust) = match &config.tls {
        Some(tls) => ("https", Trust::Holder(tls.read()?.0)),
        None => ("http", Trust::Authorities(None)),
    };
    let origin = Origin::parse(&format!("{scheme}://{address}")).map_err(Failure::Usage)?;
    Client::new(origin, &trust).map_err(reach)
}

/// Runs a command with the gateway that it is to talk to.
pub(super) fn with<T>(
    args: &GatewayArgs,
    command: impl AsyncFnOnce(&Gateway) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = args.config()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let gateway = Gateway::new(args, &config)?;
        let silence = match &gateway {
            Some(gateway) => match gateway.greet().await {
                Ok(()) => return command(gateway).await,
                Err(Failure::Unreachable(silence)) if !args.names_url()? => silence,
                Err(failure) => return Err(failure),
            },
            None => "the configuration names no port".to_owned(),
        };
        Box::pin(Offline::start(config, &silence)).await?.during(command).await
    })
}

impl Gateway {
    fn new(args: &GatewayArgs, config: &Config) -> Result<Option<Self>, Failure> {
        let Some((client, side)) = args.clients(config)? else { return Ok(None) };
        let admin = (!config.keys.built_in).then(|| admin_key(config)).flatten();
        Ok(Some(Self {
            client,
            side,
            token: args.token(config)?,
            admin: admin.map(|key| Signer::new(key, &config.region)),
            s3: admin_key(config).map(|key| Signer::new(key, &config.region)),
            local: false,
        }))
    }

    /// The gateway that this process runs itself, for one command.
    pub(super) fn own(client: Client, token: Secret, config: &Config) -> Self {
        let s3 = admin_key(config).map(|key| Signer::new(key, &config.region));
        Self { client, side: None, token: Some(token), admin: None, s3, local: true }
    }

    /// Whether it lives only as long as the command.
    pub(super) fn is_own(&self) -> bool {
        self.local
    }

    fn side(&self) -> &Client {
        self.side.as_ref().unwrap_or(&self.client)
    }

    /// Where it serves S3.
    pub(super) fn origin(&self) -> &Origin {
        self.client.origin()
    }

    /// Asks the side API.
    pub(super) async fn get(&self, target: &str) -> Result<Answer, Failure> {
        self.call(Method::GET, target, None, PATIENCE).await
    }

    /// Tells the side API to do something.
    pub(super) async fn post(&self, target: &str) -> Result<Answer, Failure> {
        self.call(Method::POST, target, None, PATIENCE).await
    }

    /// The same, where the answer takes longer by `wait`, or where there is a body.
    pub(super) async fn post_with(
        &self,
        target: &str,
        body: Option<Payload>,
        wait: Duration,
    ) -> Result<Answer, Failure> {
        self.call(Method::POST, target, body, PATIENCE + wait).await
    }

    /// Asks the side API for something that is no JSON; what is refused is a failure.
    pub(super) async fn stream(&self, target: &str) -> Result<Payload, Failure> {
        let (status, body) = self.send(Method::GET, target, None, PATIENCE).await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(read(status, body).await?.refusal())
    }

    /// Sends a signed S3 request. What the server refuses is an answer, too.
    pub(super) async fn s3(
        &self,
        mut request: Request<Payload>,
        content: &str,
        patience: Duration,
    ) -> Result<http::Response<Payload>, CallError> {
        if let Some(signer) = &self.s3 {
            sign(signer, &mut request, self.origin(), content);
        }
        self.client.send(request, patience).await
    }

    /// Waits until the store knows all it holds, however long that takes.
    pub(super) async fn readiness(&self) -> Result<(), Failure> {
        loop {
            let request = request(Method::GET, "/storage/health/ready", None)?;
            let answer = self.side().send(request, PATIENCE).await.map_err(reach)?;
            if answer.status().is_success() {
                return Ok(());
            }
            tokio::time::sleep(REBUILDING).await;
        }
    }

    async fn greet(&self) -> Result<(), Failure> {
        let request = request(Method::GET, "/storage/health/live", None)?;
        let response = self.side().send(request, GREETING).await.map_err(reach)?;
        let (head, body) = response.into_parts();
        let said = body.collect(4096).await.unwrap_or_default();
        let said = serde_json::from_slice::<Value>(&said).unwrap_or_default();
        if head.status == StatusCode::OK && said.get("status").is_some() {
            return Ok(());
        }
        let origin = self.side().origin();
        Err(Failure::NoGateway(format!("what answers at {origin} is no stowgate gateway")))
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<Payload>,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let (status, body) = self.send(method, target, body, patience).await?;
        read(status, body).await
    }

    async fn send(
        &self,
        method: Method,
        target: &str,
        body: Option<Payload>,
        patience: Duration,
    ) -> Result<(StatusCode, Payload), Failure> {
        let mut request = request(method, target, body)?;
        match (&self.token, &self.admin) {
            (Some(token), _) => {
                let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
                let mut bearer = bearer.map_err(|_| {
                    Failure::Usage("the token has characters that no header can carry".to_owned())
                })?;
                bearer.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, bearer);
            }
            (None, Some(admin)) => {
                sign(admin, &mut request, self.side().origin(), UNSIGNED_PAYLOAD);
            }
            (None, None) => {}
        }
        let response = self.side().send(request, patience).await.map_err(reach)?;
        let (head, body) = response.into_parts();
        Ok((head.status, body))
    }
}

impl Answer {
    /// The answer of a call that was done; else what the gateway says against it.
    pub(super) fn done(self) -> Result<Value, Failure> {
        if self.status.is_success() { Ok(self.json) } else { Err(self.refusal()) }
    }

    /// What the gateway says against it.
    pub(super) fn refusal(&self) -> Failure {
        let error = self.json.get("error");
        let part = |name| error.and_then(|error| error.get(name)).and_then(Value::as_str);
        let said = part("message").or_else(|| self.json.get("message").and_then(Value::as_str));
        let code = part("code").unwrap_or("refused");
        let status = self.status.as_u16();
        match said {
            Some(said) => Failure::Failed(format!("{said} ({status} {code})")),
            None => Failure::Failed(format!("the gateway answers {status}")),
        }
    }
}

/// The key for what needs one: of those that may do everything the first by name.
pub(super) fn admin_key(config: &Config) -> Option<&Key> {
    let of_role = |role| {
        let keys = config
            .keys
            .ring
            .iter()
            .filter(move |key| key.identity.role == role && key.identity.company.is_none());
        keys.min_by(|one, other| one.access_key.cmp(&other.access_key))
    };
    of_role(Role::Admin).or_else(|| of_role(Role::ReadWrite))
}

/// A request of the side API.
fn request(
    method: Method,
    target: &str,
    body: Option<Payload>,
) -> Result<Request<Payload>, Failure> {
    let has_body = body.is_some();
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .body(body.unwrap_or_else(Payload::empty))
        .map_err(|error| Failure::Usage(format!("{target:?} cannot be asked for: {error}")))?;
    if has_body {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    Ok(request)
}

fn sign(signer: &Signer, request: &mut Request<Payload>, origin: &Origin, content: &str) {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut headers: HeaderMap = std::mem::take(request.headers_mut());
    if let Ok(host) = HeaderValue::from_str(&origin.authority()) {
        headers.insert(http::header::HOST, host);
    }
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    signer.sign(&method, target, &mut headers, content, SystemClock.now());
    *request.headers_mut() = headers;
}

async fn read(status: StatusCode, body: Payload) -> Result<Answer, Failure> {
    let bytes = body.collect(LONGEST).await;
    let bytes = bytes.map_err(|error| Failure::Failed(format!("the answer broke off: {error}")))?;
    let json = serde_json::from_slice(&bytes)
        .map_err(|_| Failure::Failed(format!("the gateway answers {status}, and no JSON")))?;
    Ok(Answer { status, json })
}

/// That there is no answer.
fn reach(error: CallError) -> Failure {
    match error {
        CallError::Unreachable { origin, source } => {
            Failure::Unreachable(format!("no gateway answers at {origin} ({source})"))
        }
        other => Failure::NoGateway(other.to_string()),
    }
}
