//! What `user`, `key` and `audit` have in common: a data directory that a server may be using.
//!
//! Invariant: a change is on record in the audit trail before it is made.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::audit::{Act, Action, Place, Writer};
use access::{Gate, GateConfig, Password};
use base::{Clock, SystemClock};

use crate::cli::DirArgs;
use crate::failure::Failure;
use crate::plain::printable;

/// Longer cells are cut; JSON has them whole.
const TEXT_CHARS_MAX: usize = 200;

/// Who there is in a data directory, and its audit trail.
pub(super) struct Desk {
    pub(super) gate: Gate,
    place: Place,
    clock: Arc<dyn Clock>,
}

impl Desk {
    pub(super) fn open(dir: &DirArgs) -> Result<Desk, Failure> {
        let dir = data_dir(dir)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let gate = Gate::open(&dir, Arc::clone(&clock), GateConfig::default());
        Ok(Desk {
            gate: gate.map_err(Failure::failed)?,
            place: Place::of(&dir),
            clock,
        })
    }

    /// Puts on record what is about to be done.
    pub(super) fn on_record(&self, action: Action, what: String) -> Result<(), Failure> {
        record(&self.place, Arc::clone(&self.clock), action, what)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_unix_ns() / 1_000_000
    }
}

/// Puts on record what is about to be done to a data directory.
pub(super) fn put_on_record(dir: &Path, action: Action, what: String) -> Result<(), Failure> {
    record(&Place::of(dir), Arc::new(SystemClock::new()), action, what)
}

fn record(
    place: &Place,
    clock: Arc<dyn Clock>,
    action: Action,
    what: String,
) -> Result<(), Failure> {
    let mut writer = Writer::open(place, clock).map_err(Failure::failed)?;
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let act = Act::of_command(&user.unwrap_or_default(), action, what);
    writer.record(act).map_err(Failure::failed)
}

/// The data directory, which must be there: a typing error makes no new one.
pub(super) fn data_dir(dir: &DirArgs) -> Result<PathBuf, Failure> {
    let usual = || crate::settings::Settings::default().data_dir;
    let dir = dir.data_dir.clone().unwrap_or_else(usual);
    match is_data_dir(&dir) {
        true => Ok(dir),
        false => Err(Failure::usage(format!(
            "there is no data directory {}: name it with --data-dir; tallybook serve makes one",
            dir.display()
        ))),
    }
}

fn is_data_dir(dir: &Path) -> bool {
    dir.join("LOCK").exists()
}

/// A password from a terminal, twice and without showing it, or one line of standard input.
pub(super) fn read_password(whose: &str) -> Result<Password, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        let limit = 4096;
        let read = std::io::stdin().lock().take(limit).read_line(&mut line);
        read.map_err(Failure::failed)?;
        return Ok(Password::new(
            line.trim_end_matches(['\r', '\n']).to_owned(),
        ));
    }
    let ask = |prompt: String| rpassword::prompt_password(prompt).map_err(Failure::failed);
    let first = ask(format!("Password of {whose}: "))?;
    let again = ask("Once more: ".to_owned())?;
    match first == again {
        true => Ok(Password::new(first)),
        false => Err(Failure::usage(
            "the two are not the same: nothing was changed",
        )),
    }
}

/// A moment as people write it, UTC.
pub(super) fn moment(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis);
    time.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

/// Text that somebody else wrote, safe for a terminal.
pub(super) fn shown(text: &str) -> String {
    printable(text, TEXT_CHARS_MAX)
}
