//! The four tables: their columns, their order, and which columns are hidden from views.
//!
//! Invariant: a table's columns are fixed per format version. A column's place may only be appended
//! to, because parts written by an older version are read with the columns they have.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use contract::{COLUMNS, Col, Kind};

/// One of the tables that the store keeps.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Log records, a row each.
    Events,
    /// Metric data points, a row each.
    Metrics,
    /// Spans, a row each.
    Spans,
    /// Items that could not be understood.
    Quarantine,
}

impl Table {
    /// All tables.
    pub const ALL: [Table; 4] = [
        Table::Events,
        Table::Metrics,
        Table::Spans,
        Table::Quarantine,
    ];

    /// Its name in queries and paths.
    pub fn name(self) -> &'static str {
        match self {
            Table::Events => "events",
            Table::Metrics => "metrics",
            Table::Spans => "spans",
            Table::Quarantine => "quarantine",
        }
    }

    /// Its columns.
    pub fn schema(self) -> SchemaRef {
        Arc::clone(&SCHEMAS[self as usize])
    }

    /// Columns that only rebuilding the wire form needs, as bytes or in a form of their own; views leave
    /// them out.
    pub fn hidden(self) -> &'static [&'static str] {
        match self {
            Table::Events => &["shape", "envelope"],
            Table::Metrics => &["raw"],
            Table::Spans => &["raw"],
            Table::Quarantine => &[],
        }
    }

    /// Where the promoted columns begin, for the tables that have them.
    pub(crate) fn promoted_at(self) -> usize {
        match self {
            Table::Events => EVENT_LEAD.len(),
            Table::Metrics => METRIC_LEAD.len(),
            Table::Spans => SPAN_LEAD.len(),
            Table::Quarantine => 0,
        }
    }
}

type Lead = (&'static str, DataType);

/// Milliseconds: the precision that clients send. A finer time is kept whole in the envelope.
fn milliseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn nanoseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

static EVENT_LEAD: LazyLock<Vec<Lead>> = LazyLock::new(|| {
    vec![
        ("time", milliseconds()),
        ("received_at", milliseconds()),
        ("product", DataType::Utf8View),
        ("event", DataType::Utf8View),
    ]
});

static METRIC_LEAD: LazyLock<Vec<Lead>> = LazyLock::new(|| {
    vec![
        ("time", milliseconds()),
        ("received_at", milliseconds()),
        ("product", DataType::Utf8View),
        ("name", DataType::Utf8View),
        ("start_time", milliseconds()),
        ("unit", DataType::Utf8View),
        ("kind", DataType::Utf8View),
        ("temporality", DataType::Utf8View),
        ("value", DataType::Float64),
        ("point_value", DataType::Float64),
        ("count", DataType::Int64),
        ("description", DataType::Utf8View),
    ]
});

static SPAN_LEAD: LazyLock<Vec<Lead>> = LazyLock::new(|| {
    vec![
        ("time", nanoseconds()),
        ("received_at", milliseconds()),
        ("product", DataType::Utf8View),
        ("name", DataType::Utf8View),
        ("end_time", nanoseconds()),
        ("trace_id", DataType::Utf8View),
        ("span_id", DataType::Utf8View),
        ("parent_span_id", DataType::Utf8View),
        ("span_kind", DataType::Int64),
        ("span_duration_ms", DataType::Float64),
        ("span_status_code", DataType::Int64),
        ("span_status_message", DataType::Utf8View),
        ("span_events", DataType::Utf8View),
        ("span_links", DataType::Utf8View),
    ]
});

const EVENT_TAIL: &[&str] = &[
    "trace_id",
    "span_id",
    "body",
    "resource",
    "attributes",
    "scope",
    "shape",
    "envelope",
];
const POINT_TAIL: &[&str] = &["resource", "attributes", "scope"];
/// With which token it came, and for which organisation; last, because they came later.
const PROVENANCE: [&str; 2] = ["token", "organization"];
const QUARANTINE: &[&str] = &["signal", "transport", "encoding", "reason", "item"];

static SCHEMAS: LazyLock<[SchemaRef; 4]> = LazyLock::new(|| {
    [
        schema(&EVENT_LEAD, EVENT_TAIL, false),
        schema(&METRIC_LEAD, POINT_TAIL, true),
        schema(&SPAN_LEAD, POINT_TAIL, true),
        quarantine_schema(),
    ]
});

fn schema(lead: &[Lead], tail: &[&str], raw: bool) -> SchemaRef {
    let lead = lead
        .iter()
        .map(|(name, kind)| Field::new(*name, kind.clone(), true));
    let promoted = COLUMNS
        .iter()
        .map(|column| Field::new(column.name, promoted_type(column.kind), true));
    let tail = tail
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8View, true));
    let raw = raw.then(|| Field::new("raw", DataType::BinaryView, true));
    Arc::new(Schema::new(
        lead.chain(promoted)
            .chain(tail)
            .chain(raw)
            .chain(provenance())
            .collect::<Vec<_>>(),
    ))
}

fn quarantine_schema() -> SchemaRef {
    let mut fields = vec![
        Field::new("time", milliseconds(), true),
        Field::new("received_at", milliseconds(), true),
    ];
    fields.extend(
        QUARANTINE
            .iter()
            .map(|name| Field::new(*name, DataType::Utf8View, true)),
    );
    fields.extend(provenance());
    Arc::new(Schema::new(fields))
}

fn provenance() -> impl Iterator<Item = Field> {
    PROVENANCE
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8View, true))
}

fn promoted_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8View,
        Kind::Count => DataType::Int64,
        Kind::Usd => DataType::Float64,
        Kind::Flag => DataType::Boolean,
    }
}

/// The place of a promoted column in a table.
pub(crate) fn place(table: Table, col: Col) -> usize {
    table.promoted_at() + col as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_names_are_unique_and_promoted_columns_are_in_their_place() {
        for table in Table::ALL {
            let schema = table.schema();
            let mut names: Vec<_> = schema
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), schema.fields().len(), "{table:?}");
            if table != Table::Quarantine {
                assert_eq!(schema.field(place(table, Col::CostUsd)).name(), "cost_usd");
            }
            for hidden in table.hidden() {
                assert!(
                    schema.field_with_name(hidden).is_ok(),
                    "{table:?} has {hidden}"
                );
            }
        }
    }
}
