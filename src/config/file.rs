//! The TOML file as serde sees it. Unknown keys are refused; every key may be absent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::Spanned;

use super::LogFormat;
use super::amount::{Period, Size};
use super::usage::Number;
use crate::auth::Secret;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) data_dir: Option<Spanned<PathBuf>>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) tls: Option<Tls>,
    #[serde(default)]
    pub(super) auth: Auth,
    #[serde(default)]
    pub(super) key: Vec<Spanned<Key>>,
    #[serde(default)]
    pub(super) server: Server,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) store: Store,
    #[serde(default)]
    pub(super) bucket: Vec<Spanned<Bucket>>,
    #[serde(default)]
    pub(super) upstream: BTreeMap<Spanned<String>, Upstream>,
    #[serde(default)]
    pub(super) spool: Spool,
    #[serde(default)]
    pub(super) usage: Usage,
    #[serde(default)]
    pub(super) website: Website,
    #[serde(default)]
    pub(super) lifecycle: Lifecycle,
    #[serde(default)]
    pub(super) admin: Admin,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<Rule>>,
    pub(super) antivirus: Option<Antivirus>,
    #[serde(default)]
    pub(super) encryption: Encryption,
    #[serde(default)]
    pub(super) sts: Sts,
    #[serde(default)]
    pub(super) identity_provider: Vec<Spanned<IdentityProvider>>,
    #[serde(default)]
    pub(super) role: Vec<Spanned<Role>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sts {
    pub(super) secret: Option<Spanned<SecretText>>,
    pub(super) secret_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityProvider {
    pub(super) name: Spanned<String>,
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) audience: Option<Spanned<toml::Value>>,
    pub(super) jwks_file: Option<Spanned<PathBuf>>,
    pub(super) jwks_url: Option<Spanned<String>>,
    pub(super) jwks_refresh: Option<Spanned<Period>>,
    pub(super) ca_file: Option<Spanned<PathBuf>>,
    pub(super) secret: Option<Spanned<SecretText>>,
    pub(super) secret_file: Option<Spanned<PathBuf>>,
    pub(super) algorithms: Option<Spanned<toml::Value>>,
    pub(super) leeway: Option<Spanned<Period>>,
    pub(super) subject_claim: Option<Spanned<String>>,
    pub(super) role_claim: Option<Spanned<String>>,
    pub(super) company_claim: Option<Spanned<String>>,
    pub(super) session_claim: Option<Spanned<String>>,
    pub(super) keep_claims: Option<Spanned<toml::Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub(super) name: Spanned<String>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) policy_file: Option<Spanned<PathBuf>>,
    pub(super) company: Option<Spanned<String>>,
    pub(super) company_claim: Option<Spanned<String>>,
    pub(super) max_session: Option<Spanned<Period>>,
    pub(super) keys: Option<Spanned<toml::Value>>,
    pub(super) session_tags: Option<bool>,
    pub(super) user_id: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) identity: Vec<Spanned<RoleIdentity>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleIdentity {
    pub(super) provider: Spanned<String>,
    pub(super) audience: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub(super) claims: BTreeMap<String, Spanned<toml::Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encryption {
    pub(super) active: Option<Spanned<String>>,
    pub(super) default: Option<bool>,
    pub(super) allow_missing_keys: Option<bool>,
    pub(super) key: Option<Spanned<SecretText>>,
    pub(super) key_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) keys: Vec<Spanned<EncryptionKey>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: Option<String>,
    pub(super) bucket: Spanned<String>,
    pub(super) prefix: Option<String>,
    pub(super) extensions: Option<Vec<Spanned<String>>>,
    pub(super) content_types: Option<Vec<Spanned<String>>>,
    pub(super) detected_types: Option<Vec<Spanned<String>>>,
    pub(super) match_content: Option<bool>,
    pub(super) max_size: Option<Spanned<Size>>,
    pub(super) min_size: Option<Spanned<Size>>,
    pub(super) block_dangerous: Option<bool>,
    pub(super) names: Option<Spanned<String>>,
    pub(super) unique_names: Option<bool>,
    pub(super) antivirus: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Antivirus {
    pub(super) address: Spanned<String>,
    pub(super) when_away: Option<Spanned<String>>,
    pub(super) when_larger: Option<Spanned<String>>,
    pub(super) connect_timeout: Option<Spanned<Period>>,
    pub(super) scan_timeout: Option<Spanned<Period>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncryptionKey {
    pub(super) id: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<SecretText>>,
    pub(super) key_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) cert: Spanned<PathBuf>,
    pub(super) key: Spanned<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) sigv2: Option<bool>,
    pub(super) strict_region: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) access_key: Spanned<String>,
    pub(super) secret_key: Option<Spanned<SecretText>>,
    pub(super) secret_key_file: Option<Spanned<PathBuf>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) policy_file: Option<Spanned<PathBuf>>,
    pub(super) company: Option<Spanned<String>>,
    pub(super) user_id: Option<Spanned<String>>,
    pub(super) display_name: Option<Spanned<String>>,
    pub(super) email: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) base_domains: Option<Vec<Spanned<String>>>,
    pub(super) trusted_proxies: Option<Vec<Spanned<String>>>,
    pub(super) max_connections: Option<Spanned<usize>>,
    pub(super) max_header_size: Option<Spanned<Size>>,
    pub(super) header_timeout: Option<Spanned<Period>>,
    pub(super) idle_timeout: Option<Spanned<Period>>,
    pub(super) body_timeout: Option<Spanned<Period>>,
    pub(super) write_timeout: Option<Spanned<Period>>,
    pub(super) handshake_timeout: Option<Spanned<Period>>,
    pub(super) drain_timeout: Option<Spanned<Period>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: Option<Spanned<String>>,
    pub(super) format: Option<LogFormat>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) pack_limit: Option<Spanned<Size>>,
    pub(super) segment_size: Option<Spanned<Size>>,
    pub(super) cache_size: Option<Spanned<Size>>,
    pub(super) checkpoint_interval: Option<Spanned<Period>>,
    pub(super) multipart_expiry: Option<Spanned<Period>>,
    pub(super) min_free: Option<Spanned<Size>>,
    pub(super) quota: Option<Spanned<Size>>,
    pub(super) allow_network: Option<bool>,
    pub(super) compaction: Option<bool>,
    pub(super) compaction_rate: Option<Spanned<Size>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bucket {
    pub(super) name: Spanned<String>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) upstream: Option<Spanned<String>>,
    pub(super) upstream_bucket: Option<Spanned<String>>,
    pub(super) upstream_prefix: Option<Spanned<String>>,
    pub(super) key_template: Option<Spanned<String>>,
    pub(super) public_url: Option<Spanned<String>>,
    pub(super) local_url: Option<Spanned<String>>,
    pub(super) encryption: Option<Spanned<String>>,
    pub(super) website: Option<Spanned<bool>>,
    pub(super) object_ownership: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lifecycle {
    pub(super) period: Option<Spanned<Period>>,
    pub(super) rate: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Website {
    pub(super) domains: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) currency: Option<Spanned<String>>,
    pub(super) local_price: Option<Spanned<Number>>,
    pub(super) s3_price: Option<Spanned<Number>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    pub(super) endpoint: Option<Spanned<String>>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) path_style: Option<bool>,
    pub(super) access_key: Option<Spanned<String>>,
    pub(super) secret_key: Option<Spanned<SecretText>>,
    pub(super) secret_key_file: Option<Spanned<PathBuf>>,
    pub(super) session_token: Option<Spanned<SecretText>>,
    pub(super) sse: Option<Spanned<String>>,
    pub(super) ca_file: Option<Spanned<PathBuf>>,
    pub(super) connect_timeout: Option<Spanned<Period>>,
    pub(super) first_byte_timeout: Option<Spanned<Period>>,
    pub(super) stall_timeout: Option<Spanned<Period>>,
    pub(super) checksums: Option<Spanned<String>>,
    pub(super) conditional_writes: Option<bool>,
    pub(super) tags: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spool {
    pub(super) max_bytes: Option<Spanned<Size>>,
    pub(super) max_objects: Option<Spanned<usize>>,
    pub(super) max_age: Option<Spanned<Period>>,
    pub(super) max_backoff: Option<Spanned<Period>>,
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) concurrency: Option<Spanned<usize>>,
}

/// A secret in the file. A value of another type is refused without being shown, which serde's
/// own message would do.
#[derive(Debug)]
pub(super) struct SecretText(pub(super) Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => Ok(Self(Secret::new(text))),
            _ => Err(D::Error::custom("a secret is a text in quotes")),
        }
    }
}
