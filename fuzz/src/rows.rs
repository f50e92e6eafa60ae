//! Log records to rows and back, and money on the way.

use std::borrow::Cow;

use contract::{
    Attribute, Cell, Col, DataPoint, IdentityKey, Kind, LogRecord, Metric, Normalizer, Origin,
    OriginFacts, Quarantined, Row, Signal, Sink, Span, StoredLog, Value, claim_time, coerce,
    rebuild,
};
use otlp::Limits;

use crate::script::Script;

const KEY: IdentityKey = IdentityKey(7);
/// When everything is received: 2026-11-28.
const RECEIVED_NS: u64 = 1_795_824_000_000_000_000;
/// The largest whole number in a column: 2^53.
const COUNT_MAX: i64 = 1 << 53;
const USD_MAX: f64 = 1e6;

/// Any request, normalised: no column holds what must not enter a sum, and every log record can be
/// rebuilt from its row.
pub(crate) fn normalize(input: &[u8]) {
    let mut script = Script::new(input);
    let signal = script.one_of(&Signal::ALL);
    let _ = otlp::decode(
        signal,
        script.rest(),
        &Limits::default(),
        &mut Rows::default(),
    );
}

/// Any values under the keys of money and tokens: what is summed is finite, not negative and not more
/// than is believable, and the record can be rebuilt.
pub(crate) fn cost(input: &[u8]) {
    let mut script = Script::new(input);
    let mut attributes = vec![("event.name".into(), Value::from("api_request"))];
    while !script.is_empty() && attributes.len() < 16 {
        let col = script.one_of(&[
            Col::CostUsd,
            Col::CostUsdMicros,
            Col::InputTokens,
            Col::OutputTokens,
            Col::CacheReadTokens,
            Col::CacheCreationTokens,
            Col::DurationMs,
            Col::Success,
        ]);
        let key = script.one_of(col.def().keys);
        let value = value(&mut script);
        for kind in [Kind::Text, Kind::Count, Kind::Usd, Kind::Flag] {
            if let Some(coerced) = coerce(kind, &value) {
                believable(kind, &coerced.cell);
            }
        }
        attributes.push((key.into(), value));
    }
    let record = LogRecord {
        time_unix_nano: RECEIVED_NS,
        attributes,
        ..LogRecord::default()
    };
    Rows::default().log(&record);
}

fn value<'i>(script: &mut Script<'i>) -> Value<'i> {
    let kind = script.byte() % 6;
    let bytes = script.run();
    let eight = || {
        let mut eight = [0; 8];
        let length = bytes.len().min(8);
        eight[..length].copy_from_slice(&bytes[..length]);
        eight
    };
    match kind {
        0 => Value::Str(String::from_utf8_lossy(bytes)),
        1 => Value::Int(i64::from_le_bytes(eight())),
        2 => Value::Double(f64::from_le_bytes(eight())),
        3 => Value::Bool(bytes.len().is_multiple_of(2)),
        4 => Value::Bytes(Cow::Borrowed(bytes)),
        _ => Value::Empty,
    }
}

/// Normalises every item that it is given.
#[derive(Default)]
struct Rows {
    facts: OriginFacts,
    normalizer: Normalizer,
}

impl Sink for Rows {
    fn origin(&mut self, origin: &Origin<'_>) {
        self.facts = OriginFacts::of(origin, KEY);
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let claim = claim_time(
            record.time_unix_nano,
            record.observed_time_unix_nano,
            RECEIVED_NS,
        );
        let row = self.normalizer.log(&self.facts, record, claim.time_ns);
        check(&row);
        let resource = match self.facts.resource_json.as_str() {
            "" => "{}",
            json => json,
        };
        let stored = StoredLog {
            event: row.event,
            time_ms: claim.time_ns / 1_000_000,
            shape: row.shape,
            envelope: row.envelope,
            attributes: row.attributes,
            resource,
            trace_id: record.trace_id,
            span_id: record.span_id,
            cell: &|col| row.cells[col as usize].clone(),
        };
        let rebuilt = rebuild(&stored).expect("the row fits its shape");
        // As text: there NaN is equal to itself.
        assert_eq!(format!("{rebuilt:?}"), format!("{record:?}"), "{row:?}");
    }

    fn point(&mut self, _: &Metric<'_>, point: &DataPoint<'_>) {
        self.attributes(&point.attributes);
    }

    fn span(&mut self, span: &Span<'_>) {
        self.attributes(&span.attributes);
    }

    fn quarantine(&mut self, _: Quarantined) {}
}

impl Rows {
    fn attributes(&mut self, attributes: &[Attribute<'_>]) {
        check(&self.normalizer.attributes(&self.facts, attributes));
    }
}

fn check(row: &Row<'_>) {
    for col in Col::all() {
        believable(col.def().kind, row.cell(*col));
    }
    // Where both stand, the cost was worked out from the micros, or a sum of one would contradict the other.
    if let (Cell::Float(usd), Cell::Int(micros)) =
        (row.cell(Col::CostUsd), row.cell(Col::CostUsdMicros))
    {
        assert_eq!(*usd, *micros as f64 / 1e6);
    }
}

/// A cell is of its column's kind, and a number is one that may be added up.
fn believable(kind: Kind, cell: &Cell<'_>) {
    let is_believable = match (kind, cell) {
        (_, Cell::Null) | (Kind::Text, Cell::Str(_)) | (Kind::Flag, Cell::Bool(_)) => true,
        (Kind::Count, Cell::Int(number)) => (0..=COUNT_MAX).contains(number),
        (Kind::Usd, Cell::Float(number)) => (0.0..=USD_MAX).contains(number),
        _ => false,
    };
    assert!(is_believable, "{kind:?}: {cell:?}");
}
