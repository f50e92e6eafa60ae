//! One signal to stop, which everybody may raise and everybody may wait for.
//!
//! Invariant: once triggered it stays triggered; who begins to wait late does not wait at all.

use tokio::sync::watch;

/// A shutdown signal. Clones are the same signal.
#[derive(Debug, Clone)]
pub struct Shutdown {
    triggered: watch::Sender<bool>,
}

impl Shutdown {
    /// A signal that is not triggered yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            triggered: watch::Sender::new(false),
        }
    }

    /// Asks everybody to stop.
    pub fn trigger(&self) {
        self.triggered.send_replace(true);
    }

    /// Returns as soon as somebody has triggered the signal.
    pub async fn wait(&self) {
        let mut seen = self.triggered.subscribe();
        // The sender lives in `self`, so waiting cannot end in any other way.
        let _ = seen.wait_for(|triggered| *triggered).await;
    }

    /// Whether the signal has been triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.triggered.borrow()
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
