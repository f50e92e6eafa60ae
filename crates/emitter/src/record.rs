//! Events as log records, and the bounded queue in which they wait.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use contract::{Attribute, LogRecord, Value};

use crate::head::{Head, borrowed, borrowed_value};
use crate::trace::TraceContext;

/// So many events may wait; what comes on top is dropped and counted.
pub(crate) const QUEUE_MAX: usize = 2048;
/// So many events leave in one request at most.
pub(crate) const BATCH_MAX: usize = 512;

/// A bounded queue of items that are to be sent.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    items: VecDeque<T>,
    is_closed: bool,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Waiting {
            items: VecDeque::new(),
            is_closed: false,
        }
    }
}

impl<T> Waiting<T> {
    /// Puts an item last, or says why there is no place for it.
    pub(crate) fn push(&mut self, item: T) -> Result<(), &'static str> {
        if self.is_closed {
            return Err("telemetry has ended");
        }
        if self.items.len() >= QUEUE_MAX {
            return Err("the queue is full: the receiver is too slow or away");
        }
        self.items.push_back(item);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes nothing any more. Gives up the items that wait, and says how many there were.
    pub(crate) fn close(&mut self) -> u64 {
        self.is_closed = true;
        let count = self.items.len() as u64;
        self.items.clear();
        count
    }

    /// The oldest items, one batch at most.
    pub(crate) fn take_batch(&mut self) -> Vec<T> {
        let count = self.items.len().min(BATCH_MAX);
        self.items.drain(..count).collect()
    }
}

/// One event that waits.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) head: Arc<Head>,
    pub(crate) name: &'static str,
    pub(crate) prompt_id: Option<Arc<str>>,
    /// The span that it was emitted within.
    trace: Option<TraceContext>,
    pub(crate) own: Vec<Attribute<'static>>,
    body: String,
    at_ms: u64,
    timestamp: String,
    sequence: i64,
}

impl Record {
    pub(crate) fn new(
        head: &Arc<Head>,
        name: &'static str,
        prompt_id: Option<&Arc<str>>,
        trace: Option<TraceContext>,
        own: Vec<Attribute<'static>>,
    ) -> Record {
        Record {
            head: Arc::clone(head),
            name,
            prompt_id: prompt_id.map(Arc::clone),
            trace,
            own,
            body: format!("claude_code.{name}"),
            at_ms: 0,
            timestamp: String::new(),
            sequence: 0,
        }
    }

    fn stamp(&mut self, at_ms: u64, sequence: i64) {
        self.timestamp = timestamp(at_ms);
        self.at_ms = at_ms;
        self.sequence = sequence;
    }

    /// The record as the clients send it.
    pub(crate) fn log_record(&self) -> LogRecord<'_> {
        let mut attributes = Vec::with_capacity(self.head.standard.len() + self.own.len() + 9);
        attributes.extend(self.head.attributes());
        let mut text = |key, text| attributes.push((Cow::Borrowed(key), Value::from(text)));
        text("event.name", self.name);
        text("event.timestamp", self.timestamp.as_str());
        attributes.push((Cow::Borrowed("event.sequence"), Value::Int(self.sequence)));
        if let Some(prompt) = &self.prompt_id {
            attributes.push((Cow::Borrowed("prompt.id"), Value::from(&**prompt)));
        }
        if let Some(paths) = &self.head.host_paths {
            attributes.push((Cow::Borrowed("workspace.host_paths"), borrowed_value(paths)));
        }
        attributes.extend(self.own.iter().map(borrowed));
        let nanos = self.at_ms.saturating_mul(1_000_000);
        LogRecord {
            time_unix_nano: nanos,
            observed_time_unix_nano: nanos,
            body: Some(Value::from(self.body.as_str())),
            attributes,
            trace_id: self.trace.as_ref().map(|it| it.trace_id),
            span_id: self.trace.as_ref().map(|it| it.span_id),
            flags: self.trace.as_ref().map_or(0, |it| u32::from(it.flags())),
            ..LogRecord::default()
        }
    }
}

/// A time as `event.timestamp` says it; empty beyond the year 9999.
pub(crate) fn timestamp(at_ms: u64) -> String {
    let text = contract::iso_millis(at_ms).map(|text| text.to_vec());
    text.and_then(|text| String::from_utf8(text).ok())
        .unwrap_or_default()
}

/// The events that wait, and the process's sequence.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) waiting: Waiting<Record>,
    sequence: i64,
}

impl Queue {
    /// Gives the record its place, or says why there is none. The sequence goes on either way, so that
    /// the receiver can see the gap.
    pub(crate) fn push(&mut self, mut record: Record, at_ms: u64) -> Result<(), &'static str> {
        record.stamp(at_ms, self.sequence);
        self.sequence += 1;
        self.waiting.push(record)
    }
}
