//! The way to a receiver: busy, refusing, hanging, away; what is counted and said.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::stage::{Answer, Came, FakeReceiver, Stage, counts, nobody};
use crate::counts::SignalCounts;
use crate::event::{AtMention, SkillActivated, ToolResult};
use crate::finding::Finding;
use crate::session::Start;
use crate::settings::Layers;

#[test]
fn a_busy_receiver_is_asked_again_with_the_same_bytes() {
    let receiver = FakeReceiver::start(Some(&[(503, "", "{}"), (429, "retry-after: 0\r\n", "{}")]));
    let stage = Stage::new(receiver.port, &[]);
    stage.emit(2);
    assert!(stage.telemetry.flush());
    let bodies = [
        receiver.next().body,
        receiver.next().body,
        receiver.next().body,
    ];
    assert!(bodies[0] == bodies[1] && bodies[1] == bodies[2]);
    assert_eq!(stage.events(), counts(2, 2, 0, 0, 2));
    assert!(stage.said().contains("HTTP 503"), "{}", stage.said());
}

#[test]
fn a_refusal_is_not_repeated_and_is_said() {
    let receiver = FakeReceiver::start(Some(&[(400, "", "{\"message\":\"no such tenant\"}")]));
    let stage = Stage::new(receiver.port, &[]);
    stage.emit(1);
    assert!(stage.telemetry.flush());
    stage.emit(2);
    assert!(stage.telemetry.flush());
    assert_eq!(stage.events(), counts(3, 2, 0, 1, 0));
    assert!(
        stage
            .said()
            .contains("HTTP 400: {\"message\":\"no such tenant\"}"),
        "{}",
        stage.said()
    );
}

#[test]
fn what_a_receiver_rejects_one_by_one_is_counted_and_said() {
    let partial =
        "{\"partialSuccess\":{\"rejectedLogRecords\":\"2\",\"errorMessage\":\"too old\"}}";
    let answers: &'static [Answer] = Box::leak(Box::new([(200, "", partial)]));
    let receiver = FakeReceiver::start(Some(answers));
    let stage = Stage::new(receiver.port, &[]);
    stage.emit(5);
    assert!(stage.telemetry.flush());
    assert_eq!(stage.events(), counts(5, 3, 2, 0, 0));
    assert!(
        stage
            .said()
            .contains("rejected 2 of 5 log records: too old"),
        "{}",
        stage.said()
    );
}

#[test]
fn a_receiver_that_is_away_costs_events_and_nothing_else() {
    let stage = Stage::new(nobody(), &[]);
    stage.emit(3);
    assert!(stage.telemetry.flush());
    assert_eq!(stage.events(), counts(3, 0, 0, 3, 2));
    assert!(
        stage.said().contains("3 attempts failed"),
        "{}",
        stage.said()
    );
}

#[test]
fn a_receiver_that_hangs_holds_up_nobody_and_the_queue_is_bounded() {
    let receiver = FakeReceiver::start(None);
    let stage = Stage::new(receiver.port, &[]);
    stage.emit(512);
    assert_eq!(receiver.next().events(), 512, "a full batch leaves at once");
    stage.emit(5000);
    assert_eq!(stage.events(), counts(5512, 0, 0, 5000 - 2048, 0));
    assert!(!stage.telemetry.flush_within(Duration::from_millis(50)));
    let Stage { telemetry, found } = stage;
    let ended = telemetry.shutdown_within(Duration::from_millis(50)).events;
    assert_eq!(ended, counts(5512, 0, 0, 5512, 0), "everything has a fate");
    let said = found
        .lock()
        .expect("whole")
        .iter()
        .map(Finding::to_string)
        .collect::<String>();
    assert!(said.contains("the queue is full"), "{said}");
}

#[test]
fn what_cannot_be_delivered_waits_on_disk_for_the_next_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let spool = dir.path().join("spool");
    let spool = ("TALLYBOOK_SPOOL_DIR", spool.to_str().expect("text"));
    for protocol in ["http/json", "http/protobuf"] {
        let port = nobody();
        let settings = [spool, ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let away = Stage::new(port, &settings);
        away.emit(3);
        assert!(away.telemetry.flush());
        away.emit(2);
        let kept = SignalCounts {
            spooled: 5,
            ..counts(5, 0, 0, 0, 2)
        };
        assert_eq!(
            away.telemetry.shutdown().events,
            kept,
            "the second batch is not waited for"
        );
        let receiver = FakeReceiver::listen(
            TcpListener::bind(("127.0.0.1", port)).expect("the port"),
            Some(&[]),
        );
        let back = Stage::new(port, &settings);
        back.emit(1);
        assert!(back.telemetry.flush());
        let sent = SignalCounts {
            resent: 5,
            ..counts(1, 1, 0, 0, 0)
        };
        assert_eq!(back.events(), sent);
        let sizes = [(); 3].map(|()| {
            receiver
                .next()
                .body
                .windows(10)
                .filter(|part| part == b"event.name")
                .count()
        });
        assert_eq!(sizes, [1, 3, 2]);
        assert!(back.telemetry.flush());
        assert!(receiver.came.try_recv().is_err(), "nothing is sent twice");
    }
}

