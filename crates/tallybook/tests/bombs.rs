//! Structural bombs against the real binary: refused, and cheap.

use std::time::Duration;

use conformance::bombs::{BOMBS, Bomb, INFLATED_BYTES};
use conformance::receiver::Receiver;
use conformance::seen::Seen;
use conformance::telemetry::{Item, request};
use conformance::way::{Encoding, Signal, Way};
use conformance::wire::squeeze::Coding;
use testkit::{Launch, Problem, Server};

const MIB: u64 = 1 << 20;

fn start() -> Result<(Server, Receiver), Problem> {
    let server = Launch::new(env!("CARGO_BIN_EXE_tallybook")).start()?;
    let receiver = Receiver::of_server(&server);
    Ok((server, receiver))
}

/// A line of the kernel's account of a process, in bytes.
fn memory(server: &Server, line: &str) -> Result<u64, Problem> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let found = status.lines().find_map(|known| known.strip_prefix(line));
    let kib = found.and_then(|rest| {
        rest.trim_matches([':', ' ', '\t', 'k', 'B'])
            .parse::<u64>()
            .ok()
    });
    kib.map(|kib| kib << 10)
        .ok_or_else(|| Problem::new(format!("no {line} in {status}")))
}

/// The ways on which a bomb comes: gzip over HTTP, and in turn one of the others.
fn ways(number: usize, bomb: &Bomb) -> [(Way, Coding); 2] {
    let way = match bomb.encoding {
        Encoding::Json => Way::Json,
        Encoding::Protobuf => Way::Protobuf,
    };
    let other = match (number % 2, bomb.encoding) {
        (1, Encoding::Protobuf) => (Way::Grpc, Coding::Gzip),
        _ => (way, Coding::Zstd),
    };
    [(way, Coding::Gzip), other]
}

async fn ordinary(receiver: &Receiver, way: Way) -> Result<Seen, Problem> {
    let body = request(
        Signal::Logs,
        way.encoding(),
        &[Item::new(&receiver.marker())],
    );
    receiver.export(way, Signal::Logs, &body).await
}

/// What one bomb costs at most in a server that has seen nothing but an ordinary request.
async fn cost_of(
    bomb: &Bomb,
    body: &[u8],
    way: Way,
    coding: Coding,
) -> Result<(u64, Seen), Problem> {
    let (server, receiver) = start()?;
    assert!(ordinary(&receiver, way).await?.is_full_success());
    let before = memory(&server, "VmRSS")?;
    let packed = coding.squeeze(body)?;
    assert!(packed.len() < body.len() / 2, "{}", bomb.name);
    let seen = receiver
        .export_packed(way, Signal::Logs, coding, &packed)
        .await?;
    let cost = memory(&server, "VmHWM")?.saturating_sub(before);
    assert!(ordinary(&receiver, way).await?.is_full_success());
    Ok((cost, seen))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structural_bomb_costs_less_than_twice_its_size_and_is_refused() -> Result<(), Problem> {
    let mut table = String::new();
    let mut is_so = true;
    for (number, bomb) in BOMBS.iter().enumerate() {
        let body = (bomb.body)();
        assert!(body.len() <= INFLATED_BYTES && body.len() > INFLATED_BYTES - 2048);
        for (way, coding) in ways(number, bomb) {
            let (cost, seen) = cost_of(bomb, &body, way, coding).await?;
            let is_final = seen.is_refused_for_good() || seen.partial().is_some();
            let is_cheap = cost < 2 * INFLATED_BYTES as u64;
            is_so &= is_final && is_cheap;
            let mark = if is_final && is_cheap {
                ""
            } else {
                " <-- wrong"
            };
            let mib = cost / MIB;
            table.push_str(&format!(
                "{:?} {}, {way}, {coding:?}: {mib} MiB, {seen}{mark}\n",
                bomb.encoding, bomb.name
            ));
        }
    }
    assert!(is_so, "\n{table}");
    Ok(())
}

/// What bodies may take together by default, and what the process needs beside them.
const BUDGET_BYTES: u64 = 256 * MIB;
const BESIDE_BYTES: u64 = 64 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn many_bombs_at_once_stay_within_the_budget_and_keep_nobody_out() -> Result<(), Problem> {
    let (server, receiver) = start()?;
    assert!(ordinary(&receiver, Way::Json).await?.is_full_success());
    let before = memory(&server, "VmRSS")?;
    let mut crowd = tokio::task::JoinSet::new();
    for bomb in BOMBS.iter().step_by(3) {
        let packed = Coding::Gzip.squeeze(&(bomb.body)())?;
        let way = match bomb.encoding {
            Encoding::Json => Way::Json,
            Encoding::Protobuf => Way::Protobuf,
        };
        for _ in 0..4 {
            let (receiver, packed) = (receiver.clone(), packed.clone());
            crowd.spawn(async move {
                receiver
                    .export_packed(way, Signal::Logs, Coding::Gzip, &packed)
                    .await
            });
        }
    }
    let mut served = 0;
    while !crowd.is_empty() {
        assert!(ordinary(&receiver, Way::Json).await?.is_full_success());
        served += 1;
        let _ = tokio::time::timeout(Duration::from_millis(20), async {
            while let Some(seen) = crowd.join_next().await {
                let seen = seen??;
                // Refused for good, or asked to come back because the budget is used up.
                assert!(!seen.is_full_success(), "{seen}");
            }
            Ok::<_, Problem>(())
        })
        .await;
    }
    assert!(served > 1);
    let cost = memory(&server, "VmHWM")?.saturating_sub(before);
    assert!(cost < BUDGET_BYTES + BESIDE_BYTES, "{} MiB", cost / MIB);
    Ok(())
}
