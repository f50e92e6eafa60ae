//! Waiting for something, and giving up at a deadline. Nothing here waits in the hope that a time is
//! long enough: the condition is asked for, again and again.

use std::thread::park_timeout;
use std::time::{Duration, Instant};

use crate::Problem;

const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until `found` gives something; blocks the thread.
///
/// # Errors
///
/// When there is still nothing after `patience`; `what` says what was waited for.
pub fn wait_for<T>(
    patience: Duration,
    what: &str,
    mut found: impl FnMut() -> Option<T>,
) -> Result<T, Problem> {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return Ok(found);
        }
        if started.elapsed() > patience {
            return Err(given_up(patience, what));
        }
        park_timeout(LOOK_EVERY);
    }
}

/// Asks until `ask` answers something, letting other tasks run.
///
/// # Errors
///
/// When there is still nothing after `patience`, or when asking fails.
pub async fn until<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>, Problem>,
) -> Result<T, Problem> {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if started.elapsed() > patience {
            return Err(given_up(patience, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn given_up(patience: Duration, what: &str) -> Problem {
    Problem::new(format!(
        "waited {} s in vain for {what}",
        patience.as_secs()
    ))
}
