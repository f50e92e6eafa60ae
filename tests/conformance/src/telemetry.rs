//! Export requests, built item by item and written in either encoding.
//!
//! Every item carries a marker as its `session.id`, by which it is found again in what was stored.

use serde_json::{Map, Value as Json, json};

use crate::way::{Encoding, Signal};
use crate::wire::protobuf::{bytes, eight, number};

/// The value of an attribute or a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing is set.
    Empty,
    /// `stringValue`.
    Text(String),
    /// `intValue`.
    Int(i64),
    /// `doubleValue`.
    Double(f64),
    /// `boolValue`.
    Bool(bool),
    /// `bytesValue`.
    Bytes(Vec<u8>),
    /// `arrayValue`.
    Array(Vec<Value>),
    /// `kvlistValue`.
    Map(Vec<(String, Value)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

/// A key and a value.
pub type Attribute = (String, Value);

/// One item: a log record, a data point of a sum, or a span, by the signal that it is sent as.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// Nanoseconds; the start of a span.
    pub time_ns: u64,
    /// Nanoseconds; the end of a span.
    pub observed_ns: u64,
    /// The body of a log record.
    pub body: Option<Value>,
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// As many bytes as there are, right or wrong. Not of data points.
    pub trace_id: Vec<u8>,
    /// As many bytes as there are, right or wrong. Not of data points.
    pub span_id: Vec<u8>,
    /// More fields, as protobuf.
    pub more_protobuf: Vec<u8>,
    /// More fields, as members of the JSON object.
    pub more_json: String,
}

impl Item {
    /// What a client sends for a request to a model, marked.
    pub fn new(marker: &str) -> Item {
        let text = |key: &str, value: &str| (key.to_owned(), Value::from(value));
        Item {
            time_ns: now_ns(),
            observed_ns: now_ns(),
            body: Some(Value::from("claude_code.api_request")),
            attributes: vec![
                text("session.id", marker),
                text("event.name", "api_request"),
                text("user.email", "ada@example.com"),
                text("model", "claude-opus-5-5"),
            ],
            ..Item::default()
        }
    }

    /// With one more attribute, or with another value for one that is there.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Item {
        match self.attributes.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((key.to_owned(), value)),
        }
        self
    }

    /// The item alone, as it stands in a list of items.
    pub fn written(&self, signal: Signal, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Protobuf => self.protobuf(signal),
            Encoding::Json => self.json(signal).into_bytes(),
        }
    }

    fn protobuf(&self, signal: Signal) -> Vec<u8> {
        let attributes = |field: u64| -> Vec<u8> {
            let all = self.attributes.iter();
            all.flat_map(|attribute| bytes(field, &key_value(attribute)))
                .collect()
        };
        let id = |field: u64, id: &[u8]| match id.is_empty() {
            true => Vec::new(),
            false => bytes(field, id),
        };
        let mut out = match signal {
            Signal::Logs => [
                eight(1, self.time_ns),
                self.body
                    .as_ref()
                    .map(|body| bytes(5, &any_value(body)))
                    .unwrap_or_default(),
                attributes(6),
                id(9, &self.trace_id),
                id(10, &self.span_id),
                eight(11, self.observed_ns),
            ]
            .concat(),
            Signal::Metrics => [
                eight(3, self.time_ns),
                eight(4, 1_f64.to_bits()),
                attributes(7),
            ]
            .concat(),
            Signal::Traces => [
                id(1, &self.trace_id),
                id(2, &self.span_id),
                bytes(5, b"llm.request"),
                eight(7, self.time_ns),
                eight(8, self.observed_ns),
                attributes(9),
            ]
            .concat(),
        };
        out.extend_from_slice(&self.more_protobuf);
        if signal == Signal::Metrics {
            let sum = [bytes(1, &out), number(2, 1), number(3, 1)].concat();
            return [bytes(1, b"claude_code.cost.usage"), bytes(7, &sum)].concat();
        }
        out
    }

    fn json(&self, signal: Signal) -> String {
        let attributes: Vec<Json> = self.attributes.iter().map(key_value_json).collect();
        let id = |id: &[u8]| Json::from(hex(id));
        let mut object = Map::new();
        let mut put = |name: &str, value: Json| object.insert(name.to_owned(), value);
        let time = Json::from(self.time_ns.to_string());
        let observed = Json::from(self.observed_ns.to_string());
        match signal {
            Signal::Logs => {
                put("timeUnixNano", time);
                put("observedTimeUnixNano", observed);
                if let Some(body) = &self.body {
                    put("body", any_value_json(body));
                }
                put("traceId", id(&self.trace_id));
                put("spanId", id(&self.span_id));
            }
            Signal::Metrics => {
                put("timeUnixNano", time);
                put("asDouble", json!(1.0));
            }
            Signal::Traces => {
                put("name", json!("llm.request"));
                put("startTimeUnixNano", time);
                put("endTimeUnixNano", observed);
                put("traceId", id(&self.trace_id));
                put("spanId", id(&self.span_id));
            }
        }
        put("attributes", Json::from(attributes));
        let mut text = Json::from(object).to_string();
        if !self.more_json.is_empty() {
            text.pop();
            text = format!("{text},{}}}", self.more_json);
        }
        match signal {
            Signal::Metrics => format!(
                r#"{{"name":"claude_code.cost.usage","sum":{{"dataPoints":[{text}],"aggregationTemporality":1,"isMonotonic":true}}}}"#
            ),
            Signal::Logs | Signal::Traces => text,
        }
    }
}

