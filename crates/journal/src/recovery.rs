//! Opening a journal: what a crash left is settled first (`settle.rs`), then frames are replayed.
//!
//! Invariant: every frame that was acknowledged and is undamaged is returned once, in order of its
//! sequence; whatever is missing is in the report.

mod settle;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base::Disk;

use crate::Frame;
use crate::format::{Sequence, segment_name};
use crate::scan::{Found, Scan};
use crate::segments::Segment;

pub use settle::OpenError;
pub(crate) use settle::{Settled, settle};

/// Damage and gaps beyond this number are counted but not listed.
const LISTED_MAX: usize = 1_000;

/// Bytes of a segment that are not a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// File name of the segment.
    pub segment: String,
    /// Where they begin, in bytes from the beginning of the file.
    pub offset: u64,
    /// How many they are.
    pub bytes: u64,
}

/// Frames that should be there and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first one missing.
    pub first: Sequence,
    /// The last one missing.
    pub last: Sequence,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            segment,
            offset,
            bytes,
        } = self;
        write!(
            f,
            "{segment}: {bytes} bytes from byte {offset} on cannot be read"
        )
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "frames {} to {} are missing",
            self.first.get(),
            self.last.get()
        )
    }
}

/// What a recovery found. Complete when the iteration has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Frames returned.
    pub frames: u64,
    /// Unfinished writes at the end of the journal, which were cut off. Expected after a crash:
    /// nothing there was acknowledged, unless the disk lost what it had promised to keep.
    pub torn: Vec<Damage>,
    /// Damaged places before the end, at most 1,000 of them. Not expected: an alarm.
    pub damage: Vec<Damage>,
    /// How many damaged places there are.
    pub damage_count: u64,
    /// Ranges of missing sequences, at most 1,000 of them.
    pub gaps: Vec<Gap>,
    /// How many frames are missing.
    pub missing_frames: u64,
}

impl Report {
    /// Bytes that were cut off the end.
    #[must_use]
    pub fn torn_bytes(&self) -> u64 {
        self.torn.iter().map(|torn| torn.bytes).sum()
    }

    /// Whether nothing is damaged or missing. A torn tail is not damage.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damage_count == 0 && self.missing_frames == 0
    }

    fn add_damage(&mut self, damage: Damage) {
        self.damage_count += 1;
        if self.damage.len() < LISTED_MAX {
            self.damage.push(damage);
        }
    }

    fn add_gap(&mut self, first: Sequence, next: Sequence) {
        self.missing_frames += next.get() - first.get();
        if self.gaps.len() < LISTED_MAX {
            self.gaps.push(Gap {
                first,
                last: next.previous(),
            });
        }
    }
}

/// The frames that were in the journal when it was opened. Holds one frame in memory at a time and
/// reads nothing in advance; frames appended meanwhile are not part of it. Blocks on the disk.
///
/// Ends after an error: the report is then incomplete, and nothing after the last frame returned may
/// be deleted on its account. [`Recovery::resume`] goes on where the error was.
pub struct Recovery {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segments: VecDeque<Segment>,
    scan: Option<Scan>,
    /// The sequence that the next frame should have.
    expected: Sequence,
    /// The sequence after the last frame that was found when the journal was opened.
    end: Sequence,
    is_halted: bool,
    report: Report,
}

impl Settled {
    /// The frames after `start_after`.
    pub(crate) fn replay(&self, disk: Arc<dyn Disk>, start_after: Sequence) -> Recovery {
        let mut report = Report {
            torn: self.torn.clone(),
            ..Report::default()
        };
        for set_aside in &self.set_aside {
            report.add_damage(set_aside.clone());
        }
        Recovery {
            disk,
            dir: self.dir.clone(),
            segments: self.segments.iter().cloned().collect(),
            scan: None,
            expected: start_after.next(),
            end: self.next,
            is_halted: false,
            report,
        }
    }
}

impl Recovery {
    /// What has been found so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Tries again what failed. Without a failure it does nothing.
    pub fn resume(&mut self) {
        self.is_halted = false;
    }

    fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        while let Some(segment) = self.segments.front() {
            // What is behind the last sequence of a segment is void.
            let found = if self.expected > segment.last {
                Found::End
            } else {
                match Self::scan_of(&mut self.scan, segment, &self.disk, &self.dir) {
                    Some(scan) => scan.next(self.expected)?,
                    None => Found::End,
                }
            };
            match found {
                Found::Frame(frame) if frame.sequence <= segment.last => {
                    self.expect_no_less_than(frame.sequence);
                    self.expected = frame.sequence.next();
                    self.report.frames += 1;
                    return Ok(Some(frame));
                }
                Found::Damage { offset, bytes } => {
                    let segment = segment_name(segment.first);
                    self.report.add_damage(Damage {
                        segment,
                        offset,
                        bytes,
                    });
                }
                Found::Frame(_) | Found::End => self.leave_segment(),
            }
        }
        self.expect_no_less_than(self.end);
        Ok(None)
    }

    /// The pass over the segment at hand; `None` if none of its frames can be verified.
    fn scan_of<'a>(
        scan: &'a mut Option<Scan>,
        segment: &Segment,
        disk: &Arc<dyn Disk>,
        dir: &std::path::Path,
    ) -> Option<&'a mut Scan> {
        let salt = segment.salt?;
        Some(scan.get_or_insert_with(|| {
            let path = dir.join(segment_name(segment.first));
            Scan::new(Arc::clone(disk), path, salt, segment.bytes)
        }))
    }

    fn leave_segment(&mut self) {
        self.scan = None;
        let left = self.segments.pop_front();
        let unverifiable = left.filter(|s| s.salt.is_none() && s.last >= self.expected);
        if let Some(segment) = unverifiable {
            self.report.add_damage(Damage {
                segment: segment_name(segment.first),
                offset: 0,
                bytes: segment.bytes,
            });
        }
    }

    /// Notes a gap if the next frame is later than expected.
    fn expect_no_less_than(&mut self, found: Sequence) {
        if found > self.expected {
            self.report.add_gap(self.expected, found);
            self.expected = found;
        }
    }
}

impl Iterator for Recovery {
    type Item = io::Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_halted {
            return None;
        }
        let outcome = self.next_frame();
        self.is_halted = outcome.is_err();
        outcome.transpose()
    }
}

impl std::fmt::Debug for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery")
            .field("expected", &self.expected)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}
