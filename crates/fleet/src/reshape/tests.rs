//! Every item of every recording is kept once, whatever the shape.

use std::path::Path;

use contract::{DataPoint, LogRecord, Metric, Origin, Quarantined, Sink, Span};

use super::*;
use crate::{Recorded, Scenario};

/// The items of a body, each as text with its resource and scope.
#[derive(Default)]
struct Listing {
    origin: String,
    items: Vec<String>,
}

impl Sink for Listing {
    fn origin(&mut self, origin: &Origin<'_>) {
        self.origin = format!("{origin:?}");
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        self.items.push(format!("{} {record:?}", self.origin));
    }
    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        self.items
            .push(format!("{} {metric:?} {point:?}", self.origin));
    }
    fn span(&mut self, span: &Span<'_>) {
        self.items.push(format!("{} {span:?}", self.origin));
    }
    fn quarantine(&mut self, item: Quarantined) {
        panic!("{item:?}");
    }
}

fn listing(signal: Signal, encoding: Encoding, bodies: &[Vec<u8>]) -> Vec<String> {
    let mut listing = Listing::default();
    let limits = otlp::Limits::default();
    for body in bodies {
        let json = match encoding {
            Encoding::Json => Some(
                otlp::from_json(signal, body, &limits)
                    .expect("JSON")
                    .protobuf,
            ),
            Encoding::Protobuf => None,
        };
        let protobuf = json
            .as_ref()
            .map_or(body.as_slice(), |bytes| bytes.as_ref());
        otlp::decode(signal, protobuf, &limits, &mut listing).expect("protobuf");
    }
    listing.items
}

fn recorded(scenario: &str) -> Vec<Recorded> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures");
    Scenario::load(captures.join(scenario))
        .expect("a recorded scenario")
        .requests
}

#[test]
fn split_merged_and_shuffled_bodies_have_the_same_items() {
    for scenario in [
        "cc329_tools_json",
        "cc329_tools_pb",
        "cc329_traces_json",
        "cc329_mcp_json",
    ] {
        let requests = recorded(scenario);
        for signal in Signal::ALL {
            let mine: Vec<&Recorded> = requests
                .iter()
                .filter(|request| request.signal == signal)
                .collect();
            let Some(first) = mine.first() else { continue };
            let encoding = first.encoding;
            let bodies: Vec<Vec<u8>> = mine
                .iter()
                .map(|request| request.plain_body.clone())
                .collect();
            let mut expected = listing(signal, encoding, &bodies);

            let mut single: Vec<Vec<u8>> = Vec::new();
            for body in &bodies {
                single.extend(split(signal, encoding, body).expect("a body"));
            }
            assert_eq!(
                listing(signal, encoding, &single),
                expected,
                "{scenario} {signal:?}"
            );
            assert!(
                single
                    .iter()
                    .all(|body| listing(signal, encoding, std::slice::from_ref(body)).len() == 1)
            );

            let all: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
            let merged = merge(signal, encoding, &all).expect("bodies");
            assert_eq!(
                listing(signal, encoding, &[merged]),
                expected,
                "{scenario} {signal:?}"
            );

            let in_order = single.clone();
            shuffle(&mut single, 11);
            assert!(single.len() < 8 || single != in_order);
            let mut shuffled = listing(signal, encoding, &single);
            shuffled.sort();
            expected.sort();
            assert_eq!(shuffled, expected);
        }
    }
}

#[test]
fn what_is_no_body_is_refused() {
    let reason = |encoding, body: &[u8]| {
        split(Signal::Logs, encoding, body)
            .expect_err("nonsense")
            .to_string()
    };
    assert!(reason(Encoding::Json, b"{\"resourceLogs\":").contains("EOF"));
    assert!(reason(Encoding::Protobuf, &[0x0a, 0x05, 0x01]).contains("cut short"));
    assert!(reason(Encoding::Protobuf, &[0x0b]).contains("wire type 3"));
}
