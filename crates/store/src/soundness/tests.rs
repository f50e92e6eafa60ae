//! What is not as it was written is never sound, and finding that out never panics.

use std::path::Path;

use base::Disk;
use base::sim::{Fault, SimDisk, Survival};

use super::*;
use crate::Table;
use crate::life::Life;

const ROOT: &str = "/data";

/// A part as the store writes it, and its file.
async fn written() -> (Part, Vec<u8>) {
    let life = Life::begin().await;
    life.events(0..10).await;
    life.store().flush().await.expect("flushes");
    let snapshot = life.store().snapshot().await;
    let part = snapshot
        .parts(Table::Events)
        .next()
        .expect("a part")
        .clone();
    let file = std::fs::read(life.dir.path().join(&part.path)).expect("its file");
    (part, file)
}

fn inspector(disk: &SimDisk) -> (Inspector, Arc<Damages>) {
    let damages = Arc::<Damages>::default();
    let objects = Objects::new(Arc::new(disk.clone()), Path::new(ROOT), None);
    (Inspector::new(objects, Arc::clone(&damages)), damages)
}

/// What an inspection of `file` says, when it is to be `part`; nothing stands for a missing file.
async fn reason(part: &Part, file: Option<&[u8]>) -> Option<String> {
    let disk = SimDisk::new();
    disk.install(&Path::new(ROOT).join("LOCK"), b"");
    if let Some(file) = file {
        disk.install(&Path::new(ROOT).join(&part.path), file);
    }
    let (inspector, damages) = inspector(&disk);
    let is_sound = inspector.is_sound(part).await.expect("the disk works");
    let damaged = damages.list();
    assert_eq!(damaged.is_empty(), is_sound);
    damaged.into_iter().next().map(|file| file.reason)
}

#[tokio::test]
async fn only_what_was_written_is_sound() {
    let (part, file) = written().await;
    assert_eq!(reason(&part, Some(&file)).await, None);
    let mut longer = file.clone();
    longer.push(0);
    for (file, expect) in [
        (None, "it is missing"),
        (Some(&file[..0]), "it has 0 bytes"),
        (Some(&file[..file.len() - 1]), "and should have"),
        (Some(&longer[..]), "and should have"),
    ] {
        let reason = reason(&part, file).await.expect("damaged");
        assert!(reason.contains(expect), "{reason}");
        assert!(
            reason.contains("10 rows are missing from answers"),
            "{reason}"
        );
    }
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        let reason = reason(&part, Some(&flipped)).await.expect("damaged");
        assert!(reason.contains("checksum"), "byte {at}: {reason}");
    }
}

/// Where the manifest itself names the checksum of rubbish.
#[tokio::test]
async fn a_footer_that_is_none_is_found_out_without_a_panic() {
    let (part, file) = written().await;
    let as_written = |file: &[u8]| Part {
        bytes: file.len() as u64,
        crc32c: crc32c::crc32c(file),
        ..part.clone()
    };
    for rubbish in [&b""[..], b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1", &[0; 64]] {
        let reason = reason(&as_written(rubbish), Some(rubbish)).await;
        assert!(reason.is_some(), "{rubbish:?}");
    }
    let mut noticed = 0;
    for at in file.len() - 2_000..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 0x55;
        noticed += u32::from(
            reason(&as_written(&flipped), Some(&flipped))
                .await
                .is_some(),
        );
    }
    assert!(noticed > 100, "{noticed}");
    let newer = replaced(
        &file,
        b"tallybook.version\x18\x011",
        b"tallybook.version\x18\x019",
    );
    let reason = reason(&as_written(&newer), Some(&newer))
        .await
        .expect("newer");
    assert!(reason.contains("it has version 9"), "{reason}");
}

fn replaced(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file.windows(from.len()).position(|bytes| bytes == from);
    let at = at.expect("the version in the footer");
    [&file[..at], to, &file[at + to.len()..]].concat()
}

#[tokio::test]
async fn each_part_is_checked_once_and_a_disk_that_fails_is_asked_again() {
    let (part, file) = written().await;
    let disk = SimDisk::new();
    let path = Path::new(ROOT).join(&part.path);
    disk.install(&path, &file);
    let (inspector, damages) = inspector(&disk);
    disk.fail_at(disk.operations() + 1, Fault::PowerCut);
    assert!(disk.sync_file(&path).is_err());
    assert!(inspector.is_sound(&part).await.is_err());
    disk.crash(Survival::Everything);
    let asked = (0..8).map(|_| inspector.is_sound(&part));
    for is_sound in futures::future::join_all(asked).await {
        assert!(is_sound.expect("the power is back"));
    }
    disk.flip(&path, 100, 1);
    assert!(inspector.is_sound(&part).await.expect("remembered"));
    assert!(damages.list().is_empty());
}
