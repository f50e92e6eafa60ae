//! Receivers over TLS: trusted and not, with a client's certificate and without, over every transport.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::authority::{Authority, TlsReceiver};
use super::stage::{Stage, counts};

const PROTOCOLS: [&str; 3] = ["http/json", "http/protobuf", "grpc"];
const TRUST: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

/// Telemetry of one event to this address, flushed.
fn send(url: &str, protocol: &str, more: &[(&str, &str)]) -> Stage {
    let base = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
    ];
    let stage = Stage::new(0, &[&base[..], more].concat());
    stage.emit(1);
    assert!(stage.telemetry.flush());
    stage
}

#[track_caller]
fn check_delivered(receiver: &TlsReceiver, protocol: &str, more: &[(&str, &str)]) {
    let stage = send(
        &format!("https://localhost:{}", receiver.port),
        protocol,
        more,
    );
    assert_eq!(stage.events(), counts(1, 1, 0, 0, 0), "{}", stage.said());
    let got = receiver.next();
    let (path, content_type) = match protocol {
        "http/json" => ("/v1/logs", "application/json"),
        "http/protobuf" => ("/v1/logs", "application/x-protobuf"),
        _ => (otlp::grpc::path(contract::Signal::Logs), "application/grpc"),
    };
    assert_eq!(
        (got.path.as_str(), got.content_type.as_str()),
        (path, content_type)
    );
    // Servers of gRPC refuse who has not agreed to HTTP/2.
    assert_eq!(
        got.agreed.as_deref(),
        (protocol == "grpc").then_some(&b"h2"[..])
    );
    assert!(got.body.windows(10).any(|part| part == b"event.name"));
    assert_eq!(stage.said(), "");
}

/// Nothing arrives, the event is counted as lost, and the words are said.
#[track_caller]
fn check_refused(url: &str, protocol: &str, more: &[(&str, &str)], words: &[&str]) {
    let stage = send(url, protocol, more);
    assert_eq!(stage.events(), counts(1, 0, 0, 1, 2), "{}", stage.said());
    for word in words {
        assert!(stage.said().contains(word), "`{word}` in: {}", stage.said());
    }
}

#[test]
fn a_receiver_that_a_named_authority_vouches_for_is_trusted() {
    let authority = Authority::new("ours");
    let receiver = TlsReceiver::start(&authority.issue("localhost"), None);
    let file = authority.file();
    for protocol in PROTOCOLS {
        check_delivered(&receiver, protocol, &[(TRUST, &file)]);
        check_delivered(&receiver, protocol, &[("NODE_EXTRA_CA_CERTS", &file)]);
        let own = [
            (TRUST, "not there"),
            ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", &file),
        ];
        check_delivered(&receiver, protocol, &own);
    }
}

#[test]
fn a_receiver_that_nobody_vouches_for_gets_nothing() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let receiver = TlsReceiver::start(&theirs.issue("localhost"), None);
    let url = format!("https://localhost:{}", receiver.port);
    let words = ["certificate is not trusted", TRUST];
    for protocol in PROTOCOLS {
        check_refused(&url, protocol, &[(TRUST, &ours.file())], &words);
        // Beside the authorities of this system, whichever they are.
        check_refused(
            &url,
            protocol,
            &[("NODE_EXTRA_CA_CERTS", &ours.file())],
            &words,
        );
    }
    assert!(receiver.got.try_recv().is_err(), "nothing has arrived");
}

#[test]
fn authorities_beside_the_named_one_count_too() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let receiver = TlsReceiver::start(&theirs.issue("localhost"), None);
    let both = [
        (TRUST, &*ours.file()),
        ("NODE_EXTRA_CA_CERTS", &*theirs.file()),
    ];
    check_delivered(&receiver, "http/json", &both);
}

#[test]
fn another_host_s_certificate_and_an_expired_one_are_not_accepted() {
    let authority = Authority::new("ours");
    let trust = [(TRUST, &*authority.file())];
    let other = TlsReceiver::start(&authority.issue("other.example.com"), None);
    let url = format!("https://localhost:{}", other.port);
    for protocol in PROTOCOLS {
        check_refused(
            &url,
            protocol,
            &trust,
            &["another host's", "other.example.com"],
        );
    }
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("parameters");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let expired = TlsReceiver::start(&authority.issue_as(params), None);
    let url = format!("https://localhost:{}", expired.port);
    check_refused(&url, "http/json", &trust, &["has expired", "renewed"]);
}

#[test]
fn a_client_certificate_is_shown_where_one_is_demanded() {
    let authority = Authority::new("ours");
    let receiver = TlsReceiver::start(&authority.issue("localhost"), Some(&authority));
    let (certificate, key) = authority.client_files();
    let trust = (TRUST, &*authority.file());
    for protocol in PROTOCOLS {
        for (one, other) in [
            (
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            ),
            (
                "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
            ),
            ("CLAUDE_CODE_CLIENT_CERT", "CLAUDE_CODE_CLIENT_KEY"),
        ] {
            check_delivered(
                &receiver,
                protocol,
                &[trust, (one, &certificate), (other, &key)],
            );
        }
    }
}

#[test]
fn without_the_client_certificate_that_is_demanded_nothing_arrives_and_the_reason_is_said() {
    let authority = Authority::new("ours");
    let receiver = TlsReceiver::start(&authority.issue("localhost"), Some(&authority));
    let url = format!("https://localhost:{}", receiver.port);
    let trust = (TRUST, &*authority.file());
    let words = [
        "demands a client certificate",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    ];
    for protocol in PROTOCOLS {
        check_refused(&url, protocol, &[trust], &words);
    }
    let theirs = Authority::new("theirs");
    let (certificate, key) = theirs.client_files();
    let client = [
        trust,
        ("CLAUDE_CODE_CLIENT_CERT", certificate.as_str()),
        ("CLAUDE_CODE_CLIENT_KEY", key.as_str()),
    ];
    for protocol in PROTOCOLS {
        check_refused(
            &url,
            protocol,
            &client,
            &["may not accept the client certificate"],
        );
    }
    assert!(receiver.got.try_recv().is_err(), "nothing has arrived");
}

#[test]
fn a_receiver_that_does_not_speak_tls_is_named() {
    let authority = Authority::new("ours");
    let url = format!(
        "https://localhost:{}",
        answering("HTTP/1.1 400 Bad Request\r\n\r\n")
    );
    let words = ["does not speak TLS", "http://"];
    check_refused(&url, "http/json", &[(TRUST, &authority.file())], &words);
    let encrypted = TlsReceiver::start(&authority.issue("localhost"), None);
    let url = format!("http://localhost:{}", encrypted.port);
    check_refused(&url, "http/json", &[], &["https://"]);
}

#[test]
fn a_receiver_that_never_shakes_hands_holds_up_nobody() {
    let authority = Authority::new("ours");
    // Connections are made, and nobody takes them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let url = format!("https://localhost:{port}");
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
        (TRUST, &authority.file()),
    ];
    let stage = Stage::new(0, &settings);
    stage.emit(1);
    assert!(!stage.telemetry.flush_within(Duration::from_millis(50)));
    let ended = stage.telemetry.shutdown_within(Duration::from_millis(50));
    assert_eq!(ended.events, counts(1, 0, 0, 1, 0));
}

/// A port that says this to everybody who comes.
fn answering(text: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Who has gone already hears nothing.
            let _ = stream.write_all(text.as_bytes());
        }
    });
    port
}
