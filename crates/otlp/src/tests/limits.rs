//! Structural bombs: little on the wire, much in memory.

use std::time::{Duration, Instant};

use contract::{Signal, Value};

use super::wire::request;
use super::{Collected, collect, collect_json, collect_within};
use crate::{Limits, Refused, count, decode, encode, from_json, to_json};

const MIB: usize = 1 << 20;

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// A length-delimited field of any length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(content.len()), content].concat()
}

#[track_caller]
fn check_refused(signal: Signal, bomb: &[u8], what: &'static str, limit: usize) {
    let start = Instant::now();
    let mut collected = Collected::default();
    let refused = decode(signal, bomb, &Limits::default(), &mut collected);
    assert_eq!(refused, Err(Refused::TooMany { what, limit }));
    assert!(collected.groups.is_empty());
    // Far more than it takes, unoptimised and on a busy machine.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

const NODES: &str = "nodes (messages, attributes and values)";

#[test]
fn structural_bombs_are_refused() {
    let empty = b"\x12\x00".repeat(16 * MIB / 2);
    check_refused(Signal::Logs, &field(1, &field(2, &empty)), "items", 50_000);
    check_refused(
        Signal::Traces,
        &field(1, &field(2, &empty)),
        "items",
        50_000,
    );
    check_refused(Signal::Logs, &field(1, &empty), NODES, 2_000_000);
    check_refused(
        Signal::Metrics,
        &field(1, &field(2, &empty)),
        NODES,
        2_000_000,
    );
    let groups = b"\x0a\x00".repeat(3 * MIB);
    check_refused(Signal::Logs, &groups, NODES, 2_000_000);
    check_refused(
        Signal::Metrics,
        &field(1, &field(2, &field(2, &field(7, &groups)))),
        "items",
        50_000,
    );
    check_refused(
        Signal::Logs,
        &field(1, &field(1, &groups)),
        "attributes on one resource or scope",
        1_024,
    );
    // Values in one record: no attribute limit holds there.
    let body = field(5, &field(5, &groups));
    check_refused(
        Signal::Logs,
        &field(1, &field(2, &field(2, &body))),
        NODES,
        2_000_000,
    );
    check_refused(
        Signal::Traces,
        &field(1, &field(2, &field(2, &b"\x5a\x00".repeat(MIB * 2)))),
        NODES,
        2_000_000,
    );
}

#[test]
fn json_bombs_are_refused() {
    let check = |json: String, what: &'static str, limit: usize| {
        let limits = Limits {
            items: 5_000,
            nodes: 100_000,
            ..Limits::default()
        };
        let refused = from_json(Signal::Logs, json.as_bytes(), &limits);
        assert_eq!(refused, Err(Refused::TooMany { what, limit }));
    };
    let many = |of: &str| vec![of; 110_000].join(",");
    let records = |records: &str| {
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
    };
    check(records(&many("{}")), "items", 5_000);
    check(records(&many("5")), "items", 5_000);
    check(
        format!(r#"{{"resourceLogs":[{}]}}"#, many("{}")),
        NODES,
        100_000,
    );
    check(
        records(&format!(r#"{{"body":[{}]}}"#, many("1"))),
        NODES,
        100_000,
    );
    check(
        records(&format!(
            r#"{{"body":{{"arrayValue":{{"values":[{}]}}}}}}"#,
            many("{}")
        )),
        NODES,
        100_000,
    );
    check(
        format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{}]}}}}]}}"#,
            vec!["{}"; 1_025].join(",")
        ),
        "attributes on one resource or scope",
        1_024,
    );
}

#[test]
fn json_becomes_only_so_long_as_protobuf() {
    let counts = vec!["0"; 1_000].join(",");
    let point = format!(r#"{{"count":"0","bucketCounts":[{counts}]}}"#);
    let empty = vec!["{}"; 1_000].join(",");
    for (points, length) in [(point, 8_000), (empty, 2_000)] {
        let json = format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","histogram":{{"dataPoints":[{points}]}}}}]}}]}}]}}"#
        );
        let within = |written_bytes| {
            let limits = Limits {
                written_bytes,
                ..Limits::default()
            };
            from_json(Signal::Metrics, json.as_bytes(), &limits)
        };
        let protobuf = within(length + 64).expect("it fits").protobuf;
        assert!(protobuf.len() > length);
        let refused = Refused::TooMany {
            what: "bytes as protobuf",
            limit: length,
        };
        assert_eq!(within(length), Err(refused));
    }
}

