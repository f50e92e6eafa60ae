//! How long queries take and how they end.
//!
//! Invariant: every query is counted once, also one whose caller has gone; its text is not kept.

use std::sync::Arc;
use std::time::Instant;

use base::meters::{Histograms, Readings, Source, histograms};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::ErrorKind;

/// Upper bounds in seconds: from a report over the buffer to the limit of a query's time.
const QUERY_SECONDS: &[f64] = &[
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

const OK: &str = "ok";
const ABANDONED: &str = "abandoned";

#[derive(Debug)]
pub(crate) struct Meters {
    seconds: Histograms,
}

/// A query that is being answered. Dropped without [`Timing::end`], it was abandoned.
pub(crate) struct Timing {
    seconds: Histograms,
    began: Instant,
    outcome: &'static str,
}

impl Meters {
    pub(crate) fn new() -> Meters {
        let seconds = histograms(
            "tallybook_query_duration_seconds",
            "How long queries took, waiting for their turn included, by how they ended.",
            QUERY_SECONDS,
            &["outcome"],
        );
        for outcome in [
            OK,
            "invalid",
            "timeout",
            "memory",
            "internal",
            "replaying",
            ABANDONED,
        ] {
            // There from the start: an alert must not wait for the first one.
            let _ = seconds.with_label_values(&[outcome]);
        }
        Meters { seconds }
    }

    pub(crate) fn begin(&self) -> Timing {
        self.since(Instant::now())
    }

    /// Of a query that began earlier.
    pub(crate) fn since(&self, began: Instant) -> Timing {
        Timing {
            seconds: self.seconds.clone(),
            began,
            outcome: ABANDONED,
        }
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        vec![Box::new(self.seconds.clone())]
    }
}

impl Timing {
    /// The query has ended, with an error of this kind if it failed.
    pub(crate) fn end(mut self, failed: Option<ErrorKind>) {
        self.outcome = match failed {
            None => OK,
            Some(ErrorKind::Invalid) => "invalid",
            Some(ErrorKind::Timeout) => "timeout",
            Some(ErrorKind::Memory) => "memory",
            Some(ErrorKind::Internal) => "internal",
            Some(ErrorKind::Replaying) => "replaying",
        };
    }
}

impl Drop for Timing {
    fn drop(&mut self) {
        let took = self.began.elapsed().as_secs_f64();
        let seconds = self.seconds.with_label_values(&[self.outcome]);
        seconds.observe(took);
    }
}

/// What running queries take of what they share.
pub(crate) fn in_use(
    turns: Arc<Semaphore>,
    memory_bytes: impl Fn() -> usize + Send + Sync + 'static,
    config: &Config,
) -> Source {
    let (concurrent, memory_limit) = (config.concurrent, config.memory_bytes);
    let running = move || concurrent.saturating_sub(turns.available_permits());
    let readings = Readings::new(move || (running(), memory_bytes()))
        .gauge(
            "tallybook_query_running",
            "Queries that run now.",
            &[],
            |now| now.0 as f64,
        )
        .gauge(
            "tallybook_query_running_limit",
            "Queries that may run at once; more wait for their turn.",
            &[],
            move |_| concurrent as f64,
        )
        .gauge(
            "tallybook_query_memory_bytes",
            "Memory that running queries have reserved.",
            &[],
            |now| now.1 as f64,
        )
        .gauge(
            "tallybook_query_memory_limit_bytes",
            "Memory that all running queries may reserve together.",
            &[],
            move |_| memory_limit as f64,
        );
    Box::new(readings)
}
