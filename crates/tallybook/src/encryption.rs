//! The root key of this process: where it is taken from.
//!
//! Invariant: a flag wins over the environment, that over the configuration file. A key beside what it
//! protects protects nothing, and is refused.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base::seal::{self, RootKey};

use crate::cli::RootArgs;
use crate::failure::Failure;

/// The key itself, in base64.
const KEY: &str = "TALLYBOOK_ENCRYPTION_KEY";

/// The file that the key of this process came from.
static FILE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Takes the key that a flag or the environment gives.
pub(crate) fn begin(args: &RootArgs) -> Result<(), Failure> {
    if let Some(file) = &args.encryption_key_file {
        return take_file(file).map_err(Failure::usage);
    }
    let Some(text) = std::env::var_os(KEY).filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let text = text.to_string_lossy();
    let key = RootKey::parse(&text, KEY).map_err(|error| Failure::usage(error.to_string()))?;
    seal::provide(Some(key));
    Ok(())
}

/// Takes the key of a configuration file, if there is none yet, and says what is wrong with where it is.
pub(crate) fn settle(configured: Option<&Path>, data_dir: &Path) -> Result<(), String> {
    if let (Some(file), None) = (configured, seal::provided()) {
        take_file(file)?;
    }
    let file = FILE.lock().ok().and_then(|file| file.clone());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match file {
        Some(file) if real(&file).starts_with(real(data_dir)) => Err(format!(
            "the encryption key {} lies in the data directory that it is to protect: move it elsewhere",
            file.display()
        )),
        _ => Ok(()),
    }
}

/// The key that is now in the file that the key of this process came from.
pub(crate) fn read_again() -> Result<RootKey, String> {
    let file = FILE.lock().ok().and_then(|file| file.clone());
    let file = file.ok_or_else(|| {
        format!("the root key came from {KEY}, and a process cannot be given another: restart with a key file")
    })?;
    RootKey::read(&file).map_err(|error| error.to_string())
}

fn take_file(file: &Path) -> Result<(), String> {
    let key = RootKey::read(file).map_err(|error| error.to_string())?;
    seal::provide(Some(key));
    if let Ok(mut known) = FILE.lock() {
        *known = Some(file.to_owned());
    }
    Ok(())
}
