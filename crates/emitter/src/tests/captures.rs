//! Recorded requests of client 2.1.329, and telemetry set up as that client was.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::{
    Attribute, DataPoint, LogRecord, Metric, Origin, Quarantined, Signal, Sink, Span, Value,
};
use otlp::{Encoding, Limits};

use crate::finding::Listener;
use crate::head::Agent;
use crate::settings::{Identity, Layers, Settings};
use crate::shared::Shared;
use crate::surroundings::Surroundings;

/// One recorded run.
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) environment: Vec<(String, String)>,
    pub(super) requests: Vec<Request>,
}

/// One recorded request.
pub(super) struct Request {
    pub(super) file: String,
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    pub(super) body: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/captures"))
}

/// All runs of client 2.1.329, each request once: a repeated delivery is left out.
pub(super) fn scenarios() -> Vec<Scenario> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("the captures")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    let all = names.into_iter().filter_map(|name| scenario(&name));
    let found: Vec<Scenario> = all.collect();
    assert!(found.len() > 30, "{} scenarios", found.len());
    found
}

pub(super) fn scenario(name: &str) -> Option<Scenario> {
    let folder = folder().join(name);
    let expected = fs::read(folder.join("expected.json")).expect("expected.json");
    let expected: serde_json::Value = serde_json::from_slice(&expected).expect("JSON");
    if expected["client_version"] != "2.1.329" {
        return None;
    }
    let environment = expected["telemetry_environment"]
        .as_object()
        .expect("an object");
    let environment = environment.iter().map(|(name, value)| {
        let value = value.as_str().expect("a text");
        (name.clone(), value.to_owned())
    });
    let mut files: Vec<String> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    files.sort();
    let mut requests: Vec<Request> = Vec::new();
    for file in files {
        let signal = Signal::ALL
            .into_iter()
            .find(|signal| file.contains(&format!("-{}.", signal.name())));
        let encoding = match file.rsplit_once('.') {
            Some((_, "pb")) => Encoding::Protobuf,
            Some((stem, "json")) if !stem.ends_with(".meta") => Encoding::Json,
            _ => continue,
        };
        let Some(signal) = signal else {
            continue;
        };
        let body = fs::read(folder.join(&file)).expect("a request");
        if requests.iter().all(|known| known.body != body) {
            requests.push(Request {
                file: format!("{name}/{file}"),
                signal,
                encoding,
                body,
            });
        }
    }
    Some(Scenario {
        name: name.to_owned(),
        environment: environment.collect(),
        requests,
    })
}

impl Scenario {
    pub(super) fn has(&self, name: &str) -> bool {
        self.environment.iter().any(|(known, _)| known == name)
    }

    /// The settings that the client had. What it knew beside them, from its login and its terminal, is
    /// added.
    pub(super) fn settings(&self) -> Settings {
        let mut environment = self.environment.clone();
        if self.name != "cowork_like_noterm_json" {
            environment.push(("TERM".to_owned(), "xterm-256color".to_owned()));
        }
        let (mut settings, findings) = Settings::read(Layers::of(environment));
        assert_eq!(findings, [], "{}", self.name);
        let terminal = settings.identity.terminal.clone();
        match self.name.as_str() {
            // Logged in by OAuth.
            "cc329_oauth_identity_json" => {
                settings.identity = Identity {
                    organization_id: Some("99999999-8888-4777-8666-555555555555".to_owned()),
                    user_email: Some("grace@example.com".to_owned()),
                    account_uuid: Some("aaaaaaaa-2222-4333-8444-555555555555".to_owned()),
                    account_id: Some("user_01N5L7e82d5M7XMSRkAURu6L".to_owned()),
                    terminal,
                    ..Identity::default()
                };
            }
            // The command line takes no identity from the environment.
            "cc329_nosession_json" => {
                settings.identity = Identity {
                    terminal,
                    ..Identity::default()
                };
            }
            _ => {}
        }
        settings
    }

    /// The installation's id.
    fn user_id(&self) -> String {
        let items = self.requests.iter().map(Request::items);
        let mut attributes = items.flat_map(|items| {
            let of_points = items.points.into_iter().map(|(_, point)| point.attributes);
            let of_logs = items.logs.into_iter().map(|record| record.attributes);
            of_logs.chain(of_points).flatten()
        });
        let found = attributes.find(|(key, _)| key == "user.id");
        text(&found.expect("an id").1)
    }

    /// Telemetry as the client had it, its clock (in nanoseconds) in the caller's hands.
    pub(super) fn telemetry(&self) -> (Arc<Shared>, Arc<AtomicU64>) {
        self.telemetry_as(Surroundings::default())
    }

