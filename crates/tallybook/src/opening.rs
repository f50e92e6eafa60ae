//! Opening a data directory: for the server, which serves while the journal is replayed, and for
//! commands that ask it without a server, which wait until it is.

use std::io::IsTerminal;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Secret, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use store::{Config, Opened, Replay, ReplayProgress, Store, StoreError};

use crate::failure::Failure;

/// Under which label the key is derived that makes hashes of who was erased.
pub(crate) const ERASURE: &str = "erasure";
/// Under which label the key is derived that makes the hashes that stand for ids of old items.
pub(crate) const RETENTION: &str = "retention";

/// How often a terminal is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Opens a data directory so that it takes requests; its replay has still to be run.
pub(crate) async fn for_intake(config: Config) -> Result<(Arc<Store>, Replay), Failure> {
    let dir = config.dir.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let opened = Store::open_for_intake(config, clock).await;
    let (store, replay) = opened.map_err(|error| failed(&dir, &error))?;
    if let Some(vault) = store.vault() {
        tracing::info!(
            "{}: encrypted under the root key {}",
            dir.display(),
            vault.root_name()
        );
        base::seal::adopt(Arc::clone(vault));
    }
    Ok((store, replay))
}

/// Opens a data directory whole. On a terminal it says how far it is.
pub(crate) async fn whole(config: Config) -> Result<Arc<Store>, Failure> {
    let dir = config.dir.clone();
    let (store, mut replay) = for_intake(config).await?;
    let bar = progress_bar();
    let mut tick = tokio::time::interval(TELL_EVERY);
    let opened = {
        let mut replaying = pin!(replay.run());
        loop {
            tokio::select! {
                opened = &mut replaying => break opened,
                _ = tick.tick() => tell(&bar, &store.replay_progress()),
            }
        }
    };
    bar.finish_and_clear();
    say(&dir, &opened.map_err(|error| failed(&dir, &error))?);
    Ok(store)
}

fn tell(bar: &ProgressBar, progress: &ReplayProgress) {
    bar.set_length(progress.bytes_total);
    bar.set_position(progress.bytes_done);
    bar.set_message(progress.to_string());
}

/// Says what opening and replaying found.
pub(crate) fn say(dir: &Path, opened: &Opened) {
    let dir = dir.display();
    if opened.frames > 0 {
        tracing::info!(
            "{dir}: replayed {} requests from the journal, {} items",
            opened.frames,
            opened.rows
        );
    }
    if opened.orphans > 0 {
        tracing::info!(
            "{dir}: removed {} files of a flush that did not end",
            opened.orphans
        );
    }
    if !opened.damaged.is_empty() {
        tracing::error!(
            "{dir}: {} places of the journal are damaged; each has been said above",
            opened.damaged.len()
        );
    }
}

fn failed(dir: &Path, error: &StoreError) -> Failure {
    Failure::failed(format!("data directory {}: {error}", dir.display()))
}

fn progress_bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// The one secret of an installation.
pub(crate) fn secret(data_dir: &Path) -> Result<Secret, Failure> {
    Secret::open_or_create(&data_dir.join("keys").join("server.key")).map_err(Failure::failed)
}
