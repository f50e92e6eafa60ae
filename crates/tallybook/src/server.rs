//! The running server, as a list of named builds.
//!
//! Order: bind all ports first, so that a taken one is said before anything else happens; then open
//! the store; then serve, and replay the journal meanwhile. Shutdown runs the other way: stop
//! accepting, answer what is in flight, flush.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::barred::Barred;
use access::door::Door;
use access::tokens::{Gate, Openness};
use api::{About, Access, Api, SignInProvider};
use base::meters::Board;
use base::{Shutdown, SystemClock};
use query::{Engine, ErasureDesk, Pseudonyms, RetentionDesk};
use store::{Replay, Retention, Store};
use tls::Tls;
use tokio::runtime::Runtime;

use crate::admission;
use crate::barring::Barring;
use crate::demo_data::DemoData;
use crate::encryption;
use crate::failure::Failure;
use crate::intake::{Entrance, Intake, cpu_runtime};
use crate::notices::Notices;
use crate::opening;
use crate::people;
use crate::redaction::Redaction;
use crate::settings::Checked;
use crate::vitals;
use crate::ways_in::WaysIn;

/// How often it is looked whether the use of tokens is to be written.
const USAGE_EVERY: std::time::Duration = std::time::Duration::from_secs(10);

/// A server that listens but does not serve yet.
pub(crate) struct Server {
    receive: receive::Bound,
    ui: (tokio::net::TcpListener, Arc<api::Places>),
    ui_address: SocketAddr,
    pub(crate) store: Arc<Store>,
    replay: Replay,
    data_dir: PathBuf,
    engine: Arc<Engine>,
    people: people::Kept,
    retention: Retention,
    gate: Arc<Gate>,
    door: Arc<Door>,
    notices: Arc<Notices>,
    intake: Arc<Intake>,
    refused_people: Arc<Barred>,
    pub(crate) redaction: Arc<Redaction>,
    board: Board,
    cpu: Runtime,
    access: Access,
    provider: Option<Arc<SignInProvider>>,
    allowed_hosts: Vec<String>,
    tls: Option<Arc<Tls>>,
    is_demo: bool,
}

impl Server {
    /// Binds, opens, assembles.
    pub(crate) async fn build(settings: Checked, is_demo: bool) -> Result<Server, Failure> {
        let handshakes = tls::Meters::new();
        let tls = settings
            .tls
            .map(|files| Tls::load(files, handshakes.clone()).map(Arc::new));
        let tls = tls
            .transpose()
            .map_err(|fault| Failure::usage(format!("listen.tls: {fault}")))?;
        let receive = receive::Server::bind(settings.receive).map_err(Failure::failed)?;
        let receive = receive.with_tls(tls.clone());
        let ui = settings.ui.bind().await?;
        let ui_address = ui.0.local_addr().map_err(Failure::failed)?;
        let limits = settings.store.limits.clone();
        let data_dir = settings.store.dir.clone();
        let (store, replay) = opening::for_intake(settings.store).await?;
        let access = admission::open(&data_dir, settings.access, ui_address)?;
        let ui_url = format!("{}://{ui_address}", scheme(tls.is_some()));
        let provider = settings
            .provider
            .map(|wanted| wanted.build(&data_dir, &ui_url));
        let provider = provider.transpose()?;
        let ways_in = WaysIn {
            passwords_off: settings.access.passwords_off,
            provider: provider.as_ref().map(|provider| provider.name.clone()),
        };
        ways_in.keep(&data_dir).map_err(Failure::failed)?;
        let asked = query::Config {
            pseudonyms: pseudonyms(&data_dir)?,
            ..settings.query
        };
        let usual = asked.organization.clone();
        let engine = Engine::new(Arc::clone(&store), asked).map_err(Failure::failed)?;
        let people = people::Kept::start(&settings.people, &engine);
        let cpu = cpu_runtime().map_err(Failure::failed)?;
        let redaction = Arc::new(Redaction::start(&settings.redaction, &usual, &data_dir)?);
        let clock = Arc::new(SystemClock::new());
        let gate = Gate::open(&data_dir, settings.tokens, clock).map_err(Failure::failed)?;
        let (gate, notices) = (
            Arc::new(gate),
            Arc::new(Notices::new(Arc::clone(&access.trail))),
        );
        say_openness(&gate);
        let door = Arc::new(Door::open(&data_dir).map_err(Failure::failed)?);
        let barring = Arc::new(Barring::open(&data_dir, &usual)?);
        engine.set_refuser(Arc::clone(&barring) as _);
        let refused_people = barring.list();
        let entrance = Entrance {
            gate: Arc::clone(&gate),
            door: Arc::clone(&door),
            foreign: settings.foreign,
            notices: Arc::clone(&notices) as _,
            barring,
        };
        let kept = Arc::clone(&redaction);
        let cpu_handle = cpu.handle().clone();
        let intake = Intake::new(Arc::clone(&store), limits, kept, cpu_handle, entrance);
        let board = board(&receive, &store, &engine)?;
        board.add(handshakes.sources()).map_err(Failure::failed)?;
        board.add(redaction.meters()).map_err(Failure::failed)?;
        board.add(notices.meters()).map_err(Failure::failed)?;
        board.add(ui.1.meters()).map_err(Failure::failed)?;
        Ok(Server {
            receive,
            ui,
            ui_address,
            store,
            replay,
            data_dir,
            engine: Arc::new(engine),
            people,
            retention: settings.retention,
            gate,
            door,
            notices,
            intake: Arc::new(intake),
            refused_people,
            redaction,
            board,
            cpu,
            access,
            provider,
            allowed_hosts: settings.allowed_hosts,
            tls,
            is_demo,
        })
    }

