//! A span while it is open, and when it has ended.
//!
//! Invariant: every span that is recorded ends once: by its program's word, or when it is dropped.

use std::borrow::Cow;
use std::sync::Arc;

use contract::{Attribute, Value};
use otlp::javascript::{Span, SpanEvent, SpanLink};

use super::context::{Active, Parent, TraceContext};
use crate::event::field::Own;
use crate::head::{Head, borrowed};
use crate::shared::Shared;

/// More events or links of one span than this are dropped and counted.
const ELEMENTS_MAX: usize = 128;
/// OTLP: it is known whether the parent is of another process, and it is.
const KNOWS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// A span that is open.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    shared: Arc<Shared>,
    head: Arc<Head>,
    kind: &'static str,
    active: Arc<Active>,
    parent: Option<[u8; 8]>,
    is_remote: bool,
    start_ms: u64,
    own: Vec<Attribute<'static>>,
    events: Vec<Event>,
    dropped_events: u32,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Event {
    name: &'static str,
    time_nanos: u64,
    own: Vec<Attribute<'static>>,
}

#[derive(Debug)]
struct Link {
    to: TraceContext,
    own: Vec<Attribute<'static>>,
}

/// A span that has ended, until it is sent.
#[derive(Debug)]
pub(crate) struct Ended {
    span: OpenSpan,
    name: String,
    end_nanos: u64,
    error: Option<String>,
}

impl OpenSpan {
    /// A span of this kind that starts now; `start` writes what is known of it.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        head: &Arc<Head>,
        kind: &'static str,
        parent: &Parent,
        start: impl FnOnce(&mut Own<'_>),
    ) -> OpenSpan {
        let surroundings = &shared.surroundings;
        let (around, context) = match parent {
            Parent::None => (None, None),
            Parent::Remote(context) => (None, Some(context)),
            Parent::Local(active) => (Some(Arc::clone(active)), Some(&active.context)),
        };
        let own_context = TraceContext {
            trace_id: context.map_or_else(&*surroundings.new_trace_id, |it| it.trace_id),
            span_id: (surroundings.new_span_id)(),
            is_sampled: context.is_none_or(|it| it.is_sampled),
            state: context.and_then(|it| it.state.clone()),
        };
        let mut own = Own::new(&shared.span_content);
        start(&mut own);
        OpenSpan {
            shared: Arc::clone(shared),
            head: Arc::clone(head),
            kind,
            active: Active::new(own_context, around),
            parent: context.map(|it| it.span_id),
            is_remote: matches!(parent, Parent::Remote(_)),
            start_ms: shared.now_ms(),
            own: own.attributes,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
        }
    }

    pub(crate) fn active(&self) -> &Arc<Active> {
        &self.active
    }

    /// Something happens within the span.
    pub(crate) fn event(&mut self, name: &'static str, write: impl FnOnce(&mut Own<'_>)) {
        if self.events.len() >= ELEMENTS_MAX {
            self.dropped_events = self.dropped_events.saturating_add(1);
            return;
        }
        let mut own = Own::new(&self.shared.span_content);
        write(&mut own);
        self.events.push(Event {
            name,
            time_nanos: self.shared.now_nanos(),
            own: own.attributes,
        });
    }

    pub(crate) fn link(&mut self, to: TraceContext, write: impl FnOnce(&mut Own<'_>)) {
        if self.links.len() < ELEMENTS_MAX {
            let mut own = Own::new(&self.shared.span_content);
            write(&mut own);
            let own = own.attributes;
            self.links.push(Link { to, own });
        }
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> u64 {
        self.events.len() as u64 + u64::from(self.dropped_events)
    }

    /// How long it has been open.
    pub(crate) fn age_ms(&self) -> u64 {
        self.shared.now_ms().saturating_sub(self.start_ms)
    }

    /// Ends it; `write` says what is known in the end, and gives the error if it failed.
    pub(crate) fn end(mut self, write: impl FnOnce(&mut Own<'_>) -> Option<String>) {
        self.active.close();
        let shared = Arc::clone(&self.shared);
        let mut own = Own::new(&shared.span_content);
        let error = write(&mut own).map(|error| shared.span_content.limited(error));
        self.own.append(&mut own.attributes);
        if !self.active.context.is_sampled {
            return;
        }
        let now = shared.now_nanos();
        shared.put_span(Ended {
            name: format!("claude_code.{}", self.kind),
            // A clock that was set back makes no span of less than nothing.
            end_nanos: now.max(self.start_ms.saturating_mul(1_000_000)),
            error,
            span: self,
        });
    }
}

impl Ended {
    /// The span as the clients send it.
    pub(crate) fn span(&self) -> Span<'_> {
        let open = &self.span;
        let context = &open.active.context;
        let text = |key, text| -> Attribute<'_> { (Cow::Borrowed(key), Value::from(text)) };
        let mut attributes: Vec<Attribute<'_>> = open.head.attributes().collect();
        attributes.push(text("gen_ai.provider.name", "anthropic"));
        attributes.push(text("span.type", open.kind));
        attributes.extend(open.own.iter().map(borrowed));
        let events = open.events.iter().map(|it| SpanEvent {
            name: it.name,
            time_unix_nano: it.time_nanos,
            attributes: it.own.iter().map(borrowed).collect(),
        });
        let links = open.links.iter().map(|it| SpanLink {
            trace_id: it.to.trace_id,
            span_id: it.to.span_id,
            attributes: it.own.iter().map(borrowed).collect(),
            flags: u32::from(it.to.flags()) | KNOWS_REMOTE | IS_REMOTE,
        });
        let remote = if open.is_remote { IS_REMOTE } else { 0 };
        Span {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent_span_id: open.parent,
            trace_state: context.state.as_deref(),
            name: &self.name,
            start_time_unix_nano: open.start_ms.saturating_mul(1_000_000),
            end_time_unix_nano: self.end_nanos,
            attributes,
            events: events.collect(),
            dropped_events_count: open.dropped_events,
            links: links.collect(),
            error: self.error.as_deref(),
            flags: u32::from(context.flags()) | KNOWS_REMOTE | remote,
        }
    }
}
