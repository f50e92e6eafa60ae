//! Random bytes never panic; random requests survive every way there and back.

use std::borrow::Cow;

use contract::{
    Attribute, DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Signal, Span,
    Temporality, Value,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{collect, encode_again, shown};
use crate::{Limits, encode, from_json, to_json};

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        Just(Signal::Logs),
        Just(Signal::Metrics),
        Just(Signal::Traces)
    ]
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    prop_oneof![
        4 => "[a-z.]{0,12}".prop_map(Cow::Owned),
        1 => ".{0,8}".prop_map(Cow::Owned),
        1 => "[a$\"\\\\\u{0}\n]{0,4}".prop_map(Cow::Owned),
        1 => "x{100,200}".prop_map(Cow::Owned),
    ]
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -1e3..1e3f64,
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::NAN),
    ]
    // Which NaN it was, JSON cannot say.
    .prop_map(|number| if number.is_nan() { f64::NAN } else { number })
}

fn scalar() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        Just(Value::Empty),
        text().prop_map(Value::Str),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        double().prop_map(Value::Double),
        vec(any::<u8>(), 0..5).prop_map(|bytes| Value::Bytes(Cow::Owned(bytes))),
    ]
}

fn json(value: &Value<'_>) -> String {
    let mut out = String::new();
    value.write_json(&mut out);
    out
}

/// A key-value list in the form that its keys need.
fn map(entries: Vec<(Cow<'static, str>, Value<'static>)>) -> Value<'static> {
    let mut keys: Vec<_> = entries.iter().map(|(key, _)| key.clone()).collect();
    keys.sort();
    let is_plain = keys.windows(2).all(|pair| pair[0] != pair[1])
        && keys.iter().all(|key| !key.starts_with('$'));
    let entry = |(key, value): (Cow<'static, str>, Value<'static>)| match is_plain {
        true => format!("{}:{}", json(&Value::Str(key)), json(&value)),
        false => format!("[{},{}]", json(&Value::Str(key)), json(&value)),
    };
    let entries = entries.into_iter().map(entry).collect::<Vec<_>>().join(",");
    Value::Map(Cow::Owned(if is_plain {
        format!("{{{entries}}}")
    } else {
        format!("{{\"$kvlist\":[{entries}]}}")
    }))
}

fn value() -> impl Strategy<Value = Value<'static>> {
    scalar().prop_recursive(4, 16, 4, |inner| {
        let array = vec(inner.clone(), 0..4).prop_map(|elements| {
            let elements = elements.iter().map(json).collect::<Vec<_>>().join(",");
            Value::Array(Cow::Owned(format!("[{elements}]")))
        });
        prop_oneof![array, vec((text(), inner), 0..4).prop_map(map)]
    })
}

fn attributes() -> impl Strategy<Value = Vec<Attribute<'static>>> {
    vec((text(), value()), 0..5)
}

fn origin() -> impl Strategy<Value = Origin<'static>> {
    let resource = (attributes(), any::<u32>(), text());
    let scope = (text(), text(), attributes(), any::<u32>(), text());
    (resource, scope).prop_map(|(resource, scope)| Origin {
        resource: resource.0,
        resource_dropped: resource.1,
        resource_schema_url: resource.2,
        scope_name: scope.0,
        scope_version: scope.1,
        scope_attributes: scope.2,
        scope_dropped: scope.3,
        scope_schema_url: scope.4,
    })
}

fn id<const N: usize>() -> impl Strategy<Value = Option<[u8; N]>> {
    option::of(any::<[u8; N]>().prop_filter("zeros are no id", |id| *id != [0; N]))
}

fn log() -> impl Strategy<Value = LogRecord<'static>> {
    let numbers = (
        any::<u64>(),
        any::<u64>(),
        any::<i32>(),
        any::<u32>(),
        any::<u32>(),
    );
    (
        numbers,
        (text(), text()),
        option::of(value()),
        attributes(),
        id(),
        id(),
    )
        .prop_map(
            |(numbers, texts, body, attributes, trace_id, span_id)| LogRecord {
                time_unix_nano: numbers.0,
                observed_time_unix_nano: numbers.1,
                severity_number: numbers.2,
                severity_text: texts.0,
                body,
                attributes,
                dropped_attributes_count: numbers.3,
                flags: numbers.4,
                trace_id,
                span_id,
                event_name: texts.1,
            },
        )
}

fn metric() -> impl Strategy<Value = (Metric<'static>, Vec<DataPoint<'static>>)> {
    let kind = prop_oneof![
        Just(MetricKind::Gauge),
        Just(MetricKind::Sum),
        Just(MetricKind::Histogram),
        Just(MetricKind::ExponentialHistogram),
        Just(MetricKind::Summary),
    ];
    let points = vec(
        (
            any::<u64>(),
            any::<u64>(),
            attributes(),
            any::<i64>(),
            option::of(double()),
        ),
        1..4,
    );
    (kind, text(), text(), 0..3u64, any::<bool>(), points).prop_map(
        |(kind, name, unit, code, flag, points)| {
            let has_temporality = !matches!(kind, MetricKind::Gauge | MetricKind::Summary);
            let metric = Metric {
                name: name.clone(),
                description: name,
                unit,
                kind,
                temporality: if has_temporality {
                    Temporality::from_code(code)
                } else {
                    Temporality::Unspecified
                },
                is_monotonic: flag && kind == MetricKind::Sum,
            };
            let point =
                |(start, time, attributes, number, sum): (u64, u64, Vec<_>, i64, Option<f64>)| {
                    DataPoint {
                        start_time_unix_nano: start,
                        time_unix_nano: time,
                        value: match (kind, sum) {
                            (MetricKind::Gauge | MetricKind::Sum, Some(number)) => {
                                PointValue::Double(number)
                            }
                            (MetricKind::Gauge | MetricKind::Sum, None) => PointValue::Int(number),
                            // A summary's sum of 0 is not written.
                            (_, sum) => PointValue::Distribution {
                                count: number as u64,
                                sum: sum.filter(|sum| *sum != 0.0),
                            },
                        },
                        attributes,
                        raw: &[],
                    }
                };
            (metric, points.into_iter().map(point).collect())
        },
    )
}

