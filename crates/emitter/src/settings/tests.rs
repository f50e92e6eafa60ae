//! What each setting does, as data: variables in, settings and findings out.

use super::*;
use crate::finding::Severity;

const ON: (&str, &str) = ("CLAUDE_CODE_ENABLE_TELEMETRY", "1");

fn read(variables: &[(&str, &str)]) -> (Settings, Vec<Finding>) {
    let all = [ON].into_iter().chain(variables.iter().copied());
    Settings::read(Layers::of(all))
}

/// The settings of variables with which nothing is wrong.
#[track_caller]
fn good(variables: &[(&str, &str)]) -> Settings {
    let (settings, findings) = read(variables);
    assert_eq!(findings, [], "{variables:?}");
    settings
}

/// Each finding's severity is as given, and its line holds the words.
#[track_caller]
fn finds(variables: &[(&str, &str)], expected: &[(Severity, &[&str])]) -> Settings {
    let (settings, findings) = read(variables);
    assert_eq!(findings.len(), expected.len(), "{findings:?}");
    for (finding, (severity, words)) in findings.iter().zip(expected) {
        assert_eq!(finding.severity, *severity, "{finding}");
        for word in *words {
            assert!(finding.to_string().contains(word), "`{word}` in: {finding}");
        }
    }
    settings
}

const LOGS_TO: [(&str, &str); 2] = [
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
];

#[track_caller]
fn check_url(more: &[(&str, &str)], expected: &str) {
    let settings = good(&[&LOGS_TO[..], more].concat());
    let endpoint = settings.logs.endpoint.expect("an endpoint");
    assert_eq!(endpoint.url.as_str(), expected);
}

#[test]
fn the_master_switch() {
    for (word, is_on) in [("1", true), ("true", true), ("0", false), ("no", false)] {
        let layers = Layers::of([("CLAUDE_CODE_ENABLE_TELEMETRY", word)]);
        assert_eq!(Settings::read(layers).0.is_enabled, is_on, "{word}");
    }
    let (settings, findings) =
        Settings::read(Layers::of([("CLAUDE_CODE_ENABLE_TELEMETRY", "maybe")]));
    assert!(!settings.is_enabled && findings.len() == 1, "{findings:?}");
    let off: [(&str, &str); 0] = [];
    assert_eq!(
        Settings::read(Layers::of(off)),
        (Settings::default(), vec![])
    );
}

#[test]
fn endpoints() {
    check_url(&[], "http://localhost:4318/v1/logs");
    let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
    check_url(
        &[(base, "http://c.example.com:1/")],
        "http://c.example.com:1/v1/logs",
    );
    check_url(
        &[(base, "http://c.example.com/a/b")],
        "http://c.example.com/a/b/v1/logs",
    );
    let own = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
    check_url(
        &[
            (base, "http://a.example.com"),
            (own, "http://b.example.com/x"),
        ],
        "http://b.example.com/x",
    );
    check_url(
        &[("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")],
        "http://localhost:4317/",
    );
    let wrong = [
        ("ftp://c.example.com", "https://HOST:PORT"),
        ("c.example.com:4318", "http://HOST:PORT"),
        ("::", "no URL"),
        (
            "http://ada:secret@c.example.com",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ),
    ];
    for (url, word) in wrong {
        let variables = [LOGS_TO[0], LOGS_TO[1], (base, url)];
        let settings = finds(&variables, &[(Severity::Error, &[base, word])]);
        assert_eq!(settings.logs.exporters, []);
    }
}

