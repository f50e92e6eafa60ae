//! Failures and exit codes: 0 done, 1 failed, 2 wrong usage.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use crate::plain;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or the configuration is wrong: mend it.
    Usage(String),
    /// It was understood, and failed.
    Failed(String),
    /// The command line library has already written what there is to say.
    Said(u8),
}

impl Failure {
    pub(crate) fn usage(what: impl fmt::Display) -> Failure {
        Failure::Usage(what.to_string())
    }

    pub(crate) fn failed(what: impl fmt::Display) -> Failure {
        Failure::Failed(what.to_string())
    }

    /// What there is to say; nothing when it has been said.
    pub(crate) fn text(&self) -> &str {
        match self {
            Failure::Usage(text) | Failure::Failed(text) => text,
            Failure::Said(_) => "",
        }
    }

    /// Writes the failure to standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (text, code) = match self {
            Failure::Usage(text) => (text, 2),
            Failure::Failed(text) => (text, 1),
            Failure::Said(code) => return ExitCode::from(code),
        };
        // With standard error gone there is nobody to tell; the code still says it.
        // A failure may quote the value that it failed on, and that may hold terminal escapes.
        let _ = writeln!(std::io::stderr(), "tallybook: {}", plain::lines(&text));
        ExitCode::from(code)
    }
}
