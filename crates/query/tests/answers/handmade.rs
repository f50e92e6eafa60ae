//! Log records and data points made by hand, as a client would send them.

use contract::Signal;
use otlp::Limits;
use serde_json::{Value, json};

use super::support::Bench;

/// One client: where its items come from, and what stands on all of them.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) service: &'static str,
    pub(crate) version: &'static str,
    /// Attributes of every item.
    pub(crate) common: Value,
    /// When its requests are received, in milliseconds since 1970.
    pub(crate) received_ms: i64,
}

/// An event: its time, its name, its own attributes.
pub(crate) type Made<'a> = (i64, &'a str, Value);

impl Client {
    /// A client of Claude Code that is logged in, in one session.
    pub(crate) fn of(version: &'static str, email: &str, session: &str) -> Client {
        Client {
            service: "claude-code",
            version,
            common: json!({"user.id": format!("machine of {email}"), "user.email": email, "session.id": session}),
            received_ms: super::support::NOW_MS,
        }
    }

    /// The same with another value for an attribute; null leaves it out.
    pub(crate) fn with(&self, key: &str, value: Value) -> Client {
        let mut client = self.clone();
        client.common[key] = value;
        client
    }

    /// Sends events in one request.
    pub(crate) async fn send(&self, bench: &Bench, events: &[Made<'_>]) {
        let records: Vec<Value> = events
            .iter()
            .map(|(at_ms, name, own)| {
                json!({
                    "timeUnixNano": (at_ms * 1_000_000).to_string(),
                    "body": {"stringValue": format!("claude_code.{name}")},
                    "attributes": attributes([&json!({"event.name": name}), &self.common, own]),
                })
            })
            .collect();
        let scope = json!({"name": "com.anthropic.claude_code.events", "version": self.version});
        let body = json!({"resourceLogs": [{
            "resource": self.resource(), "scopeLogs": [{"scope": scope, "logRecords": records}]
        }]});
        self.post(bench, Signal::Logs, &body).await;
    }

    /// Sends a data point of a counter at each time.
    pub(crate) async fn count(&self, bench: &Bench, metric: &str, times_ms: &[i64]) {
        let points: Vec<Value> = times_ms
            .iter()
            .map(|at_ms| {
                json!({
                    "timeUnixNano": (at_ms * 1_000_000).to_string(), "asDouble": 1.0,
                    "attributes": attributes([&self.common]),
                })
            })
            .collect();
        let sum = json!({"dataPoints": points, "aggregationTemporality": 1, "isMonotonic": true});
        let scope = json!({"name": "com.anthropic.claude_code", "version": self.version});
        let body = json!({"resourceMetrics": [{
            "resource": self.resource(),
            "scopeMetrics": [{"scope": scope, "metrics": [{"name": metric, "sum": sum}]}]
        }]});
        self.post(bench, Signal::Metrics, &body).await;
    }

    fn resource(&self) -> Value {
        let own = json!({
            "service.name": self.service, "service.version": self.version, "os.type": "linux", "host.arch": "arm64"
        });
        json!({"attributes": attributes([&own])})
    }

    async fn post(&self, bench: &Bench, signal: Signal, body: &Value) {
        let body = serde_json::to_vec(body).expect("JSON");
        let read = otlp::from_json(signal, &body, &Limits::default()).expect("OTLP/JSON");
        bench
            .append_read(signal, read, self.received_ms as u64)
            .await;
    }

    /// Sends a record that cannot be understood.
    pub(crate) async fn send_damaged(&self, bench: &Bench) {
        let record = json!({"severityText": {"a": 1}, "attributes": attributes([&self.common])});
        let body = json!({"resourceLogs": [{
            "resource": self.resource(), "scopeLogs": [{"logRecords": [record]}]
        }]});
        self.post(bench, Signal::Logs, &body).await;
    }
}

fn attributes<const N: usize>(of: [&Value; N]) -> Vec<Value> {
    let all = of
        .into_iter()
        .flat_map(|object| object.as_object().expect("an object"));
    all.filter(|(_, value)| !value.is_null())
        .map(|(key, value)| json!({"key": key, "value": wire(value)}))
        .collect()
}

fn wire(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        other => json!({"intValue": other}),
    }
}
