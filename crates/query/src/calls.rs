//! Calls of tools, put together once for the sessions of parts, not at every question.
//!
//! To put a decision, its result and the answer that asked for them together, all events of a session are
//! sorted and looked through. Parts never change, so what they make is kept: rows of calls with people as
//! they were sent, without texts that are long or a call's own (`views/tool_calls.rs`). A question reads
//! those, and the events of sessions that have some in memory, or of which several people or teams were
//! told (`functions/mixed.rs`).
//!
//! Invariant: the rows that are kept of a session are made of all its events in parts. When a part comes,
//! goes, or loses rows that do not count (`aside.rs`), the calls of all its sessions are made anew. Sessions
//! are known by hashes; two with the same are treated as one, and read or made anew together, so that
//! costs a little time and no answer.
//!
//! Who may see the items of some organisations only is answered from items.
//!
//! | file | what is in it |
//! |---|---|
//! | `sessions.rs` | which sessions a part has |
//! | `rows.rs` | kept rows, those of some sessions taken out |
//! | `view.rs` | the view `tool_calls` over kept rows |

mod rows;
mod sessions;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use store::{Part, Snapshot, Table};

use crate::aside::{Aside, Copies};
use crate::digests::Coded;
use crate::people::{People, Resolver};
use crate::sight::Lens;
use rows::Rows;
use sessions::Sessions;
pub(crate) use view::KeptCalls;

/// What kept rows take in memory at most; with more none are kept, and events are read.
const BYTES_MAX: usize = 512 << 20;
/// Rows of parts that are read at once.
const ROWS_AT_ONCE: u64 = 1_200_000;
/// Rows of parts whose calls are put together at once.
const ROWS_OF_A_SHARE: u64 = 150_000;
/// Rows of parts that a question reads beside; with more of them it reads events until they are made.
const ROWS_BESIDE: u64 = 400_000;

/// What is kept of calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    known: tokio::sync::Mutex<Known>,
    /// Whether hardly anything is missing, so that whoever asks makes what is.
    is_there: AtomicBool,
    bytes: AtomicUsize,
}

#[derive(Debug, Default)]
struct Known {
    parts: HashMap<String, OfPart>,
    rows: Rows,
    is_too_much: bool,
}

/// A part whose events are in the rows.
#[derive(Clone, Debug)]
struct OfPart {
    part: Part,
    sessions: Arc<Sessions>,
    /// The rows that do not count.
    aside: Vec<u32>,
}

/// What a question reads.
struct Found {
    rows: Vec<Arc<Coded>>,
    parts: Vec<OfPart>,
}