#[test]
fn exporters_and_protocols() {
    let both = good(&[("OTEL_LOGS_EXPORTER", "console, otlp,console"), LOGS_TO[1]]);
    assert_eq!(both.logs.exporters, [Exporter::Console, Exporter::Otlp]);
    assert_eq!(both.metrics.exporters, []);
    let none = good(&[
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "console"),
    ]);
    assert_eq!(
        (none.logs.exporters, none.metrics.exporters),
        (vec![], vec![Exporter::Console])
    );
    let unset: &[&str] = &["OTEL_EXPORTER_OTLP_PROTOCOL", "not set", "http/protobuf"];
    finds(&[LOGS_TO[0]], &[(Severity::Error, unset)]);
    let odd = [LOGS_TO[0], ("OTEL_EXPORTER_OTLP_PROTOCOL", "http")];
    finds(&odd, &[(Severity::Error, &["`http` is no protocol"])]);
    let scrape = good(&[
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        LOGS_TO[1],
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9999"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
    ]);
    assert_eq!(
        scrape.metrics.exporters,
        [Exporter::Otlp, Exporter::Prometheus]
    );
    assert_eq!(scrape.scrape, ("127.0.0.1".to_owned(), 9999));
    assert_eq!(good(&[]).scrape, ("localhost".to_owned(), 9464));
    let logs = [("OTEL_LOGS_EXPORTER", "prometheus")];
    finds(&logs, &[(Severity::Error, &["no exporter of logs"])]);
    let port = [("OTEL_EXPORTER_PROMETHEUS_PORT", "70000")];
    finds(&port, &[(Severity::Warning, &["is no port"])]);
    finds(
        &[("OTEL_LOGS_EXPORTER", "file")],
        &[(Severity::Error, &["`file` is no exporter"])],
    );
}

#[test]
fn intervals_timeouts_compression_temporality() {
    let standard = good(&LOGS_TO);
    assert_eq!(standard.logs.interval, Duration::from_secs(5));
    assert_eq!(standard.metrics.interval, Duration::from_secs(60));
    assert_eq!(standard.temporality, Temporality::Delta);
    let endpoint = standard.logs.endpoint.expect("one");
    assert_eq!(
        (endpoint.compression, endpoint.timeout),
        (Compression::None, Duration::from_secs(10))
    );
    let set = good(&[
        LOGS_TO[0],
        LOGS_TO[1],
        ("OTEL_LOGS_EXPORT_INTERVAL", "0"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "Cumulative",
        ),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "250"),
        ("CLAUDE_CODE_OTEL_FLUSH_TIMEOUT_MS", "7"),
        ("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS", "8"),
        ("CLAUDE_CODE_OTEL_DIAG_STDERR", "1"),
    ]);
    assert_eq!(
        (set.logs.interval, set.metrics.interval),
        (Duration::ZERO, Duration::from_secs(1))
    );
    assert_eq!(set.temporality, Temporality::Cumulative);
    assert_eq!(
        (
            set.flush_timeout.as_millis(),
            set.shutdown_timeout.as_millis()
        ),
        (7, 8)
    );
    assert!(set.is_diagnosed_on_stderr);
    let endpoint = set.logs.endpoint.expect("one");
    assert_eq!(
        (endpoint.compression, endpoint.timeout.as_millis()),
        (Compression::Gzip, 250)
    );
    let odd = [
        LOGS_TO[0],
        LOGS_TO[1],
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "br"),
        ("OTEL_LOGS_EXPORT_INTERVAL", "5s"),
    ];
    let expected: &[(Severity, &[&str])] = &[
        (Severity::Warning, &["OTEL_LOGS_EXPORT_INTERVAL", "`5s`"]),
        (Severity::Warning, &["`br` is no compression"]),
    ];
    assert_eq!(finds(&odd, expected).logs.interval, Duration::from_secs(5));
    let odd = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sum")];
    finds(&odd, &[(Severity::Warning, &["`sum` is no temporality"])]);
}

