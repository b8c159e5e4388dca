//! `stowgate presign`: a URL that lets whoever has it do one thing to one object for a while. Made
//! here, with the configured key; no gateway is asked.

use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde_json::json;

use super::gateway::admin_key;
use super::output::{OutputArgs, Style};
use super::{ConfigArgs, Failure, healthcheck, say};
use crate::auth::{LONGEST_PRESIGNED, Signer, Target};
use crate::config::{Config, Env, Period};
use crate::object::{BucketName, Clock as _, ObjectKey, SystemClock, Timestamp};
use crate::server::Origin;

#[derive(Debug, clap::Args)]
#[command(next_line_help = true)]
pub(super) struct PresignArgs {
    /// The bucket
    bucket: String,
    /// The key
    key: String,
    /// Its method
    #[arg(long, value_enum, default_value_t = Verb::Get, ignore_case = true)]
    method: Verb,
    /// For how long it is valid: 30s, 15m, 2h; at most 7d
    #[arg(long, default_value = "1h")]
    expires: String,
    /// The access key to sign with [default: the first admin key]
    #[arg(long)]
    access_key: Option<String>,
    /// Where clients reach the gateway [env: STOWGATE_URL]
    /// [default: where this configuration listens]
    #[arg(long, value_name = "URL", verbatim_doc_comment)]
    url: Option<String>,
    /// The configuration file [env: STOWGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Verb {
    Get,
    Head,
    Put,
    Delete,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

pub(super) fn run(args: &PresignArgs) -> Result<(), Failure> {
    let wrong = |what: &str, why: &dyn std::fmt::Display| Failure::Usage(format!("{what}: {why}"));
    let bucket = BucketName::parse(&args.bucket).map_err(|why| wrong("the bucket", &why))?;
    let key = ObjectKey::parse(&args.key).map_err(|why| wrong("the key", &why))?;
    let expires = Period::parse(&args.expires).map_err(|why| wrong("--expires", &why))?.0;
    if expires < Duration::from_secs(1) || expires > LONGEST_PRESIGNED {
        return Err(wrong("--expires", &"a URL is valid for one second to seven days"));
    }
    let config = args.config()?;
    let origin = args.origin(&config)?;
    let (now, method) = (SystemClock.now(), args.method.method());
    let host = origin.authority();
    let target = Target { host: &host, bucket: bucket.as_str(), key: key.as_str() };
    let signed = args.signer(&config)?.presign(&method, target, expires, now);
    let url = format!("{origin}{signed}");
    match args.output.style() {
        Style::Sentences => say(url),
        Style::Lines | Style::Whole => {
            let lasts = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
            let until = Timestamp(now.0.saturating_add(lasts)).iso8601();
            say(json!({ "url": url, "method": method.as_str(), "expires_at": until }));
        }
    }
    Ok(())
}

impl PresignArgs {
    fn config(&self) -> Result<Config, Failure> {
        let config = self.config.clone();
        Ok(ConfigArgs { config, listen: None, data_dir: None, log_format: None }.load()?)
    }

    fn origin(&self, config: &Config) -> Result<Origin, Failure> {
        let named = match &self.url {
            Some(url) => Some(url.clone()),
            None => Env::of_process().url()?,
        };
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let own = || format!("{scheme}://{}", healthcheck::reachable(config.listen));
        Origin::parse(&named.unwrap_or_else(own)).map_err(Failure::Usage)
    }

    fn signer(&self, config: &Config) -> Result<Signer, Failure> {
        let key = match &self.access_key {
            Some(name) => config.keys.ring.get(name),
            None => admin_key(config),
        };
        let name = self.access_key.as_deref().unwrap_or("that may write");
        let key = key.ok_or_else(|| Failure::Usage(format!("no key {name} is configured")))?;
        Ok(Signer::new(key, &config.region))
    }
}