#[test]
fn json_is_repaired_in_so_many_places_and_no_more() {
    let refusal = |body: &[u8]| match from_json(Signal::Logs, body, &Limits::default()) {
        Err(Refused::TooMany { what, limit }) => Some((what, limit)),
        Ok(read) => {
            assert_eq!(read.warnings, 1);
            None
        }
        Err(other) => panic!("{other}"),
    };
    let of = |unit: &[u8], times| [b"{\"unknown\":\"", &unit.repeat(times)[..], b"\"}"].concat();
    assert_eq!(refusal(&of(b"a\xff", 65_536)), None);
    let bytes = ("places that are not UTF-8", 65_536);
    assert_eq!(refusal(&of(b"a\xff", 65_537)), Some(bytes));
    assert_eq!(refusal(&of(b"\\ud800", 65_536)), None);
    let surrogates = ("lone surrogates", 65_536);
    assert_eq!(refusal(&of(b"\\ud800", 65_537)), Some(surrogates));
}

#[test]
fn limits_hold_exactly() {
    let limits = Limits {
        items: 3,
        nodes: 8,
        ..Limits::default()
    };
    let empty: &[u8] = b"";
    // Nodes: the resource group, the scope group, the records.
    assert_eq!(count(Signal::Logs, &request(&[empty; 3]), &limits), Ok(3));
    assert!(count(Signal::Logs, &request(&[empty; 4]), &limits).is_err());
    let attributes = |count: usize| field(6, b"\x12\x00").repeat(count);
    assert_eq!(
        count(Signal::Logs, &request(&[&attributes(2), empty]), &limits),
        Ok(2)
    );
    assert!(count(Signal::Logs, &request(&[&attributes(3)]), &limits).is_err());
    let json = |items: usize| {
        let records = vec!["{}"; items].join(",");
        let json =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
        from_json(Signal::Logs, json.as_bytes(), &limits)
    };
    assert!(json(3).is_ok() && json(4).is_err());
    let json = |records: &str| {
        let json =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
        from_json(Signal::Logs, json.as_bytes(), &limits).map(|read| read.quarantined.len())
    };
    // What is quarantined counts as well.
    assert_eq!(json("{},5,{}"), Ok(1));
    assert!(json("{},5,{},{}").is_err());
    let two = r#"{"attributes":[{"value":{}},{"value":{}}]}"#;
    assert_eq!(json(two), Ok(0));
    assert!(json(&format!(r#"{two},{{"body":{{}}}}"#)).is_err());
}

#[test]
fn what_cannot_be_read_is_kept_only_to_a_limit() {
    let limits = Limits {
        unreadable_bytes: 30,
        ..Limits::default()
    };
    let refused = Refused::TooMany {
        what: "bytes of items that cannot be read",
        limit: 30,
    };
    // A time that is a varint, and ten bytes that nobody knows.
    let bad = [&b"\x08\x01"[..], &field(15, &[0; 11])].concat();
    assert_eq!(bad.len(), 15);
    for signal in [Signal::Logs, Signal::Traces, Signal::Metrics] {
        assert!(count(signal, &request(&[&bad, b"", &bad]), &limits).is_ok());
        let three = request(&[&bad, &bad, b"", &bad]);
        assert_eq!(
            count(signal, &three, &limits),
            Err(refused.clone()),
            "{signal:?}"
        );
    }
    let json = |items: &str| {
        let json = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{items}]}}]}}]}}"#);
        from_json(Signal::Logs, json.as_bytes(), &limits).map(|read| read.quarantined.len())
    };
    let bad = r#"{"flags":[777]}"#;
    assert_eq!(json(&format!("{bad},{{}},{bad}")), Ok(2));
    assert_eq!(json(&format!("{bad},{{}},{bad},5")), Err(refused));
}

