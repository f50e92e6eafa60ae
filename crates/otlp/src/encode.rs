//! Items to protobuf.
//!
//! Invariant: decoding what is written here gives the same origins and items. A data point or span
//! that still has its own bytes is written from them; one that was changed has none and is written
//! from its parts.

mod value;

use crate::from_json::write_span_elements;
use crate::writer::{Size, Writer};
use contract::{
    Attribute, DataPoint, LogRecord, Metric, MetricKind, Origin, PointValue, Span, Temporality,
};

pub(crate) use self::value::{Plain, PlainBudget, write_plain, write_value};

/// An export request of log records. Neighbouring groups of one resource share it.
pub fn logs(groups: &[(Origin<'_>, Vec<LogRecord<'_>>)]) -> Vec<u8> {
    request(groups, |writer, record| {
        let item = writer.open(2, Size::Medium);
        write_log(writer, record);
        writer.close(item);
    })
}

/// A metric and its data points.
pub type MetricPoints<'a> = (Metric<'a>, Vec<DataPoint<'a>>);

/// An export request of metrics. Neighbouring groups of one resource share it.
pub fn metrics(groups: &[(Origin<'_>, Vec<MetricPoints<'_>>)]) -> Vec<u8> {
    request(groups, |writer, (metric, points)| {
        let item = writer.open(2, Size::Medium);
        write_metric(writer, metric, points);
        writer.close(item);
    })
}

/// An export request of spans. Neighbouring groups of one resource share it.
pub fn spans(groups: &[(Origin<'_>, Vec<Span<'_>>)]) -> Vec<u8> {
    request(groups, |writer, span| {
        if span.raw.is_empty() {
            let item = writer.open(2, Size::Medium);
            write_span(writer, span);
            writer.close(item);
        } else {
            writer.bytes_set(2, span.raw);
        }
    })
}

/// About what an item of an agent takes. A guess that is wrong costs a copy.
const ITEM_BYTES: usize = 1024;

/// The likely size of a group of so many items.
fn size_of(items: usize) -> Size {
    match items {
        0..=12 => Size::Medium,
        _ => Size::Large,
    }
}

