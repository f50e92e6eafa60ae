//! A request whose texts somebody else decides: everything is asked about, nothing else is touched.

use std::panic::{AssertUnwindSafe, catch_unwind};

use contract::{
    Attribute, Edit, Editor, Fate, Origin, Owner, Quarantined, REDACTED, Signal, Value,
};
use proptest::prelude::*;

use super::captures::requests;
use super::collect;
use crate::{Limits, decode, from_json, rewrite};

/// Replaces a word wherever it is asked about, and notes what it was asked.
#[derive(Default)]
struct Words {
    word: &'static str,
    drop_key: &'static str,
    text_key: &'static str,
    number_key: &'static str,
    /// Panics at this text, unless it is failing closed.
    panic_at: &'static str,
    panics_always: bool,
    asked: Vec<String>,
    owners: Vec<u32>,
    closed: bool,
    is_dropping: bool,
}

impl Words {
    fn edit(&mut self, text: &str) -> Edit {
        self.asked.push(text.to_owned());
        if self.closed && !self.panics_always {
            return Edit::Remove;
        }
        assert!(
            self.panic_at.is_empty() || !text.contains(self.panic_at),
            "planted"
        );
        if self.word.is_empty() || !text.contains(self.word) {
            return Edit::Keep;
        }
        if let Some(last) = self.owners.last_mut() {
            *last += 1;
        }
        Edit::Replace(text.replace(self.word, "*"))
    }
}

impl Editor for Words {
    fn passes(&mut self, _message: &[u8]) -> bool {
        false
    }

