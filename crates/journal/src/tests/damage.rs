//! Torn ends, flipped bits, lost files: whatever is undamaged comes back, and the report is exact.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::Gap;
use crate::format::{FRAME_HEADER_LEN, SEGMENT_HEADER_LEN};

const SEGMENT_OF_64_KIB: usize = 64 << 10;
const CHECKED_AT_ONCE: usize = 256;

fn payloads(first: u64) -> Vec<Vec<u8>> {
    let lens = [0, 30, 1, 100, 57];
    (first..)
        .zip(lens)
        .map(|(seed, len)| payload(seed, len))
        .collect()
}

/// Where each frame of a segment with these payloads ends.
pub(super) fn frame_ends(payloads: &[Vec<u8>]) -> Vec<usize> {
    let lens = payloads
        .iter()
        .map(|payload| FRAME_HEADER_LEN + payload.len());
    lens.scan(SEGMENT_HEADER_LEN, |end, len| {
        *end += len;
        Some(*end)
    })
    .collect()
}

pub(super) fn check_frames(
    frames: &[Frame],
    payloads: &[Vec<u8>],
    expected_numbers: &[u64],
    context: &str,
) {
    assert_eq!(numbers(frames), expected_numbers, "{context}");
    for frame in frames {
        let expected = &payloads[frame.sequence.get() as usize - 1];
        assert_eq!(&frame.payload, expected, "{context}");
    }
}

/// Blocks that held a deleted segment may show behind the end of the last one after a power cut.
#[test]
fn an_old_frame_behind_the_end_hides_nothing() {
    let written = payloads(11);
    for old in [1, 10, 11, 13] {
        let disk = SimDisk::new();
        let stale = frame_bytes(old, b"of a segment that is gone");
        let whole = [segment_bytes(11, &written), stale].concat();
        disk.install(&segment_path(11), &whole);
        for opening in ["first", "second"] {
            let (frames, report) = replay(&disk, 10);
            let context = format!("frame {old}, {opening} opening");
            assert_eq!(numbers(&frames), [11, 12, 13, 14, 15], "{context}");
            let payloads: Vec<_> = frames.iter().map(|frame| &frame.payload[..]).collect();
            assert_eq!(payloads, written, "{context}");
            assert!(report.is_clean(), "{context}: {report:?}");
        }
    }
}

/// Cuts the last segment to each of these lengths.
fn check_truncations(payloads: &[Vec<u8>], lens: Range<usize>) {
    let whole = segment_bytes(1, payloads);
    let ends = frame_ends(payloads);
    for len in lens {
        let disk = SimDisk::new();
        disk.install(&segment_path(1), &whole[..len]);
        let (frames, report) = replay(&disk, 0);
        let kept = ends.iter().filter(|end| **end <= len).count();
        let context = format!("cut to {len} bytes");
        check_frames(
            &frames,
            payloads,
            &(1..=kept as u64).collect::<Vec<_>>(),
            &context,
        );
        let end = if kept > 0 {
            ends[kept - 1]
        } else {
            SEGMENT_HEADER_LEN
        };
        let torn = if len < SEGMENT_HEADER_LEN / 2 {
            len
        } else {
            len.saturating_sub(end)
        };
        assert_eq!(report.torn_bytes(), torn as u64, "{context}");
        assert!(report.is_clean(), "{context}: {report:?}");
        let (again, report) = replay(&disk, 0);
        assert_eq!(
            (again, report.torn_bytes()),
            (frames, 0),
            "{context}, opened again"
        );
    }
}

#[test]
fn cut_anywhere_whole_frames_come_back() {
    let payloads = payloads(1);
    check_truncations(&payloads, 0..segment_bytes(1, &payloads).len() + 1);
}

/// A journal of several segments, one of which is to be damaged.
struct Victim {
    segments: Vec<(PathBuf, Vec<u8>)>,
    /// Payloads of all segments.
    payloads: Vec<Vec<u8>>,
    /// First frame of the segment that is damaged.
    first: u64,
    /// Where each of its frames ends.
    ends: Vec<usize>,
    is_last: bool,
}

