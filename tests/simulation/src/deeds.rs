//! What happens in a life.
//!
//! Only one batch of frames is ever between the callers and the journal's writer, or the disk's gate
//! holds the writer until all of a batch are queued: so it is the seed, and not the machine, that says
//! which frames share a sync.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use base::Clock;
use base::seal::Scope;
use base::sim::Fault;
use store::{AppendError, Applied, Store};

use crate::telemetry::{NOW_NS, Request};
use crate::world::World;

const HOUR: Duration = Duration::from_secs(3600);
const YEAR_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;
/// Bytes of a frame in the journal beside its payload.
const FRAME_HEADER_BYTES: u64 = 24;

type Append = Pin<Box<dyn Future<Output = Result<Applied, AppendError>>>>;

impl World {
    /// One thing happens.
    pub(crate) async fn deed(&mut self) -> Result<(), String> {
        match self.dice.below(32) {
            0..=7 => {
                let request = self.new_request();
                self.send_one(&request).await?;
            }
            8..=11 => self.send_together().await?,
            12..=14 => self.repeat().await?,
            15 => self.cut_differently().await?,
            16..=19 => self.flush().await?,
            20 => self.flush_while_appending().await?,
            21..=22 => self.pass_time(),
            23 => self.jump(),
            24 => {
                // Anywhere in it, as long as it takes as many operations as the last one.
                self.plan(Fault::PowerCut, self.flush_operations);
                self.flush().await?;
            }
            25..=26 => self.plan_fault(),
            27 => {
                let room = self.dice.below(20_000);
                self.fill(room);
            }
            28 => {
                self.note("the disk works again");
                if !self.disk.is_powerless() {
                    self.heal();
                    self.replay().await?;
                }
            }
            29 => {
                self.replay().await?;
            }
            30 => {
                self.note("shutdown and start");
                self.close().await?;
                if self.disk.is_powerless() {
                    return Ok(());
                }
                self.open().await?;
            }
            _ => self.crash().await?,
        }
        Ok(())
    }

    /// Sends a request alone; says whether it was acknowledged.
    pub(crate) async fn send_one(&mut self, request: &Request) -> Result<bool, String> {
        self.note(format!("send {request:?}"));
        let append = self.append(request)?;
        let outcome = append.await;
        self.settle(request, outcome)
    }

    /// A request that was never sent, issued.
    pub(crate) fn new_request(&mut self) -> Request {
        let mut request = Request::default();
        if self.dice.below(4) == 0 {
            for _ in 0..=self.dice.below(2) {
                let series = self.dice.below(self.ledger.series_count());
                let step = 1 + self.dice.below(9) as u64;
                request.points.push(self.ledger.next_point(series, step));
            }
        } else {
            for _ in 0..=self.dice.below(4) {
                let number = self.ledger.next_number();
                let copies = if self.dice.below(6) == 0 { 2 } else { 1 };
                request.events.extend(std::iter::repeat_n(number, copies));
            }
            if self.dice.below(5) == 0 {
                request.odd.push(self.ledger.next_number());
            }
        }
        let now = self.passed();
        self.ledger.issue(&request, now);
        request
    }

    /// An earlier request, if there is one that may be repeated.
    fn earlier_request(&mut self, may_have_copies: bool) -> Option<Request> {
        let now = self.passed();
        let mut earlier = self.ledger.repeatable(now);
        earlier.retain(|request| may_have_copies || !request.has_copies());
        if earlier.is_empty() {
            return None;
        }
        let at = self.dice.below(earlier.len());
        Some(earlier[at].clone())
    }

    async fn repeat(&mut self) -> Result<(), String> {
        let Some(request) = self.earlier_request(true) else {
            return Ok(());
        };
        self.note("  a repetition:");
        self.send_one(&request).await.map(drop)
    }

    /// Two earlier requests in one, and what is left of them in another.
    async fn cut_differently(&mut self) -> Result<(), String> {
        let (Some(one), Some(other)) = (self.earlier_request(false), self.earlier_request(false))
        else {
            return Ok(());
        };
        if one == other || one.points.is_empty() != other.points.is_empty() {
            return Ok(());
        }
        let (mut first, mut second) = (Request::default(), Request::default());
        for request in [one, other] {
            for number in request.events {
                self.either(&mut first, &mut second).events.push(number);
            }
            for number in request.odd {
                self.either(&mut first, &mut second).odd.push(number);
            }
            for point in request.points {
                self.either(&mut first, &mut second).points.push(point);
            }
        }
        self.note("  cut differently:");
        for request in [first, second] {
            if request.items() > 0 {
                self.send_one(&request).await?;
            }
        }
        Ok(())
    }

    fn either<'a>(&mut self, first: &'a mut Request, second: &'a mut Request) -> &'a mut Request {
        match self.dice.below(2) {
            0 => first,
            _ => second,
        }
    }

