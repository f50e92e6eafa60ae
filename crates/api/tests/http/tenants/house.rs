//! A server of two organisations, with the same sessions and prompts, and a word of each in everything
//! that is theirs: what is stored, tokens, people, keys, rules of redaction, acts on record.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::tokens::{Gate, Intake as Rules, Listener, NewToken, Notice, Scope, TokenBook};
use access::{NewKey, Organizations, Password, Role, WantedKey};
use api::{Api, Intake};
use base::{Clock, ManualClock};
use contract::Signal;
use http::Method;
use otlp::Limits;
use serde_json::{Value, json};
use store::{Entry, Provenance, Store, Transport};

use crate::bench::{Answer, Bench, NOW_MS};

/// The word of the organisation that asks, and that of the other.
pub(crate) const OWN: &str = "zqxown";
pub(crate) const OTHER: &str = "zqxother";
/// What both claim to be of.
const CLAIMED: &str = "an id that anybody may claim";
const PASSWORD: &str = "correct horse battery";
const JSON: (&str, &str) = ("content-type", "application/json");

/// What an organisation is called.
pub(crate) fn organization(word: &str) -> String {
    format!("House {word}")
}

/// By which somebody of an organisation signs in.
pub(crate) fn house_name(role: &str, word: &str) -> String {
    format!("{role}@{word}.example.com")
}

/// See the module.
pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) book: TokenBook,
    cookies: BTreeMap<String, String>,
    keys: BTreeMap<String, NewKey>,
    tokens: BTreeMap<&'static str, String>,
}

struct Deaf;

impl Listener for Deaf {
    fn note(&self, _: &Notice) {}
}

impl House {
    pub(crate) async fn new() -> House {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let clock = || -> Arc<dyn Clock> { Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000)) };
        let (store, _) = Store::open(store::Config::new(dir.path()), clock())
            .await
            .expect("opens");
        let book = TokenBook::of(dir.path());
        let tokens = BTreeMap::from([OWN, OTHER].map(|word| (word, token(&book, word))));
        for word in [OWN, OTHER] {
            fill(&store, word, &tokens[word]).await;
        }
        let gate = Gate::open(dir.path(), Rules::default(), clock()).expect("a gate");
        let intake = Intake {
            gate: Arc::new(gate),
            door: Arc::new(access::door::Door::open(dir.path()).expect("a door")),
            notices: Arc::new(Deaf),
        };
        knock(&intake);
        let ledger = Arc::new(redact::Ledger::new(policy()));
        let more = |api: Api| api.with_intake(intake).with_redaction(ledger);
        let bench = Bench::serving(dir, store, query::Config::default(), more).await;
        let mut house = House {
            bench,
            book,
            cookies: BTreeMap::new(),
            keys: BTreeMap::new(),
            tokens,
        };
        house.settle().await;
        house
    }

    /// People of each role, who see all or one organisation, and a key of each.
    async fn settle(&mut self) {
        let password = Password::new(PASSWORD.to_owned());
        let gate = Arc::clone(&self.bench.gate);
        let manager = gate.managed_by(&Organizations::all());
        let all: Vec<(&str, Vec<Role>)> = Role::ALL
            .iter()
            .map(|role| (role.name(), vec![*role]))
            .chain([("all", Role::ALL.to_vec())])
            .collect();
        for word in ["", OWN, OTHER] {
            let of = match word {
                "" => Organizations::all(),
                word => Organizations::of([organization(word)]).expect("a name"),
            };
            for (role, roles) in &all {
                let name = house_name(role, word);
                manager
                    .add(&name, roles, of.clone(), &password)
                    .expect("a person");
                let wanted = WantedKey {
                    label: format!("key of {name}"),
                    permissions: Role::together(roles),
                    organizations: None,
                    expires_ms: None,
                };
                let key = gate.make_key(Some(&name), wanted).expect("a key");
                self.keys.insert(name.clone(), key);
                let body = json!({"name": name, "password": PASSWORD}).to_string();
                let answer = self
                    .bench
                    .ask(Method::POST, "/api/v1/session", &[JSON], &body)
                    .await;
                let cookie = answer.header("set-cookie").split(';').next();
                self.cookies
                    .insert(name, cookie.expect("a cookie").to_owned());
            }
        }
        // On record of each: a question that holds its word.
        for word in [OWN, OTHER] {
            let question = json!({"sql": format!("SELECT '{word}' AS x")}).to_string();
            let asked = self.ask("all", word, "POST", "/api/v1/query", &question);
            assert_eq!(asked.await.status, 200);
        }
    }

    pub(crate) fn cookie(&self, role: &str, word: &str) -> &str {
        &self.cookies[&house_name(role, word)]
    }

    pub(crate) fn key(&self, role: &str, word: &str) -> &NewKey {
        &self.keys[&house_name(role, word)]
    }

    pub(crate) fn token(&self, word: &str) -> &str {
        &self.tokens[word]
    }

    /// Asks as somebody who has signed in.
    pub(crate) async fn ask(
        &self,
        role: &str,
        word: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let headers = [JSON, ("cookie", self.cookie(role, word))];
        let method = method.parse().expect("a method");
        self.bench.ask(method, path, &headers, body).await
    }

    /// Asks with a key.
    pub(crate) async fn with_key(
        &self,
        role: &str,
        word: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.key(role, word).text);
        let headers = [JSON, ("authorization", bearer.as_str())];
        let method = method.parse().expect("a method");
        self.bench.ask(method, path, &headers, body).await
    }
}

