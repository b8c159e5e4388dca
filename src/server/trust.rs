//! Whose certificates a client takes.

use std::sync::Arc;

use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, WantsVerifier,
};

/// Whom a client believes to be the server.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Whom the system trusts, and the authorities of a PEM text.
    Authorities(Option<Vec<u8>>),
    /// The holder of the first certificate of a PEM text, whatever name it is for.
    Holder(Vec<u8>),
}

impl Trust {
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        match self {
            Self::Authorities(more) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                for certificate in more.as_deref().map(chain).transpose()?.unwrap_or_default() {
                    roots.add(certificate).map_err(|error| error.to_string())?;
                }
                let builder = builder(&Arc::new(aws_lc_rs::default_provider()))?;
                Ok(finished(builder.with_root_certificates(roots)))
            }
            Self::Holder(pem) => {
                let first = chain(pem)?.into_iter().next();
                accepting(Some(first.ok_or("there is no certificate in it")?))
            }
        }
    }
}

/// Takes every certificate.
pub(super) fn anyone() -> Result<Arc<ClientConfig>, String> {
    accepting(None)
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    chain.map_err(|error| format!("it is not PEM: {error}"))
}

fn accepting(only: Option<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = builder(&provider)?;
    let accepting = Arc::new(Accepting { provider, only });
    Ok(finished(builder.dangerous().with_custom_certificate_verifier(accepting)))
}

fn builder(
    provider: &Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

fn finished(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> Arc<ClientConfig> {
    Arc::new(builder.with_no_client_auth())
}

/// Takes one certificate, or, where none is given, every one; signatures are still checked.
#[derive(Debug)]
struct Accepting {
    provider: Arc<CryptoProvider>,
    only: Option<CertificateDer<'static>>,
}

impl ServerCertVerifier for Accepting {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.only {
            Some(only) if only != certificate => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            Some(_) | None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
