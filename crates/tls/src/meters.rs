//! Handshakes, counted.

use base::meters::{Counters, Source, counters};

use crate::Failed;

#[derive(Debug)]
pub(crate) struct Meters {
    handshakes: Counters,
}

impl Meters {
    pub(crate) fn new() -> Meters {
        Meters {
            handshakes: counters(
                "tallybook_tls_handshakes_total",
                "Handshakes by outcome: done; plain: the client spoke without TLS; gone: it was too slow or went away; refused: no certificate that both trust, or no version that both speak",
                &["outcome"],
            ),
        }
    }

    pub(crate) fn count(&self, failed: Option<Failed>) {
        let outcome = match failed {
            None => "done",
            Some(Failed::Plain) => "plain",
            Some(Failed::Gone) => "gone",
            Some(Failed::Refused) => "refused",
        };
        self.handshakes.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        vec![Box::new(self.handshakes.clone())]
    }
}
