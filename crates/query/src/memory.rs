//! The memory of all queries: whoever asks first is served, but whoever can put down on the disk what
//! does not fit gets no more than a share.
//!
//! Without shares the first sort takes everything and the operators after it, which cannot put anything
//! down, find nothing left. Equal shares for all (the engine's fair pool) are too small where a statement
//! has a hundred operators of which two have work to do.
//!
//! A few sorts one behind the other have their shares at the same time, for each holds what it has until
//! the next has taken it. So the last quarter is for who has little yet: they put down early instead of
//! finding nothing to begin with.

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
    /// Who can put down the rest takes no more than `little` when others leave less than this.
    for_beginners: usize,
    little: usize,
}

impl SharedMemory {
    /// Where the rest can be put down. A statement runs its operators once for each thread: these together
    /// leave something.
    pub(crate) fn in_shares(bytes: usize, threads: usize) -> SharedMemory {
        SharedMemory {
            all: GreedyMemoryPool::new(bytes),
            share: bytes / (threads + 1),
            for_beginners: bytes / 4,
            little: bytes / 32,
        }
    }

    /// Where nothing can be put down: whoever asks first is served.
    pub(crate) fn undivided(bytes: usize) -> SharedMemory {
        SharedMemory {
            all: GreedyMemoryPool::new(bytes),
            share: bytes,
            for_beginners: 0,
            little: bytes,
        }
    }

    /// What one operator may have that can put down the rest, when so much more is asked for.
    fn share_beside(&self, additional: usize) -> usize {
        let MemoryLimit::Finite(bytes) = self.all.memory_limit() else {
            return self.share;
        };
        let left = bytes.saturating_sub(self.all.reserved().saturating_add(additional));
        match left < self.for_beginners {
            true => self.little.min(self.share),
            false => self.share,
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
        let share = self.share_beside(additional);
        // Who holds nothing has nothing to put down.
        if consumer.can_spill() && held > 0 && held.saturating_add(additional) > share {
            return Err(resources_datafusion_err!(
                "{} has {} and may have {} more of its share of {}",
                consumer.name(),
                human_readable_size(held),
                human_readable_size(share.saturating_sub(held)),
                human_readable_size(share)
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
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::in_shares(300, 2));
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
        let large = MemoryConsumer::new("large batch")
            .with_can_spill(true)
            .register(&pool);
        assert!(large.try_grow(1).is_err(), "nothing is left");
        sort.shrink(50);
        group.try_grow(50).expect("what was given back");
        assert_eq!(pool.reserved(), 300);
        group.shrink(250);
        large
            .try_grow(250)
            .expect("the first batch may be larger than a share");
    }

    #[test]
    fn who_begins_while_others_have_their_shares_finds_something() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedMemory::in_shares(320, 2));
        let sort = |name: &str| {
            MemoryConsumer::new(name)
                .with_can_spill(true)
                .register(&pool)
        };
        let sorts: Vec<_> = (0..4).map(|number| sort(&number.to_string())).collect();
        for sort in &sorts {
            while sort.try_grow(5).is_ok() {}
        }
        let held: Vec<_> = sorts.iter().map(MemoryReservation::size).collect();
        assert_eq!(held, [105, 105, 30, 10], "the last ones have little");
        let merge = MemoryConsumer::new("merge").register(&pool);
        merge.try_grow(70).expect("what was left to beginners");
        sorts[0].shrink(105);
        sorts[3].try_grow(20).expect("what was given back");
    }
}
