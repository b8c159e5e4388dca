//! Certificate and private key, and their replacement while the server runs.

use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// HTTP/2 is spoken only where the client offers it here.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate chain with its private key, ready to be served.
#[derive(Debug, Clone)]
pub struct TlsConfig(pub(super) Arc<ServerConfig>);

/// What is wrong with a certificate or key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file holds no certificate, or one that can't be read.
    #[error("the certificate file is not a PEM certificate chain: {0}")]
    Certificate(String),
    /// The key file holds no private key, or one that can't be read.
    #[error("the key file is not a PEM private key: {0}")]
    Key(String),
    /// They can't be used together.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(String),
}

impl TlsConfig {
    /// Reads both from PEM text.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TlsError::Certificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(TlsError::Certificate("it holds none".to_owned()));
        }
        // The error's own words could show the key's bytes.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| TlsError::Key("no usable key found".to_owned()))?;
        let unusable = |error: tokio_rustls::rustls::Error| TlsError::Unusable(error.to_string());
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(unusable)?
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .map_err(unusable)?;
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        Ok(Self(Arc::new(config)))
    }
}
