//! What is sent: batches of items, each with an id and a content that only its number decides.
//!
//! Invariant: a batch is the same bytes whenever it is sent again, and the content that must be
//! stored is never read from the server.

use bytes::Bytes;
use contract::Signal;
use fleet::{Answer, Client, ContentEncoding, SendError, Transport};
use otlp::{Encoding, Limits};
use serde_json::{Value, json};
use testkit::Problem;

use crate::dice::mix;

/// What a batch carries, and how it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) signal: Signal,
    pub(crate) transport: Transport,
    pub(crate) encoding: Encoding,
}

/// Every signal, transport and encoding.
pub(crate) const LANES: [Lane; 9] = [
    lane(Signal::Logs, Transport::Http, Encoding::Json),
    lane(Signal::Metrics, Transport::Grpc, Encoding::Protobuf),
    lane(Signal::Logs, Transport::Http, Encoding::Protobuf),
    lane(Signal::Traces, Transport::Http, Encoding::Protobuf),
    lane(Signal::Logs, Transport::Grpc, Encoding::Protobuf),
    lane(Signal::Metrics, Transport::Http, Encoding::Json),
    lane(Signal::Traces, Transport::Grpc, Encoding::Protobuf),
    lane(Signal::Metrics, Transport::Http, Encoding::Protobuf),
    lane(Signal::Traces, Transport::Http, Encoding::Json),
];

const fn lane(signal: Signal, transport: Transport, encoding: Encoding) -> Lane {
    Lane {
        signal,
        transport,
        encoding,
    }
}

/// Some items that are sent together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Number of its first item.
    pub(crate) first: u64,
    /// How many items.
    pub(crate) count: u64,
    pub(crate) lane: Lane,
    /// Bytes of each item's note.
    pub(crate) note_bytes: usize,
    /// The client's time of all items, nanoseconds since the Unix epoch.
    pub(crate) time_ns: u64,
}

/// What must be stored of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) session: String,
    pub(crate) tokens: u64,
    pub(crate) note: String,
}

impl Content {
    pub(crate) fn of(number: u64, note_bytes: usize) -> Content {
        let mut note = String::with_capacity(note_bytes + 16);
        let mut word = mix(number);
        while note.len() < note_bytes {
            note.push_str(&format!("{word:016x}"));
            word = mix(word);
        }
        note.truncate(note_bytes);
        Content {
            session: format!("fault-session-{:02}", number % 37),
            tokens: mix(number ^ 0x746f_6b65) % 100_000,
            note,
        }
    }
}

impl Batch {
    /// The numbers of its items.
    pub(crate) fn numbers(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.count
    }

    /// Sends it once.
    pub(crate) async fn send(&self, client: &Client) -> Result<Answer, SendError> {
        let Lane {
            signal, encoding, ..
        } = self.lane;
        let body = self.body();
        client
            .send(signal, encoding, ContentEncoding::Identity, body, None)
            .await
    }

    fn body(&self) -> Bytes {
        let items: Vec<Value> = self.numbers().map(|number| self.item(number)).collect();
        let resource = json!({"attributes": [text("service.name", "claude-code".to_owned())]});
        let scope = json!({"name": "com.anthropic.claude_code.events"});
        let export = match self.lane.signal {
            Signal::Logs => json!({"resourceLogs": [{"resource": resource,
                "scopeLogs": [{"scope": scope, "logRecords": items}]}]}),
            Signal::Metrics => json!({"resourceMetrics": [{"resource": resource,
                "scopeMetrics": [{"scope": scope, "metrics": [{"name": "fault.tokens", "unit": "1",
                "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": items}}]}]}]}),
            Signal::Traces => json!({"resourceSpans": [{"resource": resource,
                "scopeSpans": [{"scope": scope, "spans": items}]}]}),
        };
        let json = Bytes::from(export.to_string());
        match self.lane.encoding {
            Encoding::Json => json,
            // What is written here is never too much for the usual limits.
            Encoding::Protobuf => otlp::from_json(self.lane.signal, &json, &Limits::default())
                .map(|converted| converted.protobuf.into())
                .unwrap_or(json),
        }
    }

    fn item(&self, number: u64) -> Value {
        let content = Content::of(number, self.note_bytes);
        let time = self.time_ns.to_string();
        let mut attributes = vec![
            text("session.id", content.session),
            text("fault.id", id_of(number)),
            text("fault.note", content.note),
        ];
        match self.lane.signal {
            Signal::Logs => {
                attributes.push(text("event.name", "fault_probe".to_owned()));
                attributes.push(whole("event.sequence", number));
                attributes.push(whole("input_tokens", content.tokens));
                json!({"timeUnixNano": time, "attributes": attributes,
                    "body": {"stringValue": "claude_code.fault_probe"}})
            }
            Signal::Metrics => json!({"startTimeUnixNano": time, "timeUnixNano": time,
                "asInt": content.tokens.to_string(), "attributes": attributes}),
            Signal::Traces => {
                attributes.push(whole("input_tokens", content.tokens));
                let half = mix(number);
                json!({"traceId": format!("{half:016x}{number:016x}"), "spanId": format!("{half:016x}"),
                    "name": "fault.probe", "kind": 1, "startTimeUnixNano": time, "endTimeUnixNano": time,
                    "attributes": attributes})
            }
        }
    }
}

/// How an item is called in its attribute `fault.id`.
pub(crate) fn id_of(number: u64) -> String {
    format!("item-{number}")
}

/// The number of an item that is called so.
pub(crate) fn number_of(id: &str) -> Option<u64> {
    id.strip_prefix("item-")?.parse().ok()
}

/// Both clients of a server.
#[derive(Clone)]
pub(crate) struct Clients {
    http: Client,
    grpc: Client,
}

impl Clients {
    pub(crate) fn of(addresses: &testkit::Addresses) -> Result<Clients, Problem> {
        let fleet::Target { http, grpc } = addresses.target();
        Ok(Clients {
            http: Client::new(&http.unwrap_or_default(), Transport::Http)?,
            grpc: Client::new(&grpc.unwrap_or_default(), Transport::Grpc)?,
        })
    }

    pub(crate) fn over(&self, transport: Transport) -> &Client {
        match transport {
            Transport::Http => &self.http,
            Transport::Grpc => &self.grpc,
        }
    }
}

fn text(key: &str, value: String) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn whole(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
