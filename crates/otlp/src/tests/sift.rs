//! A request without some of its items: these are gone to the last byte, the others are as they were.

use contract::{Attribute, Origin, Signal, Value};

use super::captures::requests;
use super::{Collected, collect, collect_json};
use crate::{Limits, Sieve, from_json, sift};

/// Holds back what has this value in any attribute, or among its bytes.
struct Having(&'static str);

impl Having {
    fn is_in(&self, attributes: &[Attribute<'_>]) -> bool {
        let is_it = |value: &Value<'_>| matches!(value, Value::Str(text) if *text == self.0);
        attributes.iter().any(|(_, value)| is_it(value))
    }
}

impl Sieve for Having {
    fn origin(&mut self, origin: &Origin<'_>) -> bool {
        self.is_in(&origin.resource) || self.is_in(&origin.scope_attributes)
    }

    fn item(&mut self, attributes: &[Attribute<'_>]) -> bool {
        self.is_in(attributes)
    }

    fn unreadable(&mut self, raw: &[u8]) -> bool {
        raw.windows(self.0.len()).any(|at| at == self.0.as_bytes())
    }
}

fn attributes_of(collected: &Collected) -> Vec<Vec<Attribute<'static>>> {
    let groups = collected.groups.iter();
    let of_group = groups.map(|group| {
        let logs = group.logs.iter().map(|log| log.attributes.clone());
        let points = group
            .points
            .iter()
            .map(|(_, point)| point.attributes.clone());
        let spans = group.spans.iter().map(|span| span.attributes.clone());
        logs.chain(points).chain(spans).collect::<Vec<_>>()
    });
    of_group.flatten().collect()
}

#[test]
fn of_every_capture_each_value_can_be_held_back() {
    let mut held_back = 0;
    for (signal, path, protobuf) in requests() {
        let (before, whole) = collect(signal, &protobuf).expect("a capture");
        let all = attributes_of(&whole);
        let values: std::collections::BTreeSet<String> = all
            .iter()
            .flatten()
            .filter(|(key, _)| key == "session.id" || key == "tool_name" || key == "type")
            .filter_map(|(_, value)| match value {
                Value::Str(text) => Some(text.to_string()),
                _ => None,
            })
            .collect();
        for value in values {
            let mut sieve = Having(Box::leak(value.into_boxed_str()));
            let sifted = sift(signal, &protobuf, &Limits::default(), &mut sieve).expect("read");
            let kept = sifted.protobuf.as_ref().unwrap_or(&protobuf);
            let (after, left) = collect(signal, kept).expect("what is left is a request");
            assert_eq!(after.items + sifted.held_back, before.items, "{path:?}");
            let expected: Vec<_> = all.iter().filter(|of| !sieve.is_in(of)).cloned().collect();
            assert_eq!(
                attributes_of(&left),
                expected,
                "{path:?} without {}",
                sieve.0
            );
            held_back += sifted.held_back;
        }
    }
    assert!(held_back > 100, "only {held_back} items were held back");
}

#[test]
fn nothing_is_left_of_a_group_whose_resource_is_held_back() {
    let attribute =
        |value: &str| format!(r#"{{"key":"user.email","value":{{"stringValue":"{value}"}}}}"#);
    let group = |of_resource: &str, items: &[&str]| {
        let items: Vec<String> = items
            .iter()
            .map(|item| {
                format!(
                    r#"{{"body":{{"stringValue":"of {item}"}},"attributes":[{}]}}"#,
                    attribute(item)
                )
            })
            .collect();
        format!(
            r#"{{"resource":{{"attributes":[{}]}},"scopeLogs":[{{"scope":{{"name":"s"}},"logRecords":[{}]}}]}}"#,
            attribute(of_resource),
            items.join(",")
        )
    };
    let json = format!(
        r#"{{"resourceLogs":[{},{},{},{}]}}"#,
        group("gone", &["any"]),
        group("gone", &[]),
        group("machine", &["gone", "gone"]),
        group("other", &["gone", "stays"])
    );
    let protobuf = from_json(Signal::Logs, json.as_bytes(), &Limits::default())
        .expect("a request")
        .protobuf;
    let sifted = sift(
        Signal::Logs,
        &protobuf,
        &Limits::default(),
        &mut Having("gone"),
    );
    let sifted = sifted.expect("read");
    assert_eq!(sifted.held_back, 4);
    let kept = sifted.protobuf.expect("changed");
    let text = String::from_utf8_lossy(&kept).into_owned();
    for gone in ["gone", "any", "machine"] {
        assert!(!text.contains(gone), "{gone} is in {text:?}");
    }
    let expected = format!(r#"{{"resourceLogs":[{}]}}"#, group("other", &["stays"]));
    let (_, left) = collect(Signal::Logs, &kept).expect("a request");
    let (expected, _) = collect_json(Signal::Logs, &expected);
    assert_eq!(
        format!("{:?}", left.groups),
        format!("{:?}", expected.groups)
    );
    let same = sift(
        Signal::Logs,
        &protobuf,
        &Limits::default(),
        &mut Having("nobody"),
    );
    assert_eq!(same.expect("read"), crate::Sifted::default());
}

#[test]
fn what_cannot_be_read_is_asked_about_by_its_bytes() {
    // A log record whose body is cut.
    let record = b"\x2a\x20gone";
    let scope = [b"\x12\x06".as_slice(), record].concat();
    let resource = [&[0x12, scope.len() as u8], &scope[..]].concat();
    let request = [&[0x0a, resource.len() as u8], &resource[..]].concat();
    let (decoded, _) = collect(Signal::Logs, &request).expect("one bad item");
    assert_eq!(decoded.quarantined, 1);
    let sifted = sift(
        Signal::Logs,
        &request,
        &Limits::default(),
        &mut Having("gone"),
    );
    let sifted = sifted.expect("read");
    assert_eq!((sifted.protobuf, sifted.held_back), (Some(Vec::new()), 1));
}
