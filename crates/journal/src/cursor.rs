//! Reads acknowledged frames of a live journal, from any sequence on.
//!
//! Invariant: returns only frames that were synced and are not void, in order.

use std::io;
use std::sync::Arc;

use crate::Frame;
use crate::format::Sequence;
use crate::scan::{Found, Scan};
use crate::segments::{Segment, Segments};

pub(crate) fn read_from(
    segments: &Segments,
    from: Sequence,
    bytes_max: usize,
) -> io::Result<Vec<Frame>> {
    let mut read = Read {
        next: from,
        bytes_left: bytes_max,
        frames: Vec::new(),
    };
    for segment in segments.with_frames_from(from) {
        match read.segment(segments, &segment) {
            // Deleted since we looked: what it held is durable elsewhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound && read.frames.is_empty() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            outcome => outcome?,
        }
        if read.bytes_left == 0 {
            break;
        }
    }
    Ok(read.frames)
}

/// One answer in the making.
struct Read {
    next: Sequence,
    bytes_left: usize,
    frames: Vec<Frame>,
}

impl Read {
    fn segment(&mut self, segments: &Segments, segment: &Segment) -> io::Result<()> {
        let Some(salt) = segment.salt else {
            return Ok(());
        };
        let path = segments.path_of(segment.first);
        let start = segment.offset_before(self.next);
        let mut scan =
            Scan::new(Arc::clone(segments.disk()), path, salt, segment.bytes).starting_at(start);
        while self.next <= segment.last {
            match scan.next(self.next)? {
                Found::Frame(frame) if frame.sequence > segment.last => break,
                Found::Frame(frame) if self.takes(&frame) => {
                    self.next = frame.sequence.next();
                    self.bytes_left = self.bytes_left.saturating_sub(frame.payload.len());
                    self.frames.push(frame);
                    segments.mark(segment.first, self.next, scan.position());
                }
                Found::Frame(_) => {
                    self.bytes_left = 0;
                    break;
                }
                Found::Damage { .. } => {}
                Found::End => break,
            }
        }
        Ok(())
    }

    fn takes(&self, frame: &Frame) -> bool {
        self.frames.is_empty() || frame.payload.len() <= self.bytes_left
    }
}
