//! An append-only log of opaque payloads, durable before it answers.
//!
//! **Promise.** [`Journal::append`] returns a sequence only after the frame is on the disk (written
//! and synced, and so is the name of its segment). After any crash, [`Recovery`] returns every
//! frame that was acknowledged, each once and in order; it may return frames that were written but
//! never acknowledged, and nothing else.
//!
//! The journal knows bytes, not what they mean. A caller replays frames after the last sequence it
//! has made durable elsewhere, and then deletes through that sequence, never before.
//!
//! | file | what is in it |
//! |---|---|
//! | `format.rs` | the one home of the on-disk format |
//! | `config.rs` | limits, and what is wrong with them |
//! | `append.rs` | the caller's side of an append: back-pressure, waiting, the answer |
//! | `inbox.rs` | the queue between callers and the writer; batches are made here |
//! | `writer.rs` | the writer thread: group commit, segments, what happens after a failure |
//! | `segments.rs` | which segments there are, how far they are durable, deletion |
//! | `scan.rs` | reads one segment's frames, past damage |
//! | `recovery.rs` | opening: settles the tail, then replays |
//! | `meters.rs` | how long syncing takes |
//! | `inspect.rs` | what opening would find, without opening |
//! | `cursor.rs` | reading acknowledged frames of a live journal |
//!
//! On disk:
//!
//! ```text
//! <dir>/journal-00000000000000000001.seg      closed; frames 1..=812
//!       journal-00000000000000000813.seg      active; the name is its first frame's sequence
//!       journal-00000000000000000400.seg.damaged   set aside: its header could not be read
//! ```

mod append;
mod config;
mod cursor;
mod format;
mod inbox;
mod inspect;
mod meters;
mod recovery;
mod scan;
mod segments;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::Disk;
use base::meters::Source;
use base::seal::Envelope;
use bytes::Bytes;

pub use append::AppendError;
pub use config::Config;
pub use format::{PAYLOAD_BYTES_MAX, Sequence};
pub use inspect::{Inspection, inspect};
pub use recovery::{Damage, Gap, OpenError, Recovery, Report};
pub use segments::Lag;

use append::Outbox;
use meters::Meters;
use segments::Segments;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its place in the order of acknowledgement.
    pub sequence: Sequence,
    /// What was appended.
    pub payload: Bytes,
}

/// An open journal. Dropping it waits until the writer has finished the frames it was given.
#[derive(Debug)]
pub struct Journal {
    segments: Arc<Segments>,
    // Dropping it ends the writer thread.
    outbox: Outbox,
    meters: Arc<Meters>,
}

/// The journal at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Segment files.
    pub segments: usize,
    /// Their acknowledged bytes, headers included.
    pub bytes: u64,
    /// First frame that is still there, if any.
    pub first: Option<Sequence>,
    /// Last acknowledged frame.
    pub last: Sequence,
    /// Frames that callers of [`Journal::append`] wait for, those waiting for room included.
    pub queued_frames: usize,
    /// Payload bytes of these.
    pub queued_bytes: u64,
    /// How long the last sync took; none before the first append.
    pub last_sync: Option<Duration>,
}

impl Journal {
    /// Opens the journal in `config.dir`, which is created if it is missing. No other journal may
    /// be open there. Frames after `start_after` are what [`Recovery`] returns, and new frames are
    /// numbered after it, so it must be a sequence up to which the caller has everything durable.
    ///
    /// Only the last segment is read here: a long journal opens fast, and may be appended to while
    /// it is being replayed. Blocks on the disk.
    ///
    /// # Errors
    /// Wrong configuration, a disk that fails, or files that this version cannot read.
    pub fn open(
        config: Config,
        disk: Arc<dyn Disk>,
        start_after: Sequence,
    ) -> Result<(Self, Recovery), OpenError> {
        let problems = config.validate();
        if !problems.is_empty() {
            return Err(OpenError::Config(problems));
        }
        let settled = recovery::settle(&disk, &config.dir, start_after)?;
        let replay = settled.replay(Arc::clone(&disk), start_after);
        let segments = Arc::new(Segments::new(config.dir.clone(), disk, settled));
        let meters = Arc::new(Meters::new());
        let outbox = writer::start(&config, Arc::clone(&segments), Arc::clone(&meters))?;
        let journal = Self {
            segments,
            outbox,
            meters,
        };
        Ok((journal, replay))
    }

    /// Appends one frame and returns its sequence **once the frame is durable**. Waits while the
    /// queue is full. Dropping the future before it is ready leaves open whether the frame is
    /// written.
    ///
    /// # Errors
    /// See [`AppendError`]; a frame that was refused may still be found by a later recovery.
    pub async fn append(&self, payload: Bytes) -> Result<Sequence, AppendError> {
        self.outbox.append(payload, None).await
    }

    /// The same with a payload that is sealed when its sequence is known: it is the number of the message
    /// that stands in the frame, so that a frame cannot be moved.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub async fn append_sealed(
        &self,
        payload: Bytes,
        envelope: Arc<Envelope>,
    ) -> Result<Sequence, AppendError> {
        self.outbox.append(payload, Some(envelope)).await
    }

    /// Frames that callers of [`Journal::append`] are waiting for, those waiting for room included.
    #[must_use]
    pub fn queued_frames(&self) -> usize {
        self.outbox.queued_frames()
    }

    /// Payload bytes of the [`Journal::queued_frames`].
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.outbox.queued_bytes()
    }

    /// The last acknowledged frame, or the one before the first when there is none yet.
    #[must_use]
    pub fn last_synced(&self) -> Sequence {
        self.segments.last_synced()
    }

    /// Closes the active segment, so that [`Journal::delete_through`] may remove it.
    ///
    /// # Errors
    /// [`AppendError::Closed`] if the writer is gone.
    pub async fn rotate(&self) -> Result<(), AppendError> {
        self.outbox.rotate().await
    }

    /// Removes closed segments that hold no frame after `through`, and returns the bytes freed.
    /// The caller must have everything through that sequence durable elsewhere, and must open the
    /// journal with at least that `start_after` from then on. Blocks on the disk.
    ///
    /// # Errors
    /// The disk's; segments that could not be removed stay, and a later call tries again.
    pub fn delete_through(&self, through: Sequence) -> io::Result<u64> {
        self.segments.delete_through(through)
    }

    /// Acknowledged frames from `from` on, in order, until their payloads make `bytes_max`; at
    /// least one if there is any. A jump in the sequences means that frames were deleted or
    /// damaged. Blocks on the disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn read_from(&self, from: Sequence, bytes_max: usize) -> io::Result<Vec<Frame>> {
        cursor::read_from(&self.segments, from, bytes_max)
    }

    /// The journal now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            queued_frames: self.outbox.queued_frames(),
            queued_bytes: self.outbox.queued_bytes(),
            last_sync: self.meters.last_sync(),
            ..self.segments.stats()
        }
    }

    /// What lies behind frame `after`, which is durable elsewhere.
    #[must_use]
    pub fn lag(&self, after: Sequence) -> Lag {
        self.segments.lag(after)
    }

    /// What the writer times and counts, to be shown.
    #[must_use]
    pub fn meters(&self) -> Vec<Source> {
        self.meters.sources()
    }

    /// Where the journal is.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.segments.dir().to_owned()
    }
}

#[cfg(test)]
mod tests;
