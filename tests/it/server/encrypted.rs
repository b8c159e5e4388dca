//! TLS: HTTP/1.1 and HTTP/2 as ALPN chooses, and a certificate that is replaced.

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// A certificate for `localhost`, signed by itself.
struct Certified {
    config: TlsConfig,
    trusted: CertificateDer<'static>,
}

fn certify() -> Certified {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let config = TlsConfig::from_pem(cert.as_bytes(), key.as_bytes()).expect("usable");
    Certified { config, trusted: made.cert.der().clone() }
}

async fn connect(
    rig: &Rig,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = TcpStream::connect(rig.address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

#[tokio::test]
async fn http1_is_spoken_where_nothing_else_is_asked_for() {
    let certified = certify();
    let rig = start(Settings::default(), Some(certified.config)).await;
    for protocols in [&[] as &[&str], &["http/1.1"]] {
        let mut stream = connect(&rig, &certified.trusted, protocols).await.expect("shaken");
        let request = b"GET /one HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut answer = String::new();
        patiently(stream.read_to_string(&mut answer)).await.expect("a clean end");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.ends_with("/one"), "{answer}");
    }
}

#[tokio::test]
async fn http2_is_spoken_where_alpn_chose_it() {
    let certified = certify();
    let rig = start(Settings::default(), Some(certified.config)).await;
    let stream = connect(&rig, &certified.trusted, &["h2", "http/1.1"]).await.expect("shaken");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = |path: &str, body: Payload| {
        let uri = format!("https://localhost{path}");
        Request::builder().method("PUT").uri(uri).body(body).expect("a request")
    };
    let body = Payload::from_bytes(vec![b'x'; 3_000_000]);
    let upload = requests.send_request(request("/read", body));
    let answer = patiently(upload).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("x-amz-request-id"));
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.expect("a body");
    assert_eq!(body.to_bytes(), "3000000");

    let unread = Payload::from_bytes(vec![b'x'; 3_000_000]);
    let refused = patiently(requests.send_request(request("/refuse", unread))).await;
    assert_eq!(refused.expect("an answer").status(), 403);

    let broken = patiently(requests.send_request(request("/broken", Payload::empty()))).await;
    let broken = broken.expect("a head").into_body();
    assert!(http_body_util::BodyExt::collect(broken).await.is_err());

    rig.drain.send(()).expect("told");
    drop(requests);
    patiently(rig.ended).await.expect("ended");
    patiently(connection).await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn a_replaced_certificate_counts_for_the_next_connection() {
    let (old, new) = (certify(), certify());
    let rig = start(Settings::default(), Some(old.config)).await;
    connect(&rig, &old.trusted, &[]).await.expect("the old one");
    rig.tls.replace(new.config);
    connect(&rig, &new.trusted, &[]).await.expect("the new one");
    assert!(connect(&rig, &old.trusted, &[]).await.is_err());
}

#[test]
fn what_cannot_be_served_is_refused() {
    let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let (cert, key) = (one.cert.pem(), one.signing_key.serialize_pem());
    let other_key = other.signing_key.serialize_pem();
    TlsConfig::from_pem(cert.as_bytes(), key.as_bytes()).expect("fits");
    for (cert, key) in [
        (cert.as_str(), other_key.as_str()),
        (cert.as_str(), ""),
        ("", key.as_str()),
        (key.as_str(), cert.as_str()),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key.as_str()),
    ] {
        let error = TlsConfig::from_pem(cert.as_bytes(), key.as_bytes()).expect_err("no");
        assert!(!error.to_string().contains("AAAA"), "{error}");
    }
}

#[tokio::test]
async fn plain_text_on_an_encrypted_port_ends_at_once() {
    let rig = start(Settings::default(), Some(certify().config)).await;
    let mut client = rig.client().await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(!client.rest().await.0.starts_with(b"HTTP"));
}
