//! TLS at every port: real clients, certificates that change, and what is said without TLS.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use bytes::Bytes;
use emitter::settings::Layers;
use emitter::{Agent, Settings, Start, Telemetry};
use http_body_util::{BodyExt, Empty};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use testkit::{Problem, Server};

use crate::stage::launch;

/// An authority of certificates, and a server that shows one of its own.
struct Stage {
    issuer: CertifiedIssuer<'static, KeyPair>,
    home: tempfile::TempDir,
}

impl Stage {
    fn new() -> Result<Stage, Problem> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let stage = Stage {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            home: tempfile::tempdir()?,
        };
        fs::write(stage.home.path().join("ca.pem"), stage.issuer.pem())?;
        stage.issue(&[])?;
        Ok(stage)
    }

    /// A certificate for 127.0.0.1 and `more`, in the place of the one before.
    fn issue(&self, more: &[&str]) -> Result<(), Problem> {
        let names = ["127.0.0.1"]
            .iter()
            .chain(more)
            .map(|&name| name.to_owned());
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(names.collect::<Vec<_>>())?.signed_by(&key, &self.issuer)?;
        fs::write(self.home.path().join("server.key"), key.serialize_pem())?;
        fs::write(self.home.path().join("server.pem"), certificate.pem())?;
        Ok(())
    }

    fn ca(&self) -> String {
        self.home.path().join("ca.pem").display().to_string()
    }

    fn start(&self) -> Result<Server, Problem> {
        let settings = "[listen.tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n";
        launch().settings(settings).home(self.home.path()).start()
    }
}

fn report(server: &Server, protocol: &str, endpoint: &str, ca: &str) -> emitter::Counts {
    let mut variables = vec![
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
    ];
    if endpoint.starts_with("https") {
        variables.push(("OTEL_EXPORTER_OTLP_CERTIFICATE", ca));
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let variables: Vec<_> = variables.into_iter().map(owned).collect();
    let (settings, findings) = Settings::read(Layers::of(variables));
    assert_eq!(findings, [], "{}", server.log());
    let telemetry = Telemetry::new(Agent::new("my-agent", "1.2.3"), settings);
    telemetry.session(Start::Fresh).prompt("Who wrote this?");
    telemetry.shutdown()
}

fn query(url: &str, ca: &str) -> Result<Output, Problem> {
    let sql = "SELECT count(*) AS events FROM events";
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallybook"));
    command.args(["query", "--format", "json", "--url", url, sql]);
    Ok(command.env("TALLYBOOK_CA", ca).output()?)
}

async fn get(url: &str, stage: &Stage) -> Result<String, Problem> {
    let trusting = tls::client(Some(&stage.home.path().join("ca.pem")))?;
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(trusting)
        .https_only()
        .enable_http2()
        .build();
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let body = client.get(url.parse()?).await?.into_body();
    Ok(String::from_utf8(
        body.collect().await?.to_bytes().to_vec(),
    )?)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_report_and_people_ask_through_tls() -> Result<(), Problem> {
    let stage = Stage::new()?;
    let server = stage.start()?;
    let at = server.addresses().clone();
    for (protocol, address) in [
        ("http/protobuf", &at.http),
        ("http/json", &at.http),
        ("grpc", &at.grpc),
    ] {
        let endpoint = format!("https://{address}");
        let counts = report(&server, protocol, &endpoint, &stage.ca());
        assert_eq!(counts.events.sent, 1, "{protocol}: {counts:?}");
    }
    let ui = format!("https://{}", at.ui);
    let answer = query(&ui, &stage.ca())?;
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(answer.status.success(), "{said}");
    let rows: serde_json::Value = serde_json::from_slice(&answer.stdout)?;
    assert_eq!(rows, json!([{ "events": 3 }]));

    let stranger = Stage::new()?;
    let answer = query(&ui, &stranger.ca())?;
    assert!(
        !answer.status.success(),
        "an authority that vouches for others"
    );
    let answer = query(&format!("http://{}", at.ui), &stage.ca())?;
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert_eq!(answer.status.code(), Some(1));
    assert!(said.contains("begins with https"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_nothing_is_taken_and_the_reason_is_counted() -> Result<(), Problem> {
    let stage = Stage::new()?;
    let server = stage.start()?;
    let endpoint = format!("http://{}", server.addresses().http);
    let counts = report(&server, "http/json", &endpoint, &stage.ca());
    assert_eq!(counts.events.sent, 0, "{counts:?}");
    let metrics = get(
        &format!("https://{}/metrics", server.addresses().ui),
        &stage,
    )
    .await?;
    assert!(
        metrics.contains("tallybook_tls_handshakes_total{outcome=\"plain\"}"),
        "{metrics}"
    );
    let answer = query(&format!("https://{}", server.addresses().ui), &stage.ca())?;
    let rows: serde_json::Value = serde_json::from_slice(&answer.stdout)?;
    assert_eq!(rows, json!([{ "events": 0 }]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_over_by_a_running_server() -> Result<(), Problem> {
    let stage = Stage::new()?;
    let server = stage.start()?;
    let url = format!("https://localhost:{}", port(&server.addresses().ui));
    assert!(
        !query(&url, &stage.ca())?.status.success(),
        "no such name yet"
    );
    stage.issue(&["localhost"])?;
    let begun = std::time::Instant::now();
    while !query(&url, &stage.ca())?.status.success() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        server.log().contains("the new certificate is in force"),
        "{}",
        server.log()
    );
    Ok(())
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap_or_default()
}

#[test]
fn a_certificate_that_cannot_be_used_ends_the_start() -> Result<(), Problem> {
    let stage = Stage::new()?;
    fs::write(stage.home.path().join("server.key"), "nothing")?;
    let problem = stage
        .start()
        .err()
        .map(|problem| problem.to_string())
        .unwrap_or_default();
    let named = Path::new("server.key").display().to_string();
    assert!(
        problem.contains("listen.tls") && problem.contains(&named),
        "{problem}"
    );
    Ok(())
}
