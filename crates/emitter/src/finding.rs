//! What is wrong with settings, and what went wrong while sending: said once, in a line.

use std::fmt;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is not as it was meant, and telemetry flows.
    Warning,
    /// Telemetry that was asked for does not flow.
    Error,
}

/// One thing that is wrong. It never holds the values of headers, prompts or tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The setting or the signal that it is about.
    pub subject: String,
    /// What is wrong, why, and how to mend it.
    pub message: String,
}

impl Finding {
    pub(crate) fn error(subject: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding {
            severity: Severity::Error,
            subject: subject.into(),
            message: message.into(),
        }
    }

    pub(crate) fn warning(subject: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding {
            severity: Severity::Warning,
            ..Finding::error(subject, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.subject, self.message)
    }
}

/// Where findings go.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(&Finding) + Send + Sync>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(&Finding) + Send + Sync + 'static) -> Listener {
        Listener(Arc::new(listener))
    }

    /// Nobody, or standard error where a setting asks for it.
    pub(crate) fn standard(to_stderr: bool) -> Listener {
        Listener::new(move |finding| {
            if to_stderr {
                use std::io::Write;
                // With standard error gone there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "telemetry: {finding}");
            }
        })
    }

    pub(crate) fn tell(&self, finding: &Finding) {
        (self.0)(finding);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Listener")
    }
}
