//! Which variables make spans, and what is said of those that do not.

use std::time::Duration;

use super::*;
use crate::finding::{Finding, Severity};
use crate::settings::Layers;
use crate::settings::Protocol;

const ON: [(&str, &str); 3] = [
    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
    ("OTEL_LOGS_EXPORTER", "otlp,console"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
];
const SPANS: (&str, &str) = ("OTEL_TRACES_EXPORTER", "otlp");

fn read(more: &[(&str, &str)]) -> (Settings, Vec<Finding>) {
    Settings::read(Layers::of(ON.into_iter().chain(more.iter().copied())))
}

#[track_caller]
fn good(more: &[(&str, &str)]) -> Settings {
    let (settings, findings) = read(more);
    assert_eq!(findings, [], "{more:?}");
    settings
}

/// One warning with these words, and no spans.
#[track_caller]
fn check_warning(more: &[(&str, &str)], words: &[&str]) {
    let (settings, findings) = read(more);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Warning);
    for word in words {
        assert!(
            findings[0].to_string().contains(word),
            "`{word}` in: {findings:?}"
        );
    }
    assert_eq!(settings.traces.exporters, []);
    assert!(!settings.tracing.is_detailed);
}

#[test]
fn spans_need_a_switch_and_an_exporter() {
    for switch in [BETA, BETA_ALIAS] {
        let settings = good(&[(switch, "1"), SPANS]);
        assert_eq!(settings.traces.exporters, [Exporter::Otlp]);
        let endpoint = settings.traces.endpoint.expect("one");
        assert_eq!(endpoint.url.as_str(), "http://localhost:4317/");
        assert_eq!(settings.traces.interval, Duration::from_secs(5));
    }
    assert_eq!(good(&[]).traces.exporters, []);
    assert_eq!(
        good(&[(BETA, "1"), (EXPORTERS, "none")]).traces.exporters,
        []
    );
    assert_eq!(good(&[(EXPORTERS, "none")]).traces.exporters, []);
    check_warning(&[SPANS], &[EXPORTERS, BETA]);
    check_warning(&[(BETA, "1")], &[BETA, EXPORTERS]);
    check_warning(
        &[("OTEL_LOG_TOOL_CONTENT", "1")],
        &["OTEL_LOG_TOOL_CONTENT", "spans only"],
    );
    let (settings, findings) = read(&[(BETA, "1"), (EXPORTERS, "prometheus")]);
    assert_eq!(
        (settings.traces.exporters.len(), findings.len()),
        (0, 1),
        "{findings:?}"
    );
}

#[test]
fn a_signal_s_own_words_hold_for_spans_too() {
    let settings = good(&[
        (BETA, "1"),
        ("OTEL_TRACES_EXPORTER", "console,otlp"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://a.example.com/x",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=one"),
        ("OTEL_TRACES_EXPORT_INTERVAL", "7"),
        ("OTEL_LOG_TOOL_CONTENT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "77"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "99"),
    ]);
    assert_eq!(
        settings.traces.exporters,
        [Exporter::Console, Exporter::Otlp]
    );
    let endpoint = settings.traces.endpoint.expect("one");
    assert_eq!(endpoint.url.as_str(), "http://a.example.com/x");
    assert_eq!(endpoint.headers, [("x-team".to_owned(), "one".to_owned())]);
    assert_eq!(settings.traces.interval, Duration::from_millis(7));
    assert!(settings.content.tool_content);
    let in_spans = settings.tracing.content(&settings.content).value_length_max;
    assert_eq!(
        (in_spans, settings.content.value_length_max),
        (Some(77), Some(99))
    );
}

#[test]
fn raw_bodies_open_the_gate_of_tools() {
    assert!(
        good(&[("OTEL_LOG_RAW_API_BODIES", "1")])
            .content
            .tool_content
    );
}

#[test]
fn detailed_tracing_needs_both_variables_and_takes_events_along() {
    check_warning(&[(DETAILED, "1")], &[DETAILED, DETAILED_ENDPOINT]);
    check_warning(
        &[(DETAILED_ENDPOINT, "http://a.example.com")],
        &[DETAILED_ENDPOINT, DETAILED],
    );
    // Beside spans of the usual kind too.
    let (settings, findings) = read(&[(DETAILED, "1"), (BETA, "1"), SPANS]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(settings.traces.exporters, [Exporter::Otlp]);
    assert!(!settings.tracing.is_detailed);
    let both = [
        (DETAILED, "1"),
        (DETAILED_ENDPOINT, "http://a.example.com/base"),
    ];
    let settings = good(&both);
    assert!(settings.tracing.is_detailed);
    assert_eq!(settings.traces.exporters, [Exporter::Otlp]);
    assert_eq!(settings.logs.exporters, [Exporter::Console, Exporter::Otlp]);
    let place = |export: SignalExport| {
        let endpoint = export.endpoint.expect("one");
        (endpoint.url.to_string(), endpoint.protocol)
    };
    let at = |path: &str| {
        (
            format!("http://a.example.com/base/v1/{path}"),
            Protocol::HttpJson,
        )
    };
    assert_eq!(place(settings.traces), at("traces"));
    assert_eq!(place(settings.logs), at("logs"));
    let wrong = [(DETAILED, "1"), (DETAILED_ENDPOINT, "a.example.com")];
    let (settings, findings) = read(&wrong);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (
            settings.tracing.is_detailed,
            settings.traces.exporters.len()
        ),
        (false, 0)
    );
}

#[test]
fn a_managed_endpoint_removes_that_of_detailed_tracing() {
    let dir = tempfile::tempdir().expect("a directory");
    let managed = dir.path().join("managed.json");
    let text = r#"{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"http://a.example.com"}}"#;
    std::fs::write(&managed, text).expect("written");
    let own = [(DETAILED, "1"), (DETAILED_ENDPOINT, "http://b.example.com")];
    let layers = Layers::of(ON.into_iter().chain(own)).managed_file(&managed);
    let (settings, findings) = Settings::read(layers);
    assert_eq!(settings.traces.exporters, []);
    let endpoint = settings.logs.endpoint.expect("one");
    assert_eq!(endpoint.url.as_str(), "http://a.example.com/");
    assert!(
        findings[0].to_string().contains("administrator"),
        "{findings:?}"
    );
}

#[test]
fn the_trace_around_the_program_is_read_unless_somebody_sits_there() {
    let outside = (
        "TRACEPARENT",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    let parent = good(&[outside, ("TRACESTATE", "a=b")])
        .tracing
        .parent
        .expect("one");
    assert_eq!(
        (parent.traceparent().as_str(), parent.state.as_deref()),
        (outside.1, Some("a=b"))
    );
    for (entrypoint, is_read) in [("sdk-cli", true), ("cli", false)] {
        let settings = good(&[outside, ("CLAUDE_CODE_ENTRYPOINT", entrypoint)]);
        assert_eq!(settings.tracing.parent.is_some(), is_read, "{entrypoint}");
    }
    check_warning(&[("TRACEPARENT", "nonsense")], &["TRACEPARENT", "W3C"]);
    assert!(
        good(&[("CLAUDE_CODE_PROPAGATE_TRACEPARENT", "1")])
            .tracing
            .propagates
    );
    assert!(!good(&[]).tracing.propagates);
}
