//! 200 clients at once: no error, nothing lost, nothing double; and every answer given meanwhile is
//! true of a moment between its question and itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fleet::{Options, send_scenario};
use testkit::{Problem, Server, Template};
use tokio::task::JoinSet;

use crate::stage::{Expectation, all, fates, items_sent, launch, templates};

const CLIENTS: u32 = 200;
const ASKERS: usize = 3;
const SECONDS: u64 = 30;
/// Every so many runs of a client, it sends everything a second time.
const REPEATS_EVERY: u32 = 3;
/// Flushes come often, and answers may be long.
const SETTINGS: &str = "[store]\nflush_rows = 20000\n[query]\nmax_rows = 5000000\n";

/// What clients and askers share.
struct Work {
    server: Server,
    templates: Vec<Template>,
    end: Instant,
    /// Log records that a client has begun to send.
    begun: AtomicU64,
    /// Log records that were acknowledged.
    acknowledged: AtomicU64,
    is_over: AtomicBool,
}

/// A run by one client: which scenario, as whom, how often.
struct Run {
    template: usize,
    client: u32,
    times: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients() -> Result<(), Problem> {
    let seconds = std::env::var("TALLYBOOK_LOAD_SECONDS").ok();
    let seconds = seconds
        .map(|text| text.parse())
        .transpose()?
        .unwrap_or(SECONDS);
    let work = Arc::new(Work {
        server: launch().settings(SETTINGS).start()?,
        templates: templates()?,
        end: Instant::now() + Duration::from_secs(seconds),
        begun: AtomicU64::new(0),
        acknowledged: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    });
    let (mut clients, mut askers) = (JoinSet::new(), JoinSet::new());
    for client in 0..CLIENTS {
        clients.spawn(replay(Arc::clone(&work), client));
    }
    for _ in 0..ASKERS {
        askers.spawn(ask(Arc::clone(&work)));
    }
    let mut runs = Vec::new();
    while let Some(ended) = clients.join_next().await {
        runs.extend(ended??);
    }
    work.is_over.store(true, Ordering::SeqCst);
    while let Some(ended) = askers.join_next().await {
        assert!(ended?? > 0, "nobody asked anything");
    }
    assert!(runs.len() >= CLIENTS as usize);
    check(&work, &runs).await
}

/// Everything of every run is there once, and every item has its fate.
async fn check(work: &Work, runs: &[Run]) -> Result<(), Problem> {
    let mut expected = Expectation::default();
    let mut received = 0;
    for run in runs {
        let template = &work.templates[run.template];
        expected.add(template, run.client);
        received += run.times * items_sent(&template.scenario(run.client).requests)?;
    }
    let sql = work.server.sql();
    expected.check("200 clients", &sql).await?;
    let fates = fates(&sql).await?;
    assert_eq!((fates.quarantined, fates.rejected), (0, 0), "{fates:?}");
    assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
    assert_eq!(fates.received, received, "{fates:?}");
    Ok(())
}

/// One client, with connections of its own, until the time is up: whole scenarios only.
async fn replay(work: Arc<Work>, client: u32) -> Result<Vec<Run>, Problem> {
    let mut runs = Vec::new();
    for round in 0.. {
        let run = Run {
            template: (client + round) as usize % work.templates.len(),
            client: client << 16 | round,
            times: 1 + u64::from(round % REPEATS_EVERY == 1),
        };
        let template = &work.templates[run.template];
        let scenario = template.scenario(run.client);
        work.begun
            .fetch_add(template.items().logs, Ordering::SeqCst);
        for _ in 0..run.times {
            let target = work.server.target();
            let sent = send_scenario(&scenario, &target, Options::default()).await?;
            if !sent.refused.is_empty() || sent.retries > 0 {
                return Err(Problem::new(format!("{}: {sent:?}", scenario.name)));
            }
        }
        work.acknowledged
            .fetch_add(template.items().logs, Ordering::SeqCst);
        runs.push(run);
        if Instant::now() > work.end {
            break;
        }
    }
    Ok(runs)
}

/// Asks again and again how many events there are: all that were acknowledged before the question,
/// and none that nobody had begun to send before the answer. Says how often it asked.
async fn ask(work: Arc<Work>) -> Result<u64, Problem> {
    let sql = work.server.sql();
    let mut asked = 0;
    while !work.is_over.load(Ordering::SeqCst) {
        for question in [
            "SELECT count(*) FROM events",
            "SELECT sum(events) FROM sessions",
        ] {
            let least = work.acknowledged.load(Ordering::SeqCst);
            let found = sql.count(question).await?;
            let most = work.begun.load(Ordering::SeqCst);
            if !(least..=most).contains(&found) {
                let said = format!("{question}: {found} is not between {least} and {most}");
                return Err(Problem::new(said));
            }
            asked += 1;
        }
    }
    Ok(asked)
}