#[test]
fn content_gates() {
    let gates = |content: &Content| {
        let Content {
            prompts,
            responses,
            tool_details,
            raw_bodies,
            managed_settings,
            ..
        } = *content;
        [
            prompts,
            responses,
            tool_details,
            raw_bodies,
            managed_settings,
        ]
    };
    let check = |variables: &[(&str, &str)], expected: [bool; 5]| {
        assert_eq!(gates(&good(variables).content), expected, "{variables:?}");
    };
    let (off, on) = (false, true);
    check(&[], [off; 5]);
    check(&[("OTEL_LOG_USER_PROMPTS", "1")], [on, on, off, off, off]);
    check(
        &[
            ("OTEL_LOG_USER_PROMPTS", "1"),
            ("OTEL_LOG_ASSISTANT_RESPONSES", "0"),
        ],
        [on, off, off, off, off],
    );
    check(
        &[("OTEL_LOG_ASSISTANT_RESPONSES", "1")],
        [off, on, off, off, off],
    );
    check(
        &[("OTEL_LOG_TOOL_DETAILS", "true")],
        [off, off, on, off, off],
    );
    check(&[("OTEL_LOG_RAW_API_BODIES", "1")], [on, on, on, on, off]);
    check(
        &[("OTEL_LOG_MANAGED_SETTINGS", "1")],
        [off, off, off, off, on],
    );
    let limits = good(&[
        ("CLAUDE_CODE_OTEL_CONTENT_MAX_LENGTH", "1000"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "99"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "88"),
    ]);
    assert_eq!(
        (limits.content.length_max, limits.content.value_length_max),
        (1000, Some(88))
    );
    let files = |dir: &str| format!("file:{dir}");
    let settings = good(&[("OTEL_LOG_RAW_API_BODIES", &files("bodies"))]);
    assert_eq!(gates(&settings.content), [on, on, on, on, off]);
    let here = std::env::current_dir().expect("a directory");
    assert_eq!(settings.content.body_dir, Some(here.join("bodies")));
    let none = [("OTEL_LOG_RAW_API_BODIES", &*files(""))];
    let words: &[&str] = &["OTEL_LOG_RAW_API_BODIES", "file:/a/directory"];
    let settings = finds(&none, &[(Severity::Error, words)]);
    assert_eq!(gates(&settings.content), [off; 5]);
}

#[test]
fn cardinality_and_identity() {
    assert_eq!(good(&[]).include, Include::default());
    let all = good(&[
        ("OTEL_METRICS_INCLUDE_SESSION_ID", "false"),
        ("OTEL_METRICS_INCLUDE_ACCOUNT_UUID", "false"),
        ("OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES", "false"),
        ("OTEL_METRICS_INCLUDE_VERSION", "true"),
        ("OTEL_METRICS_INCLUDE_ENTRYPOINT", "true"),
        ("OTEL_METRICS_INCLUDE_REPOSITORY", "true"),
        ("CLAUDE_CODE_USER_EMAIL", "ada@example.com"),
        ("CLAUDE_CODE_WORKSPACE_HOST_PATHS", "/a|/b"),
        ("TERM", "xterm"),
        ("TERM_PROGRAM", "vscode"),
    ]);
    let expected = Include {
        session_id: false,
        account_uuid: false,
        resource_attributes: false,
        version: true,
        entrypoint: true,
        repository: true,
    };
    assert_eq!(all.include, expected);
    assert_eq!(all.identity.user_email.as_deref(), Some("ada@example.com"));
    assert_eq!(all.identity.terminal.as_deref(), Some("vscode"));
    assert_eq!(all.identity.workspace_host_paths, ["/a", "/b"]);
    assert_eq!(
        good(&[]).identity.terminal.as_deref(),
        Some("non-interactive")
    );
}

