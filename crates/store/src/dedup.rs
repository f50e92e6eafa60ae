//! A repeated delivery changes no answer: the identities of what was stored lately.
//!
//! An identity is 80 bits of the keyed content hash (with the ordinal among identical items of one
//! request mixed in). At a hundred million items a day the chance of one false match in a year is
//! about one in a million. Identities are kept for at least [`HORIZON_NS`] of the data directory's
//! age (`age.rs`) in generations, so that forgetting is dropping a whole set; the flush writes them
//! beside the parts, so a restart keeps them.
//!
//! On disk (one file per flush): the sorted identities, transposed so that equal leading bytes lie
//! together, compressed.
//!
//! ```text
//! magic "TLYI" | version u16 | reserved u16 | count u64 | newest received_at u64 ns | crc32c u32 | zstd(10 planes of count bytes)
//! ```
//! All numbers little-endian; the checksum covers everything but itself.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use crate::error::Unreadable;

/// Bytes of one identity.
pub(crate) const IDENTITY_BYTES: usize = 10;
/// How long a delivery is remembered: 24 hours of the data directory's age.
pub(crate) const HORIZON_NS: u64 = 24 * 3600 * 1_000_000_000;
/// How much time one generation spans.
const GENERATION_NS: u64 = HORIZON_NS / 4;
const MAGIC: &[u8; 4] = b"TLYI";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 28;
/// No flush holds more; a larger count in a header is damage.
const COUNT_MAX: u64 = 1 << 28;
const LEVEL: i32 = 3;

/// What an item is known by.
pub(crate) type Identity = [u8; IDENTITY_BYTES];

/// The identity of a content hash and its ordinal among identical items of the same request.
pub(crate) fn identity(hash: u128, ordinal: u32) -> Identity {
    // An odd multiplier is a bijection, so different ordinals of one hash never meet.
    let mixed = hash
        .wrapping_add(u128::from(ordinal).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
    let bytes = mixed.to_be_bytes();
    let mut identity = [0; IDENTITY_BYTES];
    identity.copy_from_slice(&bytes[..IDENTITY_BYTES]);
    identity
}

/// Identities are hashes already.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_usize(&mut self, _length_prefix: usize) {}
}

type Set = HashSet<Identity, BuildHasherDefault<FirstBytes>>;

struct Generation {
    /// The data directory's age when the first and the latest item came.
    started_ns: u64,
    newest_ns: u64,
    set: Set,
}

/// The identities within the horizon.
#[derive(Default)]
pub(crate) struct Dedup {
    generations: VecDeque<Generation>,
}

impl Dedup {
    /// Remembers an identity that came at this age of the data directory; false when it was known.
    pub(crate) fn insert(&mut self, identity: Identity, age_ns: u64) -> bool {
        self.current(age_ns);
        let Some((newest, older)) = self.generations.make_contiguous().split_last_mut() else {
            return true;
        };
        !older
            .iter()
            .any(|generation| generation.set.contains(&identity))
            && newest.set.insert(identity)
    }

    /// Forgets an identity that was inserted just now.
    pub(crate) fn remove(&mut self, identity: &Identity) {
        if let Some(newest) = self.generations.back_mut() {
            newest.set.remove(identity);
        }
    }

    /// Makes sure that the newest generation may take an item that comes now.
    fn current(&mut self, age_ns: u64) {
        let fits = self
            .generations
            .back()
            .is_some_and(|last| age_ns < last.started_ns + GENERATION_NS);
        if !fits {
            self.forget_before(age_ns.saturating_sub(HORIZON_NS));
            let set = Set::default();
            self.generations.push_back(Generation {
                newest_ns: age_ns,
                started_ns: age_ns,
                set,
            });
        }
        if let Some(last) = self.generations.back_mut() {
            last.newest_ns = last.newest_ns.max(age_ns);
        }
    }

    fn forget_before(&mut self, horizon_ns: u64) {
        self.generations
            .retain(|generation| generation.newest_ns >= horizon_ns);
    }

