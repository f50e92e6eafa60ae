//! The caller's side of an append: back-pressure, waiting, the answer.
//!
//! Invariant: never more than `queue_frames_max` frames and `queued_bytes_max` payload bytes are with
//! the writer; room is given back only when the frame's memory is no longer held for it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use base::seal::{Envelope, MESSAGE_OVERHEAD_BYTES};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::Config;
use crate::format::{PAYLOAD_BYTES_MAX, Sequence};
use crate::inbox::Message;

/// Why a frame was not acknowledged.
#[derive(Debug, Clone)]
pub enum AppendError {
    /// The payload can never be a frame. Trying again is of no use.
    TooLarge {
        /// Its length.
        payload_bytes: usize,
    },
    /// The disk is full. Appends succeed again by themselves when there is space.
    Full,
    /// Writing or syncing failed. The next append is made to a fresh segment.
    Failed(Arc<io::Error>),
    /// The writer is gone; the journal has to be opened anew.
    Closed,
}

impl AppendError {
    /// Whether the same append may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TooLarge { .. } => false,
            Self::Full | Self::Failed(_) | Self::Closed => true,
        }
    }
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Failed(Arc::new(error)),
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { payload_bytes } => write!(
                f,
                "a payload of {payload_bytes} bytes exceeds the {PAYLOAD_BYTES_MAX} bytes of a frame"
            ),
            Self::Full => f.write_str("the journal's disk is full"),
            Self::Failed(error) => write!(f, "the journal could not be written: {error}"),
            Self::Closed => f.write_str("the journal is closed"),
        }
    }
}

impl std::error::Error for AppendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::TooLarge { .. } | Self::Full | Self::Closed => None,
        }
    }
}

/// Hands frames to the writer thread, and ends it when dropped.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Present until dropped.
    sender: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<()>>,
    frame_room: Arc<Semaphore>,
    byte_room: Arc<Semaphore>,
    queued_bytes_max: u32,
    load: Arc<Load>,
}

impl Outbox {
    /// `sender` must have a capacity of `queue_frames_max`.
    pub(crate) fn new(
        config: &Config,
        sender: SyncSender<Message>,
        writer: JoinHandle<()>,
    ) -> Self {
        let queued_bytes_max = u32::try_from(config.queued_bytes_max).unwrap_or(u32::MAX);
        Self {
            sender: Some(sender),
            writer: Some(writer),
            frame_room: Arc::new(Semaphore::new(config.queue_frames_max)),
            byte_room: Arc::new(Semaphore::new(queued_bytes_max as usize)),
            queued_bytes_max,
            load: Arc::default(),
        }
    }

    pub(crate) async fn append(
        &self,
        payload: Bytes,
        envelope: Option<Arc<Envelope>>,
    ) -> Result<Sequence, AppendError> {
        let sealing_bytes = envelope.as_ref().map_or(0, |_| MESSAGE_OVERHEAD_BYTES);
        if payload.len() + sealing_bytes > PAYLOAD_BYTES_MAX {
            return Err(AppendError::TooLarge {
                payload_bytes: payload.len(),
            });
        }
        let share = Share::of(&self.load, payload.len());
        let byte_permits = self.queued_bytes_max.min(payload.len() as u32);
        let room = Room {
            _frame: acquire(&self.frame_room, 1).await?,
            _bytes: acquire(&self.byte_room, byte_permits).await?,
            _share: share,
        };
        let (reply, answer) = oneshot::channel();
        self.send(Message::Append(Waiting {
            payload,
            envelope,
            reply,
            room,
        }))?;
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    pub(crate) async fn rotate(&self) -> Result<(), AppendError> {
        let room = acquire(&self.frame_room, 1).await?;
        let (reply, answer) = oneshot::channel();
        self.send(Message::Rotate { reply, _room: room })?;
        answer.await.map_err(|_| AppendError::Closed)
    }

    pub(crate) fn queued_frames(&self) -> usize {
        self.load.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn queued_bytes(&self) -> u64 {
        self.load.bytes.load(Ordering::Relaxed)
    }

    /// Never blocks: whoever sends holds room for a frame, and the channel has room for as many.
    fn send(&self, message: Message) -> Result<(), AppendError> {
        let sender = self.sender.as_ref().ok_or(AppendError::Closed)?;
        sender.try_send(message).map_err(|_| AppendError::Closed)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        // The writer ends when the queue is empty and has no sender. Two writers must never meet on
        // one directory, so this waits for it.
        drop(self.sender.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the journal's writer thread panicked");
        }
    }
}

async fn acquire(room: &Arc<Semaphore>, count: u32) -> Result<OwnedSemaphorePermit, AppendError> {
    let permit = Arc::clone(room).acquire_many_owned(count).await;
    permit.map_err(|_| AppendError::Closed)
}

/// A frame on its way to the disk.
#[derive(Debug)]
pub(crate) struct Waiting {
    payload: Bytes,
    envelope: Option<Arc<Envelope>>,
    reply: oneshot::Sender<Result<Sequence, AppendError>>,
    room: Room,
}

impl Waiting {
    /// Tells the caller what became of the frame.
    pub(crate) fn answer(self, outcome: Result<Sequence, AppendError>) {
        drop((self.payload, self.room));
        // A caller that no longer waits does not want to know.
        let _ = self.reply.send(outcome);
    }

    /// Length of the frame's payload.
    pub(crate) fn payload_len(&self) -> usize {
        let sealing_bytes = self.envelope.as_ref().map_or(0, |_| MESSAGE_OVERHEAD_BYTES);
        self.payload.len() + sealing_bytes
    }

    /// The payload as it stands in the frame with this sequence.
    pub(crate) fn payload(&self, sequence: Sequence) -> io::Result<Bytes> {
        match &self.envelope {
            Some(envelope) => envelope
                .seal(sequence.get(), &self.payload)
                .map(Bytes::from),
            None => Ok(self.payload.clone()),
        }
    }

    /// Whether the caller has stopped waiting.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

#[derive(Debug)]
struct Room {
    _frame: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
    _share: Share,
}

/// How much is queued, counting callers that wait for room.
#[derive(Debug, Default)]
struct Load {
    frames: AtomicUsize,
    bytes: AtomicU64,
}

/// One frame's part of the load.
#[derive(Debug)]
struct Share {
    load: Arc<Load>,
    bytes: u64,
}

impl Share {
    fn of(load: &Arc<Load>, payload_bytes: usize) -> Self {
        let bytes = payload_bytes as u64;
        load.frames.fetch_add(1, Ordering::Relaxed);
        load.bytes.fetch_add(bytes, Ordering::Relaxed);
        Self {
            load: Arc::clone(load),
            bytes,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.load.frames.fetch_sub(1, Ordering::Relaxed);
        self.load.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
