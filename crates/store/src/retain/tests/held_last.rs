//! A hold that comes after the last round keeps what was set aside.

use super::*;

/// Nothing is held, until something is.
#[derive(Debug)]
struct HeldSince(std::sync::atomic::AtomicBool);

impl Holding for HeldSince {
    fn is_any(&self) -> bool {
        false
    }

    fn held(&self, _: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        Ok(vec![false; rows.num_rows()])
    }

    fn revision(&self) -> u64 {
        0
    }

    fn is_current(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_hold_that_comes_last_keeps_what_nobody_could_read() {
    let disk = SimDisk::new();
    let life = three_days(&disk).await;
    let path = life
        .dir
        .path()
        .join("damaged/frame-00000000000000000007.bin");
    disk.install(&path, CANARY.as_bytes());
    let content = rules(Some(1), None, None);
    run(&life, &content, &nobody()).await.expect("runs");
    life.clock.advance(Duration::from_nanos(2 * 24 * HOUR_NS));
    let store = life.store.as_ref().expect("open");
    let held = Arc::new(HeldSince(false.into()));
    let holding: Arc<dyn Holding> = Arc::<HeldSince>::clone(&held);
    let mut run = store
        .begin_retention(&content, key())
        .await
        .expect("begins");
    while run.round(&holding).await.expect("a round").is_some() {}
    // After the last round, and before what was set aside is looked at.
    held.0.store(true, Ordering::SeqCst);
    let state = run.end(holding.as_ref()).await.expect("ends");
    assert_eq!(state.last.set_aside, 0);
    assert!(disk.files().contains_key(&path));
}
