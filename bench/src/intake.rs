//! Acknowledged events per server core, by transport, encoding and batch size.

use std::path::Path;
use std::sync::Arc;

use fleet::{ClientVersion, Transport};
use otlp::Encoding;
use testkit::{Launch, Problem};
use tokio::sync::{Mutex, mpsc};

use crate::arguments::Arguments;
use crate::corpus::{Body, Corpus};
use crate::gauge::MemoryWatch;
use crate::load::{CONNECTIONS, Crowd, Lane, Seen, send};
use crate::report::Report;

const LANES: &[(&str, Lane)] = &[
    (
        "HTTP protobuf",
        Lane {
            transport: Transport::Http,
            encoding: Encoding::Protobuf,
        },
    ),
    (
        "HTTP JSON",
        Lane {
            transport: Transport::Http,
            encoding: Encoding::Json,
        },
    ),
    (
        "gRPC",
        Lane {
            transport: Transport::Grpc,
            encoding: Encoding::Protobuf,
        },
    ),
];
const BATCHES: &[usize] = &[50, 500];

/// One measurement of intake.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) client: ClientVersion,
    pub(crate) lane: &'static str,
    pub(crate) batch: usize,
    pub(crate) seen: Seen,
    pub(crate) peak_memory: u64,
}

/// Every lane and batch size against a server of its own; what is sent was generated before.
pub(crate) async fn measure(
    arguments: &Arguments,
    binary: &Path,
    report: &mut Report,
) -> Result<(), Problem> {
    for client in &arguments.shapes {
        for (name, lane) in LANES {
            for batch in BATCHES {
                eprintln!("intake: {} over {name}, batches of {batch}", client.cli());
                let corpus = Corpus {
                    client: *client,
                    events: arguments.intake_events,
                    batch: *batch,
                    encoding: lane.encoding,
                };
                let bodies = corpus.all().await?;
                let mut server = Launch::new(binary).start()?;
                let memory = MemoryWatch::of(server.pid());
                let seen = send(&server, Crowd::closed(lane, CONNECTIONS), queue(bodies)).await?;
                let stored = server.sql().count("SELECT count(*) FROM events").await?;
                if stored != seen.events {
                    let said = format!("{} events acknowledged, {stored} stored", seen.events);
                    return Err(Problem::new(said));
                }
                server.terminate()?;
                let peak_memory = memory.peak()?;
                report.intake.push(Measured {
                    client: *client,
                    lane: name,
                    batch: *batch,
                    seen,
                    peak_memory,
                });
            }
        }
    }
    Ok(())
}

fn queue(bodies: Vec<Body>) -> Arc<Mutex<mpsc::Receiver<Body>>> {
    let (sender, receiver) = mpsc::channel(bodies.len().max(1));
    for body in bodies {
        // There is room for all of them.
        let _ = sender.try_send(body);
    }
    Arc::new(Mutex::new(receiver))
}
