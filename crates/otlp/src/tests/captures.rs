//! Every recorded request of the real clients, read in each way there is.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use contract::{
    Attribute, DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Quarantined, Signal,
    Sink, Span, Temporality, Value,
};
use serde_json::Value as Json;

use super::{Collected, Group, collect, collect_json, encode_again, shown};
use crate::{Limits, count, decode, from_json, to_json};

/// Every capture with this extension, with its signal.
fn captures(extension: &str) -> Vec<(Signal, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures");
    let mut found = Vec::new();
    for folder in fs::read_dir(root).expect("the captures") {
        let folder = folder.expect("a folder").path();
        let Ok(files) = fs::read_dir(&folder) else {
            continue;
        };
        for file in files {
            let path = file.expect("a file").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let signal = Signal::ALL
                .into_iter()
                .find(|s| name.ends_with(&format!("-{}.{extension}", s.name())));
            found.extend(signal.map(|signal| (signal, path)));
        }
    }
    found.sort();
    assert!(found.len() > 30, "{} captures", found.len());
    found
}

/// All captures as protobuf.
pub(crate) fn requests() -> Vec<(Signal, PathBuf, Vec<u8>)> {
    let of_json = captures("json").into_iter().map(|(signal, path)| {
        let body = fs::read(&path).expect("a capture");
        let read = from_json(signal, &body, &Limits::default()).expect("a valid request");
        (signal, path, read.protobuf)
    });
    let of_protobuf = captures("pb").into_iter().map(|(signal, path)| {
        let body = fs::read(&path).expect("a capture");
        (signal, path, body)
    });
    of_json.chain(of_protobuf).collect()
}

/// A second reading of OTLP/JSON, as simple as can be, to compare with.
mod dom {
    use super::*;

    fn text(json: &Json) -> Cow<'static, str> {
        Cow::Owned(json.as_str().unwrap_or_default().to_owned())
    }

    fn number(json: &Json) -> u64 {
        match json {
            Json::String(text) => text.parse().expect("a number"),
            Json::Null => 0,
            other => other.as_u64().expect("a number"),
        }
    }

    fn id<const N: usize>(json: &Json) -> Option<[u8; N]> {
        let digits = json.as_str()?;
        let bytes: Vec<u8> = (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).expect("hex"))
            .collect();
        bytes.try_into().ok()
    }

    fn value(json: &Json) -> Value<'static> {
        let Some((name, member)) = json.as_object().expect("a value").iter().next() else {
            return Value::Empty;
        };
        match name.as_str() {
            "stringValue" => Value::Str(text(member)),
            "boolValue" => Value::Bool(member.as_bool().expect("a bool")),
            "intValue" => Value::Int(member.as_i64().expect("an int")),
            "doubleValue" => Value::Double(member.as_f64().expect("a double")),
            "arrayValue" => {
                let elements: Vec<String> = list(&member["values"])
                    .map(|element| {
                        let mut out = String::new();
                        value(element).write_json(&mut out);
                        out
                    })
                    .collect();
                Value::Array(Cow::Owned(format!("[{}]", elements.join(","))))
            }
            other => panic!("no capture has {other}"),
        }
    }

    fn list(json: &Json) -> impl Iterator<Item = &Json> {
        json.as_array().into_iter().flatten()
    }

    fn attributes(json: &Json) -> Vec<Attribute<'static>> {
        list(&json["attributes"])
            .map(|a| (text(&a["key"]), value(&a["value"])))
            .collect()
    }

    fn log(json: &Json) -> LogRecord<'static> {
        LogRecord {
            time_unix_nano: number(&json["timeUnixNano"]),
            observed_time_unix_nano: number(&json["observedTimeUnixNano"]),
            severity_number: number(&json["severityNumber"]) as i32,
            severity_text: text(&json["severityText"]),
            body: json.get("body").map(value),
            attributes: attributes(json),
            dropped_attributes_count: number(&json["droppedAttributesCount"]) as u32,
            flags: number(&json["flags"]) as u32,
            trace_id: id(&json["traceId"]),
            span_id: id(&json["spanId"]),
            event_name: text(&json["eventName"]),
        }
    }

    fn points(json: &Json) -> Vec<(Metric<'static>, DataPoint<'static>)> {
        let sum = &json["sum"];
        assert!(sum.is_object(), "the clients send sums only");
        let metric = Metric {
            name: text(&json["name"]),
            description: text(&json["description"]),
            unit: text(&json["unit"]),
            kind: MetricKind::Sum,
            temporality: Temporality::from_code(number(&sum["aggregationTemporality"])),
            is_monotonic: sum["isMonotonic"] == Json::Bool(true),
        };
        list(&sum["dataPoints"])
            .map(|point| {
                let point = DataPoint {
                    start_time_unix_nano: number(&point["startTimeUnixNano"]),
                    time_unix_nano: number(&point["timeUnixNano"]),
                    value: PointValue::Double(point["asDouble"].as_f64().expect("a double")),
                    attributes: attributes(point),
                    raw: &[],
                };
                (metric.clone(), point)
            })
            .collect()
    }

    fn span(json: &Json) -> Span<'static> {
        // Counts of 0 are not written.
        let elements = |name: &str| {
            let text = json[name]
                .to_string()
                .replace("\"droppedAttributesCount\":0,", "");
            (text != "[]").then_some(text)
        };
        Span {
            trace_id: id(&json["traceId"]),
            span_id: id(&json["spanId"]),
            parent_span_id: id(&json["parentSpanId"]),
            name: text(&json["name"]),
            kind: number(&json["kind"]) as u32,
            start_time_unix_nano: number(&json["startTimeUnixNano"]),
            end_time_unix_nano: number(&json["endTimeUnixNano"]),
            attributes: attributes(json),
            status_code: number(&json["status"]["code"]) as u32,
            status_message: text(&json["status"]["message"]),
            events_json: elements("events"),
            links_json: elements("links"),
            raw: &[],
        }
    }

    /// The request as it should be collected.
    pub(super) fn read(signal: Signal, json: &Json) -> Vec<Group> {
        let (groups, scopes, items) = match signal {
            Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords"),
            Signal::Metrics => ("resourceMetrics", "scopeMetrics", "metrics"),
            Signal::Traces => ("resourceSpans", "scopeSpans", "spans"),
        };
        let mut read = Vec::new();
        for group in list(&json[groups]) {
            for scope in list(&group[scopes]).filter(|scope| list(&scope[items]).next().is_some()) {
                let origin = Origin {
                    resource: attributes(&group["resource"]),
                    resource_dropped: number(&group["resource"]["droppedAttributesCount"]) as u32,
                    resource_schema_url: text(&group["schemaUrl"]),
                    scope_name: text(&scope["scope"]["name"]),
                    scope_version: text(&scope["scope"]["version"]),
                    scope_attributes: attributes(&scope["scope"]),
                    scope_dropped: number(&scope["scope"]["droppedAttributesCount"]) as u32,
                    scope_schema_url: text(&scope["schemaUrl"]),
                };
                let mut of_scope = Group {
                    origin,
                    ..Group::default()
                };
                for item in list(&scope[items]) {
                    match signal {
                        Signal::Logs => of_scope.logs.push(log(item)),
                        Signal::Metrics => of_scope.points.extend(points(item)),
                        Signal::Traces => of_scope.spans.push(span(item)),
                    }
                }
                read.push(of_scope);
            }
        }
        read
    }
}

