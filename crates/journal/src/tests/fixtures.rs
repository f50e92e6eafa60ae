//! Files that earlier versions have written stay readable; those of later ones are refused politely.

use super::*;

/// Written by version 1: four frames from 41 on, of 0, 1, 40 and 300 bytes.
const VERSION_1: &[u8] = include_bytes!("../../fixtures/v1/journal-00000000000000000041.seg");

fn payloads() -> Vec<Vec<u8>> {
    [0, 1, 40, 300].map(|len| payload(len as u64, len)).to_vec()
}

#[test]
fn version_1_is_read() {
    let disk = SimDisk::new();
    disk.install(&segment_path(41), VERSION_1);
    let (frames, report) = replay(&disk, 40);
    let found: Vec<_> = frames.iter().map(|frame| frame.payload.to_vec()).collect();
    assert_eq!(
        (numbers(&frames), found),
        (vec![41, 42, 43, 44], payloads())
    );
    assert!(report.is_clean() && report.torn.is_empty(), "{report:?}");
}

#[test]
fn version_1_is_what_is_written() {
    assert_eq!(segment_bytes(41, &payloads()), VERSION_1);
}

#[test]
fn newer_version_is_refused_and_left_alone() {
    let mut newer = header_bytes(1);
    newer[8..10].copy_from_slice(&7_u16.to_le_bytes());
    let checksum = crc32c::crc32c(&newer[..28]);
    newer[28..32].copy_from_slice(&checksum.to_le_bytes());
    newer.extend_from_slice(b"a layout that nobody knows yet");
    let disk = SimDisk::new();
    disk.install(&segment_path(1), &newer);
    disk.install(&segment_path(2), b"torn");
    let refused = try_replay(&disk, 0).unwrap_err();
    assert!(
        matches!(refused, OpenError::NewerVersion { version: 7, .. }),
        "{refused:?}"
    );
    let text = refused.to_string();
    assert!(
        text.contains("version 7") && text.contains("start the newer program"),
        "{text}"
    );
    assert_eq!(disk.read(&segment_path(1)).unwrap(), newer);
    assert_eq!(disk.read(&segment_path(2)).unwrap(), b"torn");
}
