//! Times and numbers of events, in as few bytes as they need: what follows the event before takes one
//! byte for its number and one to three for its time.

use integer_encoding::VarInt;

/// A varint of 64 bits is no longer.
const VARINT_BYTES_MAX: usize = 10;

/// Events in the order of their arrival: of each, how far its number and its time lie from what
/// followed the event before.
#[derive(Debug, Default)]
pub(super) struct Trail {
    bytes: Vec<u8>,
    last: Place,
}

/// Where a trail has got to. A trail begins as if the event of number -1 had come at 0.
#[derive(Clone, Copy, Debug)]
struct Place {
    at_ms: i64,
    number: i64,
}

impl Default for Place {
    fn default() -> Place {
        Place {
            at_ms: 0,
            number: -1,
        }
    }
}

impl Place {
    /// Distances wrap around: every number of 64 bits is possible, and adding it again wraps back.
    fn to(self, at_ms: i64, number: i64) -> [i64; 2] {
        let next = self.number.wrapping_add(1);
        [number.wrapping_sub(next), at_ms.wrapping_sub(self.at_ms)]
    }

    fn after(self, [number, ms]: [i64; 2]) -> Place {
        Place {
            at_ms: self.at_ms.wrapping_add(ms),
            number: self.number.wrapping_add(1).wrapping_add(number),
        }
    }
}

impl Trail {
    pub(super) fn add(&mut self, at_ms: i64, number: i64) {
        for distance in self.last.to(at_ms, number) {
            let mut varint = [0; VARINT_BYTES_MAX];
            let length = distance.encode_var(&mut varint);
            self.bytes.extend_from_slice(&varint[..length]);
        }
        self.last = Place { at_ms, number };
    }

    /// Adds what another trail has.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for (at_ms, number) in events(bytes) {
            self.add(at_ms, number);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Times and numbers in the order of time, each event once.
    pub(super) fn in_order(&self) -> Vec<(i64, i64)> {
        let mut events: Vec<_> = events(&self.bytes).collect();
        events.sort_unstable();
        events.dedup();
        events
    }
}

/// Of bytes that a trail has written; it ends where they are none.
fn events(mut bytes: &[u8]) -> impl Iterator<Item = (i64, i64)> {
    let mut place = Place::default();
    std::iter::from_fn(move || {
        let mut distances = [0; 2];
        for distance in &mut distances {
            let (value, length) = i64::decode_var(bytes)?;
            (*distance, bytes) = (value, &bytes[length..]);
        }
        place = place.after(distances);
        Some((place.at_ms, place.number))
    })
}

#[cfg(test)]
mod tests {
    use super::Trail;

    #[test]
    fn every_time_and_number_comes_back_in_order() {
        let mut first = Trail::default();
        let mut second = Trail::default();
        for (at_ms, number) in [(5, 2), (i64::MAX, i64::MIN), (3, 0), (5, 2)] {
            first.add(at_ms, number);
        }
        second.add(i64::MIN, i64::MAX);
        second.add(4, 1);
        first.take(second.bytes());
        let expect = [
            (i64::MIN, i64::MAX),
            (3, 0),
            (4, 1),
            (5, 2),
            (i64::MAX, i64::MIN),
        ];
        assert_eq!(first.in_order(), expect);
    }

    #[test]
    fn what_follows_takes_few_bytes() {
        let mut trail = Trail::default();
        trail.add(1_795_034_508_438, 0);
        let first = trail.bytes().len();
        for number in 1..=1_000 {
            trail.add(1_795_034_508_438 + number * 1_000, number);
        }
        assert_eq!(trail.bytes().len() - first, 3_000);
    }
}