impl Calls {
    /// Forgets everything: what it was of is gone.
    pub(crate) async fn forget(&self) {
        let mut known = self.known.lock().await;
        *known = Known::default();
        self.is_there.store(false, Ordering::Release);
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// Whether hardly anything is missing.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Acquire)
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Makes what is missing of a snapshot, however long it takes.
    pub(crate) async fn make(
        &self,
        copies: &Copies,
        (snapshot, session): (&Snapshot, &SessionState),
    ) -> Result<()> {
        let Some(aside) = asides(copies, (snapshot, session)).await? else {
            return Ok(());
        };
        let mut known = self.known.lock().await;
        while let Some(step) = known
            .missing(snapshot, &aside)
            .filter(|_| !known.is_too_much)
        {
            known.step(step, (snapshot, &aside), session).await?;
        }
        self.told(&known);
        tracing::debug!(
            bytes = self.bytes(),
            parts = known.parts.len(),
            "calls of tools are kept"
        );
        Ok(())
    }

    /// The calls of a snapshot for a question; `None` when events must be read.
    pub(crate) async fn ready(
        &self,
        (people, copies): (&People, &Copies),
        (snapshot, session): (&Snapshot, &SessionState),
        lens: &Lens,
    ) -> Result<Option<KeptCalls>> {
        if lens.owners().is_some() || !self.is_there() {
            return Ok(None);
        }
        let files = people.files();
        let names_attributes = files.mapping.as_ref();
        if names_attributes.is_some_and(|mapping| mapping.names_attributes()) {
            return Ok(None);
        }
        let Some(aside) = asides(copies, (snapshot, session)).await? else {
            return Ok(None);
        };
        let Some(found) = self.found((snapshot, &aside), session).await? else {
            return Ok(None);
        };
        let resolver: Resolver = people.resolver(files, snapshot, session, lens).await?;
        Ok(Some(KeptCalls::of(found, (snapshot, aside), resolver)))
    }

    async fn found(
        &self,
        (snapshot, aside): (&Snapshot, &Arc<Aside>),
        session: &SessionState,
    ) -> Result<Option<Found>> {
        let mut known = self.known.lock().await;
        if let Some(step) = known.missing(snapshot, aside) {
            if known.is_too_much || step.rows() > ROWS_BESIDE {
                return Ok(None);
            }
            known.step(step, (snapshot, aside), session).await?;
            self.told(&known);
        }
        if known.is_too_much || known.missing(snapshot, aside).is_some() {
            return Ok(None);
        }
        Ok(Some(Found {
            rows: known.rows.all(),
            parts: known.parts.values().cloned().collect(),
        }))
    }

    fn told(&self, known: &Known) {
        self.bytes.store(known.rows.bytes(), Ordering::Relaxed);
        self.is_there.store(!known.is_too_much, Ordering::Release);
    }
}

/// Parts that are new and parts that are gone.
struct Step {
    new: Vec<Part>,
    gone: Vec<String>,
}

impl Step {
    fn rows(&self) -> u64 {
        self.new.iter().map(|part| part.rows).sum()
    }
}

impl Known {
    /// What is to be done next to have the calls of a snapshot; `None`: nothing.
    fn missing(&self, snapshot: &Snapshot, aside: &Aside) -> Option<Step> {
        let is_known = |part: &Part| {
            let known = self.parts.get(&part.path);
            known.is_some_and(|known| known.aside == aside.rows_of(part))
        };
        let there: HashSet<&str> = snapshot
            .parts(Table::Events)
            .filter(|part| is_known(part))
            .map(|part| part.path.as_str())
            .collect();
        let gone = self
            .parts
            .keys()
            .filter(|path| !there.contains(path.as_str()));
        let gone: Vec<String> = gone.cloned().collect();
        let mut missing: Vec<&Part> = snapshot
            .parts(Table::Events)
            .filter(|part| !there.contains(part.path.as_str()))
            .collect();
        missing.sort_by_key(|part| part.time_min_ms);
        let mut rows = 0;
        let few = missing.into_iter().take_while(|part| {
            let is_room = rows == 0 || rows + part.rows <= ROWS_AT_ONCE;
            rows += part.rows;
            is_room
        });
        let new: Vec<Part> = few.cloned().collect();
        let is_nothing = new.is_empty() && gone.is_empty();
        (!is_nothing).then_some(Step { new, gone })
    }

    /// Takes a step. Nothing is changed before all is read, so that one that is stopped has done nothing.
    async fn step(
        &mut self,
        step: Step,
        (snapshot, aside): (&Snapshot, &Arc<Aside>),
        session: &SessionState,
    ) -> Result<()> {
        let (mut parts, rows) = (self.parts.clone(), step.rows());
        let gone: Vec<OfPart> = step
            .gone
            .iter()
            .filter_map(|path| parts.remove(path))
            .collect();
        let mut anew: HashSet<u64> = gone
            .iter()
            .flat_map(|gone| gone.sessions.hashes())
            .collect();
        for part in step.new {
            let sessions = sessions::of_part(&part, snapshot, session).await?;
            anew.extend(sessions.hashes());
            let of_part = OfPart {
                aside: aside.rows_of(&part).to_vec(),
                sessions: Arc::new(sessions),
                part,
            };
            parts.insert(of_part.part.path.clone(), of_part);
        }
        // Sorting takes memory for each event: of many, a share of the sessions at a time.
        let shares = rows.div_ceil(ROWS_OF_A_SHARE).max(1);
        let mut made = Vec::new();
        for share in 0..shares {
            let some: HashSet<u64> = anew
                .iter()
                .copied()
                .filter(|hash| hash % shares == share)
                .collect();
            let having = parts.values().filter(|of| of.sessions.has_any(&some));
            let having: Vec<Part> = having.map(|of| of.part.clone()).collect();
            let sessions = (having, &Arc::new(some));
            made.push(rows::of_sessions(sessions, (snapshot, aside), session).await?);
        }
        self.rows.replace(&anew, &made)?;
        self.parts = parts;
        if self.rows.bytes() > BYTES_MAX {
            tracing::warn!(
                "calls of tools take more than {BYTES_MAX} bytes: they are put together at every question"
            );
            self.rows = Rows::default();
            self.is_too_much = true;
        }
        Ok(())
    }
}

/// The rows of events that do not count; `None` when they are not known.
async fn asides(copies: &Copies, at: (&Snapshot, &SessionState)) -> Result<Option<Arc<Aside>>> {
    let asides = copies.asides([Table::Events], at, None).await?;
    Ok(asides.get(&Table::Events).cloned())
}
