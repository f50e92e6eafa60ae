//! The memory that all requests share.
//!
//! Invariant: bytes that a client can make us keep are paid for before they are kept, and paid back
//! when they are dropped. Who cannot pay waits, for a bounded time, and is then told to come back;
//! nobody's request grows the process beyond the budget. A share of it is for small requests alone,
//! and so is a core: a crowd of large bodies makes large bodies wait, not the ordinary client.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// The unit of payment. One permit for one byte would not fit the 32 bits in which they are counted.
const UNIT_BYTES: usize = 1024;

/// What a request costs beside its bytes: its task, its head, its place in a queue.
const REQUEST_BYTES: usize = 4096;

/// Up to here a request is small, with what it needs to grow: the largest batches of agents are
/// (512 events, some 700 KB).
const SMALL_BYTES: usize = 2 << 20;

/// What part of the memory is for small requests alone.
pub(crate) const SMALL_SHARE: usize = 8;

/// The first size of a buffer that has to grow.
const FIRST_BYTES: usize = 16 << 10;

/// The memory that all requests share, and the turns at working on large bodies.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    /// For everybody.
    shared: Arc<Semaphore>,
    /// For small requests that find the shared memory full.
    reserve: Arc<Semaphore>,
    inflating: Arc<Semaphore>,
    admitting: Arc<Semaphore>,
    /// How many units there are in all.
    units_max: usize,
    hold: Duration,
}

/// No memory was free in time.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Budget {
    /// `bytes` in all; a request may wait for `hold` in all.
    pub(crate) fn new(bytes: usize, hold: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = |bytes: usize| {
            let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(units))
        };
        let reserved = bytes / SMALL_SHARE;
        let (shared, reserve) = (pool(bytes - reserved), pool(reserved));
        Self {
            units_max: shared.available_permits() + reserve.available_permits(),
            shared,
            reserve,
            inflating: Arc::new(Semaphore::new(cores)),
            admitting: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            hold,
        }
    }

    /// What is paid for now.
    pub(crate) fn used_bytes(&self) -> usize {
        let free = self.shared.available_permits() + self.reserve.available_permits();
        self.units_max.saturating_sub(free) * UNIT_BYTES
    }

    /// What can be paid for at once.
    pub(crate) fn limit_bytes(&self) -> usize {
        self.units_max * UNIT_BYTES
    }

    /// A lease of nothing yet, for one request.
    pub(crate) fn lease(&self) -> Lease {
        Lease {
            budget: self.clone(),
            held: None,
            is_in_reserve: false,
            patience: self.hold,
        }
    }
}

/// Memory that one request has paid for. Dropping it pays everything back.
#[derive(Debug)]
pub(crate) struct Lease {
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
    /// Whether `held` is of the reserve.
    is_in_reserve: bool,
    /// How much longer this request may wait.
    patience: Duration,
}

impl Lease {
    /// Another lease of the same request: its patience is what is left of this one's.
    pub(crate) fn another(&self) -> Self {
        Self {
            budget: self.budget.clone(),
            held: None,
            is_in_reserve: false,
            patience: self.patience,
        }
    }

