//! OTLP there and back: what is decoded is written again as it was, item by item.

use std::borrow::Cow;
use std::fmt::Debug;

use contract::{
    Attribute, DataPoint, LogRecord, Metric, Origin, Quarantined, Signal, Sink, Span, Value,
};
use otlp::{Limits, encode};

use crate::script::Script;

/// Limits that a short input can reach.
const TIGHT: Limits = Limits {
    items: 8,
    attributes_per_item: 4,
    nodes: 64,
    unreadable_bytes: 64,
    written_bytes: 512,
    depth: 3,
};

/// A signal, limits and the request behind them.
fn request(input: &[u8]) -> (Signal, Limits, &[u8]) {
    let mut script = Script::new(input);
    let signal = script.one_of(&Signal::ALL);
    let limits = match script.byte() {
        255 => TIGHT,
        _ => Limits::default(),
    };
    (signal, limits, script.rest())
}

/// Any bytes as a protobuf request: refused or decoded within the limits, each item with one fate; what
/// was decoded is the same after it was encoded and decoded again.
pub(crate) fn protobuf(input: &[u8]) {
    let (signal, limits, body) = request(input);
    let mut echo = Echo::default();
    let decoded = otlp::decode(signal, body, &limits, &mut echo);
    let items = decoded
        .as_ref()
        .map(|decoded| decoded.items)
        .map_err(Clone::clone);
    assert_eq!(
        otlp::count(signal, body, &limits),
        items,
        "count and decode agree"
    );
    if let Ok(decoded) = decoded {
        assert!(decoded.items <= limits.items as u64);
        assert_eq!(decoded.quarantined, echo.quarantined);
        assert_eq!(decoded.items, echo.items + echo.quarantined);
    }
    // Refused or written, and never a panic.
    let _ = otlp::to_json(signal, body);
}

/// Any bytes as a JSON request: what is made of it decodes whole, and through canonical JSON it comes
/// back as the same bytes.
pub(crate) fn json(input: &[u8]) {
    let (signal, limits, body) = request(input);
    let Ok(read) = otlp::from_json(signal, body, &limits) else {
        return;
    };
    let mut said = Said::default();
    let decoded = otlp::decode(signal, &read.protobuf, &limits, &mut said);
    let decoded = decoded.expect("what is written for JSON decodes");
    assert_eq!((decoded.quarantined, decoded.repaired), (0, 0));
    let canonical = otlp::to_json(signal, &read.protobuf).expect("it has a form in JSON");
    let again =
        otlp::from_json(signal, &canonical, &Limits::default()).expect("canonical JSON is read");
    assert!(again.quarantined.is_empty());
    assert_eq!(
        again.protobuf,
        read.protobuf,
        "through {}",
        String::from_utf8_lossy(&canonical)
    );
}

/// Encodes every item that it is given, alone, and expects to decode the same again.
#[derive(Default)]
struct Echo {
    origin: Origin<'static>,
    items: u64,
    quarantined: u64,
}

impl Echo {
    fn expect(&mut self, signal: Signal, request: &[u8], item: &dyn Debug) {
        self.items += 1;
        let mut said = Said::default();
        let decoded = otlp::decode(signal, request, &Limits::default(), &mut said);
        let decoded = decoded.expect("what is encoded decodes");
        assert_eq!((decoded.items, decoded.quarantined), (1, 0));
        // Data points and spans keep their own bytes, and in them what had to be repaired.
        assert!(signal != Signal::Logs || decoded.repaired == 0);
        // As text: there NaN is equal to itself.
        assert_eq!(said.items, [format!("{item:?} under {:?}", self.origin)]);
    }
}

impl Sink for Echo {
    fn origin(&mut self, origin: &Origin<'_>) {
        self.origin = owned(origin);
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let request = encode::logs(&[(self.origin.clone(), vec![record.clone()])]);
        self.expect(Signal::Logs, &request, record);
    }

    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        let points = vec![(metric.clone(), vec![point.clone()])];
        let request = encode::metrics(&[(self.origin.clone(), points)]);
        self.expect(Signal::Metrics, &request, &(metric, point));
    }

    fn span(&mut self, span: &Span<'_>) {
        let request = encode::spans(&[(self.origin.clone(), vec![span.clone()])]);
        self.expect(Signal::Traces, &request, span);
    }

    fn quarantine(&mut self, _: Quarantined) {
        self.quarantined += 1;
    }
}

/// Every item as text, with its origin.
#[derive(Default)]
struct Said {
    origin: String,
    items: Vec<String>,
}

impl Said {
    fn say(&mut self, item: &dyn Debug) {
        self.items.push(format!("{item:?} under {}", self.origin));
    }
}

impl Sink for Said {
    fn origin(&mut self, origin: &Origin<'_>) {
        self.origin = format!("{origin:?}");
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.say(record);
    }

    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        self.say(&(metric, point));
    }

    fn span(&mut self, span: &Span<'_>) {
        self.say(span);
    }

    fn quarantine(&mut self, _: Quarantined) {}
}

fn owned(origin: &Origin<'_>) -> Origin<'static> {
    let text = |text: &Cow<'_, str>| Cow::Owned(text.to_string());
    let attributes = |attributes: &[Attribute<'_>]| -> Vec<Attribute<'static>> {
        let attribute =
            |(key, value): &Attribute<'_>| (text(key), Value::into_owned(value.clone()));
        attributes.iter().map(attribute).collect()
    };
    Origin {
        resource: attributes(&origin.resource),
        resource_dropped: origin.resource_dropped,
        resource_schema_url: text(&origin.resource_schema_url),
        scope_name: text(&origin.scope_name),
        scope_version: text(&origin.scope_version),
        scope_attributes: attributes(&origin.scope_attributes),
        scope_dropped: origin.scope_dropped,
        scope_schema_url: text(&origin.scope_schema_url),
    }
}
