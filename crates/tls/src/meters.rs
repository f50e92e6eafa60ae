//! Handshakes, counted.

use base::meters::{Counters, Source, counters};

use crate::Failed;

const OUTCOMES: [&str; 4] = ["done", "plain", "gone", "refused"];

/// Handshakes by outcome.
#[derive(Clone, Debug)]
pub struct Meters {
    handshakes: Counters,
}

impl Meters {
    /// Nothing yet; every outcome is shown from the start.
    #[must_use]
    pub fn new() -> Meters {
        let meters = Meters {
            handshakes: counters(
                "tallybook_tls_handshakes_total",
                "Handshakes by outcome: done; plain: the client spoke without TLS; gone: it was too slow or went away; refused: no certificate that both trust, or no version that both speak",
                &["outcome"],
            ),
        };
        for outcome in OUTCOMES {
            meters.handshakes.with_label_values(&[outcome]);
        }
        meters
    }

    pub(crate) fn count(&self, failed: Option<Failed>) {
        let outcome = match failed {
            None => OUTCOMES[0],
            Some(Failed::Plain) => OUTCOMES[1],
            Some(Failed::Gone) => OUTCOMES[2],
            Some(Failed::Refused) => OUTCOMES[3],
        };
        self.handshakes.with_label_values(&[outcome]).inc();
    }

    /// What is counted, to be shown.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        vec![Box::new(self.handshakes.clone())]
    }
}

impl Default for Meters {
    fn default() -> Meters {
        Meters::new()
    }
}
