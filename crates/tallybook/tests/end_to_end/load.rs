//! 200 clients at once: no error, nothing lost, nothing double.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::{Options, send_scenario};
use testkit::{Problem, Server, Template};
use tokio::task::JoinSet;

use crate::stage::{Expectation, all, fates, launch, templates};

const CLIENTS: u32 = 200;
const SECONDS: u64 = 30;
/// Every so many runs of a client, it sends everything a second time.
const REPEATS_EVERY: u32 = 3;

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
    let server = Arc::new(launch().settings("[query]\nmax_rows = 5000000\n").start()?);
    let templates = Arc::new(templates()?);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(replay(
            Arc::clone(&server),
            Arc::clone(&templates),
            client,
            end,
        ));
    }
    let mut runs = Vec::new();
    while let Some(ended) = clients.join_next().await {
        runs.extend(ended??);
    }
    let mut expected = Expectation::default();
    let mut received = 0;
    for run in &runs {
        let template = &templates[run.template];
        expected.add(template, run.client);
        let requests = &template.scenario(run.client).requests;
        received += run.times * crate::stage::items_sent(requests)?;
    }
    assert!(runs.len() >= CLIENTS as usize);
    let sql = server.sql();
    expected.check("200 clients", &sql).await?;
    let fates = fates(&sql).await?;
    assert_eq!((fates.quarantined, fates.rejected), (0, 0), "{fates:?}");
    assert_eq!(fates.accepted, all(expected.items()), "{fates:?}");
    assert_eq!(fates.received, received, "{fates:?}");
    Ok(())
}

/// One client, with connections of its own, until the time is up: whole scenarios only.
async fn replay(
    server: Arc<Server>,
    templates: Arc<Vec<Template>>,
    client: u32,
    end: Instant,
) -> Result<Vec<Run>, Problem> {
    let mut runs = Vec::new();
    for round in 0.. {
        let run = Run {
            template: (client + round) as usize % templates.len(),
            client: client << 16 | round,
            times: 1 + u64::from(round % REPEATS_EVERY == 1),
        };
        let scenario = templates[run.template].scenario(run.client);
        for _ in 0..run.times {
            let sent = send_scenario(&scenario, &server.target(), Options::default()).await?;
            if !sent.refused.is_empty() || sent.retries > 0 {
                return Err(Problem::new(format!("{}: {sent:?}", scenario.name)));
            }
        }
        runs.push(run);
        if Instant::now() > end {
            break;
        }
    }
    Ok(runs)
}