#[test]
fn what_is_refused_for_good_does_not_wait() {
    let dir = tempfile::tempdir().expect("a directory");
    let receiver = FakeReceiver::start(Some(&[(400, "", "{}")]));
    let path = dir.path().to_str().expect("text");
    let stage = Stage::new(receiver.port, &[("TALLYBOOK_SPOOL_DIR", path)]);
    stage.emit(1);
    assert!(stage.telemetry.flush());
    assert_eq!(stage.events(), counts(1, 0, 0, 1, 0));
    assert_eq!(std::fs::read_dir(path).expect("readable").count(), 0);
}

#[test]
fn the_end_of_the_process_keeps_what_is_on_its_way() {
    let dir = tempfile::tempdir().expect("a directory");
    let receiver = FakeReceiver::start(None);
    let stage = Stage::new(
        receiver.port,
        &[("TALLYBOOK_SPOOL_DIR", dir.path().to_str().expect("text"))],
    );
    stage.emit(1000);
    assert_eq!(receiver.next().events(), 512);
    let ended = stage
        .telemetry
        .shutdown_within(Duration::from_millis(50))
        .events;
    let kept = SignalCounts {
        spooled: 1000,
        ..counts(1000, 0, 0, 0, 0)
    };
    assert_eq!(ended, kept);
}

#[test]
fn what_is_recorded_after_the_end_is_counted() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = Stage::new(receiver.port, &[]);
    let session = stage.telemetry.session_with_id("s");
    let counts_after = Arc::clone(&session.shared);
    stage.telemetry.shutdown();
    session.emit(AtMention::default());
    assert_eq!(counts_after.events.counts(), counts(1, 0, 0, 1, 0));
}

#[test]
fn a_batch_has_512_events_at_most() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = Stage::new(receiver.port, &[]);
    stage.emit(511);
    assert!(
        receiver.came.try_recv().is_err(),
        "it waits for the interval"
    );
    stage.emit(89);
    assert!(stage.telemetry.flush());
    let sizes = [receiver.next().events(), receiver.next().events()];
    assert_eq!(sizes, [512, 88]);
}

#[test]
fn the_interval_sends_and_the_end_sends_what_is_left() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = Stage::new(receiver.port, &[("OTEL_LOGS_EXPORT_INTERVAL", "1")]);
    stage.emit(1);
    assert_eq!(receiver.next().events(), 1);
    let stage = Stage::new(receiver.port, &[("OTEL_LOGS_EXPORT_INTERVAL", "0")]);
    stage.emit(1);
    assert_eq!(receiver.next().events(), 1);
    let stage = Stage::new(receiver.port, &[]);
    stage.emit(1);
    drop(stage);
    assert_eq!(receiver.next().events(), 1);
}

#[test]
fn each_signal_has_its_own_receiver_path_and_headers() {
    let (logs, metrics) = (
        FakeReceiver::start(Some(&[])),
        FakeReceiver::start(Some(&[])),
    );
    let prefixed = format!("http://127.0.0.1:{}/otlp/", logs.port);
    let own = format!("http://127.0.0.1:{}/only/metrics", metrics.port);
    let stage = Stage::new(
        0,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &prefixed),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &own),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "Authorization=Bearer a%2Cb, x-team = one",
            ),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-team=two"),
        ],
    );
    let session = stage.telemetry.session(Start::Fresh);
    session.emit(AtMention::default());
    assert!(stage.telemetry.flush());
    let (log, metric) = (logs.next(), metrics.next());
    let facts = |came: &Came| {
        let header = |name: &str| came.headers[name].clone();
        [
            came.path.clone(),
            header("content-type"),
            header("authorization"),
            header("x-team"),
        ]
    };
    assert_eq!(
        facts(&log),
        ["/otlp/v1/logs", "application/json", "Bearer a,b", "one"]
    );
    assert_eq!(
        facts(&metric),
        [
            "/only/metrics",
            "application/x-protobuf",
            "Bearer a,b",
            "two"
        ]
    );
    assert_eq!(stage.telemetry.counts().points, counts(1, 1, 0, 0, 0));
}

#[test]
fn bodies_are_compressed_when_asked() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = Stage::new(receiver.port, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]);
    stage.emit(1);
    assert!(stage.telemetry.flush());
    let came = receiver.next();
    assert_eq!(came.headers["content-encoding"], "gzip");
    let mut plain = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&came.body[..]).take(1 << 20);
    #[expect(clippy::disallowed_methods, reason = "the reader is cut off by take")]
    decoder.read_to_string(&mut plain).expect("gzip");
    assert!(plain.starts_with("{\"resourceLogs\""), "{plain}");
}