fn span() -> impl Strategy<Value = Span<'static>> {
    let ids = (id(), id(), id());
    let numbers = (0..6u32, any::<u64>(), any::<u64>(), 0..3u32);
    (ids, numbers, text(), text(), attributes(), any::<bool>()).prop_map(
        |(ids, numbers, name, status_message, attributes, has_events)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            name,
            kind: numbers.0,
            start_time_unix_nano: numbers.1,
            end_time_unix_nano: numbers.2,
            attributes,
            status_code: numbers.3,
            status_message,
            events_json: has_events.then(|| r#"[{"timeUnixNano":"1","name":"e"},{}]"#.to_owned()),
            links_json: has_events
                .then(|| r#"[{"traceId":"0a","flags":1}]"#.replace("0a", &"0a".repeat(16))),
            raw: &[],
        },
    )
}

fn protobuf() -> impl Strategy<Value = (Signal, Vec<u8>)> {
    prop_oneof![
        vec((origin(), vec(log(), 1..4)), 0..4)
            .prop_map(|groups| (Signal::Logs, encode::logs(&groups))),
        vec((origin(), vec(metric(), 1..4)), 0..3)
            .prop_map(|groups| (Signal::Metrics, encode::metrics(&groups))),
        vec((origin(), vec(span(), 1..4)), 0..3)
            .prop_map(|groups| (Signal::Traces, encode::spans(&groups))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn log_records_come_back_as_they_were(groups in vec((origin(), vec(log(), 1..4)), 1..4)) {
        let (decoded, collected) = collect(Signal::Logs, &encode::logs(&groups)).expect("decodes");
        prop_assert_eq!((decoded.quarantined, decoded.repaired), (0, 0));
        let back: Vec<_> = collected.groups.into_iter().map(|group| (group.origin, group.logs)).collect();
        prop_assert_eq!(format!("{back:?}"), format!("{groups:?}"));
    }

    #[test]
    fn spans_come_back_as_they_were(spans in vec(span(), 1..4)) {
        let request = encode::spans(&[(Origin::default(), spans.clone())]);
        let (_, mut collected) = collect(Signal::Traces, &request).expect("decodes");
        let back = collected.groups[0].spans.iter_mut();
        let back: Vec<_> = back.map(|span| Span { raw: &[], ..span.clone() }).collect();
        prop_assert_eq!(format!("{back:?}"), format!("{spans:?}"));
    }

    #[test]
    fn data_points_come_back_as_they_were(metrics in vec(metric(), 1..4)) {
        let request = encode::metrics(&[(Origin::default(), metrics.clone())]);
        let (_, collected) = collect(Signal::Metrics, &request).expect("decodes");
        let points = collected.groups[0].points.iter();
        let back: Vec<_> = points.map(|(metric, point)| (metric, DataPoint { raw: &[], ..point.clone() })).collect();
        let sent: Vec<_> = metrics.iter().flat_map(|(metric, points)| points.iter().map(move |point| (metric, point))).collect();
        prop_assert_eq!(format!("{back:?}"), format!("{sent:?}"));
    }

    /// What is encoded is canonical: through JSON and back it is the same bytes.
    #[test]
    fn json_and_back_is_the_same_bytes((signal, protobuf) in protobuf()) {
        let json = to_json(signal, &protobuf).expect("JSON");
        let read = from_json(signal, &json, &Limits::default()).expect("read");
        prop_assert_eq!(read.warnings, 0);
        prop_assert!(read.quarantined.is_empty());
        prop_assert_eq!(read.protobuf, protobuf);
    }

    #[test]
    fn random_bytes_never_panic(signal in signal(), bytes in vec(any::<u8>(), 0..200)) {
        let _ = collect(signal, &bytes);
        let _ = to_json(signal, &bytes);
        let _ = from_json(signal, &bytes, &Limits::default());
    }

    /// A damaged request is refused, or what is left of it survives being written again.
    #[test]
    fn damaged_requests_never_panic(
        (signal, mut bytes) in protobuf(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (at, byte) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let _ = to_json(signal, &bytes);
        if let Ok((_, collected)) = collect(signal, &bytes) {
            let again = encode_again(&collected, signal, true);
            let (_, second) = collect(signal, &again).expect("what is written decodes");
            let kept: Vec<_> = collected.groups.iter().filter(|g| g.logs.len() + g.points.len() + g.spans.len() > 0).cloned().collect();
            let collected = super::Collected { groups: kept, quarantined: Vec::new() };
            prop_assert_eq!(shown(&collected, true), shown(&second, true));
        }
    }

    /// Damaged JSON is refused or read, and what is written for it always decodes whole.
    #[test]
    fn damaged_json_never_panics(
        (signal, protobuf) in protobuf(),
        damage in vec((any::<prop::sample::Index>(), prop::sample::select(b"0-\"\\{}[],:eEnu\xff".to_vec())), 1..3),
    ) {
        let mut json = to_json(signal, &protobuf).expect("JSON");
        for (at, byte) in damage {
            if !json.is_empty() {
                let at = at.index(json.len());
                json[at] = byte;
            }
        }
        if let Ok(read) = from_json(signal, &json, &Limits::default()) {
            let (decoded, _) = collect(signal, &read.protobuf).expect("what is written decodes");
            prop_assert_eq!(decoded.quarantined, 0);
        }
    }
}
