//! What encryption costs: the same requests and questions with and without it, in turn, in one run.
//!
//! Figures are ratios of medians. On a busy machine both sides are disturbed alike, and what a server does
//! is measured by its own CPU time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleet::{ClientVersion, Transport};
use otlp::Encoding;
use testkit::{Launch, Problem, Server};
use tokio::sync::{Mutex, mpsc};

use crate::arguments::Arguments;
use crate::corpus::{Body, Corpus};
use crate::gauge;
use crate::load::{CONNECTIONS, Crowd, Lane, send};

const LANE: &Lane = &Lane {
    transport: Transport::Http,
    encoding: Encoding::Protobuf,
};
const ROUNDS: usize = 5;
/// How often each question is asked of a server that was just started, so that footers are read, too.
const ASKED: usize = 20;
/// A root key, which protects nothing but this benchmark: base64 of 32 zeros.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// One side's figures, a round each.
#[derive(Default)]
struct Side {
    intake: Vec<Duration>,
    report: Vec<Duration>,
    replay: Vec<Duration>,
    bytes: u64,
}

/// Measures and prints a table.
pub(crate) async fn measure(arguments: &Arguments, binary: &Path) -> Result<(), Problem> {
    let corpus = Corpus {
        client: ClientVersion::V2_1_45,
        events: arguments.intake_events,
        batch: 50,
        encoding: Encoding::Protobuf,
    };
    let bodies = corpus.all().await?;
    let (mut plain, mut sealed) = (Side::default(), Side::default());
    for round in 1..=ROUNDS {
        eprintln!("encryption: round {round} of {ROUNDS}");
        live(binary, &bodies, None, &mut plain).await?;
        live(binary, &bodies, Some(KEY), &mut sealed).await?;
    }
    println!("| What | Plain | Encrypted | Ratio |\n|---|---|---|---|");
    let rows = [
        (
            "intake, µs of CPU an event",
            &mut plain.intake,
            &mut sealed.intake,
            1e6,
        ),
        (
            "report `cost`, ms of CPU",
            &mut plain.report,
            &mut sealed.report,
            1e3,
        ),
        (
            "one prompt's events, ms of CPU",
            &mut plain.replay,
            &mut sealed.replay,
            1e3,
        ),
    ];
    for (what, plain, sealed, scale) in rows {
        let (plain, sealed) = (median(plain), median(sealed));
        println!(
            "| {what} | {:.2} | {:.2} | {:.3} |",
            plain * scale,
            sealed * scale,
            sealed / plain
        );
    }
    let ratio = sealed.bytes as f64 / plain.bytes as f64;
    println!(
        "| bytes on disk | {} | {} | {ratio:.3} |",
        plain.bytes, sealed.bytes
    );
    Ok(())
}

/// One server's life: takes everything in, starts again, is asked.
async fn live(
    binary: &Path,
    bodies: &[Body],
    key: Option<&str>,
    side: &mut Side,
) -> Result<(), Problem> {
    let launch = match key {
        Some(key) => Launch::new(binary).variable("TALLYBOOK_ENCRYPTION_KEY", key),
        None => Launch::new(binary),
    };
    let mut server = launch.start()?;
    let seen = send(&server, Crowd::closed(LANE, CONNECTIONS), queue(bodies)).await?;
    side.intake.push(seen.cpu.div_f64(seen.events as f64));
    server.terminate()?;
    side.bytes = gauge::bytes_under(&server.data_dir())?;
    server.restart()?;
    let stored = server.sql().count("SELECT count(*) FROM events").await?;
    if stored != seen.events {
        let said = format!("{} events acknowledged, {stored} stored", seen.events);
        return Err(Problem::new(said));
    }
    let prompt =
        "SELECT prompt_id FROM events WHERE prompt_id IS NOT NULL ORDER BY prompt_id LIMIT 1";
    let rows = server.sql().rows(prompt).await?;
    let prompt = rows[0]["prompt_id"].as_str().unwrap_or_default();
    let cost = "SELECT person, date_trunc('day', time) AS day, sum(cost_usd) AS cost_usd \
                FROM api_requests GROUP BY 1, 2";
    let replay =
        format!("SELECT * FROM events WHERE prompt_id = '{prompt}' ORDER BY time, sequence");
    side.report.push(asked(&server, cost).await?);
    side.replay.push(asked(&server, &replay).await?);
    server.terminate()
}

/// CPU time of one answer, on average.
async fn asked(server: &Server, sql: &str) -> Result<Duration, Problem> {
    let before = gauge::cpu(server.pid())?;
    for _ in 0..ASKED {
        server.sql().rows(sql).await?;
    }
    let took = gauge::cpu(server.pid())?.saturating_sub(before);
    Ok(took / ASKED as u32)
}

fn median(figures: &mut [Duration]) -> f64 {
    figures.sort_unstable();
    figures[figures.len() / 2].as_secs_f64()
}

fn queue(bodies: &[Body]) -> Arc<Mutex<mpsc::Receiver<Body>>> {
    let (sender, receiver) = mpsc::channel(bodies.len().max(1));
    for body in bodies {
        // There is room for all of them.
        let _ = sender.try_send(body.clone());
    }
    Arc::new(Mutex::new(receiver))
}
