//! How long the reports take over many events. Takes minutes, so it is run by name:
//! `cargo test --release -p tallybook -p query --test answers -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use base::{Clock, ManualClock};
use fleet::{Batched, ClientVersion, Config, Organisation};
use query::Engine;
use query::reports::{self, Filter};
use store::{Entry, Store, Transport};

use super::support::{DAY_MS, NOW_MS};

const DAYS: u64 = 30;

#[tokio::test]
#[ignore = "takes minutes"]
async fn reports_over_many_events() {
    let people = std::env::var("TALLYBOOK_TEST_PEOPLE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(600);
    let kept = std::env::var_os("TALLYBOOK_TEST_DIR");
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let dir = kept.map_or_else(|| temporary.path().to_owned(), Into::into);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
    let (store, _) = Store::open(store::Config::new(dir), clock)
        .await
        .expect("opens");
    if store.stats().parts == 0 {
        fill(&store, people).await;
    }
    let engine = Engine::new(Arc::clone(&store), query::Config::default()).expect("an engine");
    let month = Filter::range(NOW_MS - DAYS as i64 * DAY_MS, NOW_MS);
    let week = Filter::range(NOW_MS - 7 * DAY_MS, NOW_MS);
    for round in 0..3 {
        for (name, filter) in [("month", &month), ("week", &week)] {
            let started = Instant::now();
            let overview = reports::overview(&engine, filter).await.expect("answers");
            println!("{round} overview of a {name}: {:?}", started.elapsed());
            let started = Instant::now();
            let sessions = reports::sessions(&engine, filter, 100, None)
                .await
                .expect("answers");
            println!("{round} sessions of a {name}: {:?}", started.elapsed());
            let started = Instant::now();
            let prompts = reports::prompts(&engine, filter, 100, None, false)
                .await
                .expect("answers");
            println!("{round} prompts of a {name}: {:?}", started.elapsed());
            let id = &prompts.prompts[50].prompt_id;
            let started = Instant::now();
            let replay = reports::replay(&engine, id)
                .await
                .expect("answers")
                .expect("is there");
            println!(
                "{round} replay of {} events: {:?}",
                replay.events.len(),
                started.elapsed()
            );
            assert!(overview.totals.cost_usd > 0.0 && sessions.sessions.len() >= 100);
        }
    }
}

async fn fill(store: &Store, people: usize) {
    let config = Config {
        people,
        seed: 7,
        end_unix_ms: NOW_MS as u64,
        days: DAYS,
        client: ClientVersion::V2_1_329,
        content: true,
        metrics: false,
    };
    let (mut events, started) = (0, Instant::now());
    for batch in Batched::new(Organisation::new(config), 5_000) {
        let entry = Entry {
            signal: batch.signal,
            transport: Transport::Http,
            // As if each had arrived when it was sent: parts are of days.
            received_ns: batch.at_ms * 1_000_000,
            quarantined: Vec::new(),
            protobuf: batch.protobuf().into(),
        };
        let prepared = store.prepare(&entry).expect("decodes");
        events += store
            .append(&entry, prepared)
            .await
            .expect("is acknowledged")
            .accepted;
        if store.stats().buffer_rows >= 200_000 {
            store.flush().await.expect("flushes");
        }
    }
    store.flush().await.expect("flushes");
    println!(
        "{events} events in {} parts, {:?}",
        store.stats().parts,
        started.elapsed()
    );
}
