//! What an egress policy does to each signal: nothing leaves for a host that is not allowed, over no
//! transport, and all of it is counted and said.

use std::io::ErrorKind;
use std::net::TcpListener;

use super::authority::{Authority, TlsReceiver};
use super::stage::{FakeReceiver, Stage, counts, nobody};
use crate::counts::{Counts, SignalCounts};
use crate::settings::Layers;

const PROTOCOLS: [&str; 3] = ["http/json", "http/protobuf", "grpc"];
/// All three signals, sent when that is asked for.
const EVERYTHING: [(&str, &str); 8] = [
    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORT_INTERVAL", "3600000"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ("OTEL_TRACES_EXPORT_INTERVAL", "3600000"),
];

/// Everything, to this address, under this policy.
fn layers(url: &str, protocol: &str, egress: &str, more: &[(&str, &str)]) -> Layers {
    let to = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("TALLYBOOK_EGRESS", egress),
    ];
    Layers::of([&EVERYTHING[..], &to, more].concat())
}

/// A turn: an event, a data point and a span.
fn work(stage: &Stage) {
    let session = stage.telemetry.session_with_id("s");
    drop(session.interaction("a question"));
    session.count_commit();
    assert!(stage.telemetry.flush());
}

/// Of each signal one.
fn each(one: SignalCounts) -> Counts {
    Counts {
        events: one,
        points: one,
        spans: one,
    }
}

fn blocked() -> SignalCounts {
    SignalCounts {
        blocked: 1,
        ..counts(1, 0, 0, 0, 0)
    }
}

/// Each signal's receiver is named at the start, and each signal's loss when it happens.
#[track_caller]
fn check_blocked(stage: &Stage, host: &str) {
    let starts = format!("and not {host}: add it to");
    for signal in ["logs", "metrics", "traces"] {
        let at_start = format!("{signal}: nothing is sent: ");
        let said = stage.said();
        let line = said.lines().find(|line| line.contains(&at_start));
        assert!(
            line.is_some_and(|line| line.contains(&starts)),
            "{signal}: {said}"
        );
    }
    work(stage);
    assert_eq!(stage.telemetry.counts(), each(blocked()));
    for lost in ["1 log records", "1 data points", "1 spans"] {
        let lost = format!("{lost} blocked so far");
        assert!(stage.said().contains(&lost), "{lost}: {}", stage.said());
    }
}

/// Nobody has even tried to connect.
#[track_caller]
fn check_untouched(listener: &TcpListener) {
    listener.set_nonblocking(true).expect("set");
    let tried = listener.accept().map(|(_, from)| from);
    assert_eq!(
        tried.map_err(|error| error.kind()),
        Err(ErrorKind::WouldBlock)
    );
}

#[test]
fn what_may_not_be_reached_is_blocked_counted_and_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ran, spool) = (dir.path().join("ran"), dir.path().join("spool"));
    let helper = dir.path().join("settings.json");
    let command = format!("touch {}; echo '{{}}'", ran.display());
    let text = serde_json::json!({ "otelHeadersHelper": command }).to_string();
    std::fs::write(&helper, text).expect("written");
    let spooled = [("TALLYBOOK_SPOOL_DIR", spool.to_str().expect("text"))];
    let stage = |port: u16, egress: &str| {
        let url = format!("http://127.0.0.1:{port}");
        Stage::of(layers(&url, "http/json", egress, &spooled).user_file(&helper))
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    for policy in [
        "otel.example.com",
        "github=127.0.0.1",
        "none",
        "http://127.0.0.1",
    ] {
        check_blocked(&stage(port, policy), "127.0.0.1");
    }
    check_untouched(&listener);
    assert!(!ran.exists(), "no headers are asked for");
    assert!(!spool.exists(), "and nothing waits for better days");
    let receiver = FakeReceiver::start(Some(&[]));
    for policy in ["*", "127.0.0.1", "telemetry=127.0.0.1,github=*.example.com"] {
        let stage = stage(receiver.port, policy);
        work(&stage);
        let sent = each(counts(1, 1, 0, 0, 0));
        assert_eq!(stage.telemetry.counts(), sent, "{policy}");
        assert_eq!(stage.said(), "");
    }
}