    /// The web UI's address.
    pub(crate) fn ui_url(&self) -> String {
        format!("{}://{}", self.scheme(), self.ui_address)
    }

    /// How addresses begin.
    pub(crate) fn scheme(&self) -> &'static str {
        scheme(self.tls.is_some())
    }

    /// Where OTLP/HTTP is received.
    pub(crate) fn otlp_http(&self) -> SocketAddr {
        self.receive.http()
    }

    /// Says who may come in; what is for standard output, with the setup link, is returned.
    pub(crate) fn welcome(&self) -> Option<String> {
        admission::welcome(&self.access, &self.ui_url())
    }

    /// The actual addresses as one JSON document.
    pub(crate) fn addresses(&self) -> serde_json::Value {
        serde_json::json!({"listening": {
            "http": self.receive.http().to_string(),
            "grpc": self.receive.grpc().to_string(),
            "ui": self.ui_address.to_string(),
        }})
    }

    /// The actual addresses for people.
    pub(crate) fn describe(&self) -> String {
        format!(
            "  web UI and API  {}\n  OTLP/HTTP       {scheme}://{}\n  OTLP/gRPC       {scheme}://{}",
            self.ui_url(),
            self.receive.http(),
            self.receive.grpc(),
            scheme = self.scheme()
        )
    }

    /// Serves until `shutdown`, then drains and flushes.
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<(), Failure> {
        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_ms: self.store.clock().now_unix_ns() / 1_000_000,
            http: self.receive.http(),
            grpc: self.receive.grpc(),
            tls: self.tls.is_some(),
            demo: self.is_demo,
        };
        let config = api::Config {
            addr: self.ui_address,
            allowed_hosts: self.allowed_hosts,
        };
        let people = self
            .people
            .watch(Arc::clone(&self.engine), shutdown.clone());
        let people = tokio::spawn(people);
        let secret = opening::secret(&self.data_dir)?;
        let desk = ErasureDesk::new(Arc::clone(&self.engine), secret.key(opening::ERASURE));
        let desk = Arc::new(desk);
        let demo = DemoData::open(&self.data_dir, &self.intake, &desk, shutdown.clone())?;
        let retention_key = secret.key(opening::RETENTION);
        let retention = RetentionDesk::new(Arc::clone(&self.engine), self.retention, retention_key);
        let retention = Arc::new(retention);
        let aging = tokio::spawn(Arc::clone(&retention).run(shutdown.clone()));
        let keys = api::EncryptionDesk::new(
            Arc::clone(&self.store),
            &self.data_dir,
            Box::new(encryption::read_again),
            shutdown.clone(),
        );
        let keys = Arc::new(keys);
        let privacy = api::Privacy {
            retention,
            holds: Arc::new(api::HoldRegister::of(&self.data_dir)),
            shutdown: shutdown.clone(),
        };
        let ready = tokio::spawn(Arc::clone(&self.engine).keep_ready());
        let gate = tokio::spawn(Arc::clone(&self.access.gate).run(shutdown.clone()));
        let api = Api::new(self.engine, about, self.board, config, self.access)
            .with_erasures(Arc::clone(&desk))
            .with_refused_people(self.refused_people)
            .with_encryption(Arc::clone(&keys))
            .with_privacy(privacy)
            .with_redaction(self.redaction.ledger())
            .with_provider(self.provider)
            .with_demo_data(Arc::clone(&demo) as _)
            .with_intake(api::Intake {
                gate: Arc::clone(&self.gate),
                door: self.door,
                notices: self.notices,
            });
        let router = api::router(api);
        // Flushes end last, after everything that can still append.
        let appends_done = Shutdown::new();
        let after = AfterReplay { desk, keys };
        let replay = tokio::spawn(replay(self.replay, self.data_dir, after, shutdown.clone()));
        let flushes = tokio::spawn(Arc::clone(&self.store).run_flushes(appends_done.clone()));
        let reserve = tokio::spawn(Arc::clone(&self.store).run_reserve(shutdown.clone()));
        let tls = self.tls.clone();
        let certificates = tls
            .clone()
            .map(|tls| tokio::spawn(tls.watch(shutdown.clone())));
        let ui = tokio::spawn(api::serve(self.ui, tls, router, shutdown.clone()));
        let log = tokio::spawn(Arc::clone(&self.intake).run_log(shutdown.clone()));
        let usage = tokio::spawn(keep_usage(Arc::clone(&self.gate), shutdown.clone()));
        self.receive.serve(self.intake, shutdown).await;
        ready.abort();
        log.await.map_err(Failure::failed)?;
        usage.await.map_err(Failure::failed)?;
        // Once more, now that nothing comes any more.
        save_usage(&self.gate, true).await;
        ui.await.map_err(Failure::failed)?;
        replay.await.map_err(Failure::failed)?;
        reserve.await.map_err(Failure::failed)?;
        aging.await.map_err(Failure::failed)?;
        people.await.map_err(Failure::failed)?;
        if let Some(certificates) = certificates {
            certificates.await.map_err(Failure::failed)?;
        }
        gate.await.map_err(Failure::failed)?;
        demo.settle().await;
        appends_done.trigger();
        flushes.await.map_err(Failure::failed)?;
        self.cpu.shutdown_background();
        Ok(())
    }
}

