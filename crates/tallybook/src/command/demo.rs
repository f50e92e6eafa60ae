//! `tallybook demo`: a temporary data directory, filled with a simulated organisation.
//!
//! The simulated requests go the way of real ones: entry, prepare, append. The past is filled in as
//! fast as the disk allows while the server already answers; then the organisation goes on working,
//! each request at its time.

use std::io::IsTerminal;
use std::sync::Arc;

use base::Shutdown;
use store::Store;

use super::{io_runtime, say, start_logging};
use crate::cli::{DemoArgs, LogArgs};
use crate::failure::Failure;
use crate::redaction::Redaction;
use crate::server::{Server, watch_signals};
use crate::settings::Settings;
use crate::simulation::{Append, Drive, Kinds, Pace, Plan, Progress, Speed, Stream};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// How long the organisation goes on working after the demo has started.
const FUTURE_DAYS: u64 = 1;
/// Items of the past that go into one request.
const BATCH_ITEMS: usize = 500;

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
        let redaction = Arc::clone(&server.redaction);
        let plan = plan(args, &store);
        let open = !args.no_open && !args.listen.print_addresses;
        let playing = tokio::spawn(play((store, redaction), plan, shutdown.clone(), open.then_some(url)));
        server.run(shutdown).await?;
        playing.await.map_err(Failure::failed)?
    })
}

fn plan(args: &DemoArgs, store: &Store) -> Plan {
    let now_ms = store.clock().now_unix_ns() / 1_000_000;
    Plan {
        tallybook: env!("CARGO_PKG_VERSION").to_owned(),
        users: u64::from(args.people),
        days: u64::from(args.days) + FUTURE_DAYS,
        seed: args.seed,
        end_unix_ms: now_ms + FUTURE_DAYS * DAY_MS,
        events: None,
        content: true,
        metrics: true,
        variety: Kinds::None,
        disorder: "none".to_owned(),
        speed: Speed::Times(1.0),
        batch: BATCH_ITEMS,
        alone_from_ms: Some(now_ms),
        target: "demo".to_owned(),
    }
}

/// Fills in the past, then lets the organisation go on working.
async fn play(
    (store, redaction): (Arc<Store>, Arc<Redaction>),
    plan: Plan,
    shutdown: Shutdown,
    open: Option<String>,
) -> Result<(), Failure> {
    let now_ms = store.clock().now_unix_ns() / 1_000_000;
    let mut stream = Stream::start(&plan, 0)?;
    let drive = Drive {
        sink: Arc::new(Append::new(store, redaction)),
        pace: Pace::Times {
            times: 1.0,
            wall_ms: now_ms,
            simulated_ms: now_ms,
        },
        checkpoint: None,
        progress: Progress::bar_only(&plan),
        shutdown,
        on_caught_up: Some(Box::new(move |progress| {
            progress.finish();
            let (_, items, took) = progress.done();
            tracing::info!("{items} items filled in within {:.1} s", took.as_secs_f64());
            if let Some(url) = open {
                open_browser(&url);
            }
        })),
    };
    drive.run(&mut stream).await.map(drop)
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
