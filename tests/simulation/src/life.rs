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
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| error.to_string())?;
        let outcome = runtime.block_on(whole_life(&mut world));
        // Nothing of a life goes on after it.
        world.end(Survival::Everything);
        outcome
    }));
    // A panic may have come while the gate was closed, and the journal's writer stands there.
    world.disk.let_syncs_through();
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
        if world.disk.is_powerless() {
            world.crash().await?;
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
    end_well(world).await?;
    world.rot().await
}

/// The faults stop. What was promised must be there, now and after a last crash and a last flush.
async fn end_well(world: &mut World) -> Result<(), String> {
    if world.disk.is_powerless() {
        world.crash().await?;
    }
    world.heal();
    world.replay().await?;
    world.check("when the faults stop").await?;
    world.crash().await?;
    world.replay().await?;
    world.check("after the last crash").await?;
    world.repeat_everything().await?;
    let fresh = world.new_request();
    if !world.send_one(&fresh).await? {
        return Err("a fresh request is not acknowledged".to_owned());
    }
    world.check("after a fresh request").await?;
    world.note("the last flush");
    let flushed = world.store()?.flush().await;
    world.excuse("the last flush", flushed)?;
    world.check("after the last flush").await?;
    world.note("the last power cut");
    world.end(Survival::Nothing);
    world.open().await?;
    world.replay().await?;
    world.check("after the last power cut").await?;
    world.repeat_everything().await?;
    world.check("after everything was repeated").await
}

impl World {
    /// Everything that was sent within the horizon, once more: nothing of what was acknowledged is new.
    pub(crate) async fn repeat_everything(&mut self) -> Result<(), String> {
        let now = self.passed();
        let recent = self.ledger.repeatable(now);
        let recent: Vec<_> = recent.into_iter().cloned().collect();
        for request in recent {
            self.send_one(&request).await?;
        }
        Ok(())
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