fn scheme(is_tls: bool) -> &'static str {
    match is_tls {
        true => "https",
        false => "http",
    }
}

/// What people are called where names are not shown: the same as long as the directory's secret is.
fn pseudonyms(data_dir: &Path) -> Result<Pseudonyms, Failure> {
    Ok(Pseudonyms::by(
        &opening::secret(data_dir)?.key("pseudonyms"),
    ))
}

/// Says loudly that intake is open, if it is.
fn say_openness(gate: &Gate) {
    match gate.openness() {
        Openness::NoToken => tracing::warn!(
            "intake is open on loopback: every program on this machine may write, until there is a token (tallybook token create)"
        ),
        Openness::Loopback => tracing::warn!(
            "intake stays open on loopback, although there may be tokens (intake.open_loopback): every program on this machine may write"
        ),
        Openness::Closed => tracing::info!("intake takes only what comes with a token"),
    }
}

/// Writes now and then how tokens were used, until `shutdown`.
async fn keep_usage(gate: Arc<Gate>, shutdown: Shutdown) {
    while !shutdown.is_triggered() {
        tokio::select! {
            () = tokio::time::sleep(USAGE_EVERY) => {}
            () = shutdown.wait() => {}
        }
        save_usage(&gate, false).await;
    }
}

async fn save_usage(gate: &Arc<Gate>, is_last: bool) {
    let gate = Arc::clone(gate);
    match tokio::task::spawn_blocking(move || gate.save(is_last)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("how tokens were used is not kept: {error}"),
        Err(error) => tracing::error!("how tokens were used is not kept: {error}"),
    }
}

/// The meters of everything that runs.
fn board(receive: &receive::Bound, store: &Arc<Store>, engine: &Engine) -> Result<Board, Failure> {
    let board = Board::new();
    for sources in [
        receive.meters(),
        store.meters(),
        engine.meters(),
        vitals::meters(),
    ] {
        board.add(sources).map_err(Failure::failed)?;
    }
    Ok(board)
}

/// What was under way when the server ended, and goes on once the journal is replayed.
struct AfterReplay {
    desk: Arc<ErasureDesk>,
    keys: Arc<api::EncryptionDesk>,
}

/// Replays the journal while the server serves, and says what was found. An erasure that was under way
/// when the server ended goes on then, and then what was being written anew.
async fn replay(replay: Replay, data_dir: PathBuf, after: AfterReplay, shutdown: Shutdown) {
    if let Some(opened) = replay.run_until(shutdown.clone()).await {
        opening::say(&data_dir, &opened);
        tokio::select! {
            () = after.desk.resume() => after.keys.resume(),
            () = shutdown.wait() => {}
        }
    }
}

/// Waits for SIGTERM or SIGINT, then triggers; a second signal ends the process at once.
pub(crate) async fn watch_signals(shutdown: Shutdown) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    for round in 0.. {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if round > 0 {
            tracing::warn!("ending at once; what is acknowledged is in the journal");
            std::process::exit(1);
        }
        tracing::info!("finishing what is in flight; a second signal ends at once");
        shutdown.trigger();
    }
    Ok(())
}
