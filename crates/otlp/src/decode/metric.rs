//! Metrics and their data points.
//!
//! Invariant: the points of a metric are those of its last kind of data, as protobuf has it for a
//! oneof; points of a kind that was overwritten are not items.

use contract::{DataPoint, Metric, MetricKind, PointValue, Temporality};

use super::Decoder;
use super::value::Context;
use crate::fault::Fault;
use crate::scan::validate;
use crate::schema::{self, Message};
use crate::wire::Reader;

/// The kind of data in a field of `Metric`.
fn kind_of(number: u32) -> Option<MetricKind> {
    Some(match number {
        5 => MetricKind::Gauge,
        7 => MetricKind::Sum,
        9 => MetricKind::Histogram,
        10 => MetricKind::ExponentialHistogram,
        11 => MetricKind::Summary,
        _ => return None,
    })
}

fn point_message(kind: MetricKind) -> &'static Message {
    match kind {
        MetricKind::Gauge | MetricKind::Sum => &schema::NUMBER_POINT,
        MetricKind::Histogram => &schema::HISTOGRAM_POINT,
        MetricKind::ExponentialHistogram => &schema::EXPONENTIAL_POINT,
        MetricKind::Summary => &schema::SUMMARY_POINT,
    }
}

/// How many data points a valid metric has.
pub(crate) fn points_of(metric: Reader<'_>) -> Result<usize, Fault> {
    let Some(kind) = last_kind(metric)? else {
        return Ok(0);
    };
    let mut points = 0;
    let mut fields = metric;
    while let Some(field) = fields.next()? {
        if kind_of(field.number) == Some(kind) {
            let mut data = field.message()?;
            while let Some(field) = data.next()? {
                points += usize::from(field.number == 1);
            }
        }
    }
    Ok(points)
}

/// The field in which the points of a valid metric stand: those of another kind are no items.
pub(crate) fn last_kind_field(mut metric: Reader<'_>) -> Result<Option<u32>, Fault> {
    let mut last = None;
    while let Some(field) = metric.next()? {
        last = kind_of(field.number).map(|_| field.number).or(last);
    }
    Ok(last)
}

fn last_kind(mut metric: Reader<'_>) -> Result<Option<MetricKind>, Fault> {
    let mut kind = None;
    while let Some(field) = metric.next()? {
        kind = kind_of(field.number).or(kind);
    }
    Ok(kind)
}

impl<'a> Decoder<'a, '_> {
    pub(super) fn metric(&mut self, item: Reader<'a>) -> Result<(), Fault> {
        let read = validate(item, &schema::METRIC, self.context.limits)
            .and_then(|()| Ok(read_metric(item, &mut self.context)?));
        match read {
            Ok(metric) => {
                let metric_repaired = std::mem::take(&mut self.context.repaired);
                self.points(item, &metric, metric_repaired)
            }
            Err(stop) => {
                self.decoded.items += 1;
                self.quarantine("metric", item, stop);
                Ok(())
            }
        }
    }

    fn points(
        &mut self,
        item: Reader<'a>,
        metric: &Metric<'a>,
        metric_repaired: bool,
    ) -> Result<(), Fault> {
        let mut fields = item;
        while let Some(field) = fields.next()? {
            if kind_of(field.number) == Some(metric.kind) {
                let mut data = field.message()?;
                while let Some(field) = data.next()? {
                    if field.number == 1 {
                        self.context.repaired = metric_repaired;
                        self.point(metric, field.message()?);
                    }
                }
            }
        }
        Ok(())
    }

    fn point(&mut self, metric: &Metric<'_>, item: Reader<'a>) {
        self.decoded.items += 1;
        let read = validate(item, point_message(metric.kind), self.context.limits)
            .and_then(|()| Ok(read_point(item, metric.kind, &mut self.context)?));
        match read {
            Ok(point) => {
                if let Some(why) = self.sink.refuses(&point.attributes) {
                    return self.set_aside("data point", item, &why);
                }
                self.count_repair();
                self.sink.point(metric, &point);
            }
            Err(stop) => self.quarantine(&format!("data point of {}", metric.name), item, stop),
        }
    }
}

fn read_metric<'a>(item: Reader<'a>, context: &mut Context<'_>) -> Result<Metric<'a>, Fault> {
    let mut metric = Metric {
        kind: last_kind(item)?.unwrap_or_default(),
        ..Metric::default()
    };
    let mut fields = item;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => metric.name = context.text(&field)?,
            2 => metric.description = context.text(&field)?,
            3 => metric.unit = context.text(&field)?,
            number if kind_of(number) == Some(metric.kind) => {
                read_data(field.message()?, &mut metric)?
            }
            _ => {}
        }
    }
    Ok(metric)
}

fn read_data(mut data: Reader<'_>, metric: &mut Metric<'_>) -> Result<(), Fault> {
    while let Some(field) = data.next()? {
        match (metric.kind, field.number) {
            (MetricKind::Gauge | MetricKind::Summary, _) => {}
            (_, 2) => metric.temporality = Temporality::from_code(field.varint()?),
            (MetricKind::Sum, 3) => metric.is_monotonic = field.varint()? != 0,
            _ => {}
        }
    }
    Ok(())
}

fn read_point<'a>(
    item: Reader<'a>,
    kind: MetricKind,
    context: &mut Context<'_>,
) -> Result<DataPoint<'a>, Fault> {
    let is_number = matches!(kind, MetricKind::Gauge | MetricKind::Sum);
    let attributes_number = match kind {
        MetricKind::ExponentialHistogram => 1,
        MetricKind::Histogram => 9,
        _ => 7,
    };
    let mut point = DataPoint {
        raw: item.bytes(),
        ..DataPoint::default()
    };
    let (mut count, mut sum) = (0, None);
    let mut fields = item;
    while let Some(field) = fields.next()? {
        match field.number {
            2 => point.start_time_unix_nano = field.eight()?,
            3 => point.time_unix_nano = field.eight()?,
            4 if is_number => point.value = PointValue::Double(field.double()?),
            6 if is_number => point.value = PointValue::Int(field.eight()? as i64),
            4 => count = field.eight()?,
            5 if !is_number => sum = Some(field.double()?),
            number if number == attributes_number => {
                context.push_attribute(field.message()?, field.after(), &mut point.attributes)?;
            }
            _ => {}
        }
    }
    if !is_number {
        point.value = PointValue::Distribution { count, sum };
    }
    Ok(point)
}
