//! Bodies without end: a few generated ones over and over, each time under sessions of their own.
//!
//! Generating takes more of a core than the server under load leaves. Overwriting the ends of the
//! session ids takes next to nothing, and makes every record one that was never sent before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fleet::ClientVersion;
use otlp::Encoding;
use testkit::{Problem, Sql};

use crate::corpus::{Body, Corpus};
use crate::load::Bodies;

const TEMPLATES: usize = 64;
/// An attribute `session.id`, up to the length of its value.
const SESSION_ID: &[u8] = b"\x0a\x0asession.id\x12";
/// The tag and the length of the value's text follow the length of the value.
const VALUE_HEAD: usize = 3;
/// The end of an id that is overwritten, in hexadecimal digits.
const STAMP: usize = 12;

/// Bodies without end.
pub(crate) struct Endless {
    templates: Vec<Template>,
    next: AtomicU64,
}

struct Template {
    body: Body,
    /// Where the ends of its session ids are.
    places: Vec<usize>,
}

impl Endless {
    /// Bodies of about `batch` events.
    pub(crate) async fn of(batch: usize) -> Result<Arc<Endless>, Problem> {
        let corpus = Corpus {
            client: ClientVersion::V2_1_329,
            events: (TEMPLATES * batch) as u64,
            batch,
            encoding: Encoding::Protobuf,
        };
        let bodies = corpus.all().await?.into_iter();
        let templates = bodies.map(Template::of).collect::<Result<_, _>>()?;
        Ok(Arc::new(Endless {
            templates,
            next: AtomicU64::new(1),
        }))
    }

    /// The next body, which nobody got before.
    pub(crate) fn next(&self) -> Body {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.templates[number as usize % self.templates.len()].stamped(number)
    }

    /// These bodies as long as `goes_on` says so.
    pub(crate) fn while_true<F: Fn() -> bool + Send + Sync + 'static>(
        self: &Arc<Self>,
        goes_on: F,
    ) -> Arc<impl Bodies> {
        Arc::new(While {
            bodies: Arc::clone(self),
            goes_on,
        })
    }
}

struct While<F> {
    bodies: Arc<Endless>,
    goes_on: F,
}

impl<F: Fn() -> bool + Send + Sync + 'static> Bodies for While<F> {
    async fn take(&self) -> Option<Body> {
        (self.goes_on)().then(|| self.bodies.next())
    }
}

impl Template {
    fn of(body: Body) -> Result<Template, Problem> {
        let found = body.bytes.windows(SESSION_ID.len()).enumerate();
        let starts = found.filter(|(_, bytes)| *bytes == SESSION_ID);
        let end = |(start, _): (usize, &[u8])| {
            let value = start + SESSION_ID.len() + VALUE_HEAD;
            value + usize::from(body.bytes[value - 1])
        };
        let places: Vec<usize> = starts.map(|start| end(start) - STAMP).collect();
        match places.len() as u64 {
            count if count == body.items => Ok(Template { body, places }),
            count => Err(Problem::new(format!(
                "{count} sessions for {} events",
                body.items
            ))),
        }
    }

    fn stamped(&self, number: u64) -> Body {
        let stamp = format!("{number:0STAMP$x}");
        let mut bytes = self.body.bytes.to_vec();
        for place in &self.places {
            bytes[*place..place + STAMP].copy_from_slice(stamp.as_bytes());
        }
        Body {
            bytes: Bytes::from(bytes),
            items: self.body.items,
        }
    }
}

/// Fails unless the server has exactly this many events, of this many bodies.
pub(crate) async fn check_stored(sql: &Sql, events: u64, bodies: u64) -> Result<(), Problem> {
    let of_bodies = format!("SELECT count(DISTINCT right(session_id, {STAMP})) FROM events");
    let stored = (
        sql.count("SELECT count(*) FROM events").await?,
        sql.count(&of_bodies).await?,
    );
    if stored == (events, bodies) {
        return Ok(());
    }
    let (stored_events, stored_bodies) = stored;
    Err(Problem::new(format!(
        "acknowledged: {events} events in {bodies} requests; stored: {stored_events} in {stored_bodies}"
    )))
}