    fn origin(&mut self, _origin: &Origin<'_>) {}

    fn wants_items(&self) -> bool {
        true
    }

    fn item(&mut self, _attributes: &[Attribute<'_>], _event_name: &str) {}

    fn begin(&mut self, _owner: Owner) {
        self.owners.push(0);
    }

    fn attribute(&mut self, key: &str) -> Fate {
        self.is_dropping = false;
        match key {
            _ if key == self.drop_key => {
                self.is_dropping = true;
                Fate::Drop
            }
            _ if key == self.text_key => Fate::Text,
            _ if key == self.number_key => Fate::AsText,
            _ => Fate::Look,
        }
    }

    fn body(&mut self, _text: Option<&str>) -> Fate {
        Fate::Look
    }

    fn text(&mut self, _name: &str, text: &str) -> Edit {
        self.edit(text)
    }

    fn field(&mut self, _name: &str, text: &str) -> Edit {
        self.edit(text)
    }

    fn dropped(&mut self, _bytes: &[u8]) {
        if let (true, Some(last)) = (self.is_dropping, self.owners.last_mut()) {
            *last += 1;
        }
    }

    fn unknown(&mut self, bytes: &[u8]) -> bool {
        self.word.is_empty() || !String::from_utf8_lossy(bytes).contains(self.word)
    }

    fn end(&mut self, marked: Option<&str>) -> Option<String> {
        let changes = self.owners.pop().unwrap_or_default();
        (changes > 0).then(|| format!("{}{changes}", marked.unwrap_or_default()))
    }

    fn fail_closed(&mut self, on: bool, owners: usize) {
        self.closed = on;
        self.owners.truncate(owners);
    }

    fn unreadable(&mut self, mut item: Quarantined) -> Quarantined {
        let text = String::from_utf8_lossy(&item.raw).into_owned();
        if let Edit::Replace(text) = self.edit(&text) {
            item.raw = text.into_bytes();
        }
        item
    }
}

fn protobuf(signal: Signal, json: &str) -> Vec<u8> {
    let read = from_json(signal, json.as_bytes(), &Limits::default()).expect("a request");
    assert_eq!(read.quarantined, [], "{json}");
    read.protobuf
}

fn edited(signal: Signal, request: &[u8], editor: &mut Words) -> (Vec<u8>, Vec<Quarantined>) {
    let done = rewrite(signal, request, &Limits::default(), editor).expect("a request");
    (
        done.protobuf.unwrap_or_else(|| request.to_vec()),
        done.quarantined,
    )
}

#[test]
fn what_nobody_changes_stays_byte_for_byte() {
    for (signal, path, request) in requests() {
        let done = rewrite(signal, &request, &Limits::default(), &mut Words::default());
        assert_eq!(done, Ok(crate::Rewritten::default()), "{}", path.display());
    }
}

/// Every place of a request in which a text can be, each with a text of its own.
const EVERYWHERE: [(Signal, &str); 3] = [
    (
        Signal::Logs,
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"K0 WORD","value":{"stringValue":"T0 WORD"}}],
        "entityRefs":[{"schemaUrl":"T1 WORD","type":"T2 WORD","idKeys":["T3 WORD"],"descriptionKeys":["T4 WORD"]}]},
        "schemaUrl":"T5 WORD","scopeLogs":[{"schemaUrl":"T6 WORD","scope":{"name":"T7 WORD","version":"T8 WORD",
        "attributes":[{"key":"K1 WORD","value":{"stringValue":"T9 WORD"}}]},"logRecords":[{"severityText":"T10 WORD",
        "body":{"kvlistValue":{"values":[{"key":"K2 WORD","value":{"arrayValue":{"values":[{"stringValue":"T11 WORD"}]}}}]}},
        "eventName":"T12 WORD","attributes":[{"key":"a","value":{"bytesValue":"VDEzIFdPUkQ="}},
        {"key":"b","value":{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"K3 WORD","value":{"stringValue":"T14 WORD"}}]}}]}}}]}]}]}]}"#,
    ),
    (
        Signal::Metrics,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"T0 WORD","description":"T1 WORD","unit":"T2 WORD",
        "metadata":[{"key":"K0 WORD","value":{"stringValue":"T3 WORD"}}],
        "sum":{"dataPoints":[{"asDouble":1.5,"attributes":[{"key":"K1 WORD","value":{"stringValue":"T4 WORD"}}],
        "exemplars":[{"asInt":"1","filteredAttributes":[{"key":"K2 WORD","value":{"stringValue":"T5 WORD"}}]}]}]}},
        {"name":"h","histogram":{"dataPoints":[{"count":"1","sum":2.5,"bucketCounts":["1","0"],"explicitBounds":[1.0],"attributes":[{"key":"k","value":{"stringValue":"T6 WORD"}}]}]}},
        {"name":"e","exponentialHistogram":{"dataPoints":[{"count":"1","attributes":[{"key":"k","value":{"stringValue":"T7 WORD"}}]}]}},
        {"name":"g","gauge":{"dataPoints":[{"asInt":"7","attributes":[{"key":"k","value":{"stringValue":"T8 WORD"}}]}]}},
        {"name":"s","summary":{"dataPoints":[{"count":"1","attributes":[{"key":"k","value":{"stringValue":"T9 WORD"}}]}]}}]}]}]}"#,
    ),
    (
        Signal::Traces,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceState":"T0 WORD","name":"T1 WORD",
        "attributes":[{"key":"K0 WORD","value":{"stringValue":"T2 WORD"}}],
        "events":[{"name":"T3 WORD","attributes":[{"key":"K1 WORD","value":{"stringValue":"T4 WORD"}}]}],
        "links":[{"traceState":"T5 WORD","attributes":[{"key":"K2 WORD","value":{"stringValue":"T6 WORD"}}]}],
        "status":{"message":"T7 WORD"}}]}]}]}"#,
    ),
];

#[test]
fn every_text_is_asked_about_once_and_changed() {
    for (signal, json) in EVERYWHERE {
        let request = protobuf(signal, json);
        let mut editor = Words {
            word: "WORD",
            ..Words::default()
        };
        let (out, quarantined) = edited(signal, &request, &mut editor);
        assert_eq!(quarantined, []);
        assert!(!out.windows(4).any(|bytes| bytes == b"WORD"), "{signal:?}");
        for (kind, count) in [('T', 15), ('K', 4)] {
            for number in 0..count {
                let text = format!("{kind}{number} WORD");
                let expected = usize::from(
                    json.contains(&text) || (text == "T13 WORD" && signal == Signal::Logs),
                );
                let asked = editor.asked.iter().filter(|asked| **asked == text).count();
                assert_eq!(asked, expected, "{signal:?} {text}");
            }
        }
    }
}

