//! From an export request to an acknowledgement: decode, redact, prepare, append.
//!
//! Decoding and building rows is CPU work and runs on its own threads, so that a large request does
//! not hold up the connections of others. Nothing is durable before it is redacted: what fails there
//! is refused, never let through.

mod work;

use std::sync::Arc;

use access::door::{Door, Knock};
use access::tokens::{Arriving, Gate, Listener, Notice, Token, Turned};
use base::Shutdown;
use contract::Signal;
use receive::{
    Admit, Admitted, Denied, ExportRequest, Head, NotAdmitted, RefusedRequest, Transport,
};
use store::{Prepared, Provenance, RefusedRequests, Store};
use tokio::runtime::{Handle, Runtime};

use crate::barring::Barring;
use crate::redaction::Redaction;
use crate::refusals::Refusals;
use crate::settings::Foreign;

use work::{Tools, Worked, reason, work};

/// Admits export requests into a store.
pub(crate) struct Intake {
    store: Arc<Store>,
    limits: otlp::Limits,
    redaction: Arc<Redaction>,
    cpu: Handle,
    refusals: Refusals,
    entrance: Entrance,
}

/// Who may come in, and what becomes of what they may not bring.
pub(crate) struct Entrance {
    pub(crate) gate: Arc<Gate>,
    pub(crate) door: Arc<Door>,
    pub(crate) foreign: Foreign,
    pub(crate) notices: Arc<dyn Listener>,
    pub(crate) barring: Arc<Barring>,
}

/// The token with which a request came; none where intake is open.
pub(crate) type Grant = Option<Arc<Token>>;

/// The threads that decode.
pub(crate) fn cpu_runtime() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("intake")
        .build()
}

impl Intake {
    pub(crate) fn new(
        store: Arc<Store>,
        limits: otlp::Limits,
        redaction: Arc<Redaction>,
        cpu: Handle,
        entrance: Entrance,
    ) -> Intake {
        Intake {
            store,
            limits,
            redaction,
            cpu,
            entrance,
            refusals: Refusals::default(),
        }
    }

    /// Where it goes.
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Takes in what this process makes itself, the way of a request that came over the wire: redacted,
    /// durable, deduplicated. It knocks at no door, and no client is said to have reported.
    pub(crate) async fn take_own(
        &self,
        request: ExportRequest,
        provenance: Arc<Provenance>,
        received_ns: u64,
    ) -> Result<(), NotAdmitted> {
        let deadline = request.deadline;
        let _pass = self.entrance.barring.pass();
        let working = self.prepare(request, Some(provenance), received_ns);
        let worked = working.await?;
        let appended = self
            .store
            .append_by(&worked.entry, worked.prepared, deadline)
            .await;
        appended.map_err(unavailable)?;
        self.redaction.count(worked.tally);
        Ok(())
    }

    /// Decodes, redacts and prepares, on the threads for that.
    async fn prepare(
        &self,
        request: ExportRequest,
        provenance: Option<Arc<Provenance>>,
        received_ns: u64,
    ) -> Result<Worked, NotAdmitted> {
        // Before decoding: what is refused in the end should cost little.
        let room = self.store.room_by(request.deadline).await;
        room.map_err(unavailable)?;
        let (store, limits) = (Arc::clone(&self.store), self.limits.clone());
        let (redaction, barring) = (
            Arc::clone(&self.redaction),
            Arc::clone(&self.entrance.barring),
        );
        let working = self.cpu.spawn(async move {
            let tools = Tools {
                store: &store,
                limits: &limits,
                redaction: &redaction,
                barring: &barring,
            };
            work(&tools, request, provenance, received_ns)
        });
        // A panic there is before anything is durable: the client may send the request again.
        working.await.map_err(unavailable)?
    }

    /// Says now and then what was refused, until `shutdown`.
    pub(crate) async fn run_log(self: Arc<Self>, shutdown: Shutdown) {
        self.refusals.run(self.store.clock(), shutdown).await;
    }

    /// The answer where there is nothing to keep.
    fn without_items(&self, seen: Seen, held_back: u64) -> Admitted {
        if held_back == 0 {
            self.hear_empty(seen);
        }
        Admitted {
            held_back,
            reason: reason(held_back, None),
            ..Admitted::default()
        }
    }

    fn hear_empty(&self, seen: Seen) {
        let (status, path) = match seen.transport {
            Transport::Http => ("200", format!("/v1/{}", seen.signal.name())),
            Transport::Grpc => ("OK", otlp::grpc::path(seen.signal).to_owned()),
        };
        let knock = Knock {
            peer: seen.peer.ip().to_canonical(),
            transport: seen.transport.name(),
            method: "POST".to_owned(),
            path,
            content_type: seen.encoding.content_type().to_owned(),
            status,
            reason: "empty",
            advice: "The way is right, but the request held no items: a test, or a client that has nothing to report yet.".to_owned(),
        };
        self.entrance.door.hear(knock, self.entrance.gate.now_ms());
    }