/// JSON text in one form, whatever the order of its names.
fn sorted(json: &mut Option<String>) {
    if let Some(json) = json {
        *json = serde_json::from_str::<Json>(json)
            .expect("JSON")
            .to_string();
    }
}

#[test]
fn json_reads_as_a_plain_reading_does() {
    let mut items = 0;
    for (signal, path) in captures("json") {
        let body = fs::read_to_string(&path).expect("a capture");
        let (mut collected, warnings) = collect_json(signal, &body);
        assert_eq!(
            (warnings, collected.quarantined.len()),
            (0, 0),
            "{}",
            path.display()
        );
        let json: Json = serde_json::from_str(&body).expect("JSON");
        for span in collected
            .groups
            .iter_mut()
            .flat_map(|group| &mut group.spans)
        {
            sorted(&mut span.events_json);
            sorted(&mut span.links_json);
        }
        let expected = Collected {
            groups: dom::read(signal, &json),
            quarantined: Vec::new(),
        };
        assert_eq!(
            shown(&collected, false),
            shown(&expected, false),
            "{}",
            path.display()
        );
        items += collected.items();
    }
    assert!(items > 1_000, "{items} items");
}

/// One bad item makes the whole request be read the careful way: with the same result.
#[test]
fn a_bad_item_changes_nothing_about_its_neighbours() {
    for (signal, path) in captures("json") {
        let body = fs::read_to_string(&path).expect("a capture");
        let name = match signal {
            Signal::Logs => "\"logRecords\":[",
            Signal::Metrics => "\"metrics\":[",
            Signal::Traces => "\"spans\":[",
        };
        let worse = body.replace(name, &format!("{name}5,"));
        let read =
            |body: &str| from_json(signal, body.as_bytes(), &Limits::default()).expect("read");
        let (whole, careful) = (read(&body), read(&worse));
        assert_eq!(
            careful.quarantined.len(),
            body.matches(name).count(),
            "{}",
            path.display()
        );
        assert!(careful.protobuf == whole.protobuf, "{}", path.display());
        assert_eq!(careful.warnings, 0);
    }
}

#[test]
fn protobuf_decodes_whole() {
    let mut items = 0;
    for (signal, path) in captures("pb") {
        let (decoded, _) =
            collect(signal, &fs::read(&path).expect("a capture")).expect("a valid request");
        assert_eq!(
            (decoded.quarantined, decoded.repaired),
            (0, 0),
            "{}",
            path.display()
        );
        items += decoded.items;
    }
    assert!(items > 300, "{items} items");
}

