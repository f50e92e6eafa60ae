//! Reads the frames of one segment, past damage.
//!
//! Invariant: returns every undamaged frame exactly once and in order, in time linear in the segment's
//! length and with memory bounded by the largest frame; never panics on any contents.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base::Disk;

use crate::Frame;
use crate::format::{FRAME_HEADER_LEN, FrameHeader, SEGMENT_HEADER_LEN, Sequence};

/// Bytes read at once. Payloads that do not fit are read straight to where they are needed.
const WINDOW_LEN: usize = 256 << 10;

/// What a scan finds next.
#[derive(Debug)]
pub(crate) enum Found {
    Frame(Frame),
    /// Bytes that are not a frame, up to the next frame or the end.
    Damage {
        offset: u64,
        bytes: u64,
    },
    End,
}

/// A pass over one segment.
pub(crate) struct Scan {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    salt: u64,
    /// Bytes of the segment to read; what is behind them does not exist.
    end: u64,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl Scan {
    /// A pass over the first `end` bytes of the segment.
    pub(crate) fn new(disk: Arc<dyn Disk>, path: PathBuf, salt: u64, end: u64) -> Self {
        Self {
            disk,
            path,
            salt,
            end,
            position: SEGMENT_HEADER_LEN as u64,
            window: Vec::new(),
            window_start: 0,
        }
    }

    /// Begins at `position`, where a frame is known to begin.
    pub(crate) fn starting_at(mut self, position: u64) -> Self {
        self.position = position;
        self
    }

    /// Where the next frame is expected.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next frame with sequence `from` or later, or the damage before it. Payloads of earlier
    /// frames are passed by unread. After an error the pass stands where it stood before.
    pub(crate) fn next(&mut self, from: Sequence) -> io::Result<Found> {
        let before = self.position;
        let outcome = self.advance(from);
        if outcome.is_err() {
            self.position = before;
        }
        outcome
    }

    fn advance(&mut self, from: Sequence) -> io::Result<Found> {
        while self.position < self.end {
            let offset = self.position;
            let salt = self.salt;
            let Some(header) = FrameHeader::decode(self.header_bytes(offset)?, salt) else {
                self.position = self.find_header(offset + 1)?;
                return Ok(self.damage_since(offset));
            };
            let frame_end = offset + header.frame_len();
            if frame_end > self.end {
                self.position = self.end;
                return Ok(self.damage_since(offset));
            }
            self.position = frame_end;
            if header.sequence < from {
                continue;
            }
            let start = offset + FRAME_HEADER_LEN as u64;
            let payload = self.copy(start, header.payload_len as usize)?;
            if !header.matches(&payload) {
                return Ok(self.damage_since(offset));
            }
            return Ok(Found::Frame(Frame {
                sequence: header.sequence,
                payload: payload.into(),
            }));
        }
        Ok(Found::End)
    }

    fn damage_since(&self, offset: u64) -> Found {
        Found::Damage {
            offset,
            bytes: self.position - offset,
        }
    }

    /// Offset of the first valid frame header at `from` or later, or the end.
    fn find_header(&mut self, from: u64) -> io::Result<u64> {
        let salt = self.salt;
        let mut start = from;
        while start + FRAME_HEADER_LEN as u64 <= self.end {
            self.fill_window(start)?;
            let mut candidates = self.window.windows(FRAME_HEADER_LEN);
            if let Some(at) =
                candidates.position(|bytes| FrameHeader::decode(bytes, salt).is_some())
            {
                return Ok(start + at as u64);
            }
            start += (self.window.len() - FRAME_HEADER_LEN + 1) as u64;
        }
        Ok(self.end)
    }

    /// The bytes of a frame header at `offset`; fewer at the end of the segment.
    fn header_bytes(&mut self, offset: u64) -> io::Result<&[u8]> {
        let wanted_end = (offset + FRAME_HEADER_LEN as u64).min(self.end);
        let window_end = self.window_start + self.window.len() as u64;
        if offset < self.window_start || wanted_end > window_end {
            self.fill_window(offset)?;
        }
        let start = (offset - self.window_start) as usize;
        Ok(&self.window[start..start + (wanted_end - offset) as usize])
    }

    fn copy(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        // The header at `offset` was read through the window, which therefore begins before it.
        let start = self.window.len().min((offset - self.window_start) as usize);
        let known = &self.window[start..self.window.len().min(start + len)];
        bytes[..known.len()].copy_from_slice(known);
        let rest = &mut bytes[known.len()..];
        if !rest.is_empty() {
            let filled = self
                .disk
                .read_at(&self.path, offset + known.len() as u64, rest)?;
            whole(filled, rest.len())?;
        }
        Ok(bytes)
    }

    /// Moves the window to `offset`, as long as it may be.
    fn fill_window(&mut self, offset: u64) -> io::Result<()> {
        let len = (self.end - offset).min(WINDOW_LEN as u64) as usize;
        self.window_start = offset;
        self.window.resize(len, 0);
        let filled = self.disk.read_at(&self.path, offset, &mut self.window);
        let outcome = filled.and_then(|filled| whole(filled, len));
        if outcome.is_err() {
            self.window.clear();
        }
        outcome
    }
}

/// A segment never becomes shorter while it is read.
fn whole(filled: usize, wanted: usize) -> io::Result<()> {
    if filled == wanted {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
