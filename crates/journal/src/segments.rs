//! Which segments there are, and how far each is durable.
//!
//! Invariant: the segments are ordered, each begins after the one before it ends, and `bytes` and `last`
//! of a segment never count anything that was not synced.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Disk;

use crate::Stats;
use crate::format::{SEGMENT_HEADER_LEN, Sequence, segment_name};
use crate::recovery::Settled;

/// Distance between remembered places in a segment.
const MARK_EVERY_BYTES: u64 = 1 << 20;

/// Frames that are durable in the journal alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// How many.
    pub frames: u64,
    /// What they take, headers included; counted from a place up to 1 MiB before the first of them.
    pub bytes: u64,
}

/// What is known of one segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) first: Sequence,
    /// Last frame that counts; before `first` while there is none.
    pub(crate) last: Sequence,
    /// Without it no frame can be verified: the header was damaged.
    pub(crate) salt: Option<u64>,
    pub(crate) bytes: u64,
    /// Places where frames begin, for readers that start in the middle.
    pub(crate) marks: Vec<(Sequence, u64)>,
}

impl Segment {
    /// Where to begin reading for frame `from`.
    pub(crate) fn offset_before(&self, from: Sequence) -> u64 {
        let after = self
            .marks
            .partition_point(|(sequence, _)| *sequence <= from);
        after
            .checked_sub(1)
            .map_or(SEGMENT_HEADER_LEN as u64, |at| self.marks[at].1)
    }

    /// Remembers that frame `sequence` begins at `offset`, if no place nearby is remembered.
    fn mark(&mut self, sequence: Sequence, offset: u64) {
        let nearest = self.offset_before(sequence);
        if offset >= nearest.saturating_add(MARK_EVERY_BYTES) {
            let at = self
                .marks
                .partition_point(|(marked, _)| *marked <= sequence);
            self.marks.insert(at, (sequence, offset));
        }
    }
}

/// The segments of an open journal, shared by writer, readers and deletion.
pub(crate) struct Segments {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    list: Vec<Segment>,
    /// Whether the writer still appends to the last segment of the list.
    last_is_active: bool,
    last_synced: Sequence,
}

impl Segments {
    pub(crate) fn new(dir: PathBuf, disk: Arc<dyn Disk>, settled: Settled) -> Self {
        let state = State {
            list: settled.segments,
            last_is_active: false,
            last_synced: settled.next.previous(),
        };
        Self {
            dir,
            disk,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(crate) fn path_of(&self, first: Sequence) -> PathBuf {
        self.dir.join(segment_name(first))
    }

    pub(crate) fn last_synced(&self) -> Sequence {
        self.state().last_synced
    }

    /// A new, durable, empty segment begins.
    pub(crate) fn begin(&self, first: Sequence, salt: u64) {
        let mut state = self.state();
        state.last_is_active = true;
        state.list.push(Segment {
            first,
            last: first.previous(),
            salt: Some(salt),
            bytes: SEGMENT_HEADER_LEN as u64,
            marks: Vec::new(),
        });
    }

    /// The frames through `last` have been synced; they take the active segment to `bytes`.
    pub(crate) fn publish(&self, last: Sequence, bytes: u64) {
        let mut state = self.state();
        state.last_synced = last;
        if let Some(active) = state.list.last_mut() {
            active.mark(active.last.next(), active.bytes);
            active.last = last;
            active.bytes = bytes;
        }
    }

    /// The writer is done with the active segment. Says whether it holds any frame that counts; if
    /// not, it is no longer a segment, and its file is the writer's to remove.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        state.last_is_active = false;
        let holds_frames = state
            .list
            .last()
            .is_some_and(|segment| segment.last >= segment.first);
        if !holds_frames {
            state.list.pop();
        }
        holds_frames
    }

    /// Segments that may hold frame `from` or later ones.
    pub(crate) fn with_frames_from(&self, from: Sequence) -> Vec<Segment> {
        let state = self.state();
        let reaching = state.list.iter().filter(|segment| segment.last >= from);
        reaching.cloned().collect()
    }

    /// A reader has found frame `sequence` at `offset` of the segment that begins with `first`.
    pub(crate) fn mark(&self, first: Sequence, sequence: Sequence, offset: u64) {
        let mut state = self.state();
        if let Some(segment) = state.list.iter_mut().find(|segment| segment.first == first) {
            segment.mark(sequence, offset);
        }
    }

    pub(crate) fn delete_through(&self, through: Sequence) -> io::Result<u64> {
        let mut freed = 0;
        let mut outcome = Ok(());
        for segment in self.closed_through(through) {
            match self.disk.remove(&self.path_of(segment.first)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    outcome = Err(error);
                    break;
                }
                _ => freed += segment.bytes,
            }
            self.state().list.retain(|kept| kept.first != segment.first);
        }
        if freed > 0 {
            self.disk.sync_dir(&self.dir)?;
        }
        outcome.map(|()| freed)
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        Stats {
            segments: state.list.len(),
            bytes: state.list.iter().map(|segment| segment.bytes).sum(),
            first: state
                .list
                .first()
                .map(|s| s.first)
                .filter(|first| *first <= state.last_synced),
            last: state.last_synced,
            queued_frames: 0,
            queued_bytes: 0,
            last_sync: None,
        }
    }

    /// What lies behind frame `after`.
    pub(crate) fn lag(&self, after: Sequence) -> Lag {
        let state = self.state();
        let from = after.next();
        let reaching = state.list.iter().filter(|segment| segment.last >= from);
        Lag {
            frames: state.last_synced.get().saturating_sub(after.get()),
            bytes: reaching
                .map(|segment| segment.bytes.saturating_sub(segment.offset_before(from)))
                .sum(),
        }
    }

    /// Closed segments without a frame after `through`, oldest first. Files are removed outside the
    /// lock, for the writer takes it to acknowledge.
    fn closed_through(&self, through: Sequence) -> Vec<Segment> {
        let state = self.state();
        let closed = state.list.len() - usize::from(state.last_is_active);
        let reaching = state.list[..closed].iter();
        reaching
            .take_while(|segment| segment.last <= through)
            .cloned()
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
