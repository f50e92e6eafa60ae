//! Decoded items to batches of rows, with what applying them needs: identities and series.
//!
//! This is the CPU work of a request. It touches no shared state, so it runs beside other requests;
//! deduplication and increments follow when the batch is applied, in `state.rs`.

mod arrived;
mod problem;
mod put;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use contract::{
    Attribute, ContentHash, DataPoint, IdentityKey, LogRecord, Metric, MetricKind, Normalizer,
    Origin, OriginFacts, Quarantined, RawEncoding, Sink, Span, claim_time, hash_log, hash_raw,
};

use crate::column::TableBuilder;
use crate::dedup::{Identity, identity};
use crate::entry::{Entry, Transport};
use crate::provenance::{Bounds, Provenance};
use crate::schema::Table;
use crate::series::SeriesPoint;
pub use problem::PrepareError;
use put::{hex, millis, put_cells, put_point, put_point_tail, put_some, put_span, put_token};

/// The place of `metrics.value`, which is filled when the batch is applied.
pub(crate) const METRIC_VALUE: usize = 8;

/// The rows of one table, with one identity and filing day a row.
pub(crate) struct Rows {
    pub(crate) table: Table,
    pub(crate) batch: RecordBatch,
    pub(crate) identities: Vec<Identity>,
    /// Days since the Unix epoch by which each row is filed.
    pub(crate) days: Vec<u32>,
    /// One per row, for metrics only.
    pub(crate) series: Vec<SeriesPoint>,
}

/// A request's items, ready to be applied.
pub struct Prepared {
    pub(crate) rows: Vec<Rows>,
    /// When the request was received, nanoseconds since the Unix epoch.
    pub(crate) received_ns: u64,
    pub(crate) signal: contract::Signal,
    /// Size of the request as protobuf: about what its rows take in memory.
    pub(crate) bytes: usize,
    /// Items seen, quarantined ones included.
    pub items: u64,
    /// Items that were quarantined.
    pub quarantined: u64,
    /// Why the first of them was.
    pub first_reason: Option<String>,
    /// With which token the request came.
    pub(crate) provenance: Option<Arc<Provenance>>,
    /// Items among the quarantined that name what their token may not write for.
    pub foreign: u64,
    /// Of what the first of these names another.
    pub first_foreign: Option<&'static str>,
}

/// Decodes and normalises one entry. Live intake and recovery both come through here.
pub(crate) fn prepare(
    entry: &Entry,
    limits: &otlp::Limits,
    key: IdentityKey,
) -> Result<Prepared, PrepareError> {
    let mut builder = Builder::new(entry, key);
    let decoded = otlp::decode(entry.signal, &entry.protobuf, limits, &mut builder)
        .map_err(PrepareError::Refused)?;
    let beside = entry.quarantined.len() as u64;
    for item in &entry.quarantined {
        builder.quarantine(item.clone());
    }
    let first_reason = decoded
        .first_reason
        .or_else(|| entry.quarantined.first().map(|item| item.reason.clone()));
    let items = decoded.items + beside;
    let (foreign, first_foreign) = (builder.foreign, builder.first_foreign);
    let rows = builder
        .finish()
        .map_err(|error| PrepareError::Internal { items, error })?;
    Ok(Prepared {
        rows,
        received_ns: entry.received_ns,
        signal: entry.signal,
        bytes: entry.bytes(),
        items,
        quarantined: decoded.quarantined + beside,
        first_reason,
        provenance: entry.provenance.clone(),
        foreign,
        first_foreign,
    })
}

struct Filing {
    table: TableBuilder,
    identities: Vec<Identity>,
    days: Vec<u32>,
}

impl Filing {
    fn new(table: Table) -> Filing {
        Filing {
            table: TableBuilder::new(table.schema()),
            identities: Vec::new(),
            days: Vec::new(),
        }
    }

    fn end_row(&mut self, identity: Identity, filed_ns: u64) {
        self.table.end_row();
        self.identities.push(identity);
        self.days.push((filed_ns / 86_400_000_000_000) as u32);
    }
}