fn token(book: &TokenBook, word: &str) -> String {
    let new = NewToken {
        slot: format!("slot-{word}"),
        scope: Scope {
            organization: organization(word),
            ..Scope::default()
        },
        ..NewToken::default()
    };
    let made = book.create(new, NOW_MS as u64 - 1_000).expect("a token");
    made.token.id
}

/// Somebody is turned away.
fn knock(intake: &Intake) {
    intake.door.hear(
        access::door::Knock {
            peer: "192.0.2.1".parse().expect("an address"),
            transport: "http",
            method: "POST".to_owned(),
            path: format!("/v1/{OTHER}"),
            content_type: "application/json".to_owned(),
            status: "404",
            reason: "not_found",
            advice: format!("There is no {OTHER}."),
        },
        NOW_MS as u64,
    );
}

/// A rule for each.
fn policy() -> redact::Policy {
    let rule = |word: &str| redact::RuleSetting {
        organization: Some(organization(word)),
        attribute: format!("note.{word}"),
        action: "keep".to_owned(),
        detectors: Some(Vec::new()),
        ..redact::RuleSetting::default()
    };
    let settings = redact::Settings {
        rule: vec![rule(OWN), rule(OTHER)],
        ..redact::Settings::default()
    };
    settings.policy(&[7; 32]).expect("a policy")
}

/// What an organisation sends with its token, and without one: then its id says whose it is.
async fn fill(store: &Store, word: &str, token: &str) {
    for (token, claims) in [
        (Some(token), Value::from(CLAIMED)),
        (Some(token), Value::Null),
        (None, organization(word).into()),
    ] {
        let provenance = token.map(|token| {
            Arc::new(Provenance {
                token: token.to_owned(),
                organization: organization(word),
                ..Provenance::default()
            })
        });
        for (signal, body) in [
            (Signal::Logs, logs(word, &claims)),
            (Signal::Metrics, points(word, &claims)),
            (Signal::Traces, spans(word, &claims)),
        ] {
            let body = serde_json::to_vec(&body).expect("JSON");
            let read = otlp::from_json(signal, &body, &Limits::default()).expect("OTLP/JSON");
            let entry = Entry {
                signal,
                transport: Transport::Http,
                received_ns: NOW_MS as u64 * 1_000_000,
                quarantined: read.quarantined,
                provenance: provenance.clone(),
                protobuf: read.protobuf.into(),
            };
            let prepared = store.prepare(&entry).expect("decodes");
            let appended = store.append(&entry, prepared).await;
            appended.expect("is acknowledged");
        }
    }
}

fn common(word: &str, claims: &Value) -> Value {
    json!({
        "organization.id": claims, "session.id": "session 1", "prompt.id": "prompt 1",
        "user.email": "ann@example.com", "user.id": word, "team": word, "odd": word,
        "model": format!("claude-{word}"), "terminal.type": word,
    })
}

fn attributes(own: &Value) -> Vec<Value> {
    let all = own.as_object().expect("an object").iter();
    let all = all.filter(|(_, value)| !value.is_null());
    all.map(|(key, value)| {
        let value = match value {
            Value::String(text) => json!({"stringValue": text}),
            other => json!({"intValue": other}),
        };
        json!({"key": key, "value": value})
    })
    .collect()
}

fn at_ns(step: i64) -> String {
    ((NOW_MS - 60_000 + step) * 1_000_000).to_string()
}

fn resource(word: &str) -> Value {
    json!({"attributes": attributes(&json!({"service.name": "claude-code", "host.name": word}))})
}

fn logs(word: &str, claims: &Value) -> Value {
    let record = |step: i64, name: &str, own: Value| {
        let mut all = common(word, claims);
        let own = own.as_object().expect("an object").clone();
        all.as_object_mut().expect("an object").extend(own);
        all["event.name"] = name.into();
        json!({"timeUnixNano": at_ns(step), "attributes": attributes(&all), "body": {"stringValue": word}})
    };
    let damaged =
        json!({"severityText": {"a": 1}, "attributes": attributes(&common(word, claims))});
    let records = [
        record(1, "user_prompt", json!({"prompt": word})),
        record(
            2,
            "api_request",
            json!({"cost_usd": "0.5", "input_tokens": 7, "request_id": word}),
        ),
        record(
            3,
            "tool_result",
            json!({"tool_name": word, "tool_input": word, "success": "false", "error": word}),
        ),
        record(4, "api_error", json!({"error": word, "status_code": 500})),
        damaged,
    ];
    json!({"resourceLogs": [{"resource": resource(word), "scopeLogs": [{"logRecords": records}]}]})
}

fn points(word: &str, claims: &Value) -> Value {
    let point = json!({"timeUnixNano": at_ns(5), "asDouble": 3.0, "attributes": attributes(&common(word, claims))});
    let metric = json!({"name": "claude_code.cost.usage", "unit": word, "sum": {
        "dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": true
    }});
    json!({"resourceMetrics": [{"resource": resource(word), "scopeMetrics": [{"metrics": [metric]}]}]})
}

fn spans(word: &str, claims: &Value) -> Value {
    let id = format!("{:016x}", word.len());
    let span = json!({
        "traceId": format!("{id}{id}"), "spanId": id, "name": word, "kind": 1,
        "startTimeUnixNano": at_ns(6), "endTimeUnixNano": at_ns(7),
        "attributes": attributes(&common(word, claims)),
    });
    json!({"resourceSpans": [{"resource": resource(word), "scopeSpans": [{"spans": [span]}]}]})
}
