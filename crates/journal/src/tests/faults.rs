//! A disk that fails or fills up: nothing is acknowledged falsely, and appends go on by themselves.

use std::io::ErrorKind;

use base::sim::{Fault, Survival};

use super::*;
use crate::AppendError;

fn append(journal: &Journal, seed: u64) -> Result<Sequence, AppendError> {
    run(journal.append(payload(seed, 100).into()))
}

/// Writes a frame, lets `fault` hit operation `ahead` of the second append, and a third one succeed.
/// Then exactly the first and the third are there after a power cut, and after a kill.
fn check_one_failure(ahead: u64, fault: Fault, is_expected: fn(&AppendError) -> bool) {
    for survival in [Survival::Nothing, Survival::Everything] {
        let disk = SimDisk::new();
        let journal = open(&disk, config());
        append(&journal, 1).unwrap();
        disk.fail_at(disk.operations() + ahead, fault);
        let refused = append(&journal, 2).unwrap_err();
        assert!(
            is_expected(&refused) && refused.is_retryable(),
            "{refused:?}"
        );
        assert_eq!(journal.last_synced(), Sequence::new(1));
        assert_eq!(append(&journal, 3).unwrap(), Sequence::new(2));
        disk.crash(survival);
        drop(journal);
        let (frames, report) = replay(&disk, 0);
        let found: Vec<_> = frames.iter().map(|frame| frame.payload.to_vec()).collect();
        assert_eq!(found, [payload(1, 100), payload(3, 100)]);
        assert!(report.is_clean(), "{report:?}");
    }
}

#[test]
fn failed_write_or_sync_is_never_acknowledged() {
    let failed = |error: &AppendError| matches!(error, AppendError::Failed(_));
    let full = |error: &AppendError| matches!(error, AppendError::Full);
    for ahead in [1, 2] {
        check_one_failure(ahead, Fault::Error(ErrorKind::Other), failed);
        check_one_failure(ahead, Fault::ShortWrite(ErrorKind::Other), failed);
        for kind in [
            ErrorKind::StorageFull,
            ErrorKind::QuotaExceeded,
            ErrorKind::FileTooLarge,
        ] {
            check_one_failure(ahead, Fault::Error(kind), full);
            check_one_failure(ahead, Fault::ShortWrite(kind), full);
        }
    }
}

#[test]
fn failed_sync_is_the_last_one_of_its_segment() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    append(&journal, 1).unwrap();
    disk.fail_at(disk.operations() + 2, Fault::Error(ErrorKind::Other));
    append(&journal, 2).unwrap_err();
    append(&journal, 3).unwrap();
    let mut names = disk.list(Path::new(DIR)).unwrap();
    names.sort();
    assert_eq!(
        names,
        [1, 2].map(|first| segment_name(Sequence::new(first)))
    );
    assert_eq!(journal.stats().segments, 2);
}

#[test]
fn killed_after_a_failed_sync_only_durable_frames_come_back() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    append(&journal, 1).unwrap();
    disk.fail_at(disk.operations() + 2, Fault::Error(ErrorKind::Other));
    append(&journal, 2).unwrap_err();
    disk.crash(Survival::Everything);
    drop(journal);
    let (frames, _) = replay(&disk, 0);
    disk.crash(Survival::Nothing);
    assert_eq!((numbers(&frames), replay(&disk, 0).0), (vec![1], frames));
}

#[test]
fn file_left_from_a_failed_start_is_replaced() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    // Create, write, sync, sync the directory; write, sync; shorten, remove.
    for ahead in [6, 8] {
        disk.fail_at(disk.operations() + ahead, Fault::Error(ErrorKind::Other));
    }
    append(&journal, 1).unwrap_err();
    assert_eq!(
        disk.list(Path::new(DIR)).unwrap(),
        [segment_name(Sequence::new(1))]
    );
    assert_eq!(append(&journal, 2).unwrap(), Sequence::new(1));
    disk.crash(Survival::Nothing);
    drop(journal);
    assert_eq!(replay(&disk, 0).0[0].payload, payload(2, 100));
}

#[test]
fn full_disk_refuses_and_resumes_by_itself() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    let mut acknowledged = Vec::new();
    disk.set_capacity(Some(1_000));
    for seed in 0..40 {
        if seed == 20 {
            disk.set_capacity(None);
        }
        match append(&journal, seed) {
            Ok(sequence) => acknowledged.push((sequence, payload(seed, 100))),
            Err(error) => {
                assert!(
                    matches!(error, AppendError::Full) && seed < 20,
                    "{seed}: {error:?}"
                );
                let files = disk.list(Path::new(DIR)).unwrap().len();
                assert!(files <= 2, "{files} files while the disk is full");
            }
        }
    }
    // A header of 64 and seven frames of 124 bytes make 932.
    assert_eq!(acknowledged.len(), 7 + 20);
    disk.crash(Survival::Nothing);
    drop(journal);
    let (frames, report) = replay(&disk, 0);
    let found: Vec<_> = frames
        .into_iter()
        .map(|f| (f.sequence, f.payload.to_vec()))
        .collect();
    assert_eq!(found, acknowledged);
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn failing_deletion_can_be_repeated() {
    let disk = SimDisk::new();
    let config = Config {
        segment_target_bytes: 1,
        ..config()
    };
    let journal = open(&disk, config);
    for seed in 0..4 {
        append(&journal, seed).unwrap();
    }
    let through = Sequence::new(3);
    disk.fail_at(
        disk.operations() + 2,
        Fault::Error(ErrorKind::PermissionDenied),
    );
    journal.delete_through(through).unwrap_err();
    assert_eq!(journal.stats().segments, 3);
    assert_eq!(journal.delete_through(through).unwrap(), 2 * 188);
    disk.crash(Survival::Nothing);
    assert_eq!(
        disk.list(Path::new(DIR)).unwrap(),
        [segment_name(Sequence::new(4))]
    );
}

#[test]
fn unreadable_disk_ends_a_recovery_with_an_error() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    append(&journal, 1).unwrap();
    drop(journal);
    let opened = Journal::open(config(), Arc::new(disk.clone()), Sequence::ZERO);
    let (_journal, mut recovery) = opened.unwrap();
    disk.remove(&segment_path(1)).unwrap();
    assert_eq!(
        recovery.next().unwrap().unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(recovery.next().is_none());
}

#[test]
fn a_recovery_goes_on_where_the_disk_failed() {
    let disk = SimDisk::new();
    let journal = open(&disk, config());
    // The second frame's header is read along with the first frame, its payload is not.
    for seed in 0..4 {
        run(journal.append(payload(seed, 200_000).into())).unwrap();
    }
    drop(journal);
    let opened = Journal::open(config(), Arc::new(disk.clone()), Sequence::ZERO);
    let (_journal, mut recovery) = opened.unwrap();
    let away = Path::new(DIR).join("away");
    let mut found = Vec::new();
    for _ in 0..4 {
        disk.rename(&segment_path(1), &away).unwrap();
        recovery.next().unwrap().unwrap_err();
        disk.rename(&away, &segment_path(1)).unwrap();
        assert!(recovery.next().is_none(), "it has ended");
        recovery.resume();
        found.push(recovery.next().unwrap().unwrap().payload.to_vec());
    }
    let expected: Vec<_> = (0..4).map(|seed| payload(seed, 200_000)).collect();
    assert_eq!(found, expected);
    assert!(recovery.next().is_none());
    assert!(recovery.report().is_clean(), "{:?}", recovery.report());
}
