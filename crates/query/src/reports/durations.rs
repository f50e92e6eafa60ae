//! How long most calls stay within, from counts by length: exact below 128 ms, within 1 % above.

/// Lengths below this are counted each on their own.
const EXACT: u64 = 1 << EXACT_BITS;
const EXACT_BITS: u32 = 7;
/// Above, every doubling is divided into so many.
const DIVISIONS: u64 = EXACT / 2;

/// Counts of durations by length.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    counts: Vec<u64>,
}

impl Durations {
    pub(super) fn add(&mut self, duration_ms: i64) {
        let slot = slot(duration_ms.max(0) as u64);
        if self.counts.len() <= slot {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] += 1;
    }

    pub(super) fn merge(&mut self, other: &Durations) {
        self.counts
            .resize(self.counts.len().max(other.counts.len()), 0);
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
    }

    /// The length that 95 of 100 stay within; `None` when there is none.
    pub(super) fn p95_ms(&self) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        let rank = (total * 95).div_ceil(100);
        let mut seen = 0;
        let slot = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        slot.filter(|_| total > 0).map(middle_ms)
    }
}

fn slot(ms: u64) -> usize {
    if ms < EXACT {
        return ms as usize;
    }
    let doublings = u64::from(ms.ilog2() - EXACT_BITS);
    (EXACT + doublings * DIVISIONS + (ms >> (doublings + 1)) - DIVISIONS) as usize
}

/// The middle of the lengths that share a slot.
fn middle_ms(slot: usize) -> f64 {
    let slot = slot as u64;
    if slot < EXACT {
        return slot as f64;
    }
    let (doublings, division) = ((slot - EXACT) / DIVISIONS, (slot - EXACT) % DIVISIONS);
    let width = 1_u64 << (doublings + 1);
    ((DIVISIONS + division) * width) as f64 + (width - 1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_each_other_and_their_middle_is_near() {
        let mut last = 0;
        for ms in (0..5_000).chain([10_000, 65_535, 65_536, 1 << 30, (1 << 53) - 1, 1 << 53]) {
            let slot = slot(ms);
            assert!(slot >= last && (ms >= 5_000 || slot - last <= 1), "{ms}");
            assert!(
                (middle_ms(slot) - ms as f64).abs() <= ms as f64 / 100.0,
                "{ms}: {}",
                middle_ms(slot)
            );
            last = slot;
        }
    }

    #[test]
    fn ninety_five_of_a_hundred() {
        let mut all = Durations::default();
        assert_eq!(all.p95_ms(), None);
        let mut more = Durations::default();
        (1..=60).for_each(|ms| all.add(ms));
        (61..=100).for_each(|ms| more.add(ms));
        all.merge(&more);
        assert_eq!(all.p95_ms(), Some(95.0));
    }
}
