//! Cowork's settings as files: what they turn on, what they shut, and what is said of mistakes.

use std::time::Duration;

use serde_json::json;

use crate::finding::{Finding, Severity};
use crate::settings::{Egress, Exporter, HeadersHelper, Layers, Protocol, Settings};

/// The settings of this file over these variables.
fn over(file: &str, variables: &[(&str, &str)]) -> (Settings, Vec<Finding>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("cowork.json");
    std::fs::write(&path, file).expect("written");
    Settings::read(Layers::of(variables.iter().copied()).cowork_file(&path))
}

#[track_caller]
fn good(file: serde_json::Value, variables: &[(&str, &str)]) -> Settings {
    let (settings, findings) = over(&file.to_string(), variables);
    assert_eq!(findings, [], "{file}");
    settings
}

const ADDRESS: &str = "http://otel.example.com:4318";

fn gates(settings: &Settings) -> [bool; 5] {
    let content = &settings.content;
    [
        content.prompts,
        content.responses,
        content.tool_details,
        content.tool_content,
        content.raw_bodies,
    ]
}

#[test]
fn the_fields_of_the_form() {
    let form = json!({
        "deploymentMode": "1p",
        "otlpEndpoint": ADDRESS,
        "otlpProtocol": "http/json",
        "otlpHeaders": "Authorization=Bearer one%2Ctwo,x-team=a",
    });
    let settings = good(form, &[]);
    assert!(settings.is_enabled);
    let endpoint = settings.logs.endpoint.as_ref().expect("one");
    assert_eq!(endpoint.url.as_str(), format!("{ADDRESS}/v1/logs"));
    assert_eq!(endpoint.protocol, Protocol::HttpJson);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers = [pair("authorization", "Bearer one,two"), pair("x-team", "a")];
    assert_eq!(endpoint.headers, headers);
    assert_eq!(
        settings.metrics.exporters,
        [],
        "the vendor's service has none"
    );
    assert_eq!(gates(&settings), [true, true, true, false, false]);
    let nothing = good(json!({"otlpEndpoint": ""}), &[]);
    assert!(!nothing.is_enabled, "an address is what turns it on");
}

#[test]
fn the_managed_keys_of_the_app() {
    let keys = json!({
        "otlpEndpoint": ADDRESS,
        "otlpHeaders": {"Authorization": "Bearer a, b", "x-percent": "5%"},
        "otlpHeadersHelper": "/opt/my tools/it's",
        "otlpResourceAttributes": {"team.id": "data science"},
        "otlpContentCapture": ["toolDetails"],
        "otlpTracesEnabled": false,
        "otlpAuthMode": "none",
        "otlpDesktopLogLevel": "info",
    });
    let settings = good(keys.clone(), &[]);
    let endpoint = settings.metrics.endpoint.as_ref().expect("one");
    assert_eq!(endpoint.url.as_str(), format!("{ADDRESS}/v1/metrics"));
    assert_eq!(endpoint.protocol, Protocol::HttpProtobuf, "the standard");
    let values: Vec<&str> = endpoint
        .headers
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values, ["Bearer a, b", "5%"]);
    let pair = ("team.id".to_owned(), "data science".to_owned());
    assert_eq!(settings.resource_attributes, [pair]);
    assert_eq!(gates(&settings), [false, false, true, false, false]);
    assert_eq!(settings.metrics.exporters, [Exporter::Otlp]);
    let helper = HeadersHelper {
        command: r"'/opt/my tools/it'\''s'".to_owned(),
        refresh: Duration::from_secs(29 * 60),
    };
    assert_eq!(settings.headers_helper, Some(helper));
    // Systems keep every value as a text.
    let texts = keys
        .as_object()
        .expect("an object")
        .iter()
        .map(|(key, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (key.clone(), text.into())
        });
    let texts = serde_json::Value::Object(texts.collect());
    assert_eq!(good(texts, &[]), settings);
}

