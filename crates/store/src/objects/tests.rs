//! Objects are whole or not there, whatever happens to the disk while they are written.

use base::sim::{Fault, SimDisk, Survival};

use super::*;

const ROOT: &str = "/data";
const PART: &str = "parts/events/2026-11-21/1.parquet";

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn on(disk: &SimDisk) -> Objects {
    Objects::new(Arc::new(disk.clone()), Path::new(ROOT), None)
}

/// Two objects, the second replaced: after every operation the power is cut, or the operation fails.
fn check(fault: Fault, survival: Survival) {
    let (old, new) = (vec![1; 2_000], vec![2; 3_000]);
    for ordinal in 1.. {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new(ROOT)).expect("a root");
        let before = disk.operations();
        disk.fail_at(before + ordinal, fault);
        let objects = on(&disk);
        let first = run(objects.create(PART, old.clone())).is_ok();
        let second = run(objects.replace(PART, new.clone())).is_ok();
        let is_over = disk.operations() < before + ordinal;
        disk.crash(survival);

        let context = format!("operation {ordinal}, {fault:?}, {survival:?}");
        let left = run(on(&disk).list("parts")).expect("lists");
        let found = left
            .first()
            .map(|path| run(on(&disk).get(path)).expect("reads"));
        assert!(left.iter().all(|path| path == PART), "{context}: {left:?}");
        match (first, second) {
            (_, true) => assert_eq!(found.as_ref(), Some(&new), "{context}"),
            (true, false) => assert!(
                found.is_some_and(|found| found == old || found == new),
                "{context}"
            ),
            (false, false) => assert!(
                found.is_none_or(|found| found == old || found == new),
                "{context}"
            ),
        }
        if is_over {
            assert!(first && second && ordinal > 15, "{context}");
            return;
        }
    }
}

#[test]
fn an_object_is_whole_or_not_there_and_stays_once_promised() {
    for fault in [
        Fault::PowerCut,
        Fault::Error(io::ErrorKind::Other),
        Fault::ShortWrite(io::ErrorKind::StorageFull),
    ] {
        check(fault, Survival::Nothing);
        check(fault, Survival::Everything);
        for seed in 0..8 {
            check(fault, Survival::Seeded(seed));
        }
    }
}

#[test]
fn what_exists_is_not_created_again_and_what_is_gone_may_be_deleted() {
    let disk = SimDisk::new();
    let objects = on(&disk);
    run(objects.create(PART, b"one".to_vec())).expect("writes");
    let refused = run(objects.create(PART, b"two".to_vec())).expect_err("it is there");
    assert!(refused.to_string().starts_with(PART), "{refused}");
    run(objects.delete(PART)).expect("removes");
    run(objects.delete(PART)).expect("nothing to remove");
    assert!(run(objects.list("parts")).expect("lists").is_empty());
    assert!(run(objects.list("nowhere")).expect("lists").is_empty());
}

#[test]
fn a_full_disk_leaves_nothing_behind_and_what_is_left_behind_is_told_apart() {
    let disk = SimDisk::new();
    let objects = on(&disk);
    disk.set_capacity(Some(100));
    assert!(run(objects.create(PART, vec![0; 200])).is_err());
    assert!(run(objects.unfinished("parts")).expect("lists").is_empty());
    disk.set_capacity(None);
    let left = format!("{PART}{UNFINISHED}");
    disk.install(&Path::new(ROOT).join(&left), b"ha");
    assert!(run(objects.list("parts")).expect("lists").is_empty());
    assert_eq!(run(objects.unfinished("parts")).expect("lists"), [left]);
    run(objects.create(PART, b"whole".to_vec())).expect("writes");
    assert!(run(objects.unfinished("parts")).expect("lists").is_empty());
}
