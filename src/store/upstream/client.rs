//! Clients of the AWS SDK: one for every way in which a call is waited for and repeated.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, SharedIdentityCache, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::UpstreamOptions;
use super::endpoint::Endpoints;

/// How often a call that can be repeated is made at most.
const ATTEMPTS: u32 = 2;

/// How soon it is made again.
const BACKOFF: Duration = Duration::from_millis(100);

/// Idle connections are given up before services do it, most of them after a minute.
const IDLE: Duration = Duration::from_secs(20);

/// The pieces in which a body with a checksum behind it is sent. Each is copied by the SDK and
/// takes twice its size; up to 16 of them, or some 400 KiB, wait for the network.
const CHUNK: usize = 16 << 10;

/// What copies and completions may take: services move the bytes before they answer.
const LONG_ANSWER: Duration = Duration::from_mins(1);
const LONG_WORK: Duration = Duration::from_mins(10);

/// Why an upstream cannot even be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("upstream {name}: {what}")]
pub struct InvalidUpstream {
    /// Its name.
    pub name: String,
    /// What is wrong with its configuration.
    pub what: String,
}

/// The clients of one upstream; they share connections and credentials.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    /// For calls that do the same when they are made twice.
    pub(super) plain: Client,
    /// For calls that must be made once.
    pub(super) once: Client,
    /// For calls whose work takes the service long.
    pub(super) patient: Client,
    /// For bodies that pass by. Whoever sends one watches over it.
    pub(super) bodies: Client,
    /// For bodies that pass by, with a checksum behind them.
    pub(super) summed: Client,
}

/// What all clients have in common.
struct Base<'a> {
    options: &'a UpstreamOptions,
    http: SharedHttpClient,
    credentials: SharedCredentialsProvider,
    identities: SharedIdentityCache,
}

impl Clients {
    /// Makes the clients. Nothing is asked of the upstream yet.
    pub(super) async fn new(options: &UpstreamOptions) -> Result<Self, InvalidUpstream> {
        check_endpoint(options)?;
        let http = http(options)?;
        let credentials = credentials(options, &http).await?;
        let identities = IdentityCache::lazy().build();
        let base = Base { options, http, credentials, identities };
        let retry = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(BACKOFF)
            .with_max_backoff(BACKOFF * 5);
        let (connect, first) = (options.connect_timeout, options.first_byte_timeout);
        let short = timeouts(connect)
            .read_timeout(first)
            .operation_attempt_timeout(connect + first + options.stall_timeout)
            .build();
        let long = timeouts(connect)
            .read_timeout(first.max(LONG_ANSWER))
            .operation_attempt_timeout(LONG_WORK.max(first))
            .build();
        let watched = timeouts(connect).build();
        let once = RetryConfig::disabled;
        let required = RequestChecksumCalculation::WhenRequired;
        Ok(Self {
            plain: base.client(retry, short.clone(), required),
            once: base.client(once(), short, required),
            patient: base.client(once(), long, required),
            bodies: base.client(once(), watched.clone(), required),
            summed: base.client(once(), watched, RequestChecksumCalculation::WhenSupported),
        })
    }
}

impl Base<'_> {
    fn client(
        &self,
        retry: RetryConfig,
        timeouts: TimeoutConfig,
        sums: RequestChecksumCalculation,
    ) -> Client {
        let Self { options, http, credentials, identities } = self;
        let validation = if options.quirks.checksums {
            ResponseChecksumValidation::WhenSupported
        } else {
            ResponseChecksumValidation::WhenRequired
        };
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(options.region.clone()))
            .credentials_provider(credentials.clone())
            .identity_cache(identities.clone())
            .http_client(http.clone())
            .endpoint_resolver(Endpoints::default())
            .force_path_style(options.path_style)
            .retry_config(retry)
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .disable_s3_express_session_auth(true)
            .request_checksum_calculation(sums)
            .aws_chunked_encoding_chunk_size(Some(CHUNK))
            .response_checksum_validation(validation);
        config.set_endpoint_url(options.endpoint.clone());
        Client::from_conf(config.build())
    }
}

fn timeouts(connect: Duration) -> aws_sdk_s3::config::timeout::TimeoutConfigBuilder {
    let mut timeouts = TimeoutConfig::builder();
    timeouts.set_connect_timeout(Some(connect));
    timeouts
}

fn invalid(options: &UpstreamOptions, what: impl Into<String>) -> InvalidUpstream {
    InvalidUpstream { name: options.name.clone(), what: what.into() }
}

fn check_endpoint(options: &UpstreamOptions) -> Result<(), InvalidUpstream> {
    let Some(endpoint) = &options.endpoint else { return Ok(()) };
    let uri: http::Uri = endpoint
        .parse()
        .map_err(|error| invalid(options, format!("the endpoint {endpoint} is no URL: {error}")))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if !["http", "https"].contains(&scheme) || uri.authority().is_none() {
        let what = format!("the endpoint {endpoint} does not start with http:// or https://");
        return Err(invalid(options, what));
    }
    Ok(())
}

/// Loading the system's certificates takes a while, and is left out where nothing needs them.
fn http(options: &UpstreamOptions) -> Result<SharedHttpClient, InvalidUpstream> {
    let builder = Builder::new().pool_idle_timeout(IDLE);
    let clear = options.endpoint.as_deref().is_some_and(|url| !url.starts_with("https:"));
    if clear && options.credentials.is_some() {
        return Ok(builder.build_http());
    }
    let mut trust = TrustStore::default();
    if let Some(pem) = &options.trusted {
        trust.add_pem_certificate(pem.clone());
    }
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| invalid(options, error.to_string()))?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    Ok(builder.tls_provider(provider).tls_context(context).build_https())
}

async fn credentials(
    options: &UpstreamOptions,
    http: &SharedHttpClient,
) -> Result<SharedCredentialsProvider, InvalidUpstream> {
    if let Some(key) = &options.credentials {
        let (id, secret, token) =
            (key.access_key.clone(), key.secret_key.clone(), key.session_token.clone());
        let given = Credentials::new(id, secret, token, None, "stowgate");
        return Ok(SharedCredentialsProvider::new(given));
    }
    let chain = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .http_client(http.clone())
        .load()
        .await;
    chain
        .credentials_provider()
        .ok_or_else(|| invalid(options, "the AWS default chain offers no credentials"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_urls() {
        let check = |endpoint: &str| {
            let mut options = UpstreamOptions::new("main");
            options.endpoint = Some(endpoint.to_owned());
            check_endpoint(&options)
        };
        assert_eq!(check("http://127.0.0.1:9000"), Ok(()));
        assert_eq!(check("https://s3.example.com/base"), Ok(()));
        for wrong in ["", "127.0.0.1:9000", "ftp://a", "http://", "s3.example.com"] {
            let error = check(wrong).unwrap_err().to_string();
            assert!(error.starts_with("upstream main: the endpoint "), "{error}");
        }
    }
}
