//! Tests by area, and the sink they share.

mod answer;
mod captures;
mod lenient;
mod lenient_signals;
mod limits;
mod random;
mod rewrite;
mod sift;
mod wire;

use std::borrow::Cow;

use contract::{
    Attribute, DataPoint, LogRecord, Metric, Origin, Quarantined, Signal, Sink, Span, Value,
};

use crate::{Decoded, Limits, Refused, decode, encode, from_json};

/// The items under one origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) origin: Origin<'static>,
    pub(crate) logs: Vec<LogRecord<'static>>,
    pub(crate) points: Vec<(Metric<'static>, DataPoint<'static>)>,
    pub(crate) spans: Vec<Span<'static>>,
}

/// Keeps everything that comes.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) groups: Vec<Group>,
    pub(crate) quarantined: Vec<Quarantined>,
}

impl Collected {
    fn last(&mut self) -> &mut Group {
        self.groups
            .last_mut()
            .expect("an origin comes before its items")
    }

    pub(crate) fn items(&self) -> u64 {
        let items: usize = self
            .groups
            .iter()
            .map(|g| g.logs.len() + g.points.len() + g.spans.len())
            .sum();
        items as u64
    }
}

fn text(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

fn attributes(attributes: &[Attribute<'_>]) -> Vec<Attribute<'static>> {
    attributes
        .iter()
        .map(|(key, value)| (text(key), value.clone().into_owned()))
        .collect()
}

fn leak(bytes: &[u8]) -> &'static [u8] {
    Box::leak(bytes.into())
}

impl Sink for Collected {
    fn origin(&mut self, origin: &Origin<'_>) {
        let origin = Origin {
            resource: attributes(&origin.resource),
            resource_dropped: origin.resource_dropped,
            resource_schema_url: text(&origin.resource_schema_url),
            scope_name: text(&origin.scope_name),
            scope_version: text(&origin.scope_version),
            scope_attributes: attributes(&origin.scope_attributes),
            scope_dropped: origin.scope_dropped,
            scope_schema_url: text(&origin.scope_schema_url),
        };
        self.groups.push(Group {
            origin,
            ..Group::default()
        });
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let record = LogRecord {
            severity_text: text(&record.severity_text),
            event_name: text(&record.event_name),
            body: record.body.clone().map(Value::into_owned),
            attributes: attributes(&record.attributes),
            ..*record
        };
        self.last().logs.push(record);
    }

    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        let metric = Metric {
            name: text(&metric.name),
            description: text(&metric.description),
            unit: text(&metric.unit),
            ..*metric
        };
        let point = DataPoint {
            attributes: attributes(&point.attributes),
            raw: leak(point.raw),
            ..*point
        };
        self.last().points.push((metric, point));
    }

    fn span(&mut self, span: &Span<'_>) {
        let span = Span {
            name: text(&span.name),
            attributes: attributes(&span.attributes),
            status_message: text(&span.status_message),
            events_json: span.events_json.clone(),
            links_json: span.links_json.clone(),
            raw: leak(span.raw),
            ..*span
        };
        self.last().spans.push(span);
    }

    fn quarantine(&mut self, item: Quarantined) {
        self.quarantined.push(item);
    }
}

/// Decodes within the usual limits.
pub(crate) fn collect(signal: Signal, protobuf: &[u8]) -> Result<(Decoded, Collected), Refused> {
    collect_within(signal, protobuf, &Limits::default())
}

pub(crate) fn collect_within(
    signal: Signal,
    protobuf: &[u8],
    limits: &Limits,
) -> Result<(Decoded, Collected), Refused> {
    let mut collected = Collected::default();
    let decoded = decode(signal, protobuf, limits, &mut collected)?;
    assert_eq!(
        crate::count(signal, protobuf, limits),
        Ok(decoded.items),
        "count and decode agree"
    );
    assert_eq!(decoded.quarantined, collected.quarantined.len() as u64);
    assert_eq!(decoded.items, collected.items() + decoded.quarantined);
    assert_eq!(
        decoded.first_reason.as_ref(),
        collected.quarantined.first().map(|item| &item.reason)
    );
    Ok((decoded, collected))
}

/// Reads JSON and decodes what it became. Nothing may be quarantined on the second way.
pub(crate) fn collect_json(signal: Signal, json: &str) -> (Collected, u64) {
    let read = from_json(signal, json.as_bytes(), &Limits::default()).expect("the request is read");
    let (decoded, mut collected) =
        collect(signal, &read.protobuf).expect("what is written decodes");
    assert_eq!((decoded.quarantined, decoded.repaired), (0, 0));
    collected.quarantined = read.quarantined;
    (collected, read.warnings)
}

/// The request written again from the decoded items; with `raw` or from their parts.
pub(crate) fn encode_again(collected: &Collected, signal: Signal, with_raw: bool) -> Vec<u8> {
    let groups = &collected.groups;
    match signal {
        Signal::Logs => {
            let groups: Vec<_> = groups
                .iter()
                .map(|g| (g.origin.clone(), g.logs.clone()))
                .collect();
            encode::logs(&groups)
        }
        Signal::Metrics => {
            let groups: Vec<_> = groups
                .iter()
                .map(|group| {
                    let metrics: Vec<_> = group
                        .points
                        .chunk_by(|(one, _), (other, _)| one == other)
                        .map(|points| {
                            let raw =
                                |point: &DataPoint<'static>| if with_raw { point.raw } else { &[] };
                            let of_one = points.iter().map(|(_, p)| DataPoint {
                                raw: raw(p),
                                ..p.clone()
                            });
                            (points[0].0.clone(), of_one.collect::<Vec<_>>())
                        })
                        .collect();
                    (group.origin.clone(), metrics)
                })
                .collect();
            encode::metrics(&groups)
        }
        Signal::Traces => {
            let groups: Vec<_> = groups
                .iter()
                .map(|group| {
                    let raw = |span: &Span<'static>| if with_raw { span.raw } else { &[] };
                    let spans = group.spans.iter().map(|s| Span {
                        raw: raw(s),
                        ..s.clone()
                    });
                    (group.origin.clone(), spans.collect::<Vec<_>>())
                })
                .collect();
            encode::spans(&groups)
        }
    }
}

/// Everything that was collected, as text to compare; NaN is equal to itself there.
pub(crate) fn shown(collected: &Collected, with_raw: bool) -> String {
    let mut groups = collected.groups.clone();
    if !with_raw {
        groups
            .iter_mut()
            .flat_map(|g| &mut g.points)
            .for_each(|(_, point)| point.raw = &[]);
        groups
            .iter_mut()
            .flat_map(|g| &mut g.spans)
            .for_each(|span| span.raw = &[]);
    }
    format!("{groups:#?}")
}
