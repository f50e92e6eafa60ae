//! Fields into ascending order, the last of duplicates kept.
//!
//! Invariant: the fields of a written message stand in ascending order of number, each JSON name
//! once, at most one member of a oneof: two requests of the same content are the same bytes.
//! JavaScript's usual order needs one move per record.

use crate::schema::{Field, Message, Presence, Role};

/// Where the fields of the messages in hand have been written: one entry per JSON name.
#[derive(Default)]
pub(super) struct Arranger {
    segments: Vec<Segment>,
    scratch: Vec<u8>,
}

struct Segment {
    number: u32,
    start: usize,
    end: usize,
}

/// A message whose fields are being written.
#[derive(Clone, Copy)]
pub(super) struct Arranging {
    first: usize,
    start: usize,
}

impl Arranger {
    /// Begins a message whose content starts at `start`.
    pub(super) fn begin(&self, start: usize) -> Arranging {
        Arranging {
            first: self.segments.len(),
            start,
        }
    }

    /// Forgets the messages begun since; for when an item is given up.
    pub(super) fn abandon(&mut self, arranging: Arranging) {
        self.segments.truncate(arranging.first);
    }

    /// A field has been written from `start` to `end`; nothing at all if it was null. Returns
    /// whether what was written before no longer counts.
    pub(super) fn written(
        &mut self,
        arranging: Arranging,
        message: &Message,
        field: &Field,
        (start, end): (usize, usize),
    ) -> bool {
        let before = self.segments.len();
        // The groups of an envelope add up: a repeated name must not cost the items under it.
        let adds_up = message.role == Role::Envelope && field.presence == Presence::Repeated;
        if !adds_up {
            let is_oneof = field.presence == Presence::OneOf && end > start;
            let mut position = arranging.first;
            while let Some(other) = self.segments.get(position) {
                let is_same = other.number == field.number;
                let is_rival = is_oneof
                    && message
                        .field(other.number)
                        .is_some_and(|other| other.presence == Presence::OneOf);
                if is_same || is_rival {
                    self.segments.remove(position);
                } else {
                    position += 1;
                }
            }
        }
        let is_overruled = self.segments.len() < before;
        if end > start {
            self.segments.push(Segment {
                number: field.number,
                start,
                end,
            });
        }
        is_overruled
    }

    /// Ends a message: its content, which `out` ends with, is put in order.
    pub(super) fn finish(&mut self, arranging: Arranging, out: &mut Vec<u8>) {
        let segments = &mut self.segments[arranging.first..];
        let mut end = arranging.start;
        let mut last = 0;
        let mut is_arranged = true;
        for segment in segments.iter() {
            is_arranged &= segment.start == end && segment.number >= last;
            end = segment.end;
            last = segment.number;
        }
        if !is_arranged || end != out.len() {
            segments.sort_by_key(|segment| segment.number);
            self.scratch.clear();
            self.scratch.extend_from_slice(&out[arranging.start..]);
            out.truncate(arranging.start);
            for segment in segments.iter() {
                let (start, end) = (
                    segment.start - arranging.start,
                    segment.end - arranging.start,
                );
                out.extend_from_slice(&self.scratch[start..end]);
            }
        }
        self.segments.truncate(arranging.first);
    }
}