#[test]
fn encoding_loses_nothing() {
    for (signal, path, protobuf) in requests() {
        let (_, first) = collect(signal, &protobuf).expect("a valid request");
        for with_raw in [true, false] {
            let again = encode_again(&first, signal, with_raw);
            let (_, second) = collect(signal, &again).expect("what is written decodes");
            assert_eq!(
                shown(&first, with_raw),
                shown(&second, with_raw),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn json_written_reads_the_same() {
    for (signal, path, protobuf) in requests() {
        let json = String::from_utf8(to_json(signal, &protobuf).expect("JSON")).expect("UTF-8");
        let (_, first) = collect(signal, &protobuf).expect("a valid request");
        let (second, _) = collect_json(signal, &json);
        assert_eq!(
            shown(&first, false),
            shown(&second, false),
            "{}",
            path.display()
        );
        let canonical = from_json(signal, json.as_bytes(), &Limits::default())
            .expect("read")
            .protobuf;
        let json = to_json(signal, &canonical).expect("JSON");
        let again = from_json(signal, &json, &Limits::default())
            .expect("read")
            .protobuf;
        assert!(again == canonical, "{}", path.display());
    }
}

/// The written JSON of a client's request is that request, defaults aside.
#[test]
fn json_is_written_as_the_client_writes_it() {
    for (signal, path) in captures("json") {
        let body = fs::read(&path).expect("a capture");
        let read = from_json(signal, &body, &Limits::default()).expect("a valid request");
        let written = to_json(signal, &read.protobuf).expect("JSON");
        let mut client: Json = serde_json::from_slice(&body).expect("JSON");
        let mut ours: Json = serde_json::from_slice(&written).expect("JSON");
        strip_defaults(&mut client);
        strip_defaults(&mut ours);
        assert_eq!(client, ours, "{}", path.display());
    }
}

/// Leaves out what protobuf does not write: zeros, empty texts, empty lists. Doubles become one kind.
fn strip_defaults(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.values_mut().for_each(strip_defaults);
            members.retain(|name, value| {
                name.ends_with("Value")
                    || name == "asDouble"
                    || !(value == &Json::from(0)
                        || value == &Json::from("")
                        || value == &Json::Array(Vec::new()))
            });
            for name in ["asDouble", "doubleValue"] {
                if let Some(value) = members.get_mut(name) {
                    *value = Json::from(value.as_f64().expect("a double"));
                }
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(strip_defaults),
        _ => {}
    }
}

#[derive(Default)]
struct Counting(u64);

impl Sink for Counting {
    fn origin(&mut self, _: &Origin<'_>) {}
    fn log(&mut self, record: &LogRecord<'_>) {
        self.0 += record.attributes.len() as u64;
    }
    fn point(&mut self, _: &Metric<'_>, point: &DataPoint<'_>) {
        self.0 += point.attributes.len() as u64;
    }
    fn span(&mut self, span: &Span<'_>) {
        self.0 += span.attributes.len() as u64;
    }
    fn quarantine(&mut self, _: Quarantined) {}
}

/// `cargo test --release -p otlp -- --ignored --nocapture figures`
#[test]
#[ignore = "measures; asserts nothing"]
fn figures() {
    let limits = Limits::default();
    for signal in Signal::ALL {
        let load = |extension| -> Vec<Vec<u8>> {
            let paths = captures(extension)
                .into_iter()
                .filter(|(of, _)| *of == signal);
            paths
                .map(|(_, path)| fs::read(path).expect("a capture"))
                .collect()
        };
        let (json, mut protobuf) = (load("json"), load("pb"));
        if protobuf.is_empty() {
            let read = json
                .iter()
                .map(|body| from_json(signal, body, &limits).expect("valid").protobuf);
            protobuf.extend(read);
        }
        let items = |body: &Vec<u8>| count(signal, body, &limits).expect("valid");
        let of_protobuf: u64 = protobuf.iter().map(items).sum();
        let of_json: u64 = json
            .iter()
            .map(|body| items(&from_json(signal, body, &limits).expect("valid").protobuf))
            .sum();
        let mut sink = Counting::default();
        let time = |name: &str, items: u64, bodies: &[Vec<u8>], work: &mut dyn FnMut(&[u8])| {
            let mut best = f64::INFINITY;
            for _ in 0..20 {
                let start = Instant::now();
                for _ in 0..10 {
                    bodies.iter().for_each(|body| work(body));
                }
                best = best.min(start.elapsed().as_nanos() as f64 / (items * 10) as f64);
            }
            let bytes: usize = bodies.iter().map(Vec::len).sum();
            println!(
                "{} {name}: {best:.0} ns an item of {} bytes",
                signal.name(),
                bytes as u64 / items
            );
        };
        time("count", of_protobuf, &protobuf, &mut |body| {
            _ = count(signal, body, &limits)
        });
        time("decode", of_protobuf, &protobuf, &mut |body| {
            _ = decode(signal, body, &limits, &mut sink)
        });
        time("from_json", of_json, &json, &mut |body| {
            _ = from_json(signal, body, &limits)
        });
        time("to_json", of_protobuf, &protobuf, &mut |body| {
            _ = to_json(signal, body)
        });
    }
}
