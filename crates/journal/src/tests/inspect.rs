//! Looking at a journal tells what opening it would find, and changes nothing.

use super::*;
use crate::inspect;

/// All files with their contents.
fn files(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let mut names = disk.list(Path::new(DIR)).unwrap();
    names.sort();
    let with_content = |name: String| {
        let bytes = disk.read(&Path::new(DIR).join(&name)).unwrap();
        (name, bytes)
    };
    names.into_iter().map(with_content).collect()
}

fn look(disk: &SimDisk, start_after: u64) -> crate::Inspection {
    let before = files(disk);
    let found = inspect(disk.clone(), Path::new(DIR), Sequence::new(start_after)).unwrap();
    assert_eq!(files(disk), before, "nothing is changed");
    found
}

/// A disk with these segments.
fn with_segments(segments: &[(u64, Vec<u8>)]) -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new(DIR)).unwrap();
    for (first, bytes) in segments {
        let mut file = disk.create_new(&segment_path(*first)).unwrap();
        file.write_all(&mut [std::io::IoSlice::new(bytes)]).unwrap();
    }
    disk
}

#[test]
fn a_missing_journal_is_an_empty_one() {
    let found = inspect(SimDisk::new(), Path::new(DIR), Sequence::ZERO).unwrap();
    assert_eq!(found, crate::Inspection::default());
}

#[test]
fn what_is_found_is_what_opening_finds() {
    let payloads: Vec<_> = (1..=4).map(|seed| payload(seed, 300)).collect();
    let mut damaged = segment_bytes(1, &payloads[..2]);
    damaged[200] ^= 1;
    let mut torn = segment_bytes(3, &payloads[2..]);
    torn.truncate(torn.len() - 7);
    let disk = with_segments(&[(1, damaged), (3, torn)]);
    let found = look(&disk, 0);
    let opened = try_replay(&disk, 0).unwrap().1;
    assert_eq!(found.report, opened, "the report of an opening");
    assert_eq!((found.segments, found.report.frames), (2, 2));
    assert!(!found.report.is_clean() && found.report.torn_bytes() > 0);
    assert_eq!(look(&disk, 2).report.frames, 1, "after the second frame");
}

#[test]
fn a_segment_that_cannot_be_read_is_left_and_named() {
    let mut headless = segment_bytes(1, &[payload(1, 100)]);
    // Both copies of it.
    headless[..header_bytes(1).len()].fill(0);
    let disk = with_segments(&[(1, headless)]);
    assert!(!look(&disk, 0).report.is_clean());
    drop(open(&disk, config()));
    assert_eq!(look(&disk, 0).set_aside.len(), 1);
}
