//! The writer thread: group commit, segments, and what happens after a failure.
//!
//! Invariants:
//! - A frame is acknowledged only after its bytes, its segment's header and its segment's name have
//!   been synced.
//! - After a failed write or sync a segment is never written or synced again: the system may have
//!   dropped the pages and would call the next sync a success. The next batch begins a fresh segment,
//!   whose first sequence makes void whatever the failed batch left behind.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use base::DiskFile;

use crate::append::{AppendError, Outbox, Waiting};
use crate::config::Config;
use crate::format::{FRAME_HEADER_LEN, FrameHeader, SEGMENT_HEADER_LEN, SegmentHeader, Sequence};
use crate::inbox::{Inbox, Work};
use crate::meters::Meters;
use crate::recovery::OpenError;
use crate::segments::Segments;

/// Starts the writer thread of an opened journal.
pub(crate) fn start(
    config: &Config,
    segments: Arc<Segments>,
    meters: Arc<Meters>,
) -> Result<Outbox, OpenError> {
    let (sender, receiver) = mpsc::sync_channel(config.queue_frames_max);
    let mut inbox = Inbox::new(receiver, config.gather_window);
    let mut writer = Writer {
        next: segments.last_synced().next(),
        segments,
        meters,
        segment_target_bytes: config.segment_target_bytes,
        salt: config.salt,
        active: None,
        failing: false,
    };
    let thread = thread::Builder::new()
        .name("journal-writer".to_owned())
        .spawn(move || writer.run(&mut inbox))
        .map_err(OpenError::Thread)?;
    Ok(Outbox::new(config, sender, thread))
}

struct Writer {
    segments: Arc<Segments>,
    meters: Arc<Meters>,
    segment_target_bytes: u64,
    salt: u64,
    /// Sequence of the next frame. It moves only when a batch is acknowledged.
    next: Sequence,
    active: Option<Active>,
    /// Whether the last batch failed: logged when it begins and when it ends, not for every batch.
    failing: bool,
}

/// The segment that is being written.
struct Active {
    file: Box<dyn DiskFile>,
    first: Sequence,
    salt: u64,
    /// Synced bytes. The file ends here, or is no longer active.
    bytes: u64,
}

impl Writer {
    fn run(&mut self, inbox: &mut Inbox) {
        while let Some(work) = inbox.next() {
            match work {
                Work::Commit(batch) => self.commit(batch),
                Work::Rotate(reply) => {
                    self.retire_active();
                    let _ = reply.send(());
                }
            }
        }
        self.retire_active();
    }

    /// Makes a batch durable with one sync and answers every caller.
    fn commit(&mut self, batch: Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        let outcome = self.write_durably(&batch);
        self.log_change(outcome.as_ref().err());
        match outcome {
            Ok(first) => {
                for (ordinal, waiting) in (0..).zip(batch) {
                    waiting.answer(Ok(first.plus(ordinal)));
                }
            }
            Err(error) => {
                self.meters.failed();
                let error = AppendError::from(error);
                for waiting in batch {
                    waiting.answer(Err(error.clone()));
                }
            }
        }
    }

    /// Returns the first frame's sequence once all frames are durable.
    fn write_durably(&mut self, batch: &[Waiting]) -> io::Result<Sequence> {
        let batch_len = batch
            .iter()
            .map(|w| (FRAME_HEADER_LEN + w.payload_len()) as u64)
            .sum();
        let first = self.next;
        let mut active = self.segment_with_room(batch_len)?;
        if let Err(error) = active.append(first, batch, &self.meters) {
            self.abandon(active);
            return Err(error);
        }
        active.bytes += batch_len;
        self.next = first.plus(batch.len() as u64);
        self.meters.wrote(batch.len() as u64, batch_len);
        self.segments.publish(self.next.previous(), active.bytes);
        self.active = Some(active);
        Ok(first)
    }