#[test]
fn content_is_captured_as_said_whatever_the_environment_says() {
    let bodies = std::env::temp_dir().join("bodies");
    let bodies = format!("file:{}", bodies.display());
    let everything = [
        ("OTEL_LOG_USER_PROMPTS", "1"),
        ("OTEL_LOG_ASSISTANT_RESPONSES", "1"),
        ("OTEL_LOG_TOOL_DETAILS", "1"),
        ("OTEL_LOG_TOOL_CONTENT", "1"),
        ("OTEL_LOG_RAW_API_BODIES", &*bodies),
    ];
    let check = |keys: serde_json::Value, expected: [bool; 5]| {
        let mut file = json!({"otlpEndpoint": ADDRESS, "otlpTracesEnabled": true});
        for (key, value) in keys.as_object().expect("an object") {
            file[key] = value.clone();
        }
        for variables in [&everything[..], &[]] {
            let settings = good(file.clone(), variables);
            assert_eq!(gates(&settings), expected, "{file}");
            assert_eq!(settings.content.body_dir, None, "{file}");
        }
    };
    let (off, on) = (false, true);
    check(json!({}), [off; 5]);
    check(json!({"deploymentMode": "3p"}), [off; 5]);
    check(json!({"deploymentMode": "1p"}), [on, on, on, off, off]);
    let first =
        |list: serde_json::Value| json!({"deploymentMode": "1p", "otlpContentCapture": list});
    check(first(json!([])), [off; 5]);
    check(first(json!(["userPrompts"])), [on, on, off, off, off]);
    check(
        first(json!(["assistantResponses"])),
        [off, on, off, off, off],
    );
    check(first(json!(["toolDetails"])), [off, off, on, off, off]);
    check(first(json!(["toolContent"])), [off, off, off, on, off]);
    check(json!({"otlpContentCapture": ["rawApiBodies"]}), [on; 5]);
    // A file that says nothing of content leaves it to others.
    let only_hosts = json!({"coworkEgressAllowedHosts": ["*"]});
    let on_by_variables = [&[("CLAUDE_CODE_ENABLE_TELEMETRY", "1")], &everything[..1]].concat();
    assert_eq!(
        gates(&good(only_hosts, &on_by_variables)),
        [on, on, off, off, off]
    );
}

/// Spans by every variable there is.
const SPANS: [(&str, &str); 3] = [
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
    ("ENABLE_ENHANCED_TELEMETRY_BETA", "1"),
    ("OTEL_TRACES_EXPORTER", "otlp,console"),
];

#[test]
fn spans_are_sent_as_the_file_says_whatever_the_environment_says() {
    let check = |file: serde_json::Value, expected: &[Exporter]| {
        for variables in [&SPANS[..], &[]] {
            let settings = good(file.clone(), variables);
            assert_eq!(settings.traces.exporters, expected, "{file}");
            let url = settings.traces.endpoint.map(|endpoint| endpoint.url);
            let url = url.as_ref().map(url::Url::as_str);
            let sent = format!("{ADDRESS}/v1/traces");
            assert_eq!(url, (!expected.is_empty()).then_some(&*sent), "{file}");
        }
    };
    check(json!({"otlpEndpoint": ADDRESS}), &[]);
    let traced =
        |is_on: serde_json::Value| json!({"otlpEndpoint": ADDRESS, "otlpTracesEnabled": is_on});
    check(traced(json!(false)), &[]);
    check(traced(json!(true)), &[Exporter::Otlp]);
    check(traced(json!("true")), &[Exporter::Otlp]);
    let mut first = traced(json!(true));
    first["deploymentMode"] = json!("1p");
    check(first, &[Exporter::Otlp]);
    // A file that names no receiver and is silent on spans leaves them to others.
    let on = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ];
    let silent = good(json!({}), &[&on[..], &SPANS].concat());
    assert_eq!(silent.traces.exporters, [Exporter::Otlp, Exporter::Console]);
}

