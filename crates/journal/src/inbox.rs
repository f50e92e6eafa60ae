//! The writer's side of the queue: waiting frames become batches here.
//!
//! Invariant: frames keep their order, a batch has at most [`BATCH_BYTES_MAX`] payload bytes unless it
//! is a single frame, and a rotation happens after all frames that were queued before it.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::append::Waiting;

/// More would not make syncing cheaper, but would make the first of the batch wait longer.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// What callers ask of the writer.
#[derive(Debug)]
pub(crate) enum Message {
    Append(Waiting),
    Rotate {
        reply: oneshot::Sender<()>,
        _room: OwnedSemaphorePermit,
    },
}

/// What the writer does next.
pub(crate) enum Work {
    Commit(Vec<Waiting>),
    Rotate(oneshot::Sender<()>),
}

pub(crate) struct Inbox {
    receiver: Receiver<Message>,
    gather_window: Duration,
    /// Taken from the queue, but belongs after the batch.
    postponed: Option<Message>,
}

impl Inbox {
    pub(crate) fn new(receiver: Receiver<Message>, gather_window: Duration) -> Self {
        Self {
            receiver,
            gather_window,
            postponed: None,
        }
    }

    /// Waits for work; `None` when there will never be any more.
    pub(crate) fn next(&mut self) -> Option<Work> {
        let first = match self.postponed.take() {
            Some(message) => message,
            None => self.receiver.recv().ok()?,
        };
        match first {
            Message::Append(waiting) => Some(Work::Commit(self.gather(waiting))),
            Message::Rotate { reply, .. } => Some(Work::Rotate(reply)),
        }
    }

    fn gather(&mut self, first: Waiting) -> Vec<Waiting> {
        let deadline = Instant::now() + self.gather_window;
        let mut bytes = first.payload_len();
        let mut batch = vec![first];
        while bytes < BATCH_BYTES_MAX {
            match self.receive_until(deadline) {
                Some(Message::Append(next)) if bytes + next.payload_len() <= BATCH_BYTES_MAX => {
                    bytes += next.payload_len();
                    batch.push(next);
                }
                Some(other) => {
                    self.postponed = Some(other);
                    break;
                }
                None => break,
            }
        }
        // Work for callers who have given up is work taken from those who have not.
        batch.retain(|waiting| !waiting.is_abandoned());
        batch
    }

    fn receive_until(&self, deadline: Instant) -> Option<Message> {
        if self.gather_window.is_zero() {
            return self.receiver.try_recv().ok();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.receiver.recv_timeout(left).ok()
    }
}
