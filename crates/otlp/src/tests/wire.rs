//! Protobuf, right and wrong, byte by byte.

use contract::{MetricKind, PointValue, RawEncoding, Signal, Temporality, Value};

use super::{Collected, collect, collect_within};
use crate::{Decoded, Limits, Refused, count, decode, to_json};

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 1 << 14);
    let mut out = vec![number << 3 | 2];
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length => out.extend([length as u8 | 0x80, (length >> 7) as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// A request of one scope with these items.
pub(super) fn request(items: &[&[u8]]) -> Vec<u8> {
    let items: Vec<u8> = items.iter().flat_map(|item| field(2, item)).collect();
    field(1, &field(2, &items))
}

fn attribute(value: &[u8]) -> Vec<u8> {
    field(6, &[field(1, b"k"), field(2, value)].concat())
}

#[track_caller]
fn check_value(any_value: &[u8], expected: Value<'_>) {
    let (_, collected) =
        collect(Signal::Logs, &request(&[&attribute(any_value)])).expect("decodes");
    assert_eq!(
        collected.groups[0].logs[0].attributes,
        [("k".into(), expected)]
    );
}

#[test]
fn values() {
    check_value(b"", Value::Empty);
    check_value(b"\x0a\x00", Value::from(""));
    check_value(b"\x10\x00", Value::Bool(false));
    check_value(b"\x10\x05", Value::Bool(true));
    check_value(
        b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        Value::Int(-1),
    );
    check_value(b"\x21\0\0\0\0\0\0\xf0\x3f", Value::Double(1.0));
    check_value(b"\x2a\x00", Value::Array("[]".into()));
    check_value(b"\x32\x00", Value::Map("{}".into()));
    check_value(b"\x3a\x02\x00\xff", Value::Bytes((&[0u8, 255][..]).into()));
    // An index into the string table of profiles counts as absent.
    check_value(b"\x40\x05", Value::Empty);
    // The last member wins, of plain values and of lists.
    check_value(b"\x0a\x01a\x18\x02", Value::Int(2));
    check_value(b"\x2a\x00\x0a\x01a", Value::from("a"));
    check_value(b"\x0a\x01a\x2a\x00", Value::Array("[]".into()));
    check_value(b"\x18\x01\x18\x02", Value::Int(2));
    // Unknown fields of every wire type.
    check_value(
        b"\x78\x01\x79\0\0\0\0\0\0\0\0\x7a\x01x\x7d\0\0\0\0\x18\x02",
        Value::Int(2),
    );
    let list = [
        field(1, b"\x18\x01"),
        field(1, b""),
        field(1, b"\x2a\x04\x0a\x02\x10\x01"),
    ]
    .concat();
    check_value(&field(5, &list), Value::Array("[1,null,[true]]".into()));
    let map = [
        field(1, &[field(1, b"a"), field(2, b"\x3a\x01\x0f")].concat()),
        field(1, &field(1, b"b")),
    ]
    .concat();
    check_value(
        &field(6, &map),
        Value::Map(r#"{"a":{"$bytes":"0f"},"b":null}"#.into()),
    );
    check_value(
        &field(6, &[map.clone(), map].concat()),
        Value::Map(
            r#"{"$kvlist":[["a",{"$bytes":"0f"}],["b",null],["a",{"$bytes":"0f"}],["b",null]]}"#
                .into(),
        ),
    );
}

#[test]
fn keys_and_order() {
    // No key, a key that is an index, value before key, a value in two parts of which the last counts.
    let items = [
        field(6, &field(2, b"\x18\x01")),
        field(6, &[&b"\x18\x07"[..], &field(2, b"\x18\x02")].concat()),
        field(6, &[field(2, b"\x18\x03"), field(1, b"late")].concat()),
        field(6, &[field(2, b"\x18\x03"), field(2, b"\x18\x04")].concat()),
    ];
    let (_, collected) = collect(Signal::Logs, &request(&[&items.concat()])).expect("decodes");
    let expected =
        [("", 1), ("", 2), ("late", 3), ("", 4)].map(|(key, n)| (key.into(), Value::Int(n)));
    assert_eq!(collected.groups[0].logs[0].attributes, expected);
    // Resource, scope and schema after the items they belong to.
    let scope = [field(2, b""), field(1, &field(1, b"scope")), field(3, b"s")].concat();
    let group = [
        field(2, &scope),
        field(2, b""),
        field(1, &field(1, &field(1, b"k"))),
    ]
    .concat();
    let (_, collected) = collect(Signal::Logs, &field(1, &group)).expect("decodes");
    let [group] = &collected.groups[..] else {
        panic!("a scope without items is no origin")
    };
    assert_eq!(
        (
            group.origin.scope_name.as_ref(),
            group.origin.scope_schema_url.as_ref()
        ),
        ("scope", "s")
    );
    assert_eq!(group.origin.resource.len(), 1);
}

#[test]
fn ids_that_are_none() {
    for (id, is_kept) in [
        (&[1u8; 16][..], true),
        (&[0; 16], false),
        (&[1; 15], false),
        (b"", false),
    ] {
        let (_, collected) = collect(Signal::Logs, &request(&[&field(9, id)])).expect("decodes");
        assert_eq!(collected.groups[0].logs[0].trace_id.is_some(), is_kept);
    }
}

#[test]
fn text_that_is_not_utf_8_is_repaired_and_counted_once_an_item() {
    let bad = field(3, b"a\xff");
    let twice = [bad.clone(), field(12, b"\xc3")].concat();
    let items = [field(2, &bad), field(2, &twice), field(2, b"")].concat();
    let scope = [field(1, &field(1, b"\xff")), items].concat();
    let (decoded, collected) =
        collect(Signal::Logs, &field(1, &field(2, &scope))).expect("decodes");
    assert_eq!(
        (decoded.items, decoded.repaired, decoded.quarantined),
        (3, 3, 0)
    );
    assert_eq!(collected.groups[0].origin.scope_name, "\u{fffd}");
    assert_eq!(collected.groups[0].logs[0].severity_text, "a\u{fffd}");
    assert_eq!(
        to_json(Signal::Logs, &request(&[&bad])).map(|json| json.len()),
        Ok(75)
    );
}

/// The middle one of three items is quarantined, for this reason.
#[track_caller]
fn check_quarantined(signal: Signal, item: &[u8], reason: &str) {
    let (decoded, collected) =
        collect(signal, &request(&[b"", item, b""])).expect("the rest is kept");
    let kept = if signal == Signal::Metrics { 0 } else { 2 };
    assert_eq!(
        (decoded.items, decoded.quarantined),
        (kept + 1, 1),
        "{item:?}"
    );
    assert_eq!(
        (
            decoded.first_reason.as_deref(),
            collected.quarantined[0].encoding
        ),
        (Some(reason), RawEncoding::Protobuf)
    );
    assert_eq!(collected.quarantined[0].raw, item);
}

#[test]
fn faults_inside_an_item_cost_the_item() {
    let log = |item: &[u8], reason: &str| {
        check_quarantined(
            Signal::Logs,
            item,
            &format!("The log record cannot be read: {reason}."),
        );
    };
    log(b"\x09", "the message ends inside a field, at byte 1");
    log(b"\x08\x01", "field 1 has the wrong wire type, at byte 2");
    log(
        b"\x1a\x05ab",
        "a length reaches beyond the end of its message, at byte 0",
    );
    log(
        b"\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        "a varint is longer than 64 bits, at byte 1",
    );
    log(
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        "a varint is longer than 64 bits, at byte 1",
    );
    log(
        b"\x10\x01\x00\x00",
        "a field has a number that cannot be, at byte 2",
    );
    log(
        b"\x7b",
        "a field is a group or has an unknown wire type, at byte 0",
    );
    log(
        b"\x32\x03\x08\x01\x00",
        "field 1 has the wrong wire type, at byte 4",
    );
    log(
        b"\x2a\x02\x08\x01",
        "field 1 has the wrong wire type, at byte 4",
    );
    let span = |item: &[u8], reason: &str| {
        check_quarantined(
            Signal::Traces,
            item,
            &format!("The span cannot be read: {reason}."),
        );
    };
    span(
        b"\x5a\x02\x10\x01",
        "field 2 has the wrong wire type, at byte 4",
    );
    span(
        b"\x7a\x01\x0a",
        "the message ends inside a field, at byte 3",
    );
}

#[test]
fn faults_inside_a_metric_cost_the_metric_or_the_point() {
    let metric = |item: &[u8], reason: &str| {
        check_quarantined(
            Signal::Metrics,
            item,
            &format!("The metric cannot be read: {reason}."),
        );
    };
    metric(b"\x08\x01", "field 1 has the wrong wire type, at byte 2");
    metric(
        b"\x0a\x01m\x3a\x02\x12\x00",
        "field 2 has the wrong wire type, at byte 7",
    );
    metric(
        b"\x62\x02\x08\x01",
        "field 1 has the wrong wire type, at byte 4",
    );
    let point = |item: &[u8], reason: &str| {
        let metric = [
            field(1, b"m"),
            field(7, &[field(1, b""), field(1, item), field(1, b"")].concat()),
        ]
        .concat();
        let (decoded, collected) =
            collect(Signal::Metrics, &request(&[&metric])).expect("the rest is kept");
        assert_eq!(
            (
                decoded.items,
                decoded.quarantined,
                collected.groups[0].points.len()
            ),
            (3, 1, 2)
        );
        assert_eq!(
            decoded.first_reason,
            Some(format!("The data point of m cannot be read: {reason}."))
        );
        assert_eq!(collected.quarantined[0].raw, item);
    };
    point(b"\x20\x01", "field 4 has the wrong wire type, at byte 2");
    point(
        b"\x2a\x02\x22\x05",
        "a length reaches beyond the end of its message, at byte 2",
    );
}

#[test]
fn faults_outside_of_items_cost_the_request() {
    let check = |request: &[u8], reason: &str, offset: usize| {
        let expected = Refused::Malformed {
            reason: reason.to_owned(),
            offset: Some(offset),
        };
        let mut collected = Collected::default();
        let decoded = decode(Signal::Logs, request, &Limits::default(), &mut collected);
        assert_eq!(decoded, Err(expected.clone()), "{request:?}");
        assert!(collected.groups.is_empty(), "nothing reached the sink");
        assert_eq!(
            count(Signal::Logs, request, &Limits::default()),
            Err(expected)
        );
    };
    let after_an_item = |bytes: &[u8], reason: &str, offset: usize| {
        check(&[&request(&[b""])[..], bytes].concat(), reason, offset);
    };
    let inside =
        |bytes: &[u8], reason: &str, offset: usize| check(&field(1, bytes), reason, offset);
    let beyond = "a length reaches beyond the end of its message";
    let wrong_type = "field 1 has the wrong wire type";
    let too_long = "a varint is longer than 64 bits";
    check(b"\x0a", "the message ends inside a field", 1);
    after_an_item(b"\x0a\x05", beyond, 6);
    after_an_item(b"\x08\x05", wrong_type, 8);
    after_an_item(b"\x0b", "a field is a group or has an unknown wire type", 6);
    after_an_item(b"\x00\x00", "a field has a number that cannot be", 6);
    after_an_item(
        &[0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        too_long,
        6,
    );
    inside(b"\x08\x01", wrong_type, 4);
    inside(&field(1, b"\x0a\x02\x08\x01"), wrong_type, 8);
    inside(
        &field(2, b"\x12\x00\x15\0\0\0\0"),
        "field 2 has the wrong wire type",
        11,
    );
    inside(
        &field(2, &[b"\x12\x00", &field(1, b"\x08\x01")[..]].concat()),
        wrong_type,
        10,
    );
}

#[test]
fn refusals_are_sentences() {
    let check = |refused: Refused, sentence: &str| assert_eq!(refused.to_string(), sentence);
    let malformed = |offset| Refused::Malformed {
        reason: "r".to_owned(),
        offset,
    };
    check(
        malformed(Some(3)),
        "The request is not valid OTLP: r, at byte 3.",
    );
    check(malformed(None), "The request is not valid OTLP: r.");
    let too_many = Refused::TooMany {
        what: "items",
        limit: 3,
    };
    check(too_many, "The request has more than 3 items.");
}

/// The kind, value, attributes and bytes of the only point of a metric.
fn point_of(number: u8, data: &[u8]) -> (MetricKind, PointValue, usize, &'static [u8]) {
    let metric = [field(1, b"m"), field(number, data)].concat();
    let (_, mut collected) = collect(Signal::Metrics, &request(&[&metric])).expect("decodes");
    let (metric, point) = collected.groups.remove(0).points.remove(0);
    (metric.kind, point.value, point.attributes.len(), point.raw)
}

fn eight(number: u8, bits: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &bits.to_le_bytes()].concat()
}

#[test]
fn every_kind_of_metric() {
    let check =
        |number: u8, kind: MetricKind, point: &[u8], value: PointValue, attributes: usize| {
            assert_eq!(
                point_of(number, &field(1, point)),
                (kind, value, attributes, point)
            );
        };
    let half = eight(4, 0.5f64.to_bits());
    let minus_two = eight(6, -2i64 as u64);
    check(5, MetricKind::Gauge, &minus_two, PointValue::Int(-2), 0);
    check(5, MetricKind::Gauge, b"", PointValue::Empty, 0);
    check(
        7,
        MetricKind::Sum,
        &[minus_two, half].concat(),
        PointValue::Double(0.5),
        0,
    );
    let distribution = [eight(4, 3), eight(5, 1.5f64.to_bits())].concat();
    let value = PointValue::Distribution {
        count: 3,
        sum: Some(1.5),
    };
    // Bucket counts packed and not.
    let counts = [field(6, &[0; 16]), eight(6, 1), field(9, &field(1, b"k"))].concat();
    check(
        9,
        MetricKind::Histogram,
        &[&distribution[..], &counts].concat(),
        value,
        1,
    );
    let buckets = [field(1, &field(1, b"k")), field(8, &field(2, b"\x01\x02"))].concat();
    let exponential = [&distribution[..], &buckets].concat();
    check(10, MetricKind::ExponentialHistogram, &exponential, value, 1);
    check(11, MetricKind::Summary, &distribution, value, 0);
}

#[test]
fn what_points_share() {
    let data = [field(1, b""), b"\x10\x02\x18\x01".to_vec()].concat();
    let metric = [field(7, &data), field(1, b"m"), field(3, b"s")].concat();
    let (_, collected) = collect(Signal::Metrics, &request(&[&metric])).expect("decodes");
    let metric = &collected.groups[0].points[0].0;
    assert_eq!((metric.name.as_ref(), metric.unit.as_ref()), ("m", "s"));
    assert_eq!(
        (metric.temporality, metric.is_monotonic),
        (Temporality::Cumulative, true)
    );
    // Of two kinds of data the last counts, and its points alone are items.
    let two = [field(5, &field(1, b"")), field(7, &field(1, b"").repeat(2))].concat();
    let (decoded, collected) = collect(Signal::Metrics, &request(&[&two])).expect("decodes");
    assert_eq!(
        (decoded.items, collected.groups[0].points[0].0.kind),
        (2, MetricKind::Sum)
    );
}

#[test]
fn truncated_anywhere_nothing_panics() {
    let record = [
        attribute(b"\x2a\x06\x0a\x04\x0a\x02ab"),
        field(9, &[1; 16]),
        field(12, b"e"),
    ]
    .concat();
    let whole = [request(&[&record, b""]), request(&[&record])].concat();
    let boundary = request(&[&record, b""]).len();
    assert_eq!(collect(Signal::Logs, &whole).expect("whole").0.items, 3);
    for end in 0..whole.len() {
        let cut = collect_within(Signal::Logs, &whole[..end], &Limits::default());
        match cut {
            Ok((decoded, _)) if end == 0 => assert_eq!(decoded, Decoded::default()),
            Ok((decoded, _)) if end == boundary => assert_eq!(decoded.items, 2),
            Ok(_) => panic!("cut at {end} of {}", whole.len()),
            Err(refused) => {
                assert!(matches!(refused, Refused::Malformed { offset: Some(at), .. } if at <= end))
            }
        }
    }
}