#[test]
fn too_many_attributes_cost_the_record() {
    let attributes = |count: usize| field(6, b"\x0a\x01k").repeat(count);
    let (decoded, collected) = collect(
        Signal::Logs,
        &request(&[&attributes(1_024), &attributes(1_025)]),
    )
    .expect("decodes");
    assert_eq!((decoded.items, decoded.quarantined), (2, 1));
    assert_eq!(collected.groups[0].logs[0].attributes.len(), 1_024);
    let reason =
        "The log record cannot be read: there are more than 1024 attributes, at byte 5125.";
    assert_eq!(decoded.first_reason.as_deref(), Some(reason));
    let json = |count: usize| {
        let attributes = vec!["{}"; count].join(",");
        format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{}},{{"attributes":[{attributes}]}}]}}]}}]}}"#
        )
    };
    assert_eq!(collect_json(Signal::Logs, &json(1_024)).0.items(), 2);
    let (collected, _) = collect_json(Signal::Logs, &json(1_025));
    assert_eq!((collected.items(), collected.quarantined.len()), (1, 1));
}

/// A value nested this deep, as protobuf: arrays, or key-value lists.
fn nested(depth: usize, list: u8) -> Vec<u8> {
    (1..depth).fold(b"\x18\x01".to_vec(), |value, _| {
        let element = if list == 5 {
            field(1, &value)
        } else {
            field(1, &field(2, &value))
        };
        field(list, &element)
    })
}

#[test]
fn nesting_costs_the_record() {
    for list in [5, 6] {
        for (depth, is_kept) in [
            (1, true),
            (32, true),
            (33, false),
            (1_000, false),
            (5_000, false),
        ] {
            for number in [5, 6] {
                let value = nested(depth, list);
                let record = if number == 5 {
                    field(5, &value)
                } else {
                    field(6, &field(2, &value))
                };
                let (decoded, _) =
                    collect(Signal::Logs, &request_of(&[&record, b""])).expect("decodes");
                assert_eq!(
                    (decoded.items, decoded.quarantined),
                    (2, u64::from(!is_kept)),
                    "{depth}"
                );
                assert_eq!(
                    to_json(Signal::Logs, &request_of(&[&record])).is_ok(),
                    depth < 128
                );
            }
        }
    }
    let resource = field(1, &field(1, &field(1, &field(2, &nested(33, 5)))));
    let refused = count(Signal::Logs, &resource, &Limits::default());
    assert_eq!(
        refused,
        Err(Refused::TooMany {
            what: "levels of nested values",
            limit: 32
        })
    );
}

/// As `request`, for items of any length.
fn request_of(items: &[&[u8]]) -> Vec<u8> {
    let items: Vec<u8> = items.iter().flat_map(|item| field(2, item)).collect();
    field(1, &field(2, &items))
}

#[test]
fn nesting_in_json_costs_the_record() {
    let forms = [
        (r#"{"arrayValue":{"values":["#, r#"{"intValue":1}"#, "]}}"),
        (
            r#"{"kvlistValue":{"values":[{"key":"k","value":"#,
            r#"{"intValue":1}"#,
            "}]}}",
        ),
        ("[", "1", "]"),
        (r#"{"plain":"#, "1", "}"),
    ];
    for (open, value, close) in forms {
        for (depth, is_kept) in [(32, true), (33, false), (20_000, false)] {
            let value = format!(
                "{}{value}{}",
                open.repeat(depth - 1),
                close.repeat(depth - 1)
            );
            let json = format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}},{{"unknown":{value}}}]}}]}}]}}"#
            );
            let (collected, _) = collect_json(Signal::Logs, &json);
            let quarantined = collected.quarantined.len() as u64;
            assert_eq!(
                (collected.items() + quarantined, quarantined),
                (2, u64::from(!is_kept)),
                "{depth} {open}"
            );
        }
    }
    // A value as deep as may be survives the way to JSON text and back.
    let deepest = request_of(&[&field(5, &nested(32, 6))]);
    let (_, first) = collect(Signal::Logs, &deepest).expect("decodes");
    let again = encode::logs(&[(first.groups[0].origin.clone(), first.groups[0].logs.clone())]);
    assert!(matches!(first.groups[0].logs[0].body, Some(Value::Map(_))));
    assert_eq!(again, deepest);
}

#[test]
fn a_depth_beyond_recursion_is_cut_down() {
    let limits = Limits {
        depth: usize::MAX,
        ..Limits::default()
    };
    let record = field(5, &nested(5_000, 5));
    let (decoded, _) =
        collect_within(Signal::Logs, &request_of(&[&record]), &limits).expect("decodes");
    assert_eq!(decoded.quarantined, 1);
}
