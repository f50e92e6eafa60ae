//! `tallybook demo`: a temporary data directory, filled with a simulated organisation.
//!
//! The simulated requests go the way of real ones: entry, prepare, append. The past is filled in as
//! fast as the disk allows while the server already answers; then the organisation goes on working,
//! each request at its time.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use base::Shutdown;
use fleet::{Batch, Batched, ClientVersion, Config, Export, Organisation, Variety};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use store::{Entry, Store, Transport};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{io_runtime, say, start_logging};
use crate::cli::{DemoArgs, LogArgs};
use crate::failure::Failure;
use crate::server::{Server, watch_signals};
use crate::settings::Settings;

const DAY_MS: u64 = 24 * 3600 * 1000;
/// How long the organisation goes on working after the demo has started.
const FUTURE_DAYS: u64 = 1;
/// Items of the past that go into one request.
const BATCH_ITEMS: usize = 500;
/// Requests of the past that may be on their way at once; the journal makes them durable together.
const IN_FLIGHT: usize = 16;
/// How long the past may wait for room. Only a disk that is full and stays full takes longer.
const ROOM_PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &DemoArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let dir = tempfile::Builder::new()
        .prefix("tallybook-demo-")
        .tempdir()
        .map_err(Failure::failed)?;
    let mut settings = Settings {
        data_dir: dir.path().to_owned(),
        ..Settings::default()
    };
    settings.apply(&args.listen);
    let checked = settings.check()?;
    io_runtime()?.block_on(async {
        let shutdown = Shutdown::new();
        tokio::spawn(watch_signals(shutdown.clone()));
        let server = Server::build(checked, true).await?;
        if args.listen.print_addresses {
            say(&server.addresses().to_string())?;
        } else {
            say(&format!(
                "Tallybook demo: {} simulated people, {} days, kept in {} until you press Ctrl-C\n{}",
                args.people,
                args.days,
                dir.path().display(),
                server.describe()
            ))?;
        }
        let url = server.ui_url();
        let store = Arc::clone(&server.store);
        let organisation = organisation(args, &store);
        let open = !args.no_open && !args.listen.print_addresses;
        let playing = tokio::spawn(play(store, organisation, shutdown.clone(), open.then_some(url)));
        server.run(shutdown).await?;
        playing.await.map_err(Failure::failed)?
    })
}

fn organisation(args: &DemoArgs, store: &Store) -> Organisation {
    let now_ms = store.clock().now_unix_ns() / 1_000_000;
    Organisation::new(Config {
        people: args.people as usize,
        seed: args.seed,
        end_unix_ms: now_ms + FUTURE_DAYS * DAY_MS,
        days: u64::from(args.days) + FUTURE_DAYS,
        client: ClientVersion::V2_1_329,
        content: true,
        metrics: true,
        variety: Variety::default(),
    })
}

/// Fills in the past, then lets the organisation go on working.
async fn play(
    store: Arc<Store>,
    organisation: Organisation,
    shutdown: Shutdown,
    open: Option<String>,
) -> Result<(), Failure> {
    let mut exports = organisation.peekable();
    let now_ms = store.clock().now_unix_ns() / 1_000_000;
    let past = std::iter::from_fn(|| exports.next_if(|export| export.at_ms <= now_ms));
    let started = std::time::Instant::now();
    let items = fill(&store, past, &shutdown).await?;
    if shutdown.is_triggered() {
        return Ok(());
    }
    tracing::info!(
        "{items} items filled in within {:.1} s",
        started.elapsed().as_secs_f64()
    );
    if let Some(url) = open {
        open_browser(&url);
    }
    for export in exports {
        let now_ms = store.clock().now_unix_ns() / 1_000_000;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(export.at_ms.saturating_sub(now_ms))) => {}
            () = shutdown.wait() => return Ok(()),
        }
        take(
            Arc::clone(&store),
            export.signal,
            export.at_ms,
            export.protobuf(),
        )
        .await?;
    }
    Ok(())
}

async fn fill(
    store: &Arc<Store>,
    past: impl Iterator<Item = Export>,
    shutdown: &Shutdown,
) -> Result<usize, Failure> {
    let progress = progress();
    let mut tasks: JoinSet<Result<(), Failure>> = JoinSet::new();
    let mut items = 0;
    for batch in Batched::new(past, BATCH_ITEMS) {
        if shutdown.is_triggered() {
            break;
        }
        while tasks.len() >= IN_FLIGHT {
            finished(tasks.join_next().await)?;
        }
        items += batch.items();
        progress.set_position(items as u64);
        let Batch { at_ms, signal, .. } = batch;
        tasks.spawn(take(Arc::clone(store), signal, at_ms, batch.protobuf()));
    }
    while let Some(done) = tasks.join_next().await {
        finished(Some(done))?;
    }
    progress.finish_and_clear();
    Ok(items)
}

fn finished(
    done: Option<Result<Result<(), Failure>, tokio::task::JoinError>>,
) -> Result<(), Failure> {
    done.map_or(Ok(()), |joined| joined.map_err(Failure::failed)?)
}

/// One request through the same intake as a real one, received at its simulated time.
async fn take(
    store: Arc<Store>,
    signal: contract::Signal,
    at_ms: u64,
    protobuf: Vec<u8>,
) -> Result<(), Failure> {
    let entry = Entry {
        signal,
        transport: Transport::Http,
        received_ns: at_ms * 1_000_000,
        quarantined: Vec::new(),
        protobuf: protobuf.into(),
    };
    let prepared = store.prepare(&entry).map_err(Failure::failed)?;
    // It waits while a flush makes room.
    let deadline = Instant::now() + ROOM_PATIENCE;
    let appended = store.append_by(&entry, prepared, deadline).await;
    appended.map(drop).map_err(Failure::failed)
}

fn progress() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {human_pos} items filled in, {per_sec}")
    {
        bar.set_style(style);
    }
    bar
}

/// Opens the page where there is a screen; the address is on the terminal anyway.
fn open_browser(url: &str) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if !has_screen || !std::io::stdout().is_terminal() {
        return;
    }
    let opened = std::process::Command::new("xdg-open")
        .arg(url)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tracing::debug!("no browser opened: {error}");
    }
}
