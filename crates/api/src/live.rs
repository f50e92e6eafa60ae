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
use query::Engine;
use query::reports::{LiveItem, live_items};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Api;
use crate::access::{Asker, Watcher};
use crate::fault::Fault;

/// How many events a watcher gets in one second.
const ITEMS_PER_S: usize = 100;
const SECOND: Duration = Duration::from_secs(1);
/// How often a silent stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Newly stored events as they come.
///
/// Events named `item` carry one `LiveItem` each, at most 100 a second; an event named `skipped`
/// carries `{"count": n}`: at least so many were left out.
#[utoipa::path(get, path = "/api/v1/live", tag = "reports",
    responses((status = 200, content_type = "text/event-stream", body = LiveItem)))]
pub(crate) async fn live(
    State(api): State<Arc<Api>>,
    asker: Asker,
    headers: HeaderMap,
    shutdown: Option<Extension<Shutdown>>,
) -> Result<Response, Fault> {
    api.on_reveal(&asker, "what arrives, live").await?;
    let feed = Feed {
        watcher: Watcher::of(&api, &headers),
        engine: Arc::clone(&api.engine),
        arrivals: api.engine.store().watch(),
        shutdown: shutdown
            .map(|Extension(shutdown)| shutdown)
            .unwrap_or_default(),
        second: second(),
        room: ITEMS_PER_S,
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
    arrivals: Receiver<Arc<RecordBatch>>,
    shutdown: Shutdown,
    second: Interval,
    /// How many events may still be sent in this second.
    room: usize,
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
                    Err(RecvError::Lagged(requests)) => self.skipped += requests,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    fn begin_second(&mut self) {
        self.room = ITEMS_PER_S;
        if self.skipped > 0 {
            let count = std::mem::take(&mut self.skipped);
            self.ready.push_back(
                Event::default()
                    .event("skipped")
                    .data(format!("{{\"count\":{count}}}")),
            );
        }
    }

    fn take(&mut self, events: &RecordBatch) {
        let taken = events.num_rows().min(self.room);
        self.room -= taken;
        self.skipped += (events.num_rows() - taken) as u64;
        match live_items(&self.engine, events, taken) {
            Ok(items) => self
                .ready
                .extend(items.iter().filter_map(|item| event(item).ok())),
            // The error may hold what an event says.
            Err(_) => tracing::error!("newly stored events could not be shown"),
        }
    }
}

fn event(item: &LiveItem) -> Result<Event, axum::Error> {
    Event::default().event("item").json_data(item)
}