#[test]
fn the_helper_s_headers_win_and_are_never_said() {
    let receiver = FakeReceiver::start(Some(&[(401, "", "{}")]));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("settings.json");
    let text = format!(
        "{{\"otelHeadersHelper\": \"echo '{{\\\"x-token\\\": \\\"secret-2\\\"}}'\", \"env\": {{
            \"CLAUDE_CODE_ENABLE_TELEMETRY\": 1, \"OTEL_LOGS_EXPORTER\": \"otlp\",
            \"OTEL_EXPORTER_OTLP_PROTOCOL\": \"http/json\",
            \"OTEL_EXPORTER_OTLP_HEADERS\": \"x-token=secret-1\",
            \"OTEL_EXPORTER_OTLP_ENDPOINT\": \"http://127.0.0.1:{}\"}}}}",
        receiver.port
    );
    std::fs::write(&file, text).expect("written");
    let none: [(&str, &str); 0] = [];
    let stage = Stage::of(Layers::of(none).user_file(&file));
    stage.emit(1);
    assert!(stage.telemetry.flush());
    assert_eq!(receiver.next().headers["x-token"], "secret-2");
    assert!(
        stage.said().contains("HTTP 401") && !stage.said().contains("secret"),
        "{}",
        stage.said()
    );
}

#[test]
fn content_behind_a_shut_gate_is_in_no_request() {
    let receiver = FakeReceiver::start(Some(&[]));
    for (gate, is_shown) in [("0", false), ("1", true)] {
        let gates = [
            ("OTEL_LOG_USER_PROMPTS", gate),
            ("OTEL_LOG_TOOL_DETAILS", gate),
        ];
        let stage = Stage::new(receiver.port, &gates);
        let prompt = stage
            .telemetry
            .session_with_id("s")
            .prompt("a secret question");
        prompt.emit(ToolResult {
            tool_name: "mcp__secret__tool".to_owned(),
            error: Some("secret".to_owned()),
            tool_input: Some("{\"a\":\"secret\"}".to_owned()),
            ..ToolResult::default()
        });
        prompt.emit(SkillActivated {
            skill_name: "secret".into(),
            plugin_name: Some("secret".into()),
            ..SkillActivated::default()
        });
        assert!(stage.telemetry.flush());
        let text = receiver.next().text();
        assert_eq!(text.contains("secret"), is_shown, "{text}");
        assert_eq!(text.contains("\"custom_skill\""), !is_shown, "{text}");
        assert_eq!(text.contains("\"third-party\""), !is_shown, "{text}");
        assert_eq!(
            text.contains("\"prompt\",\"value\":{\"stringValue\":\"<REDACTED>\"}"),
            !is_shown
        );
    }
}

#[test]
fn telemetry_is_off_until_it_is_turned_on() {
    let none: [(&str, &str); 0] = [];
    for layers in [
        Layers::of(none),
        Layers::of([("CLAUDE_CODE_ENABLE_TELEMETRY", "1")]),
    ] {
        let stage = Stage::of(layers);
        assert!(!stage.telemetry.is_enabled());
        stage.emit(3);
        assert!(stage.telemetry.flush());
        assert_eq!(stage.events(), counts(0, 0, 0, 0, 0));
    }
}

/// What a listener answers to a request.
fn fetch(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let lines = BufReader::new(stream).lines();
    lines.map(|line| line.expect("text") + "\n").collect()
}

#[test]
fn prometheus_fetches_all_sums_since_the_start() {
    let receiver = FakeReceiver::start(Some(&[]));
    let stage = Stage::new(
        receiver.port,
        &[
            ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team.id=a%22b"),
        ],
    );
    let address = stage.telemetry.scrape_address().expect("one");
    let session = stage.telemetry.session_with_id("s1");
    session.count_lines(3, 0, "m");
    assert!(
        stage.telemetry.flush(),
        "what is sent does not start the sums anew"
    );
    session.count_lines(4, 0, "m");
    let series = "claude_code_lines_of_code_count_total{team_id=\"a\\\"b\",session_id=\"s1\",terminal_type=\"non-interactive\",type=\"added\",model=\"m\"} 7\n";
    for _ in 0..2 {
        let text = fetch(address, "GET /metrics");
        assert!(
            text.starts_with("HTTP/1.1 200") && text.contains("version=0.0.4"),
            "{text}"
        );
        assert!(text.contains(series), "{text}");
        assert!(
            text.contains("# TYPE claude_code_lines_of_code_count_total counter\n"),
            "{text}"
        );
        assert!(
            text.contains("target_info{team_id=\"a\\\"b\",")
                && text.contains("service_name=\"test\""),
            "{text}"
        );
    }
    assert!(fetch(address, "GET /").starts_with("HTTP/1.1 404"));
    assert!(fetch(address, "POST /metrics").starts_with("HTTP/1.1 405"));
    assert_eq!(
        stage.telemetry.counts().points,
        counts(2, 2, 0, 0, 0),
        "only what is sent is counted"
    );
    let taken = address.port().to_string();
    let second = Stage::new(
        receiver.port,
        &[
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", &taken),
        ],
    );
    assert_eq!(second.telemetry.scrape_address(), None);
    assert!(
        second.said().contains("cannot be listened on"),
        "{}",
        second.said()
    );
}
