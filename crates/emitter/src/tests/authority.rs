//! An authority of certificates for one test, its files, and a receiver that speaks TLS.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// An authority, and a directory for its files.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Authority {
            issuer: CertifiedIssuer::self_signed(params, key).expect("an authority"),
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    /// A certificate for this host, or for this client.
    pub(crate) fn issue(&self, name: &str) -> Issued {
        self.issue_as(CertificateParams::new([name.to_owned()]).expect("parameters"))
    }

    pub(crate) fn issue_as(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Issued {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    /// Writes a file, and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    }

    /// The file with the authority's own certificate.
    pub(crate) fn file(&self) -> String {
        self.write("authority.pem", &self.issuer.pem())
    }

    /// Certificate and key of a client, as files.
    pub(crate) fn client_files(&self) -> (String, String) {
        let client = self.issue("agent.example.com");
        (
            self.write("client.pem", &client.pem),
            self.write("client.key", &client.key.serialize_pem()),
        )
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        roots
    }
}

/// What a receiver got.
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
    /// What the two sides have agreed to speak within TLS.
    pub(crate) agreed: Option<Vec<u8>>,
}

/// A receiver of OTLP over TLS, HTTP/1.1 and HTTP/2, that takes everything.
pub(crate) struct TlsReceiver {
    pub(crate) port: u16,
    pub(crate) got: Receiver<Got>,
    // Dropped with the receiver: its tasks end.
    _runtime: Runtime,
}

impl TlsReceiver {
    /// One with this certificate; it takes none but the clients of `clients`, if that is said.
    pub(crate) fn start(server: &Issued, clients: Option<&Authority>) -> TlsReceiver {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = TlsAcceptor::from(Arc::new(config(server, clients)));
        let (sender, got) = sync_channel(100);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, sender.clone()));
            }
        });
        TlsReceiver {
            port,
            got,
            _runtime: runtime,
        }
    }

    pub(crate) fn next(&self) -> Got {
        let waited = self.got.recv_timeout(Duration::from_secs(30));
        waited.expect("a request")
    }
}

fn config(server: &Issued, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let roots = Arc::new(authority.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let key = PrivatePkcs8KeyDer::from(server.key.serialize_der());
    let mut config = builder
        .with_single_cert(vec![server.certificate.clone()], PrivateKeyDer::Pkcs8(key))
        .expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, sender: SyncSender<Got>) {
    // Who is refused says so on the other side.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    let service = service_fn(|request| answer(request, agreed.clone(), sender.clone()));
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    // Ends with an error when the client goes away.
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    agreed: Option<Vec<u8>>,
    sender: SyncSender<Got>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let content_type = head.headers[http::header::CONTENT_TYPE].clone();
    let got = Got {
        path: head.uri.path().to_owned(),
        content_type: content_type.to_str().expect("text").to_owned(),
        body: body.collect().await?.to_bytes(),
        agreed,
    };
    let is_grpc = got.content_type == "application/grpc";
    sender.send(got).expect("the test is there");
    let (body, trailers) = match is_grpc {
        true => {
            let status = (
                "grpc-status".parse().expect("a name"),
                HeaderValue::from_static("0"),
            );
            let trailers = HeaderMap::from_iter([status]);
            (otlp::grpc::frame(&[], false), Some(Ok(trailers)))
        }
        false => (Vec::new(), None),
    };
    let body = Full::new(Bytes::from(body)).with_trailers(ready(trailers));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, content_type);
    Ok(response)
}
