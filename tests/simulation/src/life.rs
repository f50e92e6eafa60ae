//! One life from its seed to its verdict.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use base::sim::Survival;

use crate::world::World;

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was wrong, if anything was.
    pub failure: Option<String>,
    /// A hash of the trace of disk operations: the same seed gives the same.
    pub trace_hash: u64,
    /// The trace itself, one operation a line.
    pub trace: Vec<String>,
    /// What happened, one deed a line.
    pub diary: Vec<String>,
}

/// Lives the life of a seed.
#[must_use]
pub fn live(seed: u64) -> Verdict {
    let mut world = World::new(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let runtime = runtime.as_ref().map_err(|error| error.to_string())?;
        let outcome = runtime.block_on(whole_life(&mut world));
        // Nothing of a life goes on after it.
        world.end(Survival::Everything);
        outcome
    }));
    // A panic may have come while the gate was closed, and the journal's writer stands there, or who
    // makes a key, for whom the runtime waits.
    world.disk.let_syncs_through();
    drop(runtime);
    let failure = match outcome {
        Ok(outcome) => outcome.err(),
        Err(panic) => Some(format!("panic: {}", said(panic.as_ref()))),
    };
    let trace = world.disk.trace();
    let mut hasher = DefaultHasher::new();
    trace.hash(&mut hasher);
    Verdict {
        failure,
        trace_hash: hasher.finish(),
        trace,
        diary: world.diary,
    }
}

async fn whole_life(world: &mut World) -> Result<(), String> {
    world.open().await?;
    let deeds = 10 + world.dice.below(30);
    for _ in 0..deeds {
        world.deed().await?;
        world.renew_keys().await?;
        if world.disk.is_powerless() {
            world.crash().await?;
            world.aftermath().await?;
        }
        if world.is_replayed() {
            continue;
        }
        // What arrives before the replay is as good as what arrives after it.
        if world.dice.below(3) > 0 && world.replay().await?.is_some() && !world.is_harmed() {
            world.check("after a start").await?;
        }
        if world.disk.is_powerless() {
            world.crash().await?;
        }
    }
    world.end_well().await?;
    world.rot().await
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
