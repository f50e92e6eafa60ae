//! Three organisations with the same sessions, prompts and e-mails, and a word of each in every field.

use std::sync::Arc;

use base::ManualClock;
use contract::Signal;
use otlp::Limits;
use query::{Mapping, PeopleFiles, Pseudonyms, Roster};
use serde_json::{Value, json};

use crate::support::{Bench, NOW_MS};

/// The word in every field of each organisation.
pub(crate) const ORGANIZATIONS: [&str; 3] = ["zqxorgaa", "zqxorgbb", "zqxorgcc"];
/// The word in everything that names somebody.
pub(crate) const NAMED: &str = "zqxnamed";
/// The word in everything that somebody wrote or was told.
pub(crate) const WROTE: &str = "zqxwrote";
/// What all of them begin with: questions look for it.
pub(crate) const COMMON: &str = "zqx";

/// The id of an organisation.
pub(crate) fn organization(at: usize) -> String {
    format!("id of {}", ORGANIZATIONS[at])
}

/// The clothes in which a word is in a text, if it is: as it is, backwards, in hexadecimal or in base64.
pub(crate) fn looks_like(word: &str, text: &str) -> Option<String> {
    let text = text.to_lowercase();
    forms(word).into_iter().find(|form| text.contains(form))
}

fn forms(word: &str) -> Vec<String> {
    let backwards: String = word.chars().rev().collect();
    let mut forms = vec![word.to_owned(), backwards];
    for word in [word.to_owned(), word.to_uppercase()] {
        forms.push(word.bytes().map(|byte| format!("{byte:02x}")).collect());
        forms.extend((0..3).map(|before| base64(&word, before)));
    }
    forms
}

/// The characters of base64 that hang on a word alone, in small letters, where so many bytes of a group
/// of three stand before it.
fn base64(word: &str, before: usize) -> String {
    const DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(word.bytes()).collect();
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
    let whole = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
    let digit = |place: usize| (0..6).fold(0, |digit, at| digit << 1 | bit(place * 6 + at));
    whole
        .map(|place| char::from(DIGITS[digit(place)]))
        .collect()
}

/// A store with the rows of all organisations, or of one.
pub(crate) struct World {
    pub(crate) bench: Bench,
}

impl World {
    pub(crate) async fn of(only: Option<usize>) -> World {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
        let config = query::Config {
            pseudonyms: Pseudonyms::by(&[7; 32]),
            organization: organization(0),
            ..query::Config::default()
        };
        let bench = Bench::at(dir, clock, config).await;
        let those = (0..ORGANIZATIONS.len()).filter(|at| only.is_none_or(|only| only == *at));
        let those: Vec<usize> = those.collect();
        for is_late in [false, true] {
            for at in &those {
                Organization { at: *at, is_late }.send(&bench).await;
            }
            if !is_late {
                bench.store.flush().await.expect("flushes");
            }
        }
        bench.engine.set_people(files(&those));
        World { bench }
    }
}

/// Rows of the people's files of each organisation, for the same people.
fn files(those: &[usize]) -> PeopleFiles {
    let mut mapping = "id,person,team,department,cost_center,organization\n".to_owned();
    let mut roster = "person,name,team,department,product,organization\n".to_owned();
    for at in those {
        let (word, id) = (ORGANIZATIONS[*at], organization(*at));
        mapping += &format!("ann.{NAMED}@example.com,,mapped team {word},,,{id}\n");
        mapping += &format!("bob.{NAMED}@example.com,{NAMED} Bob {word},,,,{id}\n");
        roster += &format!("ann.{NAMED}@example.com,{NAMED} Ann {word},,,claude-code,{id}\n");
        roster +=
            &format!("eve.{NAMED}.{word}@example.com,{NAMED} Eve,roster team {word},,,{id}\n");
    }
    PeopleFiles {
        tokens: Default::default(),
        mapping: Some(Mapping::parse("mapping.csv", mapping.as_bytes()).expect("a mapping")),
        roster: Some(Roster::parse("roster.csv", roster.as_bytes()).expect("a roster")),
    }
}

/// What an organisation sends, in two batches.
struct Organization {
    at: usize,
    is_late: bool,
}

