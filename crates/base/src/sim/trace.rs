//! What was asked of the disk, in order: two runs that are the same leave the same trace.
//!
//! Invariant: an operation is in the trace whether it succeeds or not, with what it was given.

use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::io::IoSlice;

#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Nothing is kept until somebody wants it.
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(super) fn begin(&mut self) {
        self.lines.get_or_insert_default();
    }

    pub(super) fn note(&mut self, operation: &str, subject: impl Display) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{operation} {subject}"));
        }
    }

    pub(super) fn note_write(&mut self, node: usize, slices: &[IoSlice<'_>]) {
        if self.lines.is_some() {
            // Its keys are fixed: the same bytes give the same number.
            let mut hasher = std::hash::DefaultHasher::new();
            for slice in slices {
                slice.hash(&mut hasher);
            }
            let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
            let subject = format!("node {node}: {bytes} bytes, {:016x}", hasher.finish());
            self.note("write", subject);
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.clone().unwrap_or_default()
    }
}
