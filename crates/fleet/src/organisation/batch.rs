//! Requests as a collector in front of many clients sends them: several exports in one.

use std::iter::Peekable;

use contract::Signal;

use super::{Export, LogGroups, MetricGroups};

/// Exports of one signal, to be sent in one request.
pub struct Batch {
    /// The time of the last export in it, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The signal of all of them.
    pub signal: Signal,
    /// At least one, in time order.
    pub exports: Vec<Export>,
}

impl Batch {
    /// How many log records or data points there are.
    pub fn items(&self) -> usize {
        self.exports.iter().map(Export::items).sum()
    }

    /// The log records, one group for each export; empty for metrics.
    pub fn log_groups(&self) -> LogGroups<'_> {
        self.exports.iter().flat_map(Export::log_groups).collect()
    }

    /// The data points, one group for each export; empty for logs.
    pub fn metric_groups(&self) -> MetricGroups<'_> {
        self.exports
            .iter()
            .flat_map(Export::metric_groups)
            .collect()
    }

    /// The request as OTLP protobuf.
    pub fn protobuf(&self) -> Vec<u8> {
        match self.signal {
            Signal::Metrics => otlp::encode::metrics(&self.metric_groups()),
            _ => otlp::encode::logs(&self.log_groups()),
        }
    }
}

/// The exports of another iterator until so many events have left.
pub struct Limited<I> {
    exports: I,
    left: u64,
}

impl<I: Iterator<Item = Export>> Limited<I> {
    /// The exports of `exports` up to the one with log record number `events`, which is not divided.
    pub fn new(exports: I, events: u64) -> Limited<I> {
        Limited {
            exports,
            left: events,
        }
    }
}

impl<I: Iterator<Item = Export>> Iterator for Limited<I> {
    type Item = Export;

    fn next(&mut self) -> Option<Export> {
        if self.left == 0 {
            return None;
        }
        let export = self.exports.next()?;
        if export.signal == Signal::Logs {
            self.left = self.left.saturating_sub(export.items() as u64);
        }
        Some(export)
    }
}

/// Packs exports into batches of about `size` items: a batch is closed when it has that many, or
/// when the next export is of another signal. An export is never divided.
pub struct Batched<I: Iterator<Item = Export>> {
    exports: Peekable<I>,
    size: usize,
}

impl<I: Iterator<Item = Export>> Batched<I> {
    /// Packs `exports` into batches of about `size` items.
    pub fn new(exports: I, size: usize) -> Batched<I> {
        Batched {
            exports: exports.peekable(),
            size,
        }
    }
}

impl<I: Iterator<Item = Export>> Iterator for Batched<I> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let first = self.exports.next()?;
        let mut items = first.items();
        let mut batch = Batch {
            at_ms: first.at_ms,
            signal: first.signal,
            exports: vec![first],
        };
        while items < self.size
            && let Some(export) = self.exports.next_if(|next| next.signal == batch.signal)
        {
            items += export.items();
            batch.at_ms = export.at_ms;
            batch.exports.push(export);
        }
        Some(batch)
    }
}