#[test]
fn the_policy_holds_over_tls_for_every_signal_and_protocol() {
    let authority = Authority::new("ours");
    let receiver = TlsReceiver::start(&authority.issue("localhost"), None);
    let file = authority.file();
    let trust = [("OTEL_EXPORTER_OTLP_CERTIFICATE", &*file)];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let url = |port: u16| format!("https://localhost:{port}");
    for protocol in PROTOCOLS {
        // Another name of the host, and a domain that it is not below.
        for policy in ["127.0.0.1", "*.localhost"] {
            let stage = Stage::of(layers(&url(port), protocol, policy, &trust));
            check_blocked(&stage, "localhost");
        }
        // A policy speaks of hosts alone, and what it does not understand allows nothing.
        for entry in [format!("localhost:{port}"), url(port)] {
            let stage = Stage::of(layers(&url(port), protocol, &entry, &trust));
            let left_out = format!("TALLYBOOK_EGRESS: `{entry}` is left out");
            assert!(stage.said().contains(&left_out), "{}", stage.said());
            check_blocked(&stage, "localhost");
        }
        check_untouched(&listener);
        let stage = Stage::of(layers(&url(receiver.port), protocol, "LOCALHOST", &trust));
        work(&stage);
        let sent = each(counts(1, 1, 0, 0, 0));
        assert_eq!(stage.telemetry.counts(), sent, "{}", stage.said());
        let mut paths: Vec<String> = (0..3).map(|_| receiver.next().path).collect();
        paths.sort();
        let is_of = |signal: &str, path: &str| path.to_lowercase().contains(signal);
        let all = ["logs", "metrics", "trace"]
            .into_iter()
            .all(|signal| paths.iter().any(|path| is_of(signal, path)));
        assert!(all, "{protocol}: {paths:?}");
    }
}

#[test]
fn the_receiver_of_detailed_tracing_has_to_be_allowed_too() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let receiver = FakeReceiver::start(Some(&[]));
    let general = format!("http://127.0.0.1:{}", receiver.port);
    let own = format!("http://localhost:{port}");
    let detailed = [
        ("ENABLE_BETA_TRACING_DETAILED", "1"),
        ("BETA_TRACING_ENDPOINT", &*own),
    ];
    let stage = Stage::of(layers(&general, "http/json", "127.0.0.1", &detailed));
    let said = stage.said();
    assert_eq!(said.matches("and not localhost").count(), 2, "{said}");
    work(&stage);
    let expected = Counts {
        points: counts(1, 1, 0, 0, 0),
        ..each(blocked())
    };
    assert_eq!(stage.telemetry.counts(), expected);
    check_untouched(&listener);
    assert_eq!(receiver.next().path, "/v1/metrics");
    assert!(
        receiver.came.try_recv().is_err(),
        "nor does it go where it would have gone without"
    );
}

#[test]
fn what_waits_for_a_host_that_is_blocked_now_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = nobody();
    let url = format!("http://127.0.0.1:{port}");
    let spool = [("TALLYBOOK_SPOOL_DIR", dir.path().to_str().expect("text"))];
    let stage = |egress: &str| Stage::of(layers(&url, "http/json", egress, &spool));
    let away = stage("*");
    work(&away);
    let kept = away.telemetry.shutdown();
    assert_eq!(
        [kept.events, kept.points, kept.spans].map(|signal| signal.spooled),
        [1; 3]
    );
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let blocked = stage("none");
    assert!(blocked.telemetry.flush());
    assert_eq!(blocked.telemetry.counts(), Counts::default());
    check_untouched(&listener);
    listener.set_nonblocking(false).expect("set");
    let receiver = FakeReceiver::listen(listener, Some(&[]));
    let back = stage("*");
    assert!(back.telemetry.flush());
    let resent = each(SignalCounts {
        resent: 1,
        ..SignalCounts::default()
    });
    assert_eq!(back.telemetry.counts(), resent);
    let mut paths = [(); 3].map(|()| receiver.next().path);
    paths.sort();
    assert_eq!(paths, ["/v1/logs", "/v1/metrics", "/v1/traces"]);
}
