//! What does not fit into the memory of queries goes to the disk and back, and changes no answer.

use std::fs;

use fleet::{Batched, ClientVersion, Organisation, Variety};
use query::{Config, ErrorKind};

use super::support::{Bench, NOW_MS};

/// The events of all sessions have to be brought together, and some texts go along.
const CALLS: &str = "SELECT tool, outcome, decision_state, count(*) AS calls, sum(duration_ms) AS ms,
         avg(time_to_approve_ms) AS wait, count(DISTINCT tool_use_id) AS ids, count(DISTINCT request_id) AS requests
     FROM tool_calls GROUP BY tool, outcome, decision_state ORDER BY tool, outcome, decision_state";

fn organisation() -> Organisation {
    Organisation::new(fleet::Config {
        people: 45,
        seed: 7,
        end_unix_ms: NOW_MS as u64,
        days: 7,
        client: ClientVersion::V2_1_329,
        content: false,
        metrics: false,
        variety: Variety::default(),
    })
}

fn config(memory_mib: usize, scratch_mib: u64) -> Config {
    Config {
        threads: 2,
        memory_bytes: memory_mib << 20,
        scratch_bytes: scratch_mib << 20,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_question_that_needs_more_memory_than_there_is_goes_to_the_disk() {
    let bench = Bench::configured(&[], config(512, 0)).await;
    for (number, batch) in Batched::new(organisation(), 500).enumerate() {
        let protobuf = batch.protobuf().into();
        bench.append(batch.signal, protobuf, batch.at_ms).await;
        // Parts and buffer together.
        if number == 20 {
            bench.store.flush().await.expect("flushes");
        }
    }
    let with_room = bench.rows(CALLS).await;
    assert!(with_room.len() > 20, "{with_room:?}");

    let bench = bench.reopened(config(32, 0)).await;
    let refused = bench.all().query(CALLS, None).await;
    let refused = refused.expect_err("32 MiB are too little");
    assert_eq!(refused.kind, ErrorKind::Memory, "{refused}");

    let bench = bench.reopened(config(64, 1)).await;
    let refused = bench.all().query(CALLS, None).await;
    let refused = refused.expect_err("so is 1 MiB of the disk");
    assert_eq!(refused.kind, ErrorKind::Memory, "{refused}");

    let scratch = bench.store.scratch_dir();
    let (left_over, foreign) = (scratch.join("datafusion-x"), scratch.join("notes"));
    for dir in [&left_over, &foreign] {
        fs::create_dir(dir).expect("a folder");
        fs::write(dir.join("file"), "something").expect("writes");
    }
    let bench = bench.reopened(config(64, 1024)).await;
    assert!(!left_over.exists(), "what a killed process left is removed");
    assert!(foreign.join("file").exists(), "and nothing else");
    fs::remove_dir_all(&foreign).expect("removes");
    assert_eq!(bench.rows(CALLS).await, with_room);
    let put_down = files_below(&bench.store.scratch_dir());
    assert_eq!(put_down, 0, "nothing stays on the disk");
}

fn files_below(dir: &std::path::Path) -> usize {
    let entries = fs::read_dir(dir).expect("reads");
    let count = entries.map(|entry| match entry.expect("an entry").path() {
        dir if dir.is_dir() => files_below(&dir),
        _ => 1,
    });
    count.sum()
}