impl Organization {
    fn word(&self) -> &'static str {
        ORGANIZATIONS[self.at]
    }

    async fn send(&self, bench: &Bench) {
        let all = [
            ("session 1", "ann"),
            ("session 2", "bob"),
            ("session 3", "nan"),
            ("own", "cyd"),
        ];
        for (session, who) in all {
            let session = match session {
                "own" => format!("session of {}", self.word()),
                shared => shared.to_owned(),
            };
            self.logs(bench, &session, who, "laptop").await;
            self.points(bench, &session, who).await;
            self.spans(bench, &session, who).await;
        }
        // Another collector forwards the same: copies.
        self.logs(bench, "session 1", "ann", "collector").await;
        self.damaged(bench).await;
    }

    fn common(&self, session: &str, who: &str) -> Value {
        let word = self.word();
        let mut common = json!({
            "session.id": session, "user.id": format!("machine {NAMED} of {who} {word}"),
            "user.account_uuid": format!("uuid {NAMED} {who} {word}"),
            "user.account_id": format!("user_{NAMED}_{who}_{word}"),
            "organization.id": organization(self.at), "terminal.type": word, "app.version": "2.1.329",
            "team.id": format!("team {word}"), "department": word, "cost_center": word,
            "workspace.host_paths": format!("/workspace/{NAMED}/{word}"),
            "odd": format!("{WROTE} {NAMED} {word}"), "host.name": format!("{NAMED} {word}"),
            "vcs.repository.url.full": format!("https://example.com/{NAMED}/{word}"), "project": word,
        });
        // One session of all, of which one organisation alone says whose it is.
        if who == "nan" {
            for name in ["user.account_uuid", "user.account_id", "user.email"] {
                common[name] = Value::Null;
            }
            common["user.id"] = "machine of nobody".into();
            if self.at == 1 {
                common["user.email"] = format!("nan.{NAMED}.{word}@example.com").into();
            }
            return common;
        }
        // One belongs to its session's person alone.
        if who != "bob" || !self.is_late {
            common["user.email"] = format!("{who}.{NAMED}@example.com").into();
        }
        // The first organisation is the one of items that name none.
        if self.at == 0 && who == "cyd" {
            common["organization.id"] = Value::Null;
        }
        common
    }

    fn resource(&self, from: &str) -> Value {
        json!({"attributes": attributes(&json!({
            "service.name": "claude-code", "service.version": "2.1.329", "os.type": "linux",
            "host.name": format!("{from} {NAMED} {}", self.word()), "odd.resource": format!("{NAMED} {}", self.word()),
        }))})
    }

    fn at_ns(&self, step: i64) -> String {
        let late = if self.is_late { 900_000 } else { 0 };
        ((NOW_MS - 3_600_000 + late + step * 1_000 + self.at as i64) * 1_000_000).to_string()
    }

    async fn logs(&self, bench: &Bench, session: &str, who: &str, from: &str) {
        let common = self.common(session, who);
        let records: Vec<Value> = (0..)
            .zip(self.events())
            .map(|(step, (name, own))| {
                let mut all = common.clone();
                let own = own.as_object().expect("an object").clone();
                all.as_object_mut().expect("an object").extend(own);
                all["event.name"] = name.into();
                all["event.sequence"] = (step + if self.is_late { 100 } else { 0 }).into();
                all["prompt.id"] = format!("prompt of {session}").into();
                json!({
                    "timeUnixNano": self.at_ns(step), "attributes": attributes(&all),
                    "body": {"stringValue": format!("claude_code.{name} {WROTE} {}", self.word())},
                })
            })
            .collect();
        let body = json!({"resourceLogs": [{
            "resource": self.resource(from),
            "scopeLogs": [{"scope": self.scope(), "logRecords": records}]
        }]});
        post(bench, Signal::Logs, &body).await;
    }

    fn scope(&self) -> Value {
        let odd = attributes(&json!({"odd.scope": format!("{NAMED} {}", self.word())}));
        json!({"name": "com.anthropic.claude_code.events", "version": self.word(), "attributes": odd})
    }

    fn events(&self) -> Vec<(&'static str, Value)> {
        let word = self.word();
        let said = format!("{WROTE} {NAMED} {word} 17");
        let of = self.at as i64 + 1;
        vec![
            (
                "user_prompt",
                json!({"prompt": said, "prompt_length": 17 * of}),
            ),
            (
                "api_request",
                json!({
                    "model": format!("claude-{word}"), "cost_usd": 0.5 * of as f64, "input_tokens": 1000 * of,
                    "output_tokens": 10 * of, "duration_ms": 100 * of, "request_id": format!("req {word}"),
                    "query_source": "repl_main_thread", "speed": "fast",
                }),
            ),
            (
                "api_request",
                json!({
                    "model": "claude-opus-4-8", "cost_usd": 0.25, "input_tokens": of, "output_tokens": 5,
                    "cache_read_tokens": 7 * of, "request_id": "req 2", "query_source": "agent:x",
                }),
            ),
            (
                "tool_decision",
                json!({
                    "tool_name": "Bash", "tool_use_id": "use 1", "decision": "accept", "source": "user_temporary",
                }),
            ),
            (
                "tool_result",
                json!({
                    "tool_name": "Bash", "tool_use_id": "use 1", "success": "true", "duration_ms": 5 * of,
                    "tool_input": json!({"command": said}).to_string(), "tool_parameters": json!({"full_command": said}).to_string(),
                }),
            ),
            (
                "tool_result",
                json!({
                    "tool_name": format!("mcp__{word}__do"), "success": "false", "error": format!("no file {said}"),
                    "mcp_server_name": word, "mcp_tool_name": "do", "duration_ms": 7,
                }),
            ),
            (
                "api_error",
                json!({
                    "model": format!("claude-{word}"), "error": said, "status_code": 500 + of, "attempt": 2,
                    "error_type": word,
                }),
            ),
            (
                "assistant_response",
                json!({"response": said, "response_length": 9 * of}),
            ),
            (
                word,
                json!({"skill.name": word, "plugin.name": word, "agent.name": word, "status": word}),
            ),
        ]
    }

    async fn points(&self, bench: &Bench, session: &str, who: &str) {
        let word = self.word();
        let mut common = self.common(session, who);
        common["model"] = format!("claude-{word}").into();
        common["type"] = "input".into();
        let point = json!({"timeUnixNano": self.at_ns(20), "asDouble": 3.0 * (self.at + 1) as f64,
                           "attributes": attributes(&common)});
        let metric = |name: &str| {
            json!({"name": name, "unit": word, "description": word, "sum": {
                "dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": true
            }})
        };
        let metrics = [
            "claude_code.cost.usage",
            "claude_code.token.usage",
            "claude_code.session.count",
            word,
        ]
        .map(metric);
        let body = json!({"resourceMetrics": [{
            "resource": self.resource("laptop"), "scopeMetrics": [{"scope": self.scope(), "metrics": metrics}]
        }]});
        post(bench, Signal::Metrics, &body).await;
    }

    async fn spans(&self, bench: &Bench, session: &str, who: &str) {
        let said = format!("{WROTE} {NAMED} {}", self.word());
        let odd = attributes(&json!({"odd": said}));
        let id = format!(
            "{:016x}",
            1 + self.at * 100 + usize::from(self.is_late) * 10 + who.len()
        );
        let span = json!({
            "traceId": format!("{id}{id}"), "spanId": id, "name": self.word(), "kind": 1,
            "startTimeUnixNano": self.at_ns(30), "endTimeUnixNano": self.at_ns(31),
            "attributes": attributes(&self.common(session, who)),
            "status": {"code": 2, "message": said},
            "events": [{"timeUnixNano": self.at_ns(30), "name": said, "attributes": odd}],
            "links": [{"traceId": format!("{id}{id}"), "spanId": id, "attributes": odd}],
        });
        let body = json!({"resourceSpans": [{
            "resource": self.resource("laptop"), "scopeSpans": [{"scope": self.scope(), "spans": [span]}]
        }]});
        post(bench, Signal::Traces, &body).await;
    }

    async fn damaged(&self, bench: &Bench) {
        let attributes = attributes(&json!({
            "organization.id": organization(self.at), "session.id": "session 1",
            "user.id": format!("machine {NAMED} {}", self.word()),
            "odd": format!("{WROTE} {NAMED} {}", self.word()),
        }));
        let record = json!({"severityText": {"a": 1}, "attributes": attributes});
        let body = json!({"resourceLogs": [{
            "resource": self.resource("laptop"), "scopeLogs": [{"logRecords": [record]}]
        }]});
        post(bench, Signal::Logs, &body).await;
    }
}

async fn post(bench: &Bench, signal: Signal, body: &Value) {
    let body = serde_json::to_vec(body).expect("JSON");
    let read = otlp::from_json(signal, &body, &Limits::default()).expect("OTLP/JSON");
    bench.append_read(signal, read, NOW_MS as u64).await;
}

fn attributes(of: &Value) -> Vec<Value> {
    let all = of.as_object().expect("an object").iter();
    all.filter(|(_, value)| !value.is_null())
        .map(|(key, value)| {
            let value = match value {
                Value::String(text) => json!({"stringValue": text}),
                Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
                other => json!({"intValue": other}),
            };
            json!({"key": key, "value": value})
        })
        .collect()
}

#[test]
fn a_word_is_known_in_other_clothes() {
    let is_in = |text: &str| looks_like("zqxnamed", text).is_some();
    for text in [
        "a ZQXNamed b",
        "demanxqz",
        "7a71786e616d6564",
        "5A51584E414D4544",
        "enF4bmFtZWQ",
        "YXpxeG5hbWVk",
        "YWF6cXhuYW1lZA",
    ] {
        assert!(is_in(text), "{text}");
    }
    assert!(!is_in("zqx named"));
}