#[test]
fn resource_attributes_by_baggage() {
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let pairs = |text: &str| good(&[(name, text)]).resource_attributes;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        pairs("team.id=platform, cost_center = eng%2D1,team.id=data%20science,e="),
        [
            pair("team.id", "data science"),
            pair("cost_center", "eng-1"),
            pair("e", "")
        ]
    );
    assert_eq!(pairs("a=b=c"), [pair("a", "b=c")]);
    for (text, words) in [
        (
            "ok=1,team=data science",
            ["`team`", "a space", "Write team=data%20science"],
        ),
        (
            "ok=1,team=\"data\"",
            ["`team`", "a quote", "team=%22data%22"],
        ),
        (
            "ok=1,team=Münster",
            ["`team`", "not ASCII", "team=M%C3%BCnster"],
        ),
        ("ok=1,team=a;b", ["`team`", "a semicolon", "team=a%3Bb"]),
        ("ok=1,team=a\\b", ["`team`", "a backslash", "team=a%5Cb"]),
        ("ok=1,lonely", ["`lonely`", "no `=`", "%2C"]),
        (
            "ok=1,my team=x",
            ["`my team`", "a key is made of", "letters"],
        ),
        ("ok=1,team=%FF", ["`team`", "not UTF-8", "%25"]),
    ] {
        let settings = finds(&[(name, text)], &[(Severity::Warning, &words)]);
        assert_eq!(settings.resource_attributes, [pair("ok", "1")], "{text}");
    }
    let long = format!("team={}", "x".repeat(256));
    finds(&[(name, &long)], &[(Severity::Warning, &["255"])]);
}

#[test]
fn headers_are_never_repeated_in_findings() {
    let line = "authorization=Bearer secret,no-equals-secret,bad name=secret,x=%00secret";
    let variables = [LOGS_TO[0], LOGS_TO[1], ("OTEL_EXPORTER_OTLP_HEADERS", line)];
    let (settings, findings) = read(&variables);
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(
        findings
            .iter()
            .all(|finding| !finding.to_string().contains("secret")),
        "{findings:?}"
    );
    let headers = settings.logs.endpoint.expect("one").headers;
    assert_eq!(
        headers,
        [("authorization".to_owned(), "Bearer secret".to_owned())]
    );
}

/// Settings files of this content over an environment.
fn with_files(managed: &str, user: &str, environment: &[(&str, &str)]) -> (Settings, Vec<Finding>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        if !text.is_empty() {
            std::fs::write(&path, text).expect("written");
        }
        path
    };
    let layers = Layers::of(environment.iter().copied())
        .user_file(&path("user.json", user))
        .managed_file(&path("managed.json", managed));
    Settings::read(layers)
}

#[test]
fn managed_settings_over_user_settings_over_the_environment() {
    let name = |managed: &str, user: &str| {
        let environment = [ON, ("OTEL_SERVICE_NAME", "environment")];
        with_files(managed, user, &environment)
            .0
            .service_name
            .expect("one")
    };
    let says =
        |word: &str| format!("{{\"env\":{{\"OTEL_SERVICE_NAME\":\"{word}\"}},\"model\":\"x\"}}");
    assert_eq!(name("", ""), "environment");
    assert_eq!(name("", &says("user")), "user");
    assert_eq!(name(&says("managed"), &says("user")), "managed");
    let off = "{\"env\":{\"CLAUDE_CODE_ENABLE_TELEMETRY\":0}}";
    assert!(!with_files(off, "", &[ON]).0.is_enabled);
    let helper = "{\"otelHeadersHelper\":\"a\"}";
    let read = |managed: &str, user: &str| {
        with_files(managed, user, &[ON])
            .0
            .headers_helper
            .map(|helper| helper.command)
    };
    assert_eq!(read("", helper).as_deref(), Some("a"));
    assert_eq!(
        read("{\"otelHeadersHelper\":\"b\"}", helper).as_deref(),
        Some("b")
    );
}

#[test]
fn the_spool_is_asked_for() {
    assert_eq!(good(&[]).spool, None);
    let spool = |more: &[(&str, &str)]| {
        let dir = [("TALLYBOOK_SPOOL_DIR", "kept")];
        good(&[&dir[..], more].concat()).spool.expect("one")
    };
    assert_eq!(spool(&[]).dir.to_str(), Some("kept"));
    assert_eq!(spool(&[]).bytes_max, 64 << 20);
    assert_eq!(spool(&[("TALLYBOOK_SPOOL_MIB", "2")]).bytes_max, 2 << 20);
}

