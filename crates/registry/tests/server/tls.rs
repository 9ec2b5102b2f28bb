//! The server over TLS, with a certificate that changes while it runs.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::{CertificateDer, ServerName};
use temper_registry::{ServeLimits, Tls, TlsError, serve_tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::fixture::Fixture;

/// A private authority with a certificate for `reg.example`.
struct Authority {
    root: CertificateDer<'static>,
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("are good");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("makes")).expect("signs");
        let key = KeyPair::generate().expect("makes");
        let params = CertificateParams::new(vec!["reg.example".to_owned()]).expect("are good");
        let certificate = params.signed_by(&key, &issuer).expect("signs");
        Self { root: issuer.der().clone(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Asks for the base path, trusting this authority alone.
    async fn ask(&self, address: std::net::SocketAddr) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("is a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("are good")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("reg.example").expect("is a name");
        let stream = TcpStream::connect(address).await?;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nhost: reg.example\r\nconnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

#[tokio::test]
async fn certificates_change_while_the_server_runs() {
    let (old, new) = (Authority::new(), Authority::new());
    let tls = Tls::new(old.certificate.as_bytes(), old.key.as_bytes()).expect("is a pair");
    let fixture = Fixture::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    let (end, ended) = oneshot::channel::<()>();
    let (used, router) = (tls.clone(), fixture.router.clone());
    let server = tokio::spawn(async move {
        let end = async {
            let _ = ended.await;
        };
        serve_tls(listener, &used, router, ServeLimits::default(), end).await;
    });
    assert!(old.ask(address).await.expect("answers").starts_with("HTTP/1.1 200"));
    assert!(new.ask(address).await.is_err());

    let mixed = tls.replace(new.certificate.as_bytes(), old.key.as_bytes());
    assert!(matches!(mixed, Err(TlsError::Pair(_))), "{mixed:?}");
    let empty = tls.replace(b"", new.key.as_bytes());
    assert!(matches!(empty, Err(TlsError::NoCertificate)), "{empty:?}");
    let keyless = tls.replace(new.certificate.as_bytes(), b"");
    assert!(matches!(keyless, Err(TlsError::Key(_))), "{keyless:?}");
    assert!(old.ask(address).await.expect("answers").starts_with("HTTP/1.1 200"), "the old pair stays");

    tls.replace(new.certificate.as_bytes(), new.key.as_bytes()).expect("is a pair");
    assert!(new.ask(address).await.expect("answers").starts_with("HTTP/1.1 200"));
    assert!(old.ask(address).await.is_err());

    let mut plain = TcpStream::connect(address).await.expect("connects");
    plain.write_all(b"GET /v2/ HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sends");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "no plain text on this port");
    end.send(()).expect("is awaited");
    server.await.expect("ends");
}
