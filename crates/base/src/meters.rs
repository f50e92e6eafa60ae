//! Meters: what a crate counts and times about itself, as Prometheus reads it.
//!
//! Invariant: counting never waits and costs far less than a microsecond; names and labels are
//! literals where a meter is made, so the code bounds how many series there are. Nothing is global:
//! a crate keeps the handles it counts with and hands out sources, and whoever assembles the program
//! puts all sources on one [`Board`].
//!
//! Names follow Prometheus: base units at the end (`_seconds`, `_bytes`), `_total` for what only grows.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, HistogramOpts, Opts, Registry, TextEncoder};

pub use prometheus::{
    Histogram, HistogramVec as Histograms, IntCounter as Counter, IntCounterVec as Counters,
};

/// The media type of [`Board::text`].
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds for what a client waits for, in seconds: half a millisecond to ten seconds.
pub const WAIT_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Upper bounds for one operation of a disk, in seconds: a tenth of a millisecond to five seconds.
pub const DISK_SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Upper bounds for work in the background, in seconds: ten milliseconds to two minutes.
pub const WORK_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

/// One or several meters, to be shown.
pub type Source = Box<dyn Collector>;

/// A counter of its own.
///
/// # Panics
/// When the name is none; names are literals, and a test puts every meter on a board.
#[must_use]
pub fn counter(name: &str, about: &str) -> Counter {
    made(name, Counter::with_opts(Opts::new(name, about)))
}

/// A counter for each combination of values of `labels`.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn counters(name: &str, about: &str, labels: &[&str]) -> Counters {
    made(name, Counters::new(Opts::new(name, about), labels))
}

/// A histogram of its own.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn histogram(name: &str, about: &str, bounds: &[f64]) -> Histogram {
    made(
        name,
        Histogram::with_opts(histogram_of(name, about, bounds)),
    )
}

/// A histogram for each combination of values of `labels`.
///
/// # Panics
/// As [`counter`].
#[must_use]
pub fn histograms(name: &str, about: &str, bounds: &[f64], labels: &[&str]) -> Histograms {
    made(
        name,
        Histograms::new(histogram_of(name, about, bounds), labels),
    )
}

fn histogram_of(name: &str, about: &str, bounds: &[f64]) -> HistogramOpts {
    HistogramOpts::new(name, about).buckets(bounds.to_vec())
}

fn made<T>(name: &str, outcome: prometheus::Result<T>) -> T {
    outcome.unwrap_or_else(|error| panic!("the meter {name} cannot be: {error}"))
}

/// Values that others keep and that are read when somebody asks, all of them at one moment.
pub struct Readings<R> {
    read: Box<dyn Fn() -> R + Send + Sync>,
    /// Locked while they are read and shown, so that two who ask do not mix.
    series: Mutex<Vec<Series<R>>>,
    descriptions: Vec<Desc>,
}

struct Series<R> {
    shown: Shown,
    of: Box<dyn Fn(&R) -> f64 + Send + Sync>,
}

enum Shown {
    Gauge(Gauge),
    Counter(prometheus::Counter),
}

impl<R: 'static> Readings<R> {
    /// Nothing yet; `read` gives what the values are taken from.
    pub fn new(read: impl Fn() -> R + Send + Sync + 'static) -> Self {
        Self {
            read: Box::new(read),
            series: Mutex::default(),
            descriptions: Vec::new(),
        }
    }

    /// With a value that may go up and down.
    ///
    /// # Panics
    /// As [`counter`].
    #[must_use]
    pub fn gauge(
        self,
        name: &str,
        about: &str,
        labels: &[(&str, &str)],
        of: impl Fn(&R) -> f64 + Send + Sync + 'static,
    ) -> Self {
        let shown = made(name, Gauge::with_opts(labelled(name, about, labels)));
        self.with(Shown::Gauge(shown), of)
    }

    /// With a value that only grows, from 0 at the start of the process.
    ///
    /// # Panics
    /// As [`counter`].
    #[must_use]
    pub fn counter(
        self,
        name: &str,
        about: &str,
        labels: &[(&str, &str)],
        of: impl Fn(&R) -> f64 + Send + Sync + 'static,
    ) -> Self {
        let opts = labelled(name, about, labels);
        let shown = made(name, prometheus::Counter::with_opts(opts));
        self.with(Shown::Counter(shown), of)
    }

    fn with(mut self, shown: Shown, of: impl Fn(&R) -> f64 + Send + Sync + 'static) -> Self {
        let descriptions = shown.collector().desc().into_iter().cloned();
        self.descriptions.extend(descriptions);
        let of = Box::new(of);
        let list = self
            .series
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        list.push(Series { shown, of });
        self
    }
}

fn labelled(name: &str, about: &str, labels: &[(&str, &str)]) -> Opts {
    labels
        .iter()
        .fold(Opts::new(name, about), |opts, (label, value)| {
            opts.const_label(*label, *value)
        })
}

impl Shown {
    fn collector(&self) -> &dyn Collector {
        match self {
            Self::Gauge(gauge) => gauge,
            Self::Counter(counter) => counter,
        }
    }

    fn set(&self, value: f64) {
        match self {
            Self::Gauge(gauge) => gauge.set(value),
            Self::Counter(counter) => {
                counter.reset();
                // A counter cannot be negative, nor what is no number.
                counter.inc_by(value.max(0.0));
            }
        }
    }
}

impl<R: 'static> Collector for Readings<R> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.read)();
        let read = series.iter().flat_map(|series| {
            series.shown.set((series.of)(&now));
            series.shown.collector().collect()
        });
        read.collect()
    }
}

/// All meters of a program.
#[derive(Clone, Default)]
pub struct Board {
    registry: Registry,
}

/// Two meters have one name, or one name has two meanings.
#[derive(Debug)]
pub struct Ambiguous(prometheus::Error);

impl Board {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts sources up.
    ///
    /// # Errors
    /// When one of them is up already, or its name is taken.
    pub fn add(&self, sources: Vec<Source>) -> Result<(), Ambiguous> {
        let mut sources = sources.into_iter();
        sources.try_for_each(|source| self.registry.register(source).map_err(Ambiguous))
    }

    /// Everything now, as Prometheus' text format of version 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        // It fails for a family without a name or a sample, and a registry gathers none.
        let families = self.registry.gather();
        TextEncoder::new()
            .encode_to_string(&families)
            .unwrap_or_default()
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").finish_non_exhaustive()
    }
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a meter cannot be shown: {}", self.0)
    }
}

impl std::error::Error for Ambiguous {}

#[cfg(test)]
mod tests;
