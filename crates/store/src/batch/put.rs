//! One item's values into the columns of its table.

use contract::{Cell, Col, DataPoint, Metric, OriginFacts, PointValue, Row, Span};

use crate::column::TableBuilder;
use crate::provenance::Provenance;

pub(super) fn millis(ns: u64) -> i64 {
    (ns / 1_000_000) as i64
}

/// The promoted columns of a row.
pub(super) fn put_cells(table: &mut TableBuilder, at: usize, row: &Row<'_>) {
    for col in Col::all() {
        let place = at + *col as usize;
        match row.cell(*col) {
            Cell::Null => {}
            Cell::Str(text) => table.text(place, text),
            Cell::Int(number) => table.int(place, *number),
            Cell::Float(number) => table.float(place, *number),
            Cell::Bool(flag) => table.flag(place, *flag),
        }
    }
}

pub(super) fn put_some(table: &mut TableBuilder, at: usize, text: Option<&str>) {
    if let Some(text) = text {
        table.text(at, text);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn put_point(
    table: &mut TableBuilder,
    metric: &Metric<'_>,
    point: &DataPoint<'_>,
    time_ns: u64,
    received_ns: u64,
) {
    table.int(0, millis(time_ns));
    table.int(1, millis(received_ns));
    table.text(3, &metric.name);
    if point.start_time_unix_nano != 0 {
        table.int(4, millis(point.start_time_unix_nano));
    }
    table.text(5, &metric.unit);
    table.text(6, metric.kind.name());
    table.text(7, metric.temporality.name());
    match point.value {
        PointValue::Empty => {}
        PointValue::Int(number) => table.float(9, number as f64),
        PointValue::Double(number) => table.float(9, number),
        PointValue::Distribution { count, sum } => {
            if let Some(sum) = sum {
                table.float(9, sum);
            }
            table.int(10, count.min(i64::MAX as u64) as i64);
        }
    }
    table.text(11, &metric.description);
}

pub(super) fn put_span(table: &mut TableBuilder, span: &Span<'_>, time_ns: u64, received_ns: u64) {
    table.int(0, time_ns as i64);
    table.int(1, millis(received_ns));
    table.text(3, &span.name);
    if (1..=i64::MAX as u64).contains(&span.end_time_unix_nano) {
        table.int(4, span.end_time_unix_nano as i64);
        table.float(
            9,
            span.end_time_unix_nano.saturating_sub(time_ns) as f64 / 1e6,
        );
    }
    put_some(
        table,
        5,
        span.trace_id.as_ref().map(|id| hex(id)).as_deref(),
    );
    put_some(table, 6, span.span_id.as_ref().map(|id| hex(id)).as_deref());
    put_some(
        table,
        7,
        span.parent_span_id.as_ref().map(|id| hex(id)).as_deref(),
    );
    table.int(8, i64::from(span.kind));
    table.int(10, i64::from(span.status_code));
    if !span.status_message.is_empty() {
        table.text(11, &span.status_message);
    }
    put_some(table, 12, span.events_json.as_deref());
    put_some(table, 13, span.links_json.as_deref());
}

/// The two columns of provenance.
pub(super) fn put_token(table: &mut TableBuilder, at: usize, provenance: Option<&Provenance>) {
    if let Some(provenance) = provenance {
        table.text(at, &provenance.token);
        table.text(at + 1, &provenance.organization);
    }
}

pub(super) fn put_point_tail(
    table: &mut TableBuilder,
    at: usize,
    facts: &OriginFacts,
    row: &Row<'_>,
    raw: &[u8],
) {
    table.text(at, &facts.resource_json);
    put_some(table, at + 1, row.attributes);
    table.text(at + 2, &facts.scope_json);
    table.bytes(at + 3, raw);
}