    /// The same with other ids.
    pub(super) fn telemetry_as(&self, ids: Surroundings) -> (Arc<Shared>, Arc<AtomicU64>) {
        let agent = Agent {
            name: "claude-code".to_owned(),
            version: "2.1.329".to_owned(),
            user_id: Some(self.user_id()),
            provider: Some("firstParty".to_owned()),
            custom_base_url: Some(true),
            host_arch: Some("amd64".to_owned()),
            os_type: Some("linux".to_owned()),
            os_version: Some("6.12.48+deb13-1".to_owned()),
        };
        let clock = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&clock);
        let surroundings = Surroundings {
            now_nanos: Arc::new(move || hand.load(Ordering::Relaxed)),
            ..ids
        };
        let listener = Listener::new(|finding| panic!("{finding}"));
        let shared = Shared::new(agent, self.settings(), surroundings, listener);
        (Arc::new(shared), clock)
    }
}

/// What a request holds.
#[derive(Default)]
pub(super) struct Items {
    pub(super) logs: Vec<LogRecord<'static>>,
    pub(super) points: Vec<(Metric<'static>, DataPoint<'static>)>,
}

impl Request {
    pub(super) fn items(&self) -> Items {
        let limits = Limits::default();
        let protobuf = match self.encoding {
            Encoding::Protobuf => self.body.clone(),
            Encoding::Json => {
                let read = otlp::from_json(self.signal, &self.body, &limits);
                read.expect("a valid request").protobuf
            }
        };
        let mut items = Items::default();
        otlp::decode(self.signal, &protobuf, &limits, &mut items).expect("a valid request");
        items
    }

    /// The body with one time for each event. The client reads its clock twice, for the record's time
    /// and for `event.timestamp`; the emitter once. Where the two differ by some milliseconds the second
    /// is given the first.
    pub(super) fn settled(&self) -> Vec<u8> {
        let mut body = self.body.clone();
        let mut from = 0;
        for record in self.items().logs {
            let recorded = record
                .attributes
                .iter()
                .find(|(key, _)| key == "event.timestamp");
            let recorded = text(&recorded.expect("a timestamp").1);
            let millis = record.time_unix_nano / 1_000_000;
            let settled = contract::iso_millis(millis).expect("a time");
            let is_near = settled[..19] == recorded.as_bytes()[..19] || millis % 1000 < 20;
            assert!(is_near, "{}: {recorded}", self.file);
            let mut parts = body[from..].windows(recorded.len());
            let start = from
                + parts
                    .position(|part| part == recorded.as_bytes())
                    .expect("there");
            from = start + recorded.len();
            body[start..from].copy_from_slice(&settled[..]);
        }
        body
    }
}

fn owned(attributes: &[Attribute<'_>]) -> Vec<Attribute<'static>> {
    let owned = |(key, value): &Attribute<'_>| {
        (key.clone().into_owned().into(), value.clone().into_owned())
    };
    attributes.iter().map(owned).collect()
}

impl Sink for Items {
    fn origin(&mut self, _: &Origin<'_>) {}

    fn log(&mut self, record: &LogRecord<'_>) {
        self.logs.push(LogRecord {
            time_unix_nano: record.time_unix_nano,
            attributes: owned(&record.attributes),
            trace_id: record.trace_id,
            span_id: record.span_id,
            flags: record.flags,
            ..LogRecord::default()
        });
    }

    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        let metric = Metric {
            name: metric.name.clone().into_owned().into(),
            ..Metric::default()
        };
        let point = DataPoint {
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: point.value,
            attributes: owned(&point.attributes),
            raw: &[],
        };
        self.points.push((metric, point));
    }

    fn span(&mut self, _: &Span<'_>) {}

    fn quarantine(&mut self, item: Quarantined) {
        panic!("{item:?}");
    }
}

/// The text of an attribute's value.
pub(super) fn text(value: &Value<'_>) -> String {
    match value {
        Value::Str(text) => text.clone().into_owned(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(json) => {
            let list: Vec<String> = serde_json::from_str(json).expect("texts");
            list.join(",")
        }
        other => panic!("no capture has {other:?}"),
    }
}

/// Two bodies, with the place where they differ.
#[track_caller]
pub(super) fn assert_same(file: &str, rebuilt: &[u8], recorded: &[u8]) {
    if rebuilt == recorded {
        return;
    }
    let at = rebuilt
        .iter()
        .zip(recorded)
        .position(|(one, other)| one != other)
        .unwrap_or(rebuilt.len().min(recorded.len()));
    let around = |body: &[u8]| {
        let part = &body[at.saturating_sub(120)..(at + 120).min(body.len())];
        String::from_utf8_lossy(part).into_owned()
    };
    panic!(
        "{file}: differs at byte {at}\nrebuilt:  {}\nrecorded: {}",
        around(rebuilt),
        around(recorded)
    );
}
