//! SIGKILL between and during requests loses and doubles nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use testkit::{Addresses, Courier, Problem, Server, Template, scenario, until};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::stage::{Expectation, PATIENCE, deliver, launch, templates};

const COURIERS: u32 = 8;
/// After so many further acknowledgements the server is killed, each time.
const KILLS: &[usize] = &[15, 40, 3, 90, 25, 60, 1, 120, 35, 75];
/// So few rows that a flush is nearly always under way when the server is killed, and that
/// intake has to wait for it at times.
const FLUSHING: &str = "[store]\nflush_rows = 300\nbuffer_rows_max = 3000\n";

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_requests() -> Result<(), Problem> {
    for name in [
        "cc329_tools_json",
        "cc329_cumulative_pb",
        "cc329_gzip_grpc",
        "cc329_col_503_once_json",
        "cc329_traces_json",
    ] {
        let scenario = scenario(name)?;
        let mut server = launch().start()?;
        for (index, request) in scenario.requests.iter().enumerate() {
            deliver(&server, [request]).await?;
            server.kill()?;
            server.restart()?;
            let expected = Expectation::of(&scenario.requests[..=index])?;
            let what = format!("{name}, killed after request {}", request.number);
            expected.check(&what, &server.sql()).await?;
        }
        deliver(&server, &scenario.requests).await?;
        let expected = Expectation::of(&scenario.requests)?;
        expected
            .check(&format!("{name}, all again"), &server.sql())
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_requests() -> Result<(), Problem> {
    kill_under_load("").await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_requests_and_flushes() -> Result<(), Problem> {
    kill_under_load(FLUSHING).await
}

/// What the couriers share.
struct Work {
    templates: Vec<Template>,
    is_over: AtomicBool,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// Acknowledged requests: template, client, request.
    acknowledged: Vec<(usize, u32, usize)>,
    /// Scenarios that were delivered to the end: template, client.
    finished: Vec<(usize, u32)>,
    attempts: usize,
}

impl Work {
    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Couriers deliver one scenario after the other while the server is killed again and again. Each
/// time everything acknowledged is there after the restart; at the end everything is there once.
async fn kill_under_load(settings: &str) -> Result<(), Problem> {
    let mut server = launch().settings(settings).start()?;
    let (here, targets) = watch::channel(Some(server.addresses().clone()));
    let work = Arc::new(Work {
        templates: templates()?,
        is_over: AtomicBool::new(false),
        notes: Mutex::default(),
    });
    let mut couriers = JoinSet::new();
    for courier in 0..COURIERS {
        couriers.spawn(run(
            Arc::clone(&work),
            Courier::new(targets.clone()),
            courier,
        ));
    }
    for more in KILLS {
        kill_once(&mut server, &here, &work, *more).await?;
    }
    work.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = couriers.join_next().await {
        ended??;
    }
    let mut expected = Expectation::default();
    {
        let notes = work.notes();
        let deliveries = notes.acknowledged.len();
        assert!(
            notes.attempts > deliveries,
            "no request was cut off: nothing was shown"
        );
        for (template, client) in &notes.finished {
            expected.add(&work.templates[*template], *client);
        }
    }
    expected.check("after all kills", &server.sql()).await?;
    server.terminate()?;
    server.restart()?;
    expected
        .check("after all kills and a flush", &server.sql())
        .await
}

async fn run(work: Arc<Work>, mut courier: Courier, number: u32) -> Result<(), Problem> {
    for round in 0.. {
        if work.is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let index = (number * 5 + round) as usize % work.templates.len();
        let client = number << 16 | round;
        let scenario = work.templates[index].scenario(client);
        for (request, recorded) in scenario.requests.iter().enumerate() {
            let attempts = courier.deliver(recorded).await?;
            let mut notes = work.notes();
            notes.attempts += attempts as usize;
            notes.acknowledged.push((index, client, request));
        }
        work.notes().finished.push((index, client));
    }
    Ok(())
}

async fn kill_once(
    server: &mut Server,
    here: &watch::Sender<Option<Addresses>>,
    work: &Work,
    more: usize,
) -> Result<(), Problem> {
    let enough = work.notes().acknowledged.len() + more;
    until(PATIENCE, "acknowledgements", async || {
        let is_enough = work.notes().acknowledged.len() >= enough;
        Ok(is_enough.then_some(()))
    })
    .await?;
    // Whatever is acknowledged from here on may or may not have been before the kill.
    let acknowledged = work.notes().acknowledged.clone();
    server.kill()?;
    here.send_replace(None);
    server.restart()?;
    let mut owed: BTreeMap<String, u64> = BTreeMap::new();
    for (template, client, request) in acknowledged {
        for (session, count) in work.templates[template].records(client, request) {
            *owed.entry(session).or_default() += count;
        }
    }
    let stored = records_by_session(server).await?;
    for (session, count) in owed {
        let found = stored.get(&session).copied().unwrap_or_default();
        if found < count {
            return Err(Problem::new(format!(
                "session {session}: {count} records were acknowledged, {found} are there"
            )));
        }
    }
    here.send_replace(Some(server.addresses().clone()));
    Ok(())
}

async fn records_by_session(server: &Server) -> Result<HashMap<String, u64>, Problem> {
    let rows = server
        .sql()
        .rows(
            "SELECT session_id, count(*) AS records FROM (SELECT session_id FROM events \
             UNION ALL SELECT session_id FROM metrics) AS r GROUP BY session_id",
        )
        .await?;
    let record = |row: &testkit::Row| {
        let session = row.get("session_id")?.as_str()?.to_owned();
        Some((session, row.get("records")?.as_u64()?))
    };
    Ok(rows.iter().filter_map(record).collect())
}