#[test]
fn detailed_tracing_does_not_go_past_the_file() {
    let own = [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("ENABLE_BETA_TRACING_DETAILED", "1"),
        ("BETA_TRACING_ENDPOINT", "http://b.example.com"),
    ];
    for (file, reason, exporters) in [
        (
            json!({"otlpTracesEnabled": false}),
            "turned ENABLE_BETA_TRACING_DETAILED off",
            vec![],
        ),
        (
            json!({"otlpEndpoint": ADDRESS}),
            "turned ENABLE_BETA_TRACING_DETAILED off",
            vec![],
        ),
        (
            json!({"otlpEndpoint": ADDRESS, "otlpTracesEnabled": true}),
            "set OTEL_EXPORTER_OTLP_ENDPOINT",
            vec![Exporter::Otlp],
        ),
    ] {
        let (settings, findings) = over(&file.to_string(), &own);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let said = findings[0].to_string();
        assert!(
            said.contains("BETA_TRACING_ENDPOINT: is left out") && said.contains(reason),
            "{said}"
        );
        assert_eq!(settings.traces.exporters, exporters, "{file}");
        assert!(!settings.tracing.is_detailed, "{file}");
        let hosts = [settings.logs, settings.traces].map(|export| {
            let url = export.endpoint.map(|endpoint| endpoint.url);
            url.and_then(|url| url.host_str().map(str::to_owned))
        });
        let elsewhere = Some("b.example.com".to_owned());
        assert!(!hosts.contains(&elsewhere), "{file}");
    }
}

#[test]
fn attributes_of_spans_have_a_length() {
    for (chars, expected) in [
        (json!(null), 4_000),
        (json!(256), 256),
        (json!("32000"), 32_000),
    ] {
        let file = json!({
            "otlpEndpoint": ADDRESS, "otlpTracesEnabled": true, "otlpAttrMaxChars": chars,
        });
        let settings = good(file, &[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9999")]);
        assert_eq!(settings.tracing.value_length_max, Some(expected), "{chars}");
        assert_eq!(settings.content.value_length_max, None, "of spans alone");
    }
}

#[test]
fn hosts_that_may_be_reached() {
    let check = |hosts: serde_json::Value, expected: &str| {
        let file = json!({"otlpEndpoint": ADDRESS, "coworkEgressAllowedHosts": hosts});
        let settings = good(file, &[("TALLYBOOK_EGRESS", "*")]);
        assert_eq!(settings.egress.to_string(), expected);
    };
    check(
        json!(["*.example.com", "a.example.org"]),
        "*.example.com, a.example.org",
    );
    check(json!("[\"otel.example.com\"]"), "otel.example.com");
    check(json!([]), "none");
    check(json!(["a.example.com", "*"]), "*");
    let silent = good(json!({"otlpEndpoint": ADDRESS}), &[]);
    assert_eq!(silent.egress, Egress::All);
}

#[test]
fn the_administrator_s_word_is_above_all_others() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let form = json!({"otlpEndpoint": ADDRESS, "otlpTracesEnabled": true});
    let cowork = path("c.json", &form.to_string());
    let env = |name: &str| json!({"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": name}}).to_string();
    let own = ["LOGS", "TRACES"].map(|signal| {
        let name = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
        (name, "http://d.example.com")
    });
    let layers = Layers::of(own)
        .user_file(&path("u.json", &env("http://u.example.com")))
        .managed_file(&path("m.json", &env("http://m.example.com")))
        .cowork_file(&cowork);
    let (settings, findings) = Settings::read(layers);
    for (export, signal) in [(settings.logs, "logs"), (settings.traces, "traces")] {
        let url = export.endpoint.expect("one").url;
        assert_eq!(url.as_str(), format!("{ADDRESS}/v1/{signal}"));
    }
    assert_eq!(findings.len(), 2, "{findings:?}");
    for finding in findings {
        let said = finding.to_string();
        assert!(said.contains("the administrator has set"), "{said}");
    }
}

