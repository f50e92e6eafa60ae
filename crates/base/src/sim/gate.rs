//! Holds syncs back, so that a test decides what meets what.
//!
//! Invariant: what stands at a closed gate goes on when it is opened, and nothing else waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    is_closed: bool,
    waiting: usize,
}

impl Gate {
    pub(super) fn close(&self) {
        self.state().is_closed = true;
    }

    pub(super) fn open(&self) {
        self.state().is_closed = false;
        self.changed.notify_all();
    }

    /// How many stand at the gate.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting
    }

    pub(super) fn wait_until_somebody_waits(&self) {
        let waited = self
            .changed
            .wait_while(self.state(), |state| state.waiting == 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn pass(&self) {
        let mut state = self.state();
        state.waiting += 1;
        self.changed.notify_all();
        let waited = self.changed.wait_while(state, |state| state.is_closed);
        waited.unwrap_or_else(PoisonError::into_inner).waiting -= 1;
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