#[test]
fn a_word_above_all_layers_wins() {
    let none: [(&str, &str); 0] = [];
    let layers = Layers::of(none).over("CLAUDE_CODE_ENABLE_TELEMETRY", "1");
    assert!(Settings::read(layers).0.is_enabled);
}

#[test]
fn a_managed_endpoint_removes_a_signal_s_own() {
    let managed = "{\"env\":{\"OTEL_EXPORTER_OTLP_ENDPOINT\":\"http://a.example.com\",
        \"OTEL_EXPORTER_OTLP_PROTOCOL\":\"http/json\",\"OTEL_EXPORTER_OTLP_HEADERS\":\"x=1\"}}";
    let environment = [
        ON,
        LOGS_TO[0],
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://b.example.com"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x=2"),
    ];
    let (settings, findings) = with_files(managed, "", &environment);
    let endpoint = settings.logs.endpoint.expect("one");
    assert_eq!(endpoint.url.as_str(), "http://a.example.com/v1/logs");
    assert_eq!(endpoint.protocol, Protocol::HttpJson);
    assert_eq!(endpoint.headers, [("x".to_owned(), "1".to_owned())]);
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(
        findings
            .iter()
            .all(|finding| finding.to_string().contains("administrator"))
    );
}

#[test]
fn a_settings_file_that_cannot_be_read_turns_telemetry_off() {
    for broken in ["{", "{\"env\":{\"A\":[]}}", "[]"] {
        let (settings, findings) = with_files(broken, "", &[ON]);
        assert!(!settings.is_enabled, "{broken}");
        assert!(
            findings[0].to_string().contains("managed.json"),
            "{findings:?}"
        );
        assert_eq!(findings[0].severity, Severity::Error);
    }
}

#[test]
fn the_helper_is_run_every_29_minutes_and_not_for_grpc() {
    let helper = "{\"otelHeadersHelper\":\"a\"}";
    let (settings, findings) = with_files(helper, "", &[ON, LOGS_TO[0], LOGS_TO[1]]);
    assert_eq!(findings, []);
    assert_eq!(
        settings.headers_helper.expect("one").refresh,
        Duration::from_secs(29 * 60)
    );
    let grpc = [
        ON,
        LOGS_TO[0],
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("CLAUDE_CODE_OTEL_HEADERS_HELPER_DEBOUNCE_MS", "5000"),
    ];
    let (settings, findings) = with_files(helper, "", &grpc);
    assert_eq!(
        settings.headers_helper.expect("one").refresh,
        Duration::from_secs(5)
    );
    assert!(findings[0].to_string().contains("grpc"), "{findings:?}");
}

#[test]
fn every_variable_is_in_the_guide() {
    let guide = include_str!("../../../../docs/emitter.md");
    let sources = [
        include_str!("../settings.rs"),
        include_str!("layers.rs"),
        include_str!("export.rs"),
        include_str!("cowork.rs"),
        include_str!("tls.rs"),
        include_str!("trace.rs"),
    ];
    let is_name = |text: &str| {
        let is_letter =
            |letter: char| letter.is_ascii_uppercase() || "_0123456789".contains(letter);
        text.contains('_') && text.len() > 8 && text.chars().all(is_letter)
    };
    let mut count = 0;
    for name in sources
        .iter()
        .flat_map(|source| source.split('"'))
        .filter(|text| is_name(text))
    {
        // The end of a name that a signal has of its own.
        let name = &match name.starts_with("CLIENT_") {
            true => format!("OTEL_EXPORTER_OTLP_M_{name}"),
            false => name.to_owned(),
        };
        let general = name
            .replace("_LOGS_", "_M_")
            .replace("_METRICS_", "_M_")
            .replace("_TRACES_", "_M_");
        let is_told = guide.contains(&format!("`{name}`")) || guide.contains(&format!("`{name}="));
        assert!(
            is_told || guide.contains(&format!("`{general}`")),
            "{name} is not in docs/emitter.md"
        );
        count += 1;
    }
    assert!(count > 45, "{count} variables");
}
