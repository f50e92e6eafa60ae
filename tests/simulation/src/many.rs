//! Many seeds side by side.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::life::live;

/// A seed whose life went wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failed {
    /// The seed.
    pub seed: u64,
    /// What was wrong.
    pub failure: String,
}

/// Lives the lives of these seeds on all processors, until `failures_max` have gone wrong; the failures
/// by seed.
#[must_use]
pub fn run_seeds(seeds: &[u64], failures_max: usize) -> Vec<Failed> {
    let next = AtomicU64::new(0);
    let failed: Mutex<Vec<Failed>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some(seed) = seeds.get(at) else { return };
                    if let Some(failure) = live(*seed).failure {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.push(Failed {
                            seed: *seed,
                            failure,
                        });
                        if failed.len() >= failures_max {
                            next.store(seeds.len() as u64, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort();
    failed
}
