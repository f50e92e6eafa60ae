//! Full buffers and full disks: who comes waits for a bounded time, nothing exits, and intake goes on by
//! itself when there is room again.

use std::io::ErrorKind;
use std::path::Path;

use base::sim::{Fault, SimDisk, Survival};

use super::*;
use crate::life::Life;
use crate::store::Config;
use crate::{StoreError, Table};

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store on a simulated disk, whose buffer is full after one request.
async fn simulated() -> (Life, SimDisk) {
    let disk = SimDisk::new();
    let life = Life::on(disk.clone(), full_after_ten).await;
    (life, disk)
}

fn full_after_ten(config: &mut Config) {
    config.flush_rows = 10;
    config.buffer_rows_max = 10;
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(20)
}

#[tokio::test]
async fn who_finds_the_buffer_full_waits_for_a_flush() {
    let (life, _) = simulated().await;
    life.events(0..10).await;
    let refused = life.try_events(10..20, soon()).await;
    assert!(
        matches!(refused, Err(AppendError::Behind(_))),
        "{refused:?}"
    );
    let waiting = life.try_events(10..20, Instant::now() + PATIENCE);
    let (waited, flushed) = tokio::join!(waiting, life.store().flush());
    assert_eq!(flushed.expect("flushes").rows, 10);
    assert_eq!(waited.expect("is let in").accepted, 10);
}

#[tokio::test]
async fn waiting_ends_when_a_later_flush_succeeds() {
    let (life, disk) = simulated().await;
    life.events(0..10).await;
    let waiting = life.try_events(10..20, Instant::now() + PATIENCE);
    let mending = async {
        disk.fail_at(disk.operations() + 3, Fault::Error(ErrorKind::StorageFull));
        assert!(life.store().flush().await.is_err());
        life.store().flush().await.expect("flushes")
    };
    let (waited, _) = tokio::join!(waiting, mending);
    assert_eq!(waited.expect("is let in").accepted, 10);
    assert_eq!(life.rows(Table::Events).await, 20);
}

#[tokio::test]
async fn a_full_disk_stops_intake_and_leaves_room_for_a_flush() {
    // Less is free than 5 %, and a flush fits.
    let too_few_bytes = |disk: &SimDisk, dir: &Path| {
        disk.install(&dir.join("filler"), &vec![0; 39 << 20]);
        disk.set_capacity(Some(40 << 20));
    };
    let too_few_files = |disk: &SimDisk, dir: &Path| {
        for number in 0..200 {
            disk.install(&dir.join(format!("filler-{number}")), b"");
        }
        disk.set_files_max(Some(210));
    };
    type Fill = fn(&SimDisk, &Path);
    let fills: [(Fill, &str); 2] = [
        (too_few_bytes, "the disk is full"),
        (too_few_files, "more files fit"),
    ];
    for (fill, says) in fills {
        let disk = SimDisk::new();
        let life = Life::on(disk.clone(), |_| {}).await;
        let store = life.store();
        life.events(0..10).await;
        assert!(!store.is_flush_due());
        fill(&disk, life.dir.path());
        store.look_at_disk();
        assert!(store.is_flush_due(), "parts are smaller than the journal");
        let reason = store.ready().expect_err("not ready");
        assert!(reason.contains(says), "{reason}");
        let refused = life.try_events(10..20, soon()).await;
        assert!(refused.is_err_and(|error| error.to_string() == reason));
        assert_eq!(store.flush().await.expect("flushes").rows, 10);
        assert!(!store.is_flush_due(), "there is nothing to flush");
        assert_eq!(life.rows(Table::Events).await, 10);
        let waiting = life.try_events(10..20, Instant::now() + PATIENCE);
        let mending = async {
            disk.set_capacity(None);
            disk.set_files_max(None);
            store.look_at_disk();
        };
        let (waited, ()) = tokio::join!(waiting, mending);
        assert_eq!(waited.expect("is let in").accepted, 10);
        assert!(store.ready().is_ok());
    }
}

/// Fails every operation of a flush in turn, in each way. The flush fails or not; nothing is lost or
/// doubled, nothing of it stays on the disk, and the next one succeeds.
#[tokio::test]
async fn a_flush_that_fails_anywhere_leaves_nothing_and_is_made_up_for() {
    let kinds = [ErrorKind::StorageFull, ErrorKind::ReadOnlyFilesystem];
    for fault in kinds
        .into_iter()
        .flat_map(|kind| [Fault::Error(kind), Fault::ShortWrite(kind)])
    {
        for ordinal in 1.. {
            let disk = SimDisk::new();
            let mut life = Life::on(disk.clone(), |_| {}).await;
            life.events(0..10).await;
            let at = disk.operations() + ordinal;
            disk.fail_at(at, fault);
            let outcome = life.store().flush().await;
            let what = format!("{fault:?} of operation {ordinal}: {outcome:?}");
            if disk.operations() < at {
                assert!(ordinal > 10, "{what}");
                break;
            }
            if outcome.is_err() {
                assert_eq!(life.events(5..15).await, 5, "{what}");
                life.store().flush().await.expect("the next one succeeds");
            }
            let rows = life.rows(Table::Events).await;
            assert_eq!(life.store().stats().buffer_rows, 0, "{what}");
            disk.crash(Survival::Nothing);
            let opened = life.restart().await;
            assert_eq!(life.rows(Table::Events).await, rows, "{what}");
            assert_eq!(life.events(0..10).await, 0, "{what}");
            // Only a manifest that has its name keeps the files that it names until the next start.
            let is_named = matches!(outcome, Err(StoreError::File { ref path, .. }) if path.starts_with("manifest"));
            assert!(
                opened.orphans == 0 || is_named,
                "{what}: {} orphans",
                opened.orphans
            );
        }
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_refuses_and_goes_on() {
    for kind in [ErrorKind::StorageFull, ErrorKind::ReadOnlyFilesystem] {
        let (life, disk) = simulated().await;
        for ahead in 1..6 {
            disk.fail_at(disk.operations() + ahead, Fault::ShortWrite(kind));
        }
        let refused = life.try_events(0..5, soon()).await;
        assert!(
            matches!(refused, Err(AppendError::Journal(_))),
            "{refused:?}"
        );
        let mut tries = 0;
        while life.try_events(0..5, soon()).await.is_err() {
            tries += 1;
            assert!(tries < 10);
        }
        assert_eq!(life.rows(Table::Events).await, 5);
    }
}