#[test]
fn an_owner_is_marked_and_marked_again_in_one_attribute() {
    let request = protobuf(
        Signal::Logs,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
        {"attributes":[{"key":"tallybook.redacted","value":{"stringValue":"before "}},{"key":"a","value":{"stringValue":"WORD"}}]},
        {"attributes":[{"key":"tallybook.redacted","value":{"stringValue":"before"}},{"key":"a","value":{"stringValue":"other"}}]}]}]}]}"#,
    );
    let (out, _) = edited(
        Signal::Logs,
        &request,
        &mut Words {
            word: "WORD",
            ..Words::default()
        },
    );
    let (_, collected) = collect(Signal::Logs, &out).expect("decodes");
    let logs = &collected.groups[0].logs;
    let mark = |text: &'static str| (REDACTED.into(), Value::from(text));
    assert_eq!(
        logs[0].attributes,
        [("a".into(), Value::from("*")), mark("before 1")]
    );
    assert_eq!(
        logs[1].attributes,
        [mark("before"), ("a".into(), Value::from("other"))]
    );
}

#[test]
fn a_mark_of_an_exemplar_leaves_the_series_of_its_point_alone() {
    let request = protobuf(
        Signal::Metrics,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"n","sum":{"dataPoints":[
        {"asInt":"1","attributes":[{"key":"k","value":{"stringValue":"v"}}],
        "exemplars":[{"asInt":"1","filteredAttributes":[{"key":"e","value":{"stringValue":"WORD"}}]}]}]}}]}]}]}"#,
    );
    let (out, _) = edited(
        Signal::Metrics,
        &request,
        &mut Words {
            word: "WORD",
            ..Words::default()
        },
    );
    let (_, collected) = collect(Signal::Metrics, &out).expect("decodes");
    let point = &collected.groups[0].points[0].1;
    assert_eq!(point.attributes, [("k".into(), Value::from("v"))]);
    assert!(
        point
            .raw
            .windows(REDACTED.len())
            .any(|bytes| bytes == REDACTED.as_bytes())
    );
}

#[test]
fn fates_of_attributes() {
    let request = protobuf(
        Signal::Logs,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[
        {"key":"drop","value":{"stringValue":"gone"}},
        {"key":"text","value":{"arrayValue":{"values":[{"stringValue":"no text"}]}}},
        {"key":"text","value":{"stringValue":"WORD"}},
        {"key":"number","value":{"intValue":"31"}},
        {"key":"number","value":{"kvlistValue":{"values":[{"key":"x","value":{"boolValue":true}},{"key":"y","value":{"intValue":"31"}}]}}},
        {"key":"kept","value":{"intValue":"31"}}]}]}]}]}"#,
    );
    let mut editor = Words {
        word: "31",
        drop_key: "drop",
        text_key: "text",
        number_key: "number",
        ..Words::default()
    };
    let (out, _) = edited(Signal::Logs, &request, &mut editor);
    let (_, collected) = collect(Signal::Logs, &out).expect("decodes");
    let attributes = &collected.groups[0].logs[0].attributes;
    let expected = [
        ("text".into(), Value::from("WORD")),
        ("number".into(), Value::from("*")),
        ("number".into(), Value::Map(r#"{"x":true,"y":"*"}"#.into())),
        ("kept".into(), Value::Int(31)),
        (REDACTED.into(), Value::from("3")),
    ];
    assert_eq!(*attributes, expected);
    assert!(
        !editor
            .asked
            .iter()
            .any(|asked| asked == "gone" || asked == "no text")
    );
}

/// A field: its number, wire type 2, and its bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, bytes.len() as u8];
    out.extend_from_slice(bytes);
    out
}

fn in_envelopes(records: &[Vec<u8>]) -> Vec<u8> {
    let records: Vec<u8> = records.iter().flat_map(|record| field(2, record)).collect();
    field(1, &field(2, &records))
}