/// An export request of these items, in one resource and one scope.
pub fn request(signal: Signal, encoding: Encoding, items: &[Item]) -> Vec<u8> {
    let written = items.iter().map(|item| item.written(signal, encoding));
    of_written(signal, encoding, written.collect())
}

/// An export request of items that are written already.
pub fn of_written(signal: Signal, encoding: Encoding, items: Vec<Vec<u8>>) -> Vec<u8> {
    of_instance("", signal, encoding, items)
}

/// An export request of items that are written already, all of one instance of the client: what is
/// alike is known apart by it.
pub fn of_instance(
    instance: &str,
    signal: Signal,
    encoding: Encoding,
    items: Vec<Vec<u8>>,
) -> Vec<u8> {
    let of = |key: &str, text: &str| (key.to_owned(), Value::from(text));
    let mut attributes = vec![of("service.name", "claude-code")];
    if !instance.is_empty() {
        attributes.push(of("service.instance.id", instance));
    }
    match encoding {
        Encoding::Protobuf => {
            let items: Vec<u8> = items.iter().flat_map(|item| bytes(2, item)).collect();
            let scope = bytes(1, &bytes(1, b"com.anthropic.claude_code.events"));
            let attributes = attributes.iter();
            let resource = attributes.flat_map(|attribute| bytes(1, &key_value(attribute)));
            let resource = bytes(1, &resource.collect::<Vec<u8>>());
            let group = [resource, bytes(2, &[scope, items].concat())].concat();
            bytes(1, &group)
        }
        Encoding::Json => {
            let (resources, scopes, list) = match signal {
                Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords"),
                Signal::Metrics => ("resourceMetrics", "scopeMetrics", "metrics"),
                Signal::Traces => ("resourceSpans", "scopeSpans", "spans"),
            };
            let attributes: Vec<Json> = attributes.iter().map(key_value_json).collect();
            let resource = json!({ "attributes": attributes });
            let open = format!(
                r#"{{"{resources}":[{{"resource":{resource},"{scopes}":[{{"scope":{{"name":"com.anthropic.claude_code.events"}},"{list}":["#
            );
            let items = items.join(&b","[..]);
            [open.as_bytes(), &items, b"]}]}]}"].concat()
        }
    }
}

/// A request of one marked item that is exactly `length` bytes long.
///
/// Its padding is text that is hardly compressed when `is_noise`, and one letter otherwise.
pub fn sized(encoding: Encoding, marker: &str, length: usize, is_noise: bool) -> Vec<u8> {
    let of = |padding: usize| {
        let text = match is_noise {
            true => crate::wire::squeeze::noise(padding),
            false => "x".repeat(padding),
        };
        let item = Item::new(marker).with("padding", Value::Text(text));
        request(Signal::Logs, encoding, &[item])
    };
    // Lengths of lengths change with the padding: close in on it.
    let mut padding = length.saturating_sub(of(0).len());
    for _ in 0..4 {
        let have = of(padding).len();
        padding = (padding + length).saturating_sub(have);
    }
    let mut body = of(padding);
    // A length that no padding gives is filled with what both encodings ignore.
    while body.len() < length {
        match encoding {
            Encoding::Protobuf => body.extend(number(15, 0)),
            Encoding::Json => body.push(b' '),
        }
    }
    body
}

fn key_value((key, value): &Attribute) -> Vec<u8> {
    [bytes(1, key.as_bytes()), bytes(2, &any_value(value))].concat()
}

/// An `AnyValue` as protobuf.
pub fn any_value(value: &Value) -> Vec<u8> {
    match value {
        Value::Empty => Vec::new(),
        Value::Text(text) => bytes(1, text.as_bytes()),
        Value::Bool(flag) => number(2, u64::from(*flag)),
        Value::Int(int) => number(3, *int as u64),
        Value::Double(double) => eight(4, double.to_bits()),
        Value::Array(values) => {
            let values = values.iter().flat_map(|value| bytes(1, &any_value(value)));
            bytes(5, &values.collect::<Vec<u8>>())
        }
        Value::Map(entries) => {
            let entries = entries.iter().flat_map(|entry| bytes(1, &key_value(entry)));
            bytes(6, &entries.collect::<Vec<u8>>())
        }
        Value::Bytes(content) => bytes(7, content),
    }
}

fn key_value_json((key, value): &Attribute) -> Json {
    json!({ "key": key, "value": any_value_json(value) })
}

/// An `AnyValue` as OTLP/JSON.
pub fn any_value_json(value: &Value) -> Json {
    match value {
        Value::Empty => json!({}),
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Int(int) => json!({ "intValue": int.to_string() }),
        Value::Double(double) if double.is_finite() => json!({ "doubleValue": double }),
        Value::Double(double) if double.is_nan() => json!({ "doubleValue": "NaN" }),
        Value::Double(double) if *double > 0.0 => json!({ "doubleValue": "Infinity" }),
        Value::Double(_) => json!({ "doubleValue": "-Infinity" }),
        Value::Array(values) => {
            let values: Vec<Json> = values.iter().map(any_value_json).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Map(entries) => {
            let entries: Vec<Json> = entries.iter().map(key_value_json).collect();
            json!({ "kvlistValue": { "values": entries } })
        }
        Value::Bytes(content) => json!({ "bytesValue": base64(content) }),
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..4 {
            encoded.push(match sextet <= group.len() {
                true => char::from(ALPHABET[(bits >> (18 - 6 * sextet) & 63) as usize]),
                false => '=',
            });
        }
    }
    encoded
}

/// Nanoseconds since the Unix epoch, by this machine's clock.
pub fn now_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64 * 1_000_000)
}
