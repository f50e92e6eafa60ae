//! Concurrent load that goes on across harm: senders that wait while the server is away.
//!
//! Invariant: after [`Load::pause`] nothing is under way, so the book is complete.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fleet::{Answer, SendError};
use testkit::{Addresses, Problem, until};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::batch::{Batch, Clients};
use crate::dice::Dice;
use crate::ledger::Shared;
use crate::oracle::is_retryable;

const BACKOFF: Duration = Duration::from_millis(20);
/// Longer than any client waits for an answer.
const IDLE_PATIENCE: Duration = Duration::from_secs(40);
const REFUSALS_KEPT: usize = 5;

/// What the senders are to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) senders: u64,
    /// Items of one batch at most.
    pub(crate) items_max: u64,
    pub(crate) note_bytes: usize,
}

/// Many small requests.
pub(crate) const SMALL: Shape = Shape {
    senders: 4,
    items_max: 20,
    note_bytes: 40,
};
/// What fills a disk.
pub(crate) const BULKY: Shape = Shape {
    senders: 4,
    items_max: 20,
    note_bytes: 4_000,
};

/// What the senders have seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    /// Refused with an answer that lets the client send it again.
    pub(crate) shed: u64,
    /// Of those over HTTP, without `Retry-After: 1`.
    pub(crate) shed_without_retry_after: u64,
    /// No answer: the connection broke.
    pub(crate) broken: u64,
    /// The longest time to an answer.
    pub(crate) slowest: Duration,
    /// Refused for good: the client would have dropped it.
    refusals: Vec<String>,
}

impl Seen {
    /// Fails when a client would have dropped something.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        match self.refusals.is_empty() {
            true => Ok(()),
            false => Err(Problem::new(format!(
                "refused for good: {}",
                self.refusals.join("; ")
            ))),
        }
    }
}

/// Senders at work.
pub(crate) struct Load {
    here: watch::Sender<Option<Addresses>>,
    work: Arc<Work>,
    // Dropping them ends the senders.
    _senders: JoinSet<()>,
}

struct Work {
    ledger: Shared,
    shape: Shape,
    under_way: AtomicUsize,
    is_deaf: AtomicBool,
    seen: Mutex<Seen>,
}

impl Load {
    /// Senders that wait for [`Load::resume`].
    pub(crate) fn new(ledger: Shared, shape: Shape, dice: &mut Dice) -> Load {
        let (here, there) = watch::channel(None);
        let work = Arc::new(Work {
            ledger,
            shape,
            under_way: AtomicUsize::new(0),
            is_deaf: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let mut senders = JoinSet::new();
        for number in 0..shape.senders {
            let dice = Dice::new(dice.any(), number);
            senders.spawn(send_on(Arc::clone(&work), there.clone(), dice));
        }
        Load {
            here,
            work,
            _senders: senders,
        }
    }

    /// Whatever is answered from now on has not been heard. To be called before the power of a disk
    /// is cut: real power takes server and disk in one moment, but after `EXT4_IOC_SHUTDOWN` the
    /// server still runs, and a sync that was under way may be called a success.
    pub(crate) fn deafen(&self) {
        self.work.is_deaf.store(true, Ordering::SeqCst);
    }

    /// Sends to this server from now on, and hears its answers.
    pub(crate) fn resume(&self, server: &Addresses) {
        self.work.is_deaf.store(false, Ordering::SeqCst);
        self.here.send_replace(Some(server.clone()));
    }

    /// Sends nothing more, waits for all answers, and says what was seen so far.
    ///
    /// # Errors
    ///
    /// When a request gets neither an answer nor an error, or was refused for good.
    pub(crate) async fn pause(&self) -> Result<Seen, Problem> {
        self.here.send_replace(None);
        until(IDLE_PATIENCE, "the answers under way", async || {
            let is_idle = self.work.under_way.load(Ordering::SeqCst) == 0;
            Ok(is_idle.then_some(()))
        })
        .await?;
        let seen = self.seen();
        seen.check()?;
        Ok(seen)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.work.seen(|seen| seen.clone())
    }

    /// Waits until `is_enough` of what was seen.
    pub(crate) async fn wait(
        &self,
        patience: Duration,
        what: &str,
        is_enough: impl Fn(&Seen) -> bool,
    ) -> Result<(), Problem> {
        until(patience, what, async || {
            Ok(self.work.seen(|seen| is_enough(seen)).then_some(()))
        })
        .await
        .map_err(|problem| problem.while_doing(format!("{:?}", self.seen())))
    }
}

impl Work {
    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something new; now and then what was left open, or what was acknowledged already.
    fn choose(&self, dice: &mut Dice) -> Batch {
        let mut ledger = self.ledger.lock();
        let repeated = match dice.below(10) {
            0..5 => ledger.take_open(dice),
            5 => ledger.any_acknowledged(dice),
            _ => None,
        };
        let count = 1 + dice.below(self.shape.items_max);
        repeated.unwrap_or_else(|| ledger.issue(count, self.shape.note_bytes))
    }

    /// Sends one batch; says whether the server took it.
    async fn send_one(&self, clients: &Clients, dice: &mut Dice) -> bool {
        let batch = self.choose(dice);
        let started = Instant::now();
        let sent = batch.send(clients.over(batch.lane.transport)).await;
        let took = started.elapsed();
        let is_heard = !self.is_deaf.load(Ordering::SeqCst);
        let is_taken = is_heard && sent.as_ref().is_ok_and(Answer::is_success);
        {
            let mut ledger = self.ledger.lock();
            match is_taken {
                true => ledger.acknowledge(&batch),
                false => ledger.leave_open(&batch),
            }
        }
        if is_heard {
            self.note(sent, is_taken, took);
        }
        is_taken
    }

    fn note(&self, sent: Result<Answer, SendError>, is_taken: bool, took: Duration) {
        self.seen(|seen| {
            seen.sent += 1;
            match sent {
                Ok(_) if is_taken => seen.acknowledged += 1,
                Ok(answer) if is_retryable(&answer) => {
                    seen.shed += 1;
                    let is_http = answer.grpc_status.is_none();
                    if is_http && answer.retry_after != Some(Duration::from_secs(1)) {
                        seen.shed_without_retry_after += 1;
                    }
                }
                Ok(answer) if seen.refusals.len() < REFUSALS_KEPT => {
                    seen.refusals.push(format!("{answer:?}"));
                }
                Ok(_) => {}
                Err(_) => {
                    seen.broken += 1;
                    return;
                }
            }
            seen.slowest = seen.slowest.max(took);
        });
    }
}

/// One sender, with connections of its own, one request at a time.
async fn send_on(work: Arc<Work>, mut there: watch::Receiver<Option<Addresses>>, mut dice: Dice) {
    let mut known: Option<(Addresses, Clients)> = None;
    while there.wait_for(Option::is_some).await.is_ok() {
        work.under_way.fetch_add(1, Ordering::SeqCst);
        // Asked again, for a pause may have begun before this was counted.
        let now = there.borrow().clone();
        let mut is_taken = true;
        if let Some(addresses) = now {
            if known.as_ref().is_none_or(|(old, _)| *old != addresses) {
                known = Clients::of(&addresses)
                    .ok()
                    .map(|clients| (addresses, clients));
            }
            if let Some((_, clients)) = &known {
                is_taken = work.send_one(clients, &mut dice).await;
            }
        }
        work.under_way.fetch_sub(1, Ordering::SeqCst);
        if !is_taken {
            tokio::time::sleep(BACKOFF).await;
        }
    }
}
