//! Real handshakes over loopback: trust, protocols, client certificates, files that change.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;

/// An authority and its files.
struct Stage {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Stage {
    fn new() -> Stage {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let stage = Stage {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
            dir: tempfile::tempdir().unwrap(),
        };
        fs::write(stage.path("authority.pem"), stage.issuer.pem()).unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a certificate for `host` and its key.
    fn issue(&self, host: &str) -> Files {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path("server.pem"), certificate.pem()).unwrap();
        fs::write(self.path("server.key"), key.serialize_pem()).unwrap();
        Files {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            clients: None,
        }
    }

    fn trusting(&self) -> ClientConfig {
        client(Some(&self.path("authority.pem"))).unwrap()
    }
}

/// What a client saw of a handshake, and what the server did.
async fn meet(
    tls: &Arc<Tls>,
    config: ClientConfig,
    host: &str,
) -> (Result<Vec<u8>, String>, Result<(), Failed>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = Arc::clone(tls);
    let serving = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = tls.accept(socket).await?;
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        Ok(())
    });
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    let seen = async {
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await?;
        let mut bytes = vec![0; 5];
        stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    };
    let seen: std::io::Result<Vec<u8>> = seen.await;
    (
        seen.map_err(|error| error.to_string()),
        serving.await.unwrap(),
    )
}

#[tokio::test]
async fn who_trusts_the_authority_is_served_and_others_are_not() {
    let stage = Stage::new();
    let tls = Arc::new(Tls::load(stage.issue("tally.example.com"), Meters::new()).unwrap());
    let (seen, done) = meet(&tls, stage.trusting(), "tally.example.com").await;
    assert_eq!((seen, done), (Ok(b"hello".to_vec()), Ok(())));
    let (seen, _) = meet(&tls, stage.trusting(), "other.example.com").await;
    assert!(seen.unwrap_err().contains("certificate"), "another name");
    let stranger = Stage::new();
    let (seen, _) = meet(&tls, stranger.trusting(), "tally.example.com").await;
    assert!(
        seen.unwrap_err().contains("certificate"),
        "another authority"
    );
}

#[tokio::test]
async fn files_are_taken_over_when_they_change_and_only_if_they_are_right() {
    let stage = Stage::new();
    let tls = Arc::new(Tls::load(stage.issue("old.example.com"), Meters::new()).unwrap());
    assert_eq!(tls.look(), Ok(false));
    fs::write(stage.path("server.pem"), "half a certif").unwrap();
    let fault = tls.look().unwrap_err().to_string();
    assert!(fault.contains("server.pem holds no certificate"), "{fault}");
    assert_eq!(tls.look(), Ok(false), "said once");
    let (seen, _) = meet(&tls, stage.trusting(), "old.example.com").await;
    assert!(
        seen.is_ok(),
        "what was read before stays in force: {seen:?}"
    );
    stage.issue("new-and-longer.example.com");
    assert_eq!(tls.look(), Ok(true));
    let (seen, _) = meet(&tls, stage.trusting(), "new-and-longer.example.com").await;
    assert!(seen.is_ok(), "{seen:?}");
}

#[tokio::test]
async fn clients_show_a_certificate_where_they_must() {
    let stage = Stage::new();
    let mut files = stage.issue("tally.example.com");
    let authority = stage.path("authority.pem");
    files.clients = Some((authority.clone(), ClientCertificate::Required));
    let required = Arc::new(Tls::load(files.clone(), Meters::new()).unwrap());
    files.clients = Some((authority, ClientCertificate::Optional));
    let optional = Arc::new(Tls::load(files, Meters::new()).unwrap());
    let (_, done) = meet(&required, stage.trusting(), "tally.example.com").await;
    assert_eq!(done, Err(Failed::Refused));
    let (seen, _) = meet(&optional, stage.trusting(), "tally.example.com").await;
    assert!(seen.is_ok(), "{seen:?}");
    for (of, tls, may) in [(&stage, &required, true), (&Stage::new(), &optional, false)] {
        let (seen, _) = meet(tls, with_certificate(&stage, of), "tally.example.com").await;
        assert_eq!(seen.is_ok(), may, "{seen:?}");
    }
}

/// A client that trusts `stage` and shows a certificate of `of`.
fn with_certificate(stage: &Stage, of: &Stage) -> ClientConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["laptop.example.com".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &of.issuer).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(stage.path("authority.pem")).unwrap();
    roots.add(authority).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        )
        .unwrap()
}

#[tokio::test]
async fn who_speaks_without_tls_is_told() {
    let stage = Stage::new();
    let tls = Tls::load(stage.issue("localhost"), Meters::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asking = tokio::spawn(async move {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head = b"POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
        socket.write_all(head).await.unwrap();
        let mut answer = Vec::new();
        let mut answering = socket.take(4096);
        tokio::io::copy(&mut answering, &mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    });
    let (socket, _) = listener.accept().await.unwrap();
    assert!(matches!(tls.accept(socket).await, Err(Failed::Plain)));
    let answer = asking.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert!(
        head.contains(&format!("content-length: {}\r\n", body.len())),
        "{head}"
    );
    assert!(body.contains("begins with https"), "{body}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let stage = Stage::new();
    let files = stage.issue("localhost");
    let said = |files: Files| Tls::load(files, Meters::new()).unwrap_err().to_string();
    let absent = Files {
        certificate: stage.path("absent.pem"),
        ..files.clone()
    };
    assert!(said(absent).contains("absent.pem cannot be read"));
    let swapped = Files {
        key: files.certificate.clone(),
        ..files.clone()
    };
    assert!(said(swapped).contains("server.pem holds no private key"));
    fs::write(
        stage.path("other.key"),
        KeyPair::generate().unwrap().serialize_pem(),
    )
    .unwrap();
    let other = Files {
        key: stage.path("other.key"),
        ..files
    };
    let other = said(other);
    assert!(other.contains("other.key is not the key of"), "{other}");
}
