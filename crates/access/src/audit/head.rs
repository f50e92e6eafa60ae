//! Where the trail ends: `head`.
//!
//! Two slots of 4096 bytes, written in turn, so that a torn write leaves the other. In each, 104 bytes:
//!
//! ```text
//! 0..8    "TBAUDIT1"
//! 8..16   sequence of the last record            u64, little endian
//! 16..24  segment that the last record is in     u64
//! 24..32  bytes of that segment up to its end    u64
//! 32..40  how often the head was written         u64
//! 40..72  hash of the last record
//! 72..104 HMAC-SHA256 of 0..72
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use ring::hmac;

use super::line::Link;

const MAGIC: &[u8; 8] = b"TBAUDIT1";
const SIGNED: usize = 72;
const BYTES: usize = 104;
const SLOT: u64 = 4096;

/// The key that seals heads.
pub(super) struct Seal(hmac::Key);

/// Where the trail ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) segment: u64,
    pub(super) bytes: u64,
    turn: u64,
    pub(super) link: Link,
}

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Seal {
        Seal(hmac::Key::new(hmac::HMAC_SHA256, key))
    }
}

impl Head {
    /// The head of a trail without a record.
    pub(super) fn of_nothing() -> Head {
        Head {
            segment: 1,
            ..Head::default()
        }
    }

    /// The newest of both slots; `None` when neither is sound.
    pub(super) fn read(file: &File, seal: &Seal) -> io::Result<Option<Head>> {
        let mut newest: Option<Head> = None;
        for slot in 0..2 {
            let mut bytes = [0; BYTES];
            match file.read_exact_at(&mut bytes, slot * SLOT) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                read => read?,
            }
            if let Some(head) = Head::decoded(&bytes, seal)
                && newest.is_none_or(|newest| newest.turn < head.turn)
            {
                newest = Some(head);
            }
        }
        Ok(newest)
    }

    /// Writes it beside the newest, and returns when it is on the disk.
    pub(super) fn write(&mut self, file: &File, seal: &Seal) -> io::Result<()> {
        self.turn += 1;
        file.write_all_at(&self.encoded(seal), (self.turn % 2) * SLOT)?;
        file.sync_data()
    }

    fn encoded(&self, seal: &Seal) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        let numbers = [self.sequence, self.segment, self.bytes, self.turn];
        for (at, number) in numbers.iter().enumerate() {
            bytes[8 + 8 * at..16 + 8 * at].copy_from_slice(&number.to_le_bytes());
        }
        bytes[40..SIGNED].copy_from_slice(&self.link.0);
        let tag = hmac::sign(&seal.0, &bytes[..SIGNED]);
        bytes[SIGNED..].copy_from_slice(tag.as_ref());
        bytes
    }

    fn decoded(bytes: &[u8; BYTES], seal: &Seal) -> Option<Head> {
        if &bytes[..8] != MAGIC {
            return None;
        }
        hmac::verify(&seal.0, &bytes[..SIGNED], &bytes[SIGNED..]).ok()?;
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let mut link = Link::default();
        link.0.copy_from_slice(&bytes[40..SIGNED]);
        Some(Head {
            sequence: number(8),
            segment: number(16),
            bytes: number(24),
            turn: number(32),
            link,
        })
    }
}