    /// How much longer this request may wait.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Pays for `bytes` in all, if that is more than is paid for already.
    pub(crate) async fn grow_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if self.grows_to(bytes) {
            return Ok(());
        }
        let is_small = bytes <= SMALL_BYTES;
        let pool = Arc::clone(self.pool(is_small));
        if is_small == self.is_in_reserve {
            let missing = self.missing(bytes)?;
            let paid = self.wait(pool.acquire_many_owned(missing)).await?;
            self.add(paid);
            return Ok(());
        }
        // It moves to the other one: everything is paid there first, then paid back here.
        let wanted = u32::try_from(units(bytes)).map_err(|_| Exhausted)?;
        self.held = Some(self.wait(pool.acquire_many_owned(wanted)).await?);
        self.is_in_reserve = is_small;
        Ok(())
    }

    /// The same without waiting: whether it could be paid.
    pub(crate) fn grows_to(&mut self, bytes: usize) -> bool {
        let Ok(missing) = self.missing(bytes) else {
            return false;
        };
        let present = Arc::clone(self.pool(self.is_in_reserve));
        if missing == 0 {
            return true;
        }
        if let Ok(paid) = present.try_acquire_many_owned(missing) {
            self.add(paid);
            return true;
        }
        let is_small = bytes <= SMALL_BYTES;
        let Ok(wanted) = u32::try_from(units(bytes)) else {
            return false;
        };
        if is_small == self.is_in_reserve {
            return false;
        }
        let other = Arc::clone(self.pool(is_small));
        let Ok(paid) = other.try_acquire_many_owned(wanted) else {
            return false;
        };
        self.held = Some(paid);
        self.is_in_reserve = is_small;
        true
    }

    /// Units that are not paid for yet, of so many bytes in all.
    fn missing(&self, bytes: usize) -> Result<u32, Exhausted> {
        let held = self
            .held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(units(bytes).saturating_sub(held)).map_err(|_| Exhausted)
    }

    fn pool(&self, is_reserve: bool) -> &Arc<Semaphore> {
        match is_reserve {
            true => &self.budget.reserve,
            false => &self.budget.shared,
        }
    }

    fn add(&mut self, paid: OwnedSemaphorePermit) {
        match &mut self.held {
            Some(held) => held.merge(paid),
            None => self.held = Some(paid),
        }
    }

    /// Pays back what is held beyond `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            let spare = held.num_permits().saturating_sub(units(bytes));
            drop(held.split(spare));
        }
    }

    /// A turn at inflating: there are as many as cores, so that large bodies finish one after the
    /// other instead of all growing at once until none fits.
    pub(crate) async fn turn_to_inflate(&mut self) -> Result<OwnedSemaphorePermit, Exhausted> {
        let turns = Arc::clone(&self.budget.inflating);
        self.wait(turns.acquire_owned()).await
    }

    /// A turn at being admitted, for a body of so many bytes if that is large; a small one needs none.
    /// There are fewer than cores, so that a small one always finds a core on which nothing takes long.
    pub(crate) async fn turn_to_be_admitted(
        &mut self,
        bytes: usize,
    ) -> Result<Option<OwnedSemaphorePermit>, Exhausted> {
        if bytes <= SMALL_BYTES {
            return Ok(None);
        }
        let turns = Arc::clone(&self.budget.admitting);
        self.wait(turns.acquire_owned()).await.map(Some)
    }

    async fn wait<T, E>(
        &mut self,
        what: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Exhausted> {
        let began = Instant::now();
        let outcome = timeout(self.patience, what).await;
        self.patience = self.patience.saturating_sub(began.elapsed());
        outcome.map_err(|_| Exhausted)?.map_err(|_| Exhausted)
    }
}

fn units(bytes: usize) -> usize {
    bytes.saturating_add(REQUEST_BYTES).div_ceil(UNIT_BYTES)
}

/// A finished run of bytes that is paid for as long as `lease` lives.
#[derive(Debug)]
pub(crate) struct Paid {
    pub(crate) bytes: Bytes,
    pub(crate) lease: Lease,
}

/// A growing run of bytes whose room is paid for before it is taken.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    lease: Lease,
}

impl Buffer {
    pub(crate) fn new(lease: Lease) -> Self {
        Self {
            bytes: Vec::new(),
            lease,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Pays for `total` bytes of room in all, or for twice the present room where that is within
    /// `most`. Returns the room to take.
    pub(crate) async fn pay(&mut self, total: usize, most: usize) -> Result<usize, Exhausted> {
        let (room, cost) = self.room_for(total, most);
        self.lease.grow_to(cost).await?;
        Ok(room)
    }

    /// The same without waiting; nothing when it could not be paid.
    pub(crate) fn pay_at_once(&mut self, total: usize, most: usize) -> Option<usize> {
        let (room, cost) = self.room_for(total, most);
        self.lease.grows_to(cost).then_some(room)
    }

    /// The room to take for `total` bytes, and what that costs in all.
    fn room_for(&self, total: usize, most: usize) -> (usize, usize) {
        let old = self.bytes.capacity();
        if total <= old {
            return (old, 0);
        }
        let new = (old * 2).max(FIRST_BYTES).min(most).max(total);
        // The old room lives on until its bytes have moved.
        (new, old + new)
    }

    /// Takes room that was paid for.
    pub(crate) fn take(&mut self, room: usize) {
        if room > self.bytes.capacity() {
            self.bytes.reserve_exact(room - self.bytes.len());
            self.lease.shrink_to(self.bytes.capacity());
        }
    }

    /// Appends `bytes`; the buffer will not be longer than `most`.
    pub(crate) async fn push(&mut self, bytes: &[u8], most: usize) -> Result<(), Exhausted> {
        let room = self.pay(self.bytes.len() + bytes.len(), most).await?;
        self.take(room);
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Fills the room that was taken from `reader`. Returns whether `reader` is at its end.
    pub(crate) fn fill(&mut self, reader: &mut dyn Read) -> io::Result<bool> {
        let mut filled = self.bytes.len();
        self.bytes.resize(self.bytes.capacity(), 0);
        let ended = loop {
            if filled == self.bytes.len() {
                break Ok(false);
            }
            match reader.read(&mut self.bytes[filled..]) {
                Ok(0) => break Ok(true),
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.bytes.truncate(filled);
        ended
    }

    pub(crate) fn finish(self) -> Paid {
        Paid {
            bytes: Bytes::from(self.bytes),
            lease: self.lease,
        }
    }
}
