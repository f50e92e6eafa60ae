//! Limits of a journal.
//!
//! Invariant: a configuration without problems bounds every queue and every segment.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

/// More waiting frames than this are never useful: their callers time out first.
const QUEUE_FRAMES_MAX: usize = 1 << 16;
const SEGMENT_TARGET_BYTES_MAX: u64 = 1 << 40;
/// A longer wait would exceed the patience of the usual client.
const GATHER_WINDOW_MAX: Duration = Duration::from_secs(1);

/// How a journal is kept.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory; it belongs to the journal alone.
    pub dir: PathBuf,
    /// A segment is closed before a frame would make it longer than this. One batch with larger
    /// frames makes a larger segment.
    pub segment_target_bytes: u64,
    /// Frames that may be queued at once; further appends wait.
    pub queue_frames_max: usize,
    /// Payload bytes that may be queued at once; further appends wait. A larger payload passes alone.
    pub queued_bytes_max: u64,
    /// How long the writer waits for more frames after the first one. Zero still shares syncs: all
    /// that arrives during one sync is written with the next.
    pub gather_window: Duration,
    /// A number that those whose bytes are appended cannot guess. It goes into every checksum, so
    /// that bytes inside a payload cannot pose as a frame when damage is skipped.
    pub salt: u64,
}

impl Config {
    /// The usual limits: segments of 64 MiB, a queue of 1,024 frames and 256 MiB, no extra wait, and
    /// a salt from the operating system's randomness.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_target_bytes: 64 << 20,
            queue_frames_max: 1_024,
            queued_bytes_max: 256 << 20,
            gather_window: Duration::ZERO,
            salt: RandomState::new().hash_one("journal"),
        }
    }

    /// Everything that is wrong, one sentence each; empty when nothing is.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut within = |name: &str, value: u64, max: u64| {
            if !(1..=max).contains(&value) {
                problems.push(format!("{name} is {value}; it must be between 1 and {max}"));
            }
        };
        within(
            "segment_target_bytes",
            self.segment_target_bytes,
            SEGMENT_TARGET_BYTES_MAX,
        );
        within(
            "queue_frames_max",
            self.queue_frames_max as u64,
            QUEUE_FRAMES_MAX as u64,
        );
        within(
            "queued_bytes_max",
            self.queued_bytes_max,
            u64::from(u32::MAX),
        );
        if self.gather_window > GATHER_WINDOW_MAX {
            problems.push(format!(
                "gather_window is {:?}; it must be at most {GATHER_WINDOW_MAX:?}",
                self.gather_window
            ));
        }
        problems
    }
}