    /// Takes note of events that came for the first time.
    fn note_arrived(&self, events: &[&'static str]) {
        if events.is_empty() {
            return;
        }
        let door = Arc::clone(&self.entrance.door);
        if door.arrived(events, self.entrance.gate.now_ms()) {
            // Five times in the life of a data directory.
            tokio::task::spawn_blocking(move || {
                if let Err(error) = door.save() {
                    tracing::error!("when events came first is not kept: {error}");
                }
            });
        }
    }

    /// Gives up a request with items that are foreign to its token, if that is the policy; else says
    /// that they were set aside.
    fn judge_foreign(&self, grant: &Grant, prepared: Prepared) -> Result<Prepared, NotAdmitted> {
        let (Some(token), Some(reason)) = (grant, prepared.first_foreign) else {
            return Ok(prepared);
        };
        let refused = self.entrance.foreign == Foreign::Refuse;
        self.entrance.notices.note(&Notice::Foreign {
            token: token.id.clone(),
            organization: token.scope.organization.clone(),
            items: prepared.foreign,
            reason: reason.to_owned(),
            refused,
        });
        if !refused {
            return Ok(prepared);
        }
        let foreign = prepared.foreign;
        self.store.reject(prepared);
        let reason =
            format!("Of the items {foreign} may not be sent with this token: the first {reason}.");
        Err(NotAdmitted::Denied(Denied::Forbidden { reason }))
    }
}

/// What a request without any item looked like.
struct Seen {
    signal: Signal,
    encoding: otlp::Encoding,
    transport: Transport,
    peer: std::net::SocketAddr,
}

impl Seen {
    fn of(request: &ExportRequest) -> Seen {
        Seen {
            signal: request.signal,
            encoding: request.encoding,
            transport: request.transport,
            peer: request.peer,
        }
    }
}

/// What the door remembers of a request that was refused.
fn knock(refused: RefusedRequest<'_>) -> Knock {
    let (method, path, content_type) = refused.asked.map_or(("", "", ""), |asked| {
        (asked.method, asked.path, asked.content_type)
    });
    Knock {
        peer: refused.peer.ip().to_canonical(),
        transport: refused.transport.name(),
        method: method.to_owned(),
        path: path.to_owned(),
        content_type: content_type.to_owned(),
        status: refused.code,
        reason: refused.why.name(),
        // What may quote what was sent is told to the client alone.
        advice: refused.told.unwrap_or_else(|| {
            "What was sent cannot be read as an OTLP export request of its content-type.".to_owned()
        }),
    }
}

/// What is kept of a token with what came by it.
fn provenance(token: &Token) -> Provenance {
    let scope = &token.scope;
    Provenance {
        token: token.id.clone(),
        organization: scope.organization.clone(),
        organization_ids: scope.organization_ids.clone(),
        products: scope.products.clone(),
        people: scope.people.clone(),
    }
}

/// What a request is told that does not pass.
fn denied(turned: Turned) -> Denied {
    let reason = turned.to_string();
    match turned {
        Turned::Missing | Turned::Other | Turned::Unknown | Turned::Expired | Turned::Revoked => {
            Denied::Unauthenticated { reason }
        }
        Turned::Signal(_) | Turned::Network => Denied::Forbidden { reason },
        Turned::Rate | Turned::Items | Turned::Bytes => Denied::Limited { reason },
        Turned::Unreadable => Denied::Unavailable {
            reason: "the tokens of this server cannot be read".to_owned(),
        },
    }
}

fn unavailable(reason: impl std::fmt::Display) -> NotAdmitted {
    NotAdmitted::Unavailable {
        reason: reason.to_string(),
    }
}

impl Admit for Intake {
    type Grant = Grant;

    fn authorize(&self, head: &Head<'_>) -> Result<Grant, Denied> {
        let arriving = Arriving {
            signal: head.signal,
            peer: head.peer.ip(),
            listener: head.listener.ip(),
            headers: head.headers,
        };
        self.entrance.gate.pass(arriving).map_err(denied)
    }

    async fn admit(&self, request: ExportRequest, grant: Grant) -> Result<Admitted, NotAdmitted> {
        let received_ns = self.store.clock().now_unix_ns();
        let deadline = request.deadline;
        let seen = Seen::of(&request);
        let bytes = request.body.len() as u64;
        let provenance = grant.as_deref().map(|token| Arc::new(provenance(token)));
        // Held to the end: who is refused meanwhile is waited for.
        let _pass = self.entrance.barring.pass();
        let working = self.prepare(request, provenance, received_ns);
        let Worked {
            entry,
            prepared,
            tally,
            held_back,
        } = working.await?;
        let prepared = self.judge_foreign(&grant, prepared)?;
        if prepared.items == 0 {
            return Ok(self.without_items(seen, held_back));
        }
        let events = prepared.events(&self.entrance.door.awaited());
        let (items, quarantined) = (prepared.items, prepared.quarantined);
        let reason = reason(held_back, prepared.first_reason.clone());
        match self.store.append_by(&entry, prepared, deadline).await {
            Ok(_) => {
                self.redaction.count(tally);
                self.note_arrived(&events);
                if let Some(token) = &grant {
                    self.entrance.gate.charge(token, items + held_back, bytes);
                }
                Ok(Admitted {
                    items,
                    quarantined,
                    held_back,
                    reason,
                })
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    fn count_refused(&self, refused: RefusedRequest<'_>) {
        let counted = RefusedRequests {
            signal: refused.signal.map_or("unknown", Signal::name),
            reason: refused.why.name(),
            retryable: refused.is_retryable,
        };
        self.store.fates().refuse_request(counted);
        self.refusals.note(counted, self.store.clock());
        self.entrance
            .door
            .hear(knock(refused), self.entrance.gate.now_ms());
    }

    fn ready(&self) -> Result<(), String> {
        self.store.ready()
    }
}