    /// Several at once: while the first is being synced, the others are queued and share the next sync.
    async fn send_together(&mut self) -> Result<(), String> {
        let mut requests = vec![self.new_request(), self.new_request()];
        for _ in 0..self.dice.below(3) {
            let known = self.earlier_request(true);
            requests.push(known.unwrap_or_else(|| self.new_request()));
        }
        self.note(format!("send together {requests:?}"));
        let mut appends = Vec::new();
        for request in &requests {
            appends.push(self.append(request)?);
        }
        self.disk.hold_syncs();
        let mut done: Vec<Option<Result<Applied, AppendError>>> = Vec::new();
        for append in &mut appends {
            let is_first = done.is_empty();
            let mut outcome = poll_once(append).await;
            // Either its sync waits at the gate, or it has failed before.
            while is_first && outcome.is_none() && self.disk.waiting_syncs() == 0 {
                std::thread::yield_now();
                outcome = poll_once(append).await;
            }
            let has_failed = outcome.is_some();
            done.push(outcome);
            if is_first && has_failed {
                break;
            }
        }
        self.disk.let_syncs_through();
        let mut done = done.into_iter();
        for (request, append) in requests.iter().zip(appends) {
            let outcome = match done.next().flatten() {
                Some(outcome) => outcome,
                None => append.await,
            };
            self.settle(request, outcome)?;
        }
        Ok(())
    }

    pub(crate) async fn flush(&mut self) -> Result<(), String> {
        self.note("flush");
        let before = self.disk.operations();
        let flushed = self.store()?.flush().await;
        if let Some(flushed) = self.excuse("the flush", flushed)? {
            if flushed.parts > 0 {
                self.flush_operations = (self.disk.operations() - before) as usize;
            }
            self.note(format!(
                "  {} rows in {} parts",
                flushed.rows, flushed.parts
            ));
        }
        Ok(())
    }

    /// A flush begins when an entry is durable and not yet applied.
    async fn flush_while_appending(&mut self) -> Result<(), String> {
        // An append that makes a key needs the disk before the journal does.
        if self.is_harmed() || !self.is_replayed() || !self.has_key()? {
            return Ok(());
        }
        let request = self.new_request();
        self.note(format!("flush while appending {request:?}"));
        let store = self.store()?;
        let payload = request.entry(self.clock.now_unix_ns()).encode();
        let durable_at = store.stats().journal_bytes + FRAME_HEADER_BYTES + payload.len() as u64;
        let mut append = self.append(&request)?;
        let outcome = poll_once(&mut append).await;
        while outcome.is_none() && store.stats().journal_bytes < durable_at {
            std::thread::yield_now();
        }
        let flushing = Arc::clone(&store);
        let mut flush = Box::pin(async move { flushing.flush().await });
        let flushed = poll_once(&mut flush).await;
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => append.await,
        };
        self.settle(&request, outcome)?;
        let flushed = match flushed {
            Some(flushed) => flushed,
            None => flush.await,
        };
        self.excuse("the flush", flushed).map(drop)
    }

    /// What follows a crash: the client sends again what it had no answer to, the power fails once more,
    /// both, or neither.
    pub(crate) async fn aftermath(&mut self) -> Result<(), String> {
        let what = self.dice.below(4);
        if what < 2 {
            self.replay().await?;
            if let Some(last) = self.ledger.sent.last().cloned() {
                self.note("  the client tries again:");
                self.send_one(&last.request).await?;
            }
        }
        if what == 1 || what == 2 {
            self.crash().await?;
        }
        Ok(())
    }

    /// Whether what is sent needs no new key.
    fn has_key(&self) -> Result<bool, String> {
        let store = self.store()?;
        let of_requests = Scope::Named(String::new());
        Ok(store
            .vault()
            .is_none_or(|vault| vault.has_key(&of_requests)))
    }

    fn pass_time(&mut self) {
        let by = HOUR * (1 + self.dice.below(6)) as u32;
        self.note(format!("{} hours pass", by.as_secs() / 3600));
        self.clock.advance(by);
    }

    /// The wall clock is set; no time passes.
    fn jump(&mut self) {
        let to = [NOW_NS, NOW_NS + YEAR_NS, NOW_NS - YEAR_NS, 0, u64::MAX / 2][self.dice.below(5)];
        self.note(format!("the clock is set to {to}"));
        self.clock.set_unix_ns(to);
    }

    fn plan_fault(&mut self) {
        let fault = match self.dice.below(6) {
            0 => Fault::Error(ErrorKind::Other),
            1 => Fault::ShortWrite(ErrorKind::Other),
            2 => Fault::ShortWrite(ErrorKind::StorageFull),
            _ => Fault::PowerCut,
        };
        self.plan(fault, 40);
    }

    fn append(&mut self, request: &Request) -> Result<Append, String> {
        self.items_sent += request.items();
        let entry = request.entry(self.clock.now_unix_ns());
        let store: Arc<Store> = self.store()?;
        let prepared = store.prepare(&entry).map_err(|error| error.to_string())?;
        Ok(Box::pin(
            async move { store.append(&entry, prepared).await },
        ))
    }

    /// Notes what became of a request; says whether it was acknowledged.
    fn settle(
        &mut self,
        request: &Request,
        outcome: Result<Applied, AppendError>,
    ) -> Result<bool, String> {
        let Some(applied) = self.excuse("the append", outcome)? else {
            return Ok(false);
        };
        let known = self.ledger.is_acknowledged(request);
        if known && applied.accepted + applied.quarantined > 0 {
            return Err(format!(
                "{request:?} was acknowledged before, and {} of it are stored again",
                applied.accepted + applied.quarantined
            ));
        }
        self.ledger.acknowledge(request);
        Ok(true)
    }
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *future).poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