impl Victim {
    fn new(segments: &[(u64, Vec<Vec<u8>>)], first: u64) -> Victim {
        let find = segments.iter().find(|(own, _)| *own == first);
        let damaged = &find.expect("one of the segments").1;
        let file = |(first, payloads): &(u64, Vec<Vec<u8>>)| {
            (segment_path(*first), segment_bytes(*first, payloads))
        };
        Victim {
            segments: segments.iter().map(file).collect(),
            payloads: segments
                .iter()
                .flat_map(|(_, payloads)| payloads.clone())
                .collect(),
            first,
            ends: frame_ends(damaged),
            is_last: segments.last().is_some_and(|(own, _)| *own == first),
        }
    }

    fn bits(&self) -> usize {
        self.ends.last().expect("a frame") * 8
    }

    fn disk(&self) -> SimDisk {
        let disk = SimDisk::new();
        for (path, bytes) in &self.segments {
            disk.install(path, bytes);
        }
        disk
    }

    /// Flips these bits of the segment, one at a time.
    fn check_flips(&self, bits: Range<usize>) {
        let path = segment_path(self.first);
        let mut disk = self.disk();
        for bit in bits {
            disk.flip(&path, bit / 8, 1 << (bit % 8));
            let (frames, report) = replay(&disk, 0);
            self.check_flip(bit, &frames, &report);
            // What was cut off as torn is gone from the disk; anything else is flipped back.
            match report.torn.is_empty() {
                true => disk.flip(&path, bit / 8, 1 << (bit % 8)),
                false => disk = self.disk(),
            }
        }
    }

    fn check_flip(&self, bit: usize, frames: &[Frame], report: &Report) {
        let context = format!("bit {bit} of segment {}", self.first);
        let before = self.ends.iter().filter(|end| **end <= bit / 8).count() as u64;
        let hit = (bit / 8 >= SEGMENT_HEADER_LEN).then_some(self.first + before);
        let count = self.payloads.len() as u64;
        let others: Vec<_> = (1..=count).filter(|n| Some(*n) != hit).collect();
        check_frames(frames, &self.payloads, &others, &context);
        let at_the_end = self.is_last && hit == Some(count);
        let expected = match hit {
            Some(_) if at_the_end => (0, 0, 1),
            Some(_) => (1, 1, 0),
            None => (0, 0, 0),
        };
        let found = (
            report.damage_count,
            report.missing_frames,
            report.torn.len(),
        );
        assert_eq!(found, expected, "{context}: {report:?}");
        if let (Some(hit), false) = (hit.map(Sequence::new), at_the_end) {
            let gap = Gap {
                first: hit,
                last: hit,
            };
            assert_eq!(report.gaps, [gap], "{context}");
            let start = self.ends[before as usize] as u64 - report.damage[0].bytes;
            assert_eq!(report.damage[0].offset, start, "{context}");
        }
    }
}

#[test]
fn any_flipped_bit_costs_at_most_its_frame() {
    let segments = [(1, payloads(1)), (6, payloads(6))];
    for first in [1, 6] {
        let victim = Victim::new(&segments, first);
        victim.check_flips(0..victim.bits());
    }
}

/// Payloads of a segment of exactly 64 KiB.
fn payloads_of_64_kib() -> Vec<Vec<u8>> {
    let mut payloads: Vec<_> = (0_u64..50)
        .map(|seed| payload(seed, (seed * 37 % 2_200) as usize))
        .collect();
    let missing = SEGMENT_OF_64_KIB - segment_bytes(1, &payloads).len() - FRAME_HEADER_LEN;
    payloads.push(payload(99, missing));
    payloads
}

/// Checks all numbers below `end`, each once, on all cores.
fn on_all_cores(end: usize, check: impl Fn(Range<usize>) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let start = next.fetch_add(CHECKED_AT_ONCE, Ordering::Relaxed);
                    if start >= end {
                        break;
                    }
                    check(start..end.min(start + CHECKED_AT_ONCE));
                }
            });
        }
    });
}

/// All 65,537 lengths.
#[test]
fn cut_anywhere_64_kib_give_their_whole_frames_back() {
    let payloads = payloads_of_64_kib();
    on_all_cores(SEGMENT_OF_64_KIB + 1, |lens| {
        check_truncations(&payloads, lens)
    });
}