struct Builder {
    received_ns: u64,
    transport: Transport,
    signal: &'static str,
    key: IdentityKey,
    facts: OriginFacts,
    normalizer: Normalizer,
    scratch: Vec<u8>,
    ordinals: HashMap<ContentHash, u32, foldhash::fast::FixedState>,
    filings: [Option<Filing>; 4],
    series: Vec<SeriesPoint>,
    provenance: Option<Arc<Provenance>>,
    /// What identities begin from, so that one organisation's items are never another's repetition.
    apart: ContentHash,
    bounds: Bounds,
    foreign: u64,
    first_foreign: Option<&'static str>,
}

impl Builder {
    fn new(entry: &Entry, key: IdentityKey) -> Builder {
        Builder {
            received_ns: entry.received_ns,
            transport: entry.transport,
            signal: entry.signal.name(),
            key,
            facts: OriginFacts::default(),
            normalizer: Normalizer::default(),
            scratch: Vec::new(),
            ordinals: HashMap::default(),
            filings: [None, None, None, None],
            series: Vec::new(),
            apart: entry.provenance.as_ref().map_or(0, |provenance| {
                hash_raw(
                    key,
                    0,
                    &[provenance.organization.as_bytes()],
                    &mut Vec::new(),
                )
            }),
            provenance: entry.provenance.clone(),
            bounds: Bounds::default(),
            foreign: 0,
            first_foreign: None,
        }
    }

    /// The identity of an item, told apart from identical ones of the same request.
    fn identity(&mut self, hash: ContentHash) -> Identity {
        let hash = hash ^ self.apart;
        let ordinal = self.ordinals.entry(hash).or_default();
        let identity = identity(hash, *ordinal);
        *ordinal += 1;
        identity
    }

    fn finish(mut self) -> Result<Vec<Rows>, ArrowError> {
        let mut all = Vec::new();
        for table in Table::ALL {
            let Some(filing) = self.filings[table as usize].take() else {
                continue;
            };
            if filing.table.rows() == 0 {
                continue;
            }
            let series = if table == Table::Metrics {
                std::mem::take(&mut self.series)
            } else {
                Vec::new()
            };
            let (identities, days) = (filing.identities, filing.days);
            all.push(Rows {
                table,
                batch: filing.table.finish()?,
                identities,
                days,
                series,
            });
        }
        Ok(all)
    }
}

fn filing(filings: &mut [Option<Filing>; 4], table: Table) -> &mut Filing {
    filings[table as usize].get_or_insert_with(|| Filing::new(table))
}

impl Sink for Builder {
    fn origin(&mut self, origin: &Origin<'_>) {
        self.facts = OriginFacts::of(origin, self.key);
        if let Some(provenance) = &self.provenance {
            self.bounds = Bounds::of(provenance, origin);
        }
    }

