//! TLS with a certificate that may be replaced while the server runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate with its key; clones share one pair. TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    pair: Arc<Pair>,
}

/// Why a certificate and a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate is not in the form PEM.
    #[error("certificate is not PEM")]
    Certificate(#[source] rustls_pki_types::pem::Error),
    /// The file of the certificate holds none.
    #[error("certificate file holds no certificate")]
    NoCertificate,
    /// The key is not in the form PEM.
    #[error("key is not PEM")]
    Key(#[source] rustls_pki_types::pem::Error),
    /// The key is of no known kind, or belongs to another certificate.
    #[error("certificate and key do not go together")]
    Pair(#[source] rustls::Error),
    /// The library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Pair(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Takes a chain of certificates, the server's own first, and its key, both PEM.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = Arc::new(Pair(RwLock::new(certified(certificates, key, &provider)?)));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Pair>::clone(&pair);
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), pair })
    }

    /// Uses another pair for connections from now on; a pair that cannot be used changes nothing.
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let new = certified(certificates, key, &aws_lc_rs::default_provider())?;
        *self.pair.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

fn certified(
    certificates: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(certificates);
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
    CertifiedKey::from_der(chain, key, provider).map(Arc::new).map_err(TlsError::Pair)
}