/// All 524,288 bits.
#[test]
fn any_flipped_bit_of_64_kib_costs_at_most_its_frame() {
    let victim = Victim::new(&[(1, payloads_of_64_kib())], 1);
    assert_eq!(victim.bits(), 8 * SEGMENT_OF_64_KIB);
    on_all_cores(victim.bits(), |bits| victim.check_flips(bits));
}

#[test]
fn unreadable_headers_are_reported_and_their_numbers_skipped() {
    let disk = SimDisk::new();
    for first in [1, 6, 11] {
        disk.install(
            &segment_path(first),
            &segment_bytes(first, &payloads(first)),
        );
    }
    for first in [6, 11] {
        disk.flip(&segment_path(first), 0, 1);
        disk.flip(&segment_path(first), 32, 1);
    }
    let (frames, report) = replay(&disk, 0);
    assert_eq!(numbers(&frames), [1, 2, 3, 4, 5]);
    // Once the last segment was set aside, the middle one was the last, and was set aside as well.
    let set_aside: Vec<_> = report
        .damage
        .iter()
        .map(|damage| &damage.segment[26..])
        .collect();
    assert_eq!(set_aside, ["11.seg.damaged", "06.seg.damaged"]);
    assert!(report.missing_frames >= 10, "{report:?}");
    let journal = open(&disk, config());
    assert!(run(journal.append(Bytes::new())).unwrap() > Sequence::new(15));
}

#[test]
fn unreadable_header_in_the_middle_costs_one_segment() {
    let disk = SimDisk::new();
    for first in [1, 6, 11] {
        disk.install(
            &segment_path(first),
            &segment_bytes(first, &payloads(first)),
        );
    }
    disk.flip(&segment_path(6), 0, 1);
    disk.flip(&segment_path(6), 32, 1);
    let (frames, report) = replay(&disk, 3);
    assert_eq!(numbers(&frames), [4, 5, 11, 12, 13, 14, 15]);
    assert_eq!((report.damage_count, report.missing_frames), (1, 5));
    assert_eq!(
        replay(&disk, 10).1,
        Report {
            frames: 5,
            ..Report::default()
        }
    );
}

#[test]
fn lost_segments_are_gaps() {
    let disk = SimDisk::new();
    for first in [6, 16] {
        disk.install(
            &segment_path(first),
            &segment_bytes(first, &payloads(first)),
        );
    }
    let (frames, report) = replay(&disk, 2);
    assert_eq!(numbers(&frames), [6, 7, 8, 9, 10, 16, 17, 18, 19, 20]);
    let gap = |first, last| Gap {
        first: Sequence::new(first),
        last: Sequence::new(last),
    };
    assert_eq!(report.gaps, [gap(3, 5), gap(11, 15)]);
    assert_eq!(report.missing_frames, 8);
}

#[test]
fn renamed_segment_is_refused_and_named() {
    let disk = SimDisk::new();
    disk.install(&segment_path(9), &segment_bytes(1, &payloads(1)));
    let refused = try_replay(&disk, 0).unwrap_err().to_string();
    assert!(
        refused.contains(&segment_name(Sequence::new(1))),
        "{refused}"
    );
}

proptest! {
    #[test]
    fn nothing_panics_on_anything(
        header: bool,
        parts in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..60),
                (0_u64..20, proptest::collection::vec(any::<u8>(), 0..60))
                    .prop_map(|(sequence, payload)| frame_bytes(sequence, &payload)),
            ],
            0..12,
        ),
        start_after in 0_u64..12,
    ) {
        let mut bytes = if header { header_bytes(3) } else { Vec::new() };
        bytes.extend(parts.concat());
        let disk = SimDisk::new();
        disk.install(&segment_path(3), &bytes);
        let (frames, _) = replay(&disk, start_after);
        let numbers = numbers(&frames);
        prop_assert!(numbers.is_sorted_by(|a, b| a < b));
        prop_assert!(numbers.iter().all(|number| *number > start_after));
    }
}