#[test]
fn unknown_fields_and_odd_ids_and_broken_text() {
    let odd = [
        field(15, b"a WORD that OTLP has no field for"),
        field(9, b"a trace id that is a WORD"),
        field(3, b"\xffbroken WORD"),
    ];
    for (at, odd) in odd.iter().enumerate() {
        let request = in_envelopes(std::slice::from_ref(odd));
        let (out, _) = edited(
            Signal::Logs,
            &request,
            &mut Words {
                word: "WORD",
                ..Words::default()
            },
        );
        assert!(!out.windows(4).any(|bytes| bytes == b"WORD"), "{at}");
        let (same, _) = edited(Signal::Logs, &request, &mut Words::default());
        assert_eq!(same, request, "{at}");
    }
}

#[test]
fn an_item_that_cannot_be_read_is_set_aside_and_counted_once() {
    let bad = [field(3, b"a WORD"), vec![0x3a, 0x7f]].concat();
    let good = field(3, b"WORD");
    let request = in_envelopes(&[good.clone(), bad.clone(), good]);
    let before = collect(Signal::Logs, &request).expect("decodes");
    let (out, quarantined) = edited(
        Signal::Logs,
        &request,
        &mut Words {
            word: "WORD",
            ..Words::default()
        },
    );
    let after = collect(Signal::Logs, &out).expect("decodes");
    assert_eq!(before.0.items, after.0.items + 1);
    assert_eq!(after.0.quarantined, 0);
    let reasons: Vec<&str> = quarantined
        .iter()
        .map(|item| item.reason.as_str())
        .collect();
    assert_eq!(reasons, [before.1.quarantined[0].reason.as_str()]);
    assert!(!quarantined[0].raw.windows(4).any(|bytes| bytes == b"WORD"));
}

#[test]
fn a_panic_costs_the_texts_of_its_item_alone() {
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
        {"timeUnixNano":"1","attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"p","value":{"stringValue":"POISON"}}]},
        {"timeUnixNano":"2","attributes":[{"key":"p","value":{"stringValue":"fine"}}]}]}]}]}"#;
    let request = protobuf(Signal::Logs, json);
    let mut editor = Words {
        panic_at: "POISON",
        ..Words::default()
    };
    let (out, quarantined) = edited(Signal::Logs, &request, &mut editor);
    assert_eq!(quarantined, []);
    assert!(!out.windows(6).any(|bytes| bytes == b"POISON"));
    let (_, collected) = collect(Signal::Logs, &out).expect("decodes");
    let logs = &collected.groups[0].logs;
    assert_eq!((logs[0].time_unix_nano, logs[1].time_unix_nano), (1, 2));
    assert!(
        logs[0]
            .attributes
            .iter()
            .any(|(_, value)| *value == Value::Int(7))
    );
    assert_eq!(logs[1].attributes, [("p".into(), Value::from("fine"))]);

    // Even failing closed may fail: then nothing of the item is kept but that it came.
    let mut editor = Words {
        panic_at: "POISON",
        panics_always: true,
        ..Words::default()
    };
    let (out, quarantined) = edited(Signal::Logs, &request, &mut editor);
    assert!(!out.windows(6).any(|bytes| bytes == b"POISON"));
    assert_eq!((quarantined.len(), quarantined[0].raw.len()), (1, 0));
    let (decoded, _) = collect(Signal::Logs, &out).expect("decodes");
    assert_eq!(decoded.items, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_refused_as_decoding_refuses_them(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        signal in prop_oneof![Just(Signal::Logs), Just(Signal::Metrics), Just(Signal::Traces)],
    ) {
        let limits = Limits::default();
        let mut sink = super::Collected::default();
        let decoded = decode(signal, &bytes, &limits, &mut sink);
        let done = catch_unwind(AssertUnwindSafe(|| {
            rewrite(signal, &bytes, &limits, &mut Words { word: "a", ..Words::default() })
        }));
        let done = done.expect("no panic");
        prop_assert_eq!(decoded.as_ref().err(), done.as_ref().err());
        if let (Ok(decoded), Ok(done)) = (decoded, done) {
            let out = done.protobuf.unwrap_or_else(|| bytes.clone());
            let again = decode(signal, &out, &limits, &mut super::Collected::default()).expect("decodes");
            prop_assert_eq!(decoded.items, again.items + done.quarantined.len() as u64);
        }
    }
}
