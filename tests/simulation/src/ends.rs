//! How a life ends: the faults stop, and what is rare by chance happens on purpose at an operation of the
//! seed's choice. Afterwards everything that was ever promised must hold.

use std::io::ErrorKind;

use base::sim::{Fault, Survival};
use store::Opened;

use crate::world::World;

/// Operations of an append that begins a segment.
const APPEND_OPERATIONS: usize = 5;

impl World {
    pub(crate) async fn end_well(&mut self) -> Result<(), String> {
        if self.disk.is_powerless() {
            self.crash().await?;
        }
        self.heal();
        self.replay().await?;
        self.check("when the faults stop").await?;
        self.fail_in_a_flush().await?;
        self.kill_in_an_append().await?;
        self.kill_in_a_flush().await?;
        self.crash().await?;
        self.replay().await?;
        self.check("after the last crash").await?;
        self.repeat_everything().await?;
        let fresh = self.new_request();
        if !self.send_one(&fresh).await? {
            return Err("a fresh request is not acknowledged".to_owned());
        }
        self.check("after a fresh request").await?;
        self.flush().await?;
        self.check("after the last flush").await?;
        self.note("the last power cut");
        self.restart_after(Survival::Nothing).await?;
        self.check("after the last power cut").await?;
        self.repeat_everything().await?;
        self.check("after everything was repeated").await
    }

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

    /// A flush fails; the next one succeeds.
    async fn fail_in_a_flush(&mut self) -> Result<(), String> {
        self.send_fresh().await?;
        self.plan(Fault::Error(ErrorKind::Other), self.flush_operations);
        self.flush().await?;
        self.heal();
        self.flush().await?;
        self.check("after a flush that failed and one that did not")
            .await
    }

    /// The client has no answer, sends again after the kill, and then the power goes. The journal, empty
    /// before, has told of the frame after the kill: it must not miss it now.
    async fn kill_in_an_append(&mut self) -> Result<(), String> {
        let request = self.new_request();
        self.plan(Fault::PowerCut, APPEND_OPERATIONS);
        self.send_one(&request).await?;
        self.restart_after(Survival::Everything).await?;
        self.send_one(&request).await?;
        let opened = self.restart_after(Survival::Nothing).await?;
        if let Some(opened) = opened.filter(|opened| !opened.damaged.is_empty()) {
            let damaged = opened.damaged.join("; ");
            return Err(format!("a false alarm after a power cut: {damaged}"));
        }
        self.check("after a kill in an append and a power cut")
            .await
    }

    /// What is removed at the start after the kill must not be needed after the power cut.
    async fn kill_in_a_flush(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            self.send_fresh().await?;
        }
        self.flush().await?;
        for _ in 0..3 {
            self.send_fresh().await?;
        }
        self.plan(Fault::PowerCut, self.flush_operations);
        self.flush().await?;
        self.restart_after(Survival::Everything).await?;
        let survival = Survival::Seeded(self.dice.below(1 << 30) as u64);
        self.restart_after(survival).await?;
        self.check("after a kill in a flush and a power cut").await
    }

    async fn send_fresh(&mut self) -> Result<(), String> {
        let request = self.new_request();
        self.send_one(&request).await.map(drop)
    }

    /// Ends and opens again; says what the replay found.
    pub(crate) async fn restart_after(
        &mut self,
        survival: Survival,
    ) -> Result<Option<Opened>, String> {
        self.note(format!("end, {survival:?} survives"));
        self.end(survival);
        self.open().await?;
        self.replay().await
    }
}
