//! Odd JSON of log records that clients send, or might: what becomes of each.

use contract::{LogRecord, RawEncoding, Signal, Value};

use super::{collect, collect_json};
use crate::{Limits, Refused, from_json};

fn array(json: &'static str) -> Value<'static> {
    Value::Array(json.into())
}

fn map(json: &'static str) -> Value<'static> {
    Value::Map(json.into())
}

fn request(records: &str) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
}

/// Reads records of which none may be quarantined.
fn records(json: &str) -> (Vec<LogRecord<'static>>, u64) {
    let (mut collected, warnings) = collect_json(Signal::Logs, &request(json));
    assert_eq!(collected.quarantined, [], "{json}");
    (collected.groups.remove(0).logs, warnings)
}

#[track_caller]
fn check_record(json: &str, expected: &LogRecord<'_>) {
    assert_eq!(records(json).0, std::slice::from_ref(expected), "{json}");
}

/// An attribute's value, as JSON, becomes `expected`.
#[track_caller]
fn check_value(json: &str, expected: Value<'_>) {
    let (read, _) = records(&format!(
        r#"{{"attributes":[{{"key":"k","value":{json}}}]}}"#
    ));
    assert_eq!(read[0].attributes, [("k".into(), expected)], "{json}");
}

#[test]
fn values_of_the_declared_type() {
    check_value(r#"{"stringValue":""}"#, Value::from(""));
    check_value(
        r#"{"stringValue":"a\u0000\u202e<b>\ud83d\ude00"}"#,
        Value::from("a\0\u{202e}<b>😀"),
    );
    check_value(r#"{"boolValue":false}"#, Value::Bool(false));
    check_value(r#"{"intValue":0}"#, Value::Int(0));
    check_value(
        r#"{"intValue":"-9223372036854775808"}"#,
        Value::Int(i64::MIN),
    );
    check_value(r#"{"doubleValue":0}"#, Value::Double(0.0));
    check_value(
        r#"{"doubleValue":0.0027651900000000003}"#,
        Value::Double(0.0027651900000000003),
    );
    check_value(
        r#"{"bytesValue":"AP8="}"#,
        Value::Bytes((&[0u8, 255][..]).into()),
    );
    check_value(r#"{"bytesValue":""}"#, Value::Bytes((&[][..]).into()));
    check_value(r#"{"arrayValue":{}}"#, array("[]"));
    check_value(r#"{"kvlistValue":{}}"#, map("{}"));
    check_value(
        r#"{"arrayValue":{"values":[{"intValue":1},{"doubleValue":1},{"stringValue":"1"},{},null,{"arrayValue":{"values":null}}]}}"#,
        array(r#"[1,1.0,"1",null,null,[]]"#),
    );
    check_value(
        r#"{"kvlistValue":{"values":[{"key":"a","value":{"bytesValue":"/w"}},{"key":"b"}]}}"#,
        map(r#"{"a":{"$bytes":"ff"},"b":null}"#),
    );
    check_value(
        r#"{"kvlistValue":{"values":[{"key":"a","value":{"intValue":1}},{"key":"a","value":{"doubleValue":"NaN"}}]}}"#,
        map(r#"{"$kvlist":[["a",1],["a",{"$double":"NaN"}]]}"#),
    );
    check_value(
        r#"{"kvlistValue":{"values":[{"key":"$bytes","value":{"stringValue":"00"}}]}}"#,
        map(r#"{"$kvlist":[["$bytes","00"]]}"#),
    );
}

#[test]
fn values_of_another_type() {
    check_value(r#"{"intValue":"12"}"#, Value::Int(12));
    check_value(r#"{"intValue":5.0}"#, Value::Int(5));
    check_value(r#"{"intValue":1e20}"#, Value::Double(1e20));
    check_value(
        r#"{"intValue":18446744073709551615}"#,
        Value::Double(18446744073709551615.0),
    );
    check_value(r#"{"intValue":"1.5"}"#, Value::Double(1.5));
    check_value(r#"{"intValue":"undefined"}"#, Value::from("undefined"));
    check_value(r#"{"intValue":true}"#, Value::Bool(true));
    check_value(r#"{"doubleValue":"0.5"}"#, Value::Double(0.5));
    check_value(
        r#"{"doubleValue":"Infinity"}"#,
        Value::Double(f64::INFINITY),
    );
    check_value(
        r#"{"doubleValue":"-Infinity"}"#,
        Value::Double(f64::NEG_INFINITY),
    );
    check_value(r#"{"doubleValue":"inf"}"#, Value::from("inf"));
    check_value(r#"{"boolValue":"true"}"#, Value::Bool(true));
    check_value(r#"{"boolValue":"yes"}"#, Value::from("yes"));
    check_value(r#"{"stringValue":7}"#, Value::Int(7));
    check_value(
        r#"{"bytesValue":"-_-_"}"#,
        Value::Bytes((&[0xfb, 0xff, 0xbf][..]).into()),
    );
    check_value(r#"{"bytesValue":"no base64!"}"#, Value::from("no base64!"));
    let (read, _) = records(r#"{"attributes":[{"key":"k","value":{"doubleValue":"NaN"}}]}"#);
    assert!(matches!(read[0].attributes[0].1, Value::Double(number) if number.is_nan()));
}

#[test]
fn values_that_are_none() {
    for json in [
        "{}",
        "null",
        r#"{"doubleValue":{}}"#,
        r#"{"doubleValue":null}"#,
        r#"{"doubleValue":[]}"#,
        r#"{"intValue":null}"#,
        r#"{"stringValue":null,"intValue":null}"#,
        r#"{"string_value":"snake case is unknown"}"#,
        r#"{"newValue":{"deep":[1,2,{"x":null}]}}"#,
        r#"{"stringValueStrindex":3}"#,
    ] {
        check_value(json, Value::Empty);
    }
}

#[test]
fn bare_values_and_repeated_ones() {
    check_value("5", Value::Int(5));
    check_value(r#""x""#, Value::from("x"));
    check_value("true", Value::Bool(true));
    check_value("0.5", Value::Double(0.5));
    check_value(r#"[1,"a",{"b":null}]"#, array(r#"[1,"a",{"b":null}]"#));
    check_value(
        r#"{"intValue":1,"stringValue":"last"}"#,
        Value::from("last"),
    );
    check_value(r#"{"stringValue":"first","intValue":1}"#, Value::Int(1));
    check_value(
        r#"{"stringValue":"kept","intValue":null}"#,
        Value::from("kept"),
    );
    check_value(r#"{"intValue":1,"intValue":2}"#, Value::Int(2));
    check_value(r#"{"intValue":1,"intValue":null}"#, Value::Empty);
    check_value(r#"{"stringValue":"\ud800x"}"#, Value::from("\u{fffd}x"));
    check_value(
        r#"{"stringValue":"\udc00\ud83d\\ud800"}"#,
        Value::from("\u{fffd}\u{fffd}\\ud800"),
    );
}

#[test]
fn bodies() {
    let with = |body| LogRecord {
        body,
        ..LogRecord::default()
    };
    check_record(
        r#"{"body":{"stringValue":"b"}}"#,
        &with(Some(Value::from("b"))),
    );
    check_record(r#"{"body":"b"}"#, &with(Some(Value::from("b"))));
    check_record(r#"{"body":5}"#, &with(Some(Value::Int(5))));
    check_record(r#"{"body":true}"#, &with(Some(Value::Bool(true))));
    check_record(r#"{"body":[]}"#, &with(Some(array("[]"))));
    check_record(r#"{"body":{}}"#, &with(Some(Value::Empty)));
    check_record(r#"{"body":{"doubleValue":{}}}"#, &with(Some(Value::Empty)));
    check_record(r#"{"body":null}"#, &with(None));
    check_record("{}", &with(None));
    let plain = r#"{"message":"m","n":[1,2.5,{"x":true}],"e":{}}"#;
    check_record(&format!(r#"{{"body":{plain}}}"#), &with(Some(map(plain))));
    check_record(
        r#"{"body":{"$bytes":"00"}}"#,
        &with(Some(map(r#"{"$kvlist":[["$bytes","00"]]}"#))),
    );
    check_record(
        r#"{"body":{"x":1,"stringValue":"b"}}"#,
        &with(Some(Value::from("b"))),
    );
}

#[test]
fn fields_of_a_record() {
    let of = |change: fn(&mut LogRecord<'static>)| {
        let mut record = LogRecord::default();
        change(&mut record);
        record
    };
    for time in ["1795218671053000001", r#""1795218671053000001""#] {
        check_record(
            &format!(r#"{{"timeUnixNano":{time}}}"#),
            &of(|r| r.time_unix_nano = 1795218671053000001),
        );
    }
    check_record(
        r#"{"timeUnixNano":1.7e18}"#,
        &of(|r| r.time_unix_nano = 1_700_000_000_000_000_000),
    );
    check_record(
        r#"{"timeUnixNano":"18446744073709551615"}"#,
        &of(|r| r.time_unix_nano = u64::MAX),
    );
    for time in [
        "null",
        r#""""#,
        "-1",
        r#""soon""#,
        "{}",
        "[]",
        "1e30",
        "0.5",
        "true",
        r#""18446744073709551616""#,
    ] {
        check_record(
            &format!(r#"{{"timeUnixNano":{time},"observedTimeUnixNano":{time}}}"#),
            &of(|_| {}),
        );
    }
    check_record(
        r#"{"severityNumber":"SEVERITY_NUMBER_INFO"}"#,
        &of(|r| r.severity_number = 9),
    );
    check_record(r#"{"severityNumber":"9"}"#, &of(|r| r.severity_number = 9));
    check_record(r#"{"severityNumber":"LOUD"}"#, &of(|_| {}));
    check_record(
        r#"{"severityText":5}"#,
        &of(|r| r.severity_text = "5".into()),
    );
    check_record(
        r#"{"severity_text":"snake case is unknown","\u0073everityText":"S"}"#,
        &of(|r| r.severity_text = "S".into()),
    );
    check_record(
        r#"{"flags":257,"droppedAttributesCount":"3"}"#,
        &of(|r| (r.flags, r.dropped_attributes_count) = (257, 3)),
    );
    check_record(r#"{"flags":4294967296}"#, &of(|_| {}));
    let id = "000102030405060708090A0B0C0d0e0f";
    check_record(
        &format!(r#"{{"traceId":"{id}"}}"#),
        &of(|r| r.trace_id = Some(std::array::from_fn(|at| at as u8))),
    );
    for id in [
        "",
        "00",
        "zz0102030405060708090a0b0c0d0e0f",
        "00000000000000000000000000000000",
    ] {
        check_record(
            &format!(r#"{{"traceId":"{id}","spanId":"{id}"}}"#),
            &of(|_| {}),
        );
    }
    check_record(r#"{"traceId":5,"spanId":null}"#, &of(|_| {}));
    check_record(
        r#"{"eventName":"a","eventName":"b","unknown":{"x":[1]}}"#,
        &of(|r| r.event_name = "b".into()),
    );
    for attributes in ["null", "[]", "[null]"] {
        check_record(&format!(r#"{{"attributes":{attributes}}}"#), &of(|_| {}));
    }
    check_record(
        r#"{"attributes":[{"key":"a"}],"attributes":[{"value":{"intValue":1},"key":"b"},{"key":7},{}]}"#,
        &of(|r| {
            r.attributes = vec![
                ("b".into(), Value::Int(1)),
                ("7".into(), Value::Empty),
                ("".into(), Value::Empty),
            ]
        }),
    );
}

#[test]
fn scalars_left_out_are_warned_of() {
    let warnings = |json: &str| records(json).1;
    assert_eq!(
        warnings(r#"{"timeUnixNano":"","traceId":"bad","body":null}"#),
        0
    );
    assert_eq!(warnings(r#"{"timeUnixNano":"soon","flags":-1}"#), 2);
    assert_eq!(warnings(r#"{"attributes":[null]}"#), 1);
    // Repeated names, two values of which one counts, indexes into a table that is not there.
    assert_eq!(
        warnings(r#"{"flags":1,"flags":2,"body":{"intValue":1,"boolValue":true}}"#),
        2
    );
    assert_eq!(
        warnings(r#"{"attributes":[{"keyStrindex":1,"value":{"stringValueStrindex":2}}]}"#),
        2
    );
}

/// The record is quarantined with its JSON and a reason that ends as given; its neighbours are kept.
#[track_caller]
fn check_quarantined(record: &str, reason: &str) {
    let (collected, warnings) = collect_json(
        Signal::Logs,
        &request(&format!(
            r#"{{"eventName":"before"}}, {record} ,{{"eventName":"after"}}"#
        )),
    );
    let names: Vec<_> = collected.groups[0]
        .logs
        .iter()
        .map(|record| record.event_name.as_ref())
        .collect();
    assert_eq!((names, warnings), (vec!["before", "after"], 0), "{record}");
    let [item] = &collected.quarantined[..] else {
        panic!("{:?}", collected.quarantined)
    };
    assert_eq!(
        (item.encoding, item.raw.as_slice()),
        (RawEncoding::Json, record.as_bytes())
    );
    assert_eq!(
        item.reason,
        format!("The log record cannot be read: {reason}.")
    );
}

#[test]
fn bad_records_are_quarantined_alone() {
    check_quarantined("5", "expected an object, found a number");
    check_quarantined("null", "expected an object, found null");
    check_quarantined("[{}]", "expected an object, found an array");
    check_quarantined(
        r#"{"attributes":{}}"#,
        "attributes: expected an array, found an object",
    );
    check_quarantined(
        r#"{"attributes":"x"}"#,
        "attributes: expected an array, found a string",
    );
    check_quarantined(
        r#"{"attributes":[{},true]}"#,
        "attributes[1]: expected an object, found a truth value",
    );
    check_quarantined(
        r#"{"severityText":{"a":1}}"#,
        "severityText: expected a string, found an object",
    );
    check_quarantined(
        r#"{"timeUnixNano":[1]}"#,
        "timeUnixNano: expected a number, found an array",
    );
    check_quarantined(
        r#"{"attributes":[{"key":"k","value":{"arrayValue":{"values":[{},{"intValue":[1]}]}}}]}"#,
        "attributes[0].value.arrayValue.values[1].intValue: expected a number, found an array",
    );
    check_quarantined(
        r#"{"timeUnixNano":1e999}"#,
        "timeUnixNano: number out of range at line 1 column 21",
    );
}

#[test]
fn resource_and_scope_never_cost_their_items() {
    let of = |resource: &str, scope: &str| {
        let (mut collected, warnings) = collect_json(
            Signal::Logs,
            &format!(
                r#"{{"resourceLogs":[{{"resource":{resource},"schemaUrl":{scope},"scopeLogs":[{{"scope":{scope},"logRecords":[{{}}]}}]}}]}}"#
            ),
        );
        let group = collected.groups.remove(0);
        assert_eq!((group.logs.len(), collected.quarantined.len()), (1, 0));
        (group.origin, warnings)
    };
    let (origin, warnings) = of("5", "null");
    assert_eq!((origin.resource.len(), warnings), (0, 1));
    let (origin, warnings) = of(
        r#"{"attributes":[{"key":"a"},5,{"key":"b","value":{"intValue":[1]}},{"key":"c"}]}"#,
        r#"[1]"#,
    );
    let keys: Vec<_> = origin
        .resource
        .iter()
        .map(|(key, _)| key.as_ref())
        .collect();
    assert_eq!((keys, warnings), (vec!["a", "c"], 4));
    let (origin, warnings) = of(r#"{"attributes":{},"droppedAttributesCount":2}"#, r#""s""#);
    assert_eq!(
        (
            origin.resource_dropped,
            origin.resource_schema_url.as_ref(),
            warnings
        ),
        (0, "s", 2)
    );
}

#[test]
fn envelopes() {
    let empty = |json: &[u8]| {
        let read = from_json(Signal::Logs, json, &Limits::default()).expect("empty");
        assert_eq!(
            collect(Signal::Logs, &read.protobuf)
                .expect("empty")
                .0
                .items,
            0
        );
        read.warnings
    };
    assert_eq!(empty(b"{}"), 0);
    assert_eq!(empty(b" {\"resourceLogs\":null,\"other\":[1]} "), 0);
    assert_eq!(
        empty(b"\xef\xbb\xbf{\"resourceLogs\":[{},{\"scopeLogs\":[{},{\"logRecords\":[]}]}]}"),
        0
    );
    assert_eq!(empty(b"{\"resourceLogs\":[null]}"), 1);
    // Groups add up where a name is repeated: nothing is lost.
    let twice = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}],"logRecords":[{}]}]}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;
    assert_eq!(collect_json(Signal::Logs, twice).0.items(), 3);
    // Bytes that are not UTF-8.
    let body = [
        br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"a"#,
        &b"\xff"[..],
        br#""}]}]}]}"#,
    ]
    .concat();
    let read = from_json(Signal::Logs, &body, &Limits::default()).expect("read");
    assert_eq!(read.warnings, 1);
    assert_eq!(
        collect(Signal::Logs, &read.protobuf)
            .expect("read")
            .1
            .groups[0]
            .logs[0]
            .event_name,
        "a\u{fffd}"
    );
}

#[test]
fn bad_envelopes_are_refused() {
    let check = |json: &str, expected: &str| match from_json(
        Signal::Logs,
        json.as_bytes(),
        &Limits::default(),
    ) {
        Err(Refused::Malformed {
            reason,
            offset: None,
        }) => assert_eq!(reason, expected, "{json}"),
        other => panic!("{json}: {other:?}"),
    };
    check("", "EOF while parsing a value at line 1 column 0");
    check(
        "[]",
        "invalid type: sequence, expected an object at line 1 column 0",
    );
    check(
        "{\"resourceLogs\":\n[}",
        "expected value at line 2 column 2",
    );
    check("{} {}", "trailing characters at line 1 column 4");
    check(
        r#"{"resourceLogs":{}}"#,
        "resourceLogs: expected an array, found an object at line 1 column 18",
    );
    check(
        r#"{"resourceLogs":[1]}"#,
        "resourceLogs[0]: expected an object, found a number at line 1 column 18",
    );
    check(
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":5}]}]}"#,
        "resourceLogs[0].scopeLogs[0].logRecords: expected an array, found a number at line 1 column 46",
    );
    check(
        &request(r#"{"body":"a"#),
        "EOF while parsing a string at line 1 column 62",
    );
    check(
        &request(r#"{"a":01}"#),
        "invalid number at line 1 column 53",
    );
}
