//! After damage, the next frame is found wherever it is, and nothing else is taken for one.

use super::damage::{check_frames, frame_ends};
use super::*;
use crate::format::{FRAME_HEADER_LEN, SEGMENT_HEADER_LEN};

#[test]
fn nothing_inside_a_payload_passes_as_a_frame() {
    // A stranger who knows the format, but not the salt.
    let forged = FrameHeader::new(0, Sequence::new(2), b"forged").encode();
    let stranger = [&forged[..], b"forged", &forged, b"forged"].concat();
    let disk = SimDisk::new();
    let payloads = [payload(1, 10), stranger, payload(3, 10)];
    disk.install(&segment_path(1), &segment_bytes(1, &payloads));
    let second = frame_ends(&payloads)[0];
    disk.flip(&segment_path(1), second + 4, 0x01);
    let (frames, report) = replay(&disk, 0);
    assert_eq!(numbers(&frames), [1, 3]);
    assert_eq!((report.damage_count, report.missing_frames), (1, 1));
}

#[test]
fn frames_whose_numbers_a_later_segment_has_are_void() {
    let disk = SimDisk::new();
    let mut failed = segment_bytes(1, &[payload(1, 9), payload(2, 9), payload(77, 9)]);
    failed.extend_from_slice(b"torn");
    disk.install(&segment_path(1), &failed);
    disk.install(
        &segment_path(3),
        &segment_bytes(3, &[payload(3, 9), payload(4, 9)]),
    );
    let (frames, report) = replay(&disk, 0);
    check_frames(
        &frames,
        &[1, 2, 3, 4].map(|seed| payload(seed, 9)),
        &[1, 2, 3, 4],
        "void",
    );
    assert!(report.is_clean(), "{report:?}");
    let journal = open(&disk, config());
    assert_eq!(
        numbers(&journal.read_from(Sequence::ZERO, usize::MAX).unwrap()),
        [1, 2, 3, 4]
    );
}

#[test]
fn void_frames_do_not_fill_a_gap() {
    let disk = SimDisk::new();
    let failed = [payload(1, 9), payload(2, 9), payload(77, 9)];
    disk.install(&segment_path(1), &segment_bytes(1, &failed));
    disk.install(&segment_path(3), &segment_bytes(3, &[payload(3, 9)]));
    disk.flip(&segment_path(1), frame_ends(&failed)[1] - 1, 1);
    let (frames, report) = replay(&disk, 0);
    check_frames(
        &frames,
        &[1, 2, 3].map(|seed| payload(seed, 9)),
        &[1, 3],
        "damage, then void",
    );
    assert_eq!((report.damage_count, report.missing_frames), (1, 1));
}

#[test]
fn next_frame_is_found_across_the_edge_of_what_is_read_at_once() {
    // The search begins one byte after the damaged header and reads 256 KiB at a time.
    let edge = (256 << 10) + 1 - FRAME_HEADER_LEN;
    for len in edge - FRAME_HEADER_LEN..=edge + 1 {
        let disk = SimDisk::new();
        let payloads = [vec![0; len], payload(2, 30)];
        disk.install(&segment_path(1), &segment_bytes(1, &payloads));
        disk.flip(&segment_path(1), SEGMENT_HEADER_LEN, 1);
        check_frames(
            &replay(&disk, 0).0,
            &payloads,
            &[2],
            &format!("{len} bytes to skip"),
        );
    }
}
