//! The simulated disk forgets exactly what the contract allows it to forget.

use super::*;
use std::path::PathBuf;

const DIR: &str = "/d";

fn file() -> PathBuf {
    Path::new(DIR).join("f")
}

fn write(file: &mut Box<dyn DiskFile>, bytes: &[u8]) -> io::Result<()> {
    file.write_all(&mut [IoSlice::new(bytes)])
}

/// Runs `script` on a fresh disk with one directory, crashes, and reads the file that is left.
fn check(
    survival: Survival,
    script: impl FnOnce(&SimDisk) -> io::Result<()>,
    expect: Option<&[u8]>,
) {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new(DIR))
        .expect("no fault is planned");
    script(&disk).expect("the script handles its faults");
    disk.crash(survival);
    assert_eq!(disk.read(&file()).ok().as_deref(), expect);
}

#[test]
fn unsynced_name_is_lost_with_its_synced_contents() {
    let script = |disk: &SimDisk| {
        let mut file = disk.create_new(&file())?;
        write(&mut file, b"abc")?;
        file.sync_data()
    };
    check(Survival::Nothing, script, None);
    check(Survival::Everything, script, Some(b"abc"));
}

#[test]
fn unsynced_contents_are_lost() {
    let script = |disk: &SimDisk| {
        let mut file = disk.create_new(&file())?;
        disk.sync_dir(Path::new(DIR))?;
        write(&mut file, b"abc")?;
        file.sync_data()?;
        write(&mut file, b"def")
    };
    check(Survival::Nothing, script, Some(b"abc"));
    check(Survival::Everything, script, Some(b"abcdef"));
}

#[test]
fn unsynced_removal_and_rename_come_undone() {
    let create = |disk: &SimDisk| {
        disk.create_new(&file())?;
        disk.sync_dir(Path::new(DIR))
    };
    check(
        Survival::Nothing,
        |disk| create(disk).and_then(|()| disk.remove(&file())),
        Some(b""),
    );
    check(
        Survival::Nothing,
        |disk| create(disk).and_then(|()| disk.rename(&file(), &Path::new(DIR).join("g"))),
        Some(b""),
    );
}

#[test]
fn failed_sync_loses_its_pages_for_good() {
    let script = |disk: &SimDisk| {
        let mut file = disk.create_new(&file())?;
        disk.sync_dir(Path::new(DIR))?;
        write(&mut file, b"abc")?;
        disk.fail_at(disk.operations() + 1, Fault::Error(io::ErrorKind::Other));
        assert!(file.sync_data().is_err());
        write(&mut file, b"def")?;
        file.sync_data()
    };
    check(Survival::Nothing, script, Some(b"\0\0\0def"));
}

#[test]
fn full_disk_takes_what_fits() {
    let script = |disk: &SimDisk| {
        let mut file = disk.create_new(&file())?;
        disk.set_capacity(Some(4));
        let full = write(&mut file, b"abcdef").expect_err("six bytes do not fit four");
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        disk.set_capacity(None);
        write(&mut file, b"!")
    };
    check(Survival::Everything, script, Some(b"abcd!"));
}

#[test]
fn short_write_leaves_half() {
    let script = |disk: &SimDisk| {
        let mut file = disk.create_new(&file())?;
        disk.fail_at(
            disk.operations() + 1,
            Fault::ShortWrite(io::ErrorKind::Other),
        );
        assert!(write(&mut file, b"abcdef").is_err());
        Ok(())
    };
    check(Survival::Everything, script, Some(b"abc"));
}

#[test]
fn nothing_works_without_power_and_open_files_do_not_outlive_a_crash() {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new(DIR))
        .expect("no fault is planned");
    let mut open = disk.create_new(&file()).expect("no fault is planned");
    disk.fail_at(disk.operations() + 1, Fault::PowerCut);
    assert!(disk.sync_dir(Path::new(DIR)).is_err());
    assert!(disk.read(&file()).is_err());
    assert!(open.sync_data().is_err());
    disk.crash(Survival::Nothing);
    assert!(open.sync_data().is_err());
    assert_eq!(
        disk.list(Path::new(DIR)).expect("the power is back"),
        Vec::<String>::new()
    );
}

#[test]
fn seeded_crashes_keep_what_is_durable_and_differ_in_the_rest() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new(DIR))
            .expect("no fault is planned");
        let mut open = disk.create_new(&file()).expect("no fault is planned");
        disk.sync_dir(Path::new(DIR)).expect("no fault is planned");
        write(&mut open, &[7; 600]).expect("no fault is planned");
        open.sync_data().expect("no fault is planned");
        write(&mut open, &[9; 2_000]).expect("no fault is planned");
        disk.crash(Survival::Seeded(seed));
        let left = disk.read(&file()).expect("the name was synced");
        assert_eq!(left[..600], [7; 600]);
        assert!(left[600..].iter().all(|byte| matches!(byte, 0 | 9)));
        outcomes.insert(left);
    }
    assert!(outcomes.len() > 16, "{} different outcomes", outcomes.len());
}

#[test]
fn a_directory_whose_name_was_not_synced_is_lost_with_what_is_in_it() {
    let inner = Path::new(DIR).join("inner");
    let check = |cut: u64, survival, expect: &[&str]| {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new(DIR))
            .expect("no fault is planned");
        disk.fail_at(disk.operations() + cut, Fault::Error(io::ErrorKind::Other));
        assert_eq!(disk.create_dir_all(&inner).is_ok(), cut > 3);
        if cut == 3 {
            disk.create_new(&inner.join("f")).expect("it is there");
            disk.sync_dir(&inner).expect("it is there");
        }
        disk.crash(survival);
        let left = disk.list_dirs(Path::new(DIR)).expect("it was durable");
        assert_eq!(left, expect, "operation {cut}, {survival:?}");
        assert_eq!(disk.list(&inner).is_ok(), !expect.is_empty());
    };
    // The operations are: sync of the parent's name, making the directory, sync of its name.
    check(2, Survival::Everything, &[]);
    check(3, Survival::Nothing, &[]);
    check(3, Survival::Everything, &["inner"]);
    check(4, Survival::Nothing, &["inner"]);
}

#[test]
fn rename_is_never_half_done() {
    let new = Path::new(DIR).join("g");
    for seed in 0..16 {
        let disk = SimDisk::new();
        disk.install(&file(), b"old name");
        disk.rename(&file(), &new).expect("no fault is planned");
        disk.crash(Survival::Seeded(seed));
        assert_eq!(
            disk.list(Path::new(DIR)).expect("the power is back").len(),
            1,
            "seed {seed}"
        );
    }
}