    /// Takes the active segment, or begins one.
    fn segment_with_room(&mut self, batch_len: u64) -> io::Result<Active> {
        if let Some(active) = &self.active {
            let is_empty = active.bytes <= SEGMENT_HEADER_LEN as u64;
            if !is_empty && active.bytes + batch_len > self.segment_target_bytes {
                self.retire_active();
            }
        }
        match self.active.take() {
            Some(active) => Ok(active),
            None => self.begin_segment(),
        }
    }

    fn begin_segment(&mut self) -> io::Result<Active> {
        let first = self.next;
        let salt = salt_of(self.salt, first);
        let path = self.segments.path_of(first);
        let disk = self.segments.disk();
        let mut file = match disk.create_new(&path) {
            // Nothing acknowledged is in a file of this name, for its first frame is yet to come:
            // it is left from an attempt that failed and could not be tidied up.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove(&path)?;
                disk.create_new(&path)?
            }
            created => created?,
        };
        let header = SegmentHeader { first, salt }.encode();
        let durable = file
            .write_all(&mut [IoSlice::new(&header)])
            .and_then(|()| file.sync_data())
            .and_then(|()| disk.sync_dir(self.segments.dir()));
        if let Err(error) = durable {
            // If this fails too, the next attempt finds the file and removes it.
            let _ = disk.remove(&path);
            return Err(error);
        }
        self.segments.begin(first, salt);
        Ok(Active {
            file,
            first,
            salt,
            bytes: SEGMENT_HEADER_LEN as u64,
        })
    }

    /// Closes the active segment, all of which is synced.
    fn retire_active(&mut self) {
        if let Some(active) = self.active.take() {
            self.forget(&active);
        }
    }

    /// Closes a segment after a failure. All that follows is courtesy, so its errors are ignored: a
    /// shorter file gives space back, and hides from a restarted process what the system's cache has
    /// and the disk may not have. No sync: see the module's invariants.
    fn abandon(&mut self, mut active: Active) {
        let _ = active.file.set_len(active.bytes);
        self.forget(&active);
    }

    fn forget(&self, active: &Active) {
        let holds_frames = self.segments.end();
        if !holds_frames {
            let _ = self
                .segments
                .disk()
                .remove(&self.segments.path_of(active.first));
        }
    }

    fn log_change(&mut self, error: Option<&io::Error>) {
        let dir = self.segments.dir().display();
        match (self.failing, error) {
            (false, Some(error)) => {
                tracing::error!(%dir, %error, "the journal cannot be written; appends are refused");
            }
            (true, None) => tracing::info!(%dir, "the journal can be written again"),
            _ => {}
        }
        self.failing = error.is_some();
    }
}

impl Active {
    /// Writes and syncs the frames; payloads that are not sealed are not copied on the way.
    fn append(&mut self, first: Sequence, batch: &[Waiting], meters: &Meters) -> io::Result<()> {
        let payloads = (0..)
            .zip(batch)
            .map(|(ordinal, w)| w.payload(first.plus(ordinal)))
            .collect::<io::Result<Vec<_>>>()?;
        let headers: Vec<[u8; FRAME_HEADER_LEN]> = (0..)
            .zip(&payloads)
            .map(|(ordinal, payload)| {
                FrameHeader::new(self.salt, first.plus(ordinal), payload).encode()
            })
            .collect();
        let mut slices: Vec<IoSlice<'_>> = headers
            .iter()
            .zip(&payloads)
            .flat_map(|(header, payload)| [IoSlice::new(header), IoSlice::new(payload)])
            .collect();
        self.file.write_all(&mut slices)?;
        meters.sync(|| self.file.sync_data())
    }
}

/// A different salt for every segment, so that bytes of an old one never verify in another.
fn salt_of(salt: u64, first: Sequence) -> u64 {
    let mixed = (salt ^ first.get()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32) ^ salt.rotate_left(17)
}
