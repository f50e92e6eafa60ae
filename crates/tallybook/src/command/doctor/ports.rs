//! Who listens where: a server that runs is asked at its own addresses, else the configured ones must
//! be free.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use super::Subject;
use super::finding::Finding;
use super::server::{Server, is_healthy};

/// Names that stay the same, what is served there, and the flag that chooses another port.
const PORTS: [(&str, &str, &str); 3] = [
    ("port_http", "OTLP/HTTP", "--http"),
    ("port_grpc", "OTLP/gRPC", "--grpc"),
    ("port_ui", "web UI and API", "--ui"),
];

pub(super) async fn findings(subject: &Subject) -> Vec<Finding> {
    let listen = &subject.settings.listen;
    let configured = [listen.http, listen.grpc, listen.ui];
    let mut findings = Vec::new();
    for (index, port) in PORTS.into_iter().enumerate() {
        findings.push(match &subject.server {
            Server::Running(server) => {
                let served = [&server.http, &server.grpc, &subject.url];
                answered(port, served[index]).await
            }
            Server::Closed => Finding::skipped(port.0, "a server that lets nobody in has it"),
            _ => free(port, configured[index]),
        });
    }
    findings
}

async fn answered((check, what, _): (&'static str, &str, &str), url: &str) -> Finding {
    let seen = format!("{what} at {url}");
    match is_healthy(url).await {
        true => Finding::ok(check, format!("{seen} answers")),
        false => Finding::failed(
            check,
            format!("{seen} does not answer"),
            "is something between here and there? else restart the server: what is acknowledged is safe",
        ),
    }
}

/// Looks by listening for a moment.
fn free((check, what, flag): (&'static str, &str, &str), address: SocketAddr) -> Finding {
    if address.port() == 0 {
        return Finding::ok(check, format!("{what}: any free port"));
    }
    let mend = format!("choose another address with {flag}");
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(check, format!("{what}: {address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::failed(
            check,
            format!("{what}: something that is not Tallybook listens on {address}"),
            format!("stop it (ss -ltnp names it), or {mend}"),
        ),
        Err(error) => Finding::failed(check, format!("{what}: {address}: {error}"), mend),
    }
}
