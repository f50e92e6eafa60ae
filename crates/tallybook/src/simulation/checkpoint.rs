//! How far a simulation is, in a file.
//!
//! Invariant: a checkpoint is written only when everything it counts is durable where it went, and
//! replaces the one before as a whole.

use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};

use base::{Disk, OsDisk};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::failure::Failure;

const FORMAT: &str = "tallybook-simulation";
const VERSION: u32 = 1;
/// No checkpoint comes near this.
const BYTES_MAX: u64 = 1 << 20;

/// How far a simulation is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    format: String,
    version: u32,
    /// What is simulated.
    pub(crate) plan: Plan,
    /// When it was begun, milliseconds since the Unix epoch.
    pub(crate) started_unix_ms: u64,
    /// When this was written.
    pub(crate) written_unix_ms: u64,
    /// The first requests of the simulation that are durable where they went.
    pub(crate) requests: u64,
    /// Log records in them.
    pub(crate) events: u64,
    /// Log records and data points in them.
    pub(crate) items: u64,
    /// Whether that is all of them.
    pub(crate) is_complete: bool,
}

impl Checkpoint {
    /// Nothing is done yet.
    pub(crate) fn new(plan: Plan, now_ms: u64) -> Checkpoint {
        Checkpoint {
            format: FORMAT.to_owned(),
            version: VERSION,
            plan,
            started_unix_ms: now_ms,
            written_unix_ms: now_ms,
            requests: 0,
            events: 0,
            items: 0,
            is_complete: false,
        }
    }

    /// The one in a file; nothing when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Checkpoint>, Failure> {
        let shown = path.display();
        let mend = "remove it, or name another file with --checkpoint";
        let bytes = match OsDisk.file_len(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(length) if length > BYTES_MAX => {
                let what = format!("{shown} is no checkpoint: it has {length} bytes; {mend}");
                return Err(Failure::failed(what));
            }
            Ok(_) => OsDisk.read(path),
            Err(error) => Err(error),
        };
        let bytes = bytes
            .map_err(|error| Failure::failed(format!("cannot read checkpoint {shown}: {error}")))?;
        let refused = |why: &dyn std::fmt::Display| {
            Failure::failed(format!(
                "{shown} is no checkpoint of this program: {why}; {mend}"
            ))
        };
        let found: Checkpoint = serde_json::from_slice(&bytes).map_err(|error| refused(&error))?;
        if (found.format.as_str(), found.version) != (FORMAT, VERSION) {
            return Err(refused(&format!("version {}", found.version)));
        }
        Ok(Some(found))
    }

    /// Replaces the one in the file, durably.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let json = serde_json::to_vec_pretty(self).map_err(Failure::failed)?;
        replace(path, &json).map_err(|error| {
            Failure::failed(format!(
                "cannot write checkpoint {}: {error}",
                path.display()
            ))
        })
    }
}

/// Replaces a file as a whole, durably.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let unfinished = PathBuf::from(unfinished);
    match OsDisk.remove(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OsDisk.create_new(&unfinished)?;
    file.write_all(&mut [IoSlice::new(bytes)])?;
    file.sync_data()?;
    OsDisk.rename(&unfinished, path)?;
    let dir = path.parent().filter(|dir| *dir != Path::new(""));
    OsDisk.sync_dir(dir.unwrap_or(Path::new(".")))
}

/// Writes a result for whoever reads it, readable as the user's other files are, as a whole.
pub(crate) fn write_result(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = (|| {
        let dir = path.parent().filter(|dir| *dir != Path::new(""));
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(dir.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        io::Result::Ok(())
    })();
    written.map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}
