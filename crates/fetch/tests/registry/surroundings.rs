//! What the operator's surroundings decide: proxies, credential helpers, private certificate authorities.
//!
//! Environment variables are given to this test program itself, which is started again for that.

#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "this test program starts itself and reads what it prints"
)]

use std::process::Command;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::any;
use secrecy::ExposeSecret as _;
use temper_fetch::credentials::{Credential, Credentials};
use temper_fetch::http::HttpConfig;
use temper_fetch::registry::{RegistryClient, RegistryOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::fixture::{listen, start};

/// Set where this program is started again, to the subject of the test.
const SUBJECT: &str = "TEMPER_TEST_SUBJECT";

/// Starts one test of this program again, with an environment of its own, and returns what it printed.
async fn again(test: &str, environment: Vec<(&'static str, String)>) -> String {
    let program = std::env::current_exe().expect("is a program");
    let mut command = Command::new(program);
    command.args(["--exact", test, "--nocapture"]).envs(environment);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("ends").expect("starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test]
async fn proxies_of_the_environment_are_used() {
    if let Ok(subject) = std::env::var(SUBJECT) {
        let registry = subject.split('/').next().expect("has a host").to_owned();
        let options = RegistryOptions { insecure: [registry].into(), ..RegistryOptions::default() };
        let client =
            RegistryClient::new(&HttpConfig::default(), Credentials::anonymous(), options).expect("is made");
        let tags = client.tags(&subject.parse().expect("is a reference")).await.expect("lists");
        println!("tags: {tags:?}");
        return;
    }
    let answer = async |request: Request| {
        let by_proxy = request.uri().host().is_some();
        axum::Json(serde_json::json!({ "name": "a", "tags": [if by_proxy { "proxy" } else { "direct" }] }))
    };
    let (port, _) = listen(Router::new().fallback(any(answer))).await;
    let proxy = format!("http://127.0.0.1:{port}");
    let test = "surroundings::proxies_of_the_environment_are_used";
    for (subject, no_proxy, expected) in [
        ("registry.invalid/a".to_owned(), "", "proxy"),
        ("registry.invalid:5000/a".to_owned(), "other.invalid", "proxy"),
        (format!("127.0.0.1:{port}/a"), "127.0.0.1", "direct"),
    ] {
        let environment = vec![
            (SUBJECT, subject.clone()),
            ("http_proxy", proxy.clone()),
            ("no_proxy", no_proxy.to_owned()),
        ];
        let printed = again(test, environment).await;
        assert!(printed.contains(&format!("tags: [\"{expected}\"]")), "{subject}: {printed}");
    }
}

#[tokio::test]
async fn credential_helpers_are_asked() {
    if let Ok(file) = std::env::var(SUBJECT) {
        let credentials = Credentials::from_files(vec![file.into()]);
        for registry in ["own.example", "store.example", "token.example", "file.example", "docker.io"] {
            let text = match credentials.find(registry, "a").await.expect(registry) {
                Some(Credential::Password { user, password }) => {
                    format!("{user} {}", password.expose_secret())
                }
                Some(Credential::IdentityToken(token)) => format!("identity {}", token.expose_secret()),
                other => format!("{other:?}"),
            };
            println!("{registry}: {text}");
        }
        return;
    }
    let folder = tempfile::tempdir().expect("makes a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path
    };
    // Each answers as helpers do: the registry comes by standard input, the login goes out as JSON.
    for (helper, body) in [
        ("own", r#"echo "{\"ServerURL\":\"$r\",\"Username\":\"own\",\"Secret\":\"$r\"}""#),
        (
            "store",
            r#"case "$r" in
                file.*) echo "credentials not found in native keychain"; exit 1;;
                token.*) echo '{"ServerURL":"","Username":"<token>","Secret":"refresh"}';;
                *) echo "{\"ServerURL\":\"\",\"Username\":\"store\",\"Secret\":\"$r\"}";;
            esac"#,
        ),
    ] {
        let path = write(&format!("docker-credential-{helper}"), &format!("#!/bin/sh\nread -r r\n{body}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, mode).expect("is allowed");
    }
    let file = write(
        "config.json",
        r#"{"auths": {"file.example": {"auth": "dXNlcjpwYXNz"}, "own.example": {}},
            "credsStore": "store", "credHelpers": {"own.example": "own"}}"#,
    );
    let path = std::env::var("PATH").expect("is set");
    let environment =
        vec![(SUBJECT, file.display().to_string()), ("PATH", format!("{}:{path}", folder.path().display()))];
    let printed = again("surroundings::credential_helpers_are_asked", environment).await;
    for expected in [
        "own.example: own own.example\n",
        "store.example: store store.example\n",
        "token.example: identity refresh\n",
        "file.example: user pass\n",
        "docker.io: store https://index.docker.io/v1/\n",
    ] {
        assert!(printed.contains(expected), "{expected} is not in {printed}");
    }
}

/// Ends TLS before a plain port, with a certificate of an authority that nobody else knows.
async fn with_tls(plain_port: u16) -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("signs");
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("is a certificate");
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up here.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(("127.0.0.1", plain_port)).await.expect("connects");
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
            });
        }
    });
    (port, certified.cert.pem())
}

#[tokio::test]
async fn a_registry_has_certificate_authorities_of_its_own() {
    let server = start().await;
    let (port, authority) = with_tls(server.port).await;
    let (other_port, other_authority) = with_tls(server.port).await;
    let registry = |port: u16| format!("127.0.0.1:{port}");
    let options = RegistryOptions {
        certificate_authorities: [
            (registry(port), vec![authority.into_bytes()]),
            (registry(other_port), Vec::new()),
        ]
        .into(),
        backoff: temper_fetch::http::Backoff { attempts: 1, ..Default::default() },
        ..RegistryOptions::default()
    };
    let make = |config: &HttpConfig| {
        RegistryClient::new(config, Credentials::anonymous(), options.clone()).expect("is made")
    };
    let client = make(&HttpConfig::default());
    let image = |port| format!("{}/a:1", registry(port)).parse().expect("is a reference");
    assert!(client.find_manifest(&image(port)).await.expect("is trusted").is_none());
    let error = client.find_manifest(&image(other_port)).await.expect_err("is a stranger");
    assert!(error.hint().expect("has a hint").contains("certificate-authorities"), "{error:?}");
    let config =
        HttpConfig { root_certificates: vec![other_authority.into_bytes()], ..HttpConfig::default() };
    assert!(make(&config).find_manifest(&image(other_port)).await.expect("is trusted").is_none());
}

#[tokio::test]
async fn plain_http_is_for_this_machine_and_by_configuration() {
    let (port, log) = listen(Router::new().fallback(any(async || StatusCode::OK.into_response()))).await;
    // The host is this machine under a name that does not say so.
    let reference = format!("0.0.0.0:{port}/a:1").parse().expect("is a reference");
    let error = crate::fixture::client().manifest(&reference).await.expect_err("has no TLS");
    assert!(error.hint().expect("has a hint").contains("insecure-registries"), "{error:?}");
    assert_eq!(log.take(), Vec::<String>::new(), "nothing was said without TLS");
}