    /// Takes the identities of an earlier flush back; the newest of them came at age `newest_ns`.
    pub(crate) fn restore(&mut self, identities: Vec<Identity>, newest_ns: u64) {
        let at = self
            .generations
            .iter()
            .position(|own| own.newest_ns > newest_ns)
            .unwrap_or(self.generations.len());
        // Neighbouring flushes share a generation, so that a look-up touches few sets.
        if let Some(before) = at.checked_sub(1).map(|index| &mut self.generations[index])
            && newest_ns < before.started_ns + GENERATION_NS
        {
            before.set.extend(identities);
            before.newest_ns = newest_ns;
            return;
        }
        let set = identities.into_iter().collect();
        self.generations.insert(
            at,
            Generation {
                newest_ns,
                started_ns: newest_ns,
                set,
            },
        );
    }

    /// How many identities are remembered.
    pub(crate) fn len(&self) -> usize {
        self.generations
            .iter()
            .map(|generation| generation.set.len())
            .sum()
    }
}

/// The file of one flush's identities. Sorts them.
pub(crate) fn encode(identities: &mut [Identity], newest_ns: u64) -> std::io::Result<Vec<u8>> {
    identities.sort_unstable();
    let mut planes = Vec::with_capacity(identities.len() * IDENTITY_BYTES);
    for plane in 0..IDENTITY_BYTES {
        planes.extend(identities.iter().map(|identity| identity[plane]));
    }
    let packed = zstd::bulk::compress(&planes, LEVEL)?;
    let mut out = Vec::with_capacity(HEADER_BYTES + packed.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(identities.len() as u64).to_le_bytes());
    out.extend_from_slice(&newest_ns.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&out), &packed);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&packed);
    Ok(out)
}

/// The identities of a file, and the newest time of receipt among them.
pub(crate) fn decode(file: &[u8]) -> Result<(Vec<Identity>, u64), Unreadable> {
    let header = file.get(..HEADER_BYTES).ok_or("shorter than its header")?;
    let number = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().unwrap_or_default());
    if &header[..4] != MAGIC {
        return Err("not a file of identities".into());
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if version > VERSION {
        return Err(Unreadable::Newer {
            found: version.into(),
            known: VERSION.into(),
        });
    }
    let packed = &file[HEADER_BYTES..];
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..24]), packed);
    if header[24..28] != checksum.to_le_bytes() {
        return Err("checksum does not match".into());
    }
    let count = number(8);
    if count > COUNT_MAX {
        return Err(format!("claims {count} identities").into());
    }
    let count = count as usize;
    let planes = zstd::bulk::decompress(packed, count * IDENTITY_BYTES)
        .map_err(|error| error.to_string())?;
    if planes.len() != count * IDENTITY_BYTES {
        return Err("holds fewer identities than it claims".into());
    }
    let identities = (0..count)
        .map(|row| std::array::from_fn(|plane| planes[plane * count + row]))
        .collect();
    Ok((identities, number(16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> Identity {
        identity(
            u128::from(number).wrapping_mul(0x1234_5678_9ABC_DEF1_1234_5678_9ABC_DEF1),
            0,
        )
    }

    #[test]
    fn ordinals_tell_identical_items_apart() {
        assert_ne!(identity(7, 0), identity(7, 1));
        assert_eq!(identity(7, 3), identity(7, 3));
    }

    #[test]
    fn known_for_the_whole_horizon_then_forgotten() {
        let mut dedup = Dedup::default();
        let start = HORIZON_NS * 100;
        assert!(dedup.insert(id(1), start));
        for step in 0..=24 {
            let now = start + step * HORIZON_NS / 24;
            assert!(!dedup.insert(id(1), now), "hour {step}");
            assert!(dedup.insert(id(100 + step), now));
        }
        assert!(dedup.insert(id(1), start + 3 * HORIZON_NS));
        assert!(dedup.len() < 27);
    }

    #[test]
    fn a_restart_keeps_what_was_flushed() {
        let mut identities: Vec<_> = (0..1000).map(id).collect();
        let file = encode(&mut identities, 42).expect("encodes");
        let (mut back, newest) = decode(&file).expect("decodes");
        back.sort_unstable();
        assert_eq!((&back, newest), (&identities, 42));
        let mut dedup = Dedup::default();
        dedup.restore(back, 42);
        assert!(!dedup.insert(id(999), 43));
        assert!(dedup.insert(id(1000), 43));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut identities: Vec<_> = (0..8).map(id).collect();
        let file = encode(&mut identities, 42).expect("encodes");
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(decode(&file[..length]).is_err(), "length {length}");
        }
    }
}
