//! Kept-alive connections to one receiver, encrypted or not, and why one failed.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::settings::{Endpoint, Protocol, Tls};
use crate::tls;

type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The connections.
pub(super) struct Connections {
    /// `None` where the cryptographic provider has no version of TLS.
    pool: Option<Pool>,
    is_encrypted: bool,
    has_certificate: bool,
    /// Whether the receiver has ever answered: then it accepts who we are.
    has_answered: AtomicBool,
}

impl Connections {
    pub(super) fn new(endpoint: &Endpoint) -> Connections {
        let tls = endpoint.tls.as_ref();
        let config = tls.map(Tls::config).or_else(tls::trusting_nobody);
        let is_grpc = endpoint.protocol == Protocol::Grpc;
        Connections {
            pool: config.map(|config| pool(config, is_grpc)),
            is_encrypted: endpoint.url.scheme() == "https",
            has_certificate: tls.is_some_and(Tls::has_client),
            has_answered: AtomicBool::new(false),
        }
    }

    /// One request and its answer, or why there is none.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        let pool = self.pool.as_ref().ok_or("TLS cannot be set up")?;
        match pool.request(request).await {
            Ok(response) => {
                self.has_answered.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(error) => Err(self.why(&error)),
        }
    }

    fn why(&self, error: &(dyn Error + 'static)) -> String {
        if let Some(refusal) = find::<rustls::Error>(error) {
            return explain(refusal, self.has_certificate);
        }
        let reason = innermost(error);
        // A receiver may close a connection before its reason for that has arrived.
        let is_stranger = !self.has_answered.load(Ordering::Relaxed) && !is_connect(error);
        match (self.is_encrypted, self.has_certificate) {
            (true, false) if is_stranger => format!("{reason}; {DEMANDED}"),
            (true, true) if is_stranger => format!("{reason}; {NOT_ACCEPTED}"),
            (false, _) if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) => {
                format!("the receiver does not answer in HTTP ({reason}): is its address https://?")
            }
            _ => reason,
        }
    }
}

fn pool(config: rustls::ClientConfig, is_grpc: bool) -> Pool {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http();
    let connector = match is_grpc {
        true => builder.enable_http2().wrap_connector(tcp),
        false => builder.enable_http1().wrap_connector(tcp),
    };
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .http2_only(is_grpc)
        .build(connector)
}

const DEMANDED: &str = "if the receiver demands a client certificate, name one in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and its key in OTEL_EXPORTER_OTLP_CLIENT_KEY";

const NOT_ACCEPTED: &str = "it may not accept the client certificate";

/// What a failure of TLS means, and how to mend it.
fn explain(error: &rustls::Error, has_certificate: bool) -> String {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(certificate) => untrusted(certificate),
        Tls::AlertReceived(AlertDescription::CertificateRequired) => {
            "the receiver demands a client certificate: name one in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and its key in OTEL_EXPORTER_OTLP_CLIENT_KEY".to_owned()
        }
        Tls::AlertReceived(alert) if has_certificate => {
            format!("the receiver refused the connection ({alert:?}): {NOT_ACCEPTED}")
        }
        Tls::AlertReceived(alert) => {
            format!("the receiver refused the connection ({alert:?}); {DEMANDED}")
        }
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the receiver does not speak TLS: is its address http://?".to_owned()
        }
        other => format!("TLS: {other}"),
    }
}

fn untrusted(error: &CertificateError) -> String {
    use CertificateError as Certificate;
    match error {
        Certificate::UnknownIssuer => "the receiver's certificate is not trusted: no authority known here has signed it. Name the file with its authority's certificate in OTEL_EXPORTER_OTLP_CERTIFICATE".to_owned(),
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => format!(
            "the receiver's certificate is another host's ({error}): write the host that it is for into the address"
        ),
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            "the receiver's certificate has expired: it must be renewed, unless this machine's clock is wrong".to_owned()
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            "the receiver's certificate is not valid yet: is this machine's clock right?".to_owned()
        }
        other => format!("the receiver's certificate is not accepted: {other}"),
    }
}

/// The first error of a kind in a chain of errors. An `io::Error` hides its own from the chain.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let hidden = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    let within = hidden.and_then(|hidden| find(hidden));
    within.or_else(|| error.source().and_then(find))
}

fn is_connect(error: &(dyn Error + 'static)) -> bool {
    let client = error.downcast_ref::<hyper_util::client::legacy::Error>();
    client.is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// The innermost reason says it: connection refused, and the like.
fn innermost(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