    fn refuses(&mut self, attributes: &[Attribute<'_>]) -> Option<String> {
        let provenance = self.provenance.as_ref()?;
        let why = self.bounds.refuse(provenance, attributes)?;
        self.foreign += 1;
        self.first_foreign.get_or_insert(why);
        Some(why.to_owned())
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let hash = hash_log(self.key, self.facts.hash, record, &mut self.scratch);
        let identity = self.identity(hash);
        let claim = claim_time(
            record.time_unix_nano,
            record.observed_time_unix_nano,
            self.received_ns,
        );
        let row = self.normalizer.log(&self.facts, record, claim.time_ns);
        let filing = filing(&mut self.filings, Table::Events);
        let table = &mut filing.table;
        table.int(0, millis(claim.time_ns));
        table.int(1, millis(self.received_ns));
        table.text(2, row.product);
        table.text(3, row.event);
        let at = Table::Events.promoted_at();
        put_cells(table, at, &row);
        let tail = at + contract::COLUMN_COUNT;
        put_some(
            table,
            tail,
            record.trace_id.as_ref().map(|id| hex(id)).as_deref(),
        );
        put_some(
            table,
            tail + 1,
            record.span_id.as_ref().map(|id| hex(id)).as_deref(),
        );
        put_some(table, tail + 2, row.body.as_deref());
        table.text(tail + 3, &self.facts.resource_json);
        put_some(table, tail + 4, row.attributes);
        table.text(tail + 5, &self.facts.scope_json);
        table.text(tail + 6, row.shape);
        put_some(table, tail + 7, row.envelope);
        put_token(table, tail + 8, self.provenance.as_deref());
        filing.end_row(identity, claim.filed_ns);
    }

    fn point(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) {
        let named: [&[u8]; 4] = [
            metric.name.as_bytes(),
            metric.unit.as_bytes(),
            metric.kind.name().as_bytes(),
            &[metric.temporality as u8],
        ];
        let hash = hash_raw(
            self.key,
            self.facts.hash,
            &[named[0], named[1], named[2], named[3], point.raw],
            &mut self.scratch,
        );
        let identity = self.identity(hash);
        let claim = claim_time(point.time_unix_nano, 0, self.received_ns);
        let series = self.series_of(metric, point);
        self.series.push(SeriesPoint {
            series,
            start_ns: point.start_time_unix_nano,
            time_ns: claim.time_ns,
            value: point.value,
            temporality: metric.temporality,
            counts: counts(metric),
        });
        let row = self.normalizer.attributes(&self.facts, &point.attributes);
        let filing = filing(&mut self.filings, Table::Metrics);
        let table = &mut filing.table;
        put_point(table, metric, point, claim.time_ns, self.received_ns);
        table.text(2, row.product);
        let at = Table::Metrics.promoted_at();
        put_cells(table, at, &row);
        put_point_tail(
            table,
            at + contract::COLUMN_COUNT,
            &self.facts,
            &row,
            point.raw,
        );
        put_token(
            table,
            at + contract::COLUMN_COUNT + 4,
            self.provenance.as_deref(),
        );
        filing.end_row(identity, claim.filed_ns);
    }

    fn span(&mut self, span: &Span<'_>) {
        let hash = hash_raw(self.key, self.facts.hash, &[span.raw], &mut self.scratch);
        let identity = self.identity(hash);
        let claim = claim_time(
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            self.received_ns,
        );
        let row = self.normalizer.attributes(&self.facts, &span.attributes);
        let filing = filing(&mut self.filings, Table::Spans);
        let table = &mut filing.table;
        put_span(table, span, claim.time_ns, self.received_ns);
        table.text(2, row.product);
        let at = Table::Spans.promoted_at();
        put_cells(table, at, &row);
        put_point_tail(
            table,
            at + contract::COLUMN_COUNT,
            &self.facts,
            &row,
            span.raw,
        );
        put_token(
            table,
            at + contract::COLUMN_COUNT + 4,
            self.provenance.as_deref(),
        );
        filing.end_row(identity, claim.filed_ns);
    }

    fn quarantine(&mut self, item: Quarantined) {
        let hash = hash_raw(
            self.key,
            0,
            &[self.signal.as_bytes(), &item.raw],
            &mut self.scratch,
        );
        let identity = self.identity(hash);
        let filing = filing(&mut self.filings, Table::Quarantine);
        let table = &mut filing.table;
        table.int(0, millis(self.received_ns));
        table.int(1, millis(self.received_ns));
        table.text(2, self.signal);
        table.text(3, self.transport.name());
        table.text(4, item.encoding.name());
        table.text(5, &item.reason);
        match item.encoding {
            RawEncoding::Json => table.text(6, &String::from_utf8_lossy(&item.raw)),
            RawEncoding::Protobuf => table.text(6, &hex(&item.raw)),
        }
        put_token(table, 7, self.provenance.as_deref());
        filing.end_row(identity, self.received_ns);
    }
}

impl Builder {
    /// Everything that names the series of a point.
    fn series_of(&mut self, metric: &Metric<'_>, point: &DataPoint<'_>) -> u128 {
        let named = LogRecord {
            event_name: metric.name.clone(),
            severity_text: metric.unit.clone(),
            attributes: point.attributes.clone(),
            ..LogRecord::default()
        };
        hash_log(self.key, self.facts.hash, &named, &mut self.scratch)
    }
}

fn counts(metric: &Metric<'_>) -> bool {
    match metric.kind {
        MetricKind::Sum => metric.is_monotonic,
        MetricKind::Histogram | MetricKind::ExponentialHistogram => true,
        MetricKind::Gauge | MetricKind::Summary => false,
    }
}