#[test]
fn what_is_odd_is_said_under_the_form_s_own_names() {
    let check = |key: &str, value: serde_json::Value, severity: Severity, words: &[&str]| {
        let mut file = json!({"otlpEndpoint": ADDRESS});
        file[key] = value;
        let (settings, findings) = over(&file.to_string(), &[]);
        assert!(settings.is_enabled, "{file}");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].severity, severity, "{findings:?}");
        let said = findings[0].to_string();
        for word in [&[key], words].concat() {
            assert!(said.contains(word), "`{word}` in: {said}");
        }
        settings
    };
    let (warning, error) = (Severity::Warning, Severity::Error);
    let settings = check("otlpProtocol", json!("grpc"), warning, &["http/protobuf"]);
    let protocol = settings.logs.endpoint.expect("one").protocol;
    assert_eq!(protocol, Protocol::HttpProtobuf);
    let settings = check(
        "otlpEndpoint",
        json!(format!("{ADDRESS}/v1/logs")),
        warning,
        &["without it"],
    );
    let url = settings.logs.endpoint.expect("one").url;
    assert_eq!(url.as_str(), format!("{ADDRESS}/v1/logs/v1/logs"));
    check(
        "otlpContentCapture",
        json!(["prompts"]),
        warning,
        &["`prompts`", "userPrompts"],
    );
    check(
        "otlpAuthMode",
        json!("inference-credential"),
        error,
        &["otlpHeaders"],
    );
    check(
        "otlpAttrMaxChars",
        json!(400),
        warning,
        &["of spans only", "otlpTracesEnabled"],
    );
    check(
        "otlpContentCapture",
        json!(["toolContent"]),
        warning,
        &["OTEL_LOG_TOOL_CONTENT", "no spans are sent"],
    );
    for (chars, holds) in [(255, "256 holds"), (32_001, "32000 holds")] {
        let file = json!({
            "otlpEndpoint": ADDRESS, "otlpTracesEnabled": true, "otlpAttrMaxChars": chars,
        });
        let (_, findings) = over(&file.to_string(), &[]);
        let said = findings.iter().map(Finding::to_string).collect::<String>();
        assert!(
            said.contains("otlpAttrMaxChars") && said.contains(holds),
            "{said}"
        );
    }
    check("endUserAttribution", json!(true), error, &["enduser.id"]);
    check("otlpHeaders", json!("Bearer secret"), warning, &["no `=`"]);
    check(
        "coworkEgressAllowedHosts",
        json!(["*", "http://x"]),
        warning,
        &["`http://x`", "no host"],
    );
    let udp = json!({"otlpEndpoint": ADDRESS, "otlpProtocol": "udp"}).to_string();
    let (settings, findings) = over(&udp, &[]);
    assert_eq!((settings.logs.exporters, findings.len()), (vec![], 1));
    let said = findings[0].to_string();
    assert!(
        said.starts_with("otlpProtocol (OTEL_EXPORTER_OTLP_PROTOCOL): "),
        "{said}"
    );
}

#[test]
fn a_file_that_cannot_be_trusted_turns_telemetry_off_and_repeats_no_secret() {
    let on = [("CLAUDE_CODE_ENABLE_TELEMETRY", "1")];
    for broken in [
        "\"secret\"",
        "{\"otlpHeaders\": \"secret\"",
        "{\"otlpHeaders\": [\"secret\"]}",
        "{\"otlpHeaders\": \"{secret\"}",
        "{\"otlpHeaders\": {\"x\": [\"secret\"]}}",
        "{\"otlpContentCapture\": \"userPrompts\"}",
        "{\"coworkEgressAllowedHosts\": {}}",
        "{\"coworkEgressAllowedHosts\": [1]}",
        "{\"otlpEndpoint\": 4318}",
        "{\"otlpTracesEnabled\": \"maybe\"}",
        "{\"otlpAttrMaxChars\": \"many\"}",
        "{\"otlpAttrMaxChars\": -1}",
        "{\"deploymentMode\": \"2p\"}",
        "{\"otlp\": {\"endpoint\": \"http://x\"}}",
    ] {
        let (settings, findings) = over(broken, &on);
        assert!(!settings.is_enabled, "{broken}");
        let said = findings.iter().map(Finding::to_string).collect::<String>();
        assert!(
            said.contains("cowork.json") && !said.contains("secret"),
            "{said}"
        );
    }
    let nowhere = Layers::of(on).cowork_file(std::path::Path::new("nowhere.json"));
    let (settings, findings) = Settings::read(nowhere);
    assert!(!settings.is_enabled && findings[0].to_string().contains("is not there"));
}
