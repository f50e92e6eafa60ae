//! Protobuf, written front to back into one buffer.
//!
//! Invariant: a nested message's length is as short as it can be. Room for the likely length is left
//! open and the content moved only if the guess was wrong, so that the cost is linear in the bytes
//! times the levels, and levels are few.

/// A message that is being written.
#[must_use]
pub(crate) struct Open {
    /// Where its length stands.
    at: usize,
    /// How many bytes were left for the length.
    room: usize,
}

/// How long a nested message probably is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// Below 128 bytes: values, attributes.
    Small,
    /// Below 16 KiB: items.
    Medium,
    /// Below 2 MiB: groups of items.
    Large,
}

const VARINT: u64 = 0;
const EIGHT: u64 = 1;
const LENGTH: u64 = 2;
const FOUR: u64 = 5;

/// Writes fields. The plain methods write nothing for a default value, `*_set` always write.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) out: Vec<u8>,
}

impl Writer {
    fn tag(&mut self, number: u32, wire_type: u64) {
        self.raw_varint(u64::from(number) << 3 | wire_type);
    }

    #[inline]
    pub(crate) fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub(crate) fn varint_set(&mut self, number: u32, value: u64) {
        self.tag(number, VARINT);
        self.raw_varint(value);
    }

    pub(crate) fn varint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.varint_set(number, value);
        }
    }

    pub(crate) fn eight_set(&mut self, number: u32, value: u64) {
        self.tag(number, EIGHT);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn eight(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.eight_set(number, value);
        }
    }

    pub(crate) fn four_set(&mut self, number: u32, value: u32) {
        self.tag(number, FOUR);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn four(&mut self, number: u32, value: u32) {
        if value != 0 {
            self.four_set(number, value);
        }
    }

    pub(crate) fn bytes_set(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, LENGTH);
        self.raw_varint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes_set(number, bytes);
        }
    }

    /// Begins a nested message; `close` ends it.
    pub(crate) fn open(&mut self, number: u32, size: Size) -> Open {
        self.tag(number, LENGTH);
        let room = match size {
            Size::Small => 1,
            Size::Medium => 2,
            Size::Large => 3,
        };
        let at = self.out.len();
        self.out.resize(at + room, 0);
        Open { at, room }
    }

    pub(crate) fn close(&mut self, open: Open) {
        let Open { at, room } = open;
        let start = at + room;
        let end = self.out.len();
        let mut length = (end - start) as u64;
        let needed = varint_length(length);
        if needed > room {
            self.out.resize(end + needed - room, 0);
        }
        if needed != room {
            self.out.copy_within(start..end, at + needed);
            self.out.truncate(end + needed - room);
        }
        for place in &mut self.out[at..at + needed] {
            *place = length as u8 | 0x80;
            length >>= 7;
        }
        self.out[at + needed - 1] &= 0x7f;
    }

    /// Whether nothing has been written since `open`.
    pub(crate) fn is_empty(&self, open: &Open) -> bool {
        self.out.len() == open.at + open.room
    }
}

/// How many bytes a varint takes.
fn varint_length(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Zigzag: small for small numbers of either sign, as `sint32` has it.
pub(crate) fn zigzag(value: i32) -> u64 {
    u64::from((value << 1 ^ value >> 31) as u32)
}

/// The inverse of `zigzag`.
pub(crate) fn unzigzag(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1) as i32 ^ -((value & 1) as i32)
}