fn request<T>(groups: &[(Origin<'_>, Vec<T>)], write_item: impl Fn(&mut Writer, &T)) -> Vec<u8> {
    let items_of = |groups: &[(Origin<'_>, Vec<T>)]| -> usize {
        groups.iter().map(|(_, items)| items.len()).sum()
    };
    let mut writer = Writer {
        out: Vec::with_capacity(items_of(groups) * ITEM_BYTES),
    };
    for of_one_resource in groups.chunk_by(|(one, _), (next, _)| same_resource(one, next)) {
        let resource_group = writer.open(1, size_of(items_of(of_one_resource)));
        let origin = &of_one_resource[0].0;
        if !origin.resource.is_empty() || origin.resource_dropped != 0 {
            let resource = writer.open(1, Size::Medium);
            write_attributes(&mut writer, 1, &origin.resource);
            writer.varint(2, u64::from(origin.resource_dropped));
            writer.close(resource);
        }
        for (origin, items) in of_one_resource {
            let scope_group = writer.open(2, size_of(items.len()));
            write_scope(&mut writer, origin);
            for item in items {
                write_item(&mut writer, item);
            }
            writer.bytes(3, origin.scope_schema_url.as_bytes());
            writer.close(scope_group);
        }
        writer.bytes(3, origin.resource_schema_url.as_bytes());
        writer.close(resource_group);
    }
    writer.out
}

fn same_resource(one: &Origin<'_>, other: &Origin<'_>) -> bool {
    one.resource == other.resource
        && one.resource_dropped == other.resource_dropped
        && one.resource_schema_url == other.resource_schema_url
}

fn write_scope(writer: &mut Writer, origin: &Origin<'_>) {
    let start = writer.out.len();
    let scope = writer.open(1, Size::Small);
    writer.bytes(1, origin.scope_name.as_bytes());
    writer.bytes(2, origin.scope_version.as_bytes());
    write_attributes(writer, 3, &origin.scope_attributes);
    writer.varint(4, u64::from(origin.scope_dropped));
    if writer.is_empty(&scope) {
        writer.out.truncate(start);
    } else {
        writer.close(scope);
    }
}

fn write_log(writer: &mut Writer, record: &LogRecord<'_>) {
    writer.eight(1, record.time_unix_nano);
    // Negative enum values are sign-extended to 64 bits on the wire.
    writer.varint(2, i64::from(record.severity_number) as u64);
    writer.bytes(3, record.severity_text.as_bytes());
    if let Some(body) = &record.body {
        write_value(writer, 5, body);
    }
    write_attributes(writer, 6, &record.attributes);
    writer.varint(7, u64::from(record.dropped_attributes_count));
    writer.four(8, record.flags);
    write_id(writer, 9, &record.trace_id);
    write_id(writer, 10, &record.span_id);
    writer.eight(11, record.observed_time_unix_nano);
    writer.bytes(12, record.event_name.as_bytes());
}

fn write_metric(writer: &mut Writer, metric: &Metric<'_>, points: &[DataPoint<'_>]) {
    writer.bytes(1, metric.name.as_bytes());
    writer.bytes(2, metric.description.as_bytes());
    writer.bytes(3, metric.unit.as_bytes());
    let number = match metric.kind {
        MetricKind::Gauge => 5,
        MetricKind::Sum => 7,
        MetricKind::Histogram => 9,
        MetricKind::ExponentialHistogram => 10,
        MetricKind::Summary => 11,
    };
    let data = writer.open(number, Size::Medium);
    for point in points {
        if point.raw.is_empty() {
            let item = writer.open(1, Size::Medium);
            write_point(writer, metric.kind, point);
            writer.close(item);
        } else {
            writer.bytes_set(1, point.raw);
        }
    }
    let has_temporality = !matches!(metric.kind, MetricKind::Gauge | MetricKind::Summary);
    if has_temporality {
        let code = match metric.temporality {
            Temporality::Unspecified => 0,
            Temporality::Delta => 1,
            Temporality::Cumulative => 2,
        };
        writer.varint(2, code);
    }
    if metric.kind == MetricKind::Sum {
        writer.varint(3, u64::from(metric.is_monotonic));
    }
    writer.close(data);
}

fn write_point(writer: &mut Writer, kind: MetricKind, point: &DataPoint<'_>) {
    if kind == MetricKind::ExponentialHistogram {
        write_attributes(writer, 1, &point.attributes);
    }
    writer.eight(2, point.start_time_unix_nano);
    writer.eight(3, point.time_unix_nano);
    match point.value {
        PointValue::Empty => {}
        PointValue::Double(number) => writer.eight_set(4, number.to_bits()),
        PointValue::Int(number) => writer.eight_set(6, number as u64),
        PointValue::Distribution { count, sum } => {
            writer.eight(4, count);
            if let Some(sum) = sum {
                writer.eight_set(5, sum.to_bits());
            }
        }
    }
    match kind {
        MetricKind::ExponentialHistogram => {}
        MetricKind::Histogram => write_attributes(writer, 9, &point.attributes),
        _ => write_attributes(writer, 7, &point.attributes),
    }
}

fn write_span(writer: &mut Writer, span: &Span<'_>) {
    write_id(writer, 1, &span.trace_id);
    write_id(writer, 2, &span.span_id);
    write_id(writer, 4, &span.parent_span_id);
    writer.bytes(5, span.name.as_bytes());
    writer.varint(6, u64::from(span.kind));
    writer.eight(7, span.start_time_unix_nano);
    writer.eight(8, span.end_time_unix_nano);
    write_attributes(writer, 9, &span.attributes);
    write_span_elements(writer, "events", span.events_json.as_deref());
    write_span_elements(writer, "links", span.links_json.as_deref());
    if span.status_code != 0 || !span.status_message.is_empty() {
        let status = writer.open(15, Size::Small);
        writer.bytes(2, span.status_message.as_bytes());
        writer.varint(3, u64::from(span.status_code));
        writer.close(status);
    }
}

pub(crate) fn write_id<const N: usize>(writer: &mut Writer, number: u32, id: &Option<[u8; N]>) {
    if let Some(id) = id {
        writer.bytes_set(number, id);
    }
}

pub(crate) fn write_attributes(writer: &mut Writer, number: u32, attributes: &[Attribute<'_>]) {
    for (key, value) in attributes {
        let attribute = writer.open(number, Size::Small);
        writer.bytes(1, key.as_bytes());
        write_value(writer, 2, value);
        writer.close(attribute);
    }
}
