//! The memory of all queries: whoever asks first is served, but whoever can put down on the disk what
//! does not fit gets no more than a share.
//!
//! Without shares the first sort takes everything and the operators after it, which cannot put anything
//! down, find nothing left. Equal shares for all (the engine's fair pool) are too small where a statement
//! has a hundred operators of which two have work to do.

use std::fmt;

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

/// So many bytes, and how many of them one operator may have that can put down the rest.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    all: GreedyMemoryPool,
    share: usize,
}

impl SharedMemory {
    /// A statement runs its operators once for each thread: these together leave something.
    pub(crate) fn new(bytes: usize, threads: usize) -> SharedMemory {
        SharedMemory {
            all: GreedyMemoryPool::new(bytes),
            share: bytes / (threads + 1),
        }
    }
}

impl fmt::Display for SharedMemory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(out)
    }
}

impl MemoryPool for SharedMemory {
    fn name(&self) -> &str {
        "shared"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let held = reservation.size();
        if consumer.can_spill() && held.saturating_add(additional) > self.share {
            return Err(resources_datafusion_err!(
                "{} has {} and may have {} more of its share of {}",
                consumer.name(),
                human_readable_size(held),
                human_readable_size(self.share.saturating_sub(held)),
                human_readable_size(self.share)
            ));
        }
        self.all.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.all.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.all.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;

    #[test]
    fn who_can_put_down_the_rest_gets_a_share_and_others_what_there_is() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::new(300, 2));
        let sort = MemoryConsumer::new("sort").with_can_spill(true);
        let sort = sort.register(&pool);
        sort.try_grow(100).expect("a share");
        let refused = sort.try_grow(1).expect_err("more than a share").to_string();
        assert!(
            refused.contains("sort has 100.0 B and may have 0.0 B more"),
            "{refused}"
        );
        let group = MemoryConsumer::new("group").register(&pool);
        group.try_grow(200).expect("what there is");
        assert!(group.try_grow(1).is_err(), "nothing is left");
        sort.shrink(50);
        group.try_grow(50).expect("what was given back");
        assert_eq!(pool.reserved(), 300);
    }
}
