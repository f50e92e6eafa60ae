//! Newly stored events as they come: a stream of server-sent events.
//!
//! Invariant: a watcher costs a bounded amount, however much arrives and however slowly it reads. It
//! gets so many events a second; of the rest it gets the number.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base::Shutdown;
use futures::Stream;
use query::reports::{LiveItem, live_items};
use query::{Engine, Sight};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Api;
use crate::access::{Asker, Watcher};
use crate::fault::Fault;
use crate::input::Params;
use crate::live_filter::LiveFilter;
use crate::sight::Seen;

/// How many events a watcher gets in one second.
const ITEMS_PER_S: usize = 100;
/// How many events are looked at in one second, whether a filter wants them.
const LOOKS_PER_S: usize = 2_000;
const SECOND: Duration = Duration::from_secs(1);
/// How often a silent stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Newly stored events as they come; those that pass the filters.
///
/// Events named `item` carry one `LiveItem` each, at most 100 a second; an event named `skipped`
/// carries `{"count": n}`: at least so many were left out. Of a filtered stream 2,000 a second are looked at.
#[utoipa::path(get, path = "/api/v1/live", tag = "reports", params(LiveFilter),
    responses((status = 200, content_type = "text/event-stream", body = LiveItem)))]
pub(crate) async fn live(
    State(api): State<Arc<Api>>,
    asker: Asker,
    seen: Seen,
    headers: HeaderMap,
    Params(filter): Params<LiveFilter>,
    shutdown: Option<Extension<Shutdown>>,
) -> Result<Response, Fault> {
    api.on_reveal(&asker, "what arrives, live").await?;
    let feed = Feed {
        filter,
        watcher: Watcher::of(&api, &headers),
        engine: Arc::clone(&api.engine),
        sight: seen.sight(),
        arrivals: api.engine.store().watch(),
        shutdown: shutdown
            .map(|Extension(shutdown)| shutdown)
            .unwrap_or_default(),
        second: second(),
        room: ITEMS_PER_S,
        looks: LOOKS_PER_S,
        skipped: 0,
        ready: VecDeque::new(),
    };
    let stream = Sse::new(feed.stream()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that gathers answers would hold events back.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

fn second() -> Interval {
    let mut second = interval(SECOND);
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    second
}

/// One watcher.
struct Feed {
    watcher: Watcher,
    engine: Arc<Engine>,
    sight: Sight,
    arrivals: Receiver<Arc<RecordBatch>>,
    shutdown: Shutdown,
    second: Interval,
    filter: LiveFilter,
    /// How many events may still be sent in this second.
    room: usize,
    /// How many may still be looked at.
    looks: usize,
    /// How many were left out since that was last said.
    skipped: u64,
    ready: VecDeque<Event>,
}

impl Feed {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    /// The next event; `None` at shutdown.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = self.shutdown.wait() => return None,
                // Whoever may not come in any more sees no more.
                _ = self.second.tick() => match self.watcher.may() {
                    true => self.begin_second(),
                    false => return None,
                },
                arrived = self.arrivals.recv() => match arrived {
                    Ok(events) => self.take(&events),
                    // Each of these was at least one event.
                    Err(RecvError::Lagged(requests)) => self.skip(requests),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    fn begin_second(&mut self) {
        self.room = ITEMS_PER_S;
        self.looks = LOOKS_PER_S;
        if self.skipped > 0 {
            let count = std::mem::take(&mut self.skipped);
            self.ready.push_back(
                Event::default()
                    .event("skipped")
                    .data(format!("{{\"count\":{count}}}")),
            );
        }
    }

    /// Requests went by unseen. Whose they were is not known, nor how many events of whom.
    fn skip(&mut self, requests: u64) {
        if self.sight.organizations().is_none() {
            self.skipped += requests;
        }
    }

    fn take(&mut self, events: &RecordBatch) {
        // Without a filter no more is looked at than can be sent.
        let most = if self.filter.is_some() {
            self.looks
        } else {
            self.room
        };
        let question = self.engine.question(self.sight.clone());
        match live_items(&question, events, most) {
            Ok(live) => {
                self.looks -= live.items.len().min(self.looks);
                self.skipped += live.left_out as u64;
                self.send(&live.items);
            }
            // The error may hold what an event says.
            Err(_) => tracing::error!("newly stored events could not be shown"),
        }
    }

    /// Those that are wanted, as far as there is room.
    fn send(&mut self, items: &[LiveItem]) {
        let wanted: Vec<&LiveItem> = items
            .iter()
            .filter(|item| self.filter.passes(item))
            .collect();
        let sent = wanted.len().min(self.room);
        self.room -= sent;
        self.skipped += (wanted.len() - sent) as u64;
        let events = wanted[..sent].iter().filter_map(|item| event(item).ok());
        self.ready.extend(events);
    }
}

fn event(item: &LiveItem) -> Result<Event, axum::Error> {
    Event::default().event("item").json_data(item)
}
