//! Our own secret, by which the provider knows us: from a file or the environment, never from a setting.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Longer ones are none.
const BYTES_MAX: u64 = 4096;

/// Where our secret is.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientSecret {
    /// We have none: the provider knows us by PKCE alone.
    None,
    /// The first line of a file that only its owner, and perhaps a group, may read.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl ClientSecret {
    /// The secret as it is now: a file may be replaced while we run.
    ///
    /// # Errors
    /// It is not there, or others can read it, and how to mend that.
    pub fn read(&self) -> Result<Option<String>, String> {
        let text = match self {
            ClientSecret::None => return Ok(None),
            ClientSecret::File(path) => read_file(path)?,
            ClientSecret::Environment(name) => std::env::var(name).map_err(|_| {
                format!("the environment variable {name}, which should hold the client's secret, is not set")
            })?,
        };
        let secret = text.lines().next().unwrap_or_default().trim();
        match secret.is_empty() {
            true => Err(format!("{self} holds no secret")),
            false => Ok(Some(secret.to_owned())),
        }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let said = path.display();
    let failed = |error: std::io::Error| format!("the client's secret in {said}: {error}");
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return Err(format!("{said} is no file with a secret in it"));
    }
    refuse_open(path, &metadata)?;
    fs::read_to_string(path).map_err(failed)
}

#[cfg(unix)]
fn refuse_open(path: &Path, metadata: &fs::Metadata) -> Result<(), String> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    match mode & 0o027 {
        0 => Ok(()),
        _ => Err(format!(
            "{} can be read by everybody, or changed by others (mode {mode:03o}): chmod 600 it, and make a new secret if somebody may have read it",
            path.display()
        )),
    }
}

#[cfg(not(unix))]
fn refuse_open(_: &Path, _: &fs::Metadata) -> Result<(), String> {
    Ok(())
}

impl fmt::Display for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientSecret::None => f.write_str("nothing"),
            ClientSecret::File(path) => path.display().fmt(f),
            ClientSecret::Environment(name) => write!(f, "the environment variable {name}"),
        }
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSecret({self})")
    }
}

#[cfg(test)]
mod tests {
    //! A secret that others can read is refused.
    use super::*;

    #[test]
    fn a_file_for_its_owner_is_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let secret = ClientSecret::File(path.clone());
        assert!(secret.read().unwrap_err().contains("secret"));
        fs::write(&path, "  not-a-real-one \nmore\n").unwrap();
        for (mode, is_read) in [(0o600, true), (0o440, true), (0o644, false), (0o620, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = secret.read();
            assert_eq!(read.is_ok(), is_read, "{mode:o}: {read:?}");
            if is_read {
                assert_eq!(read.unwrap().as_deref(), Some("not-a-real-one"));
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "\n").unwrap();
        assert!(secret.read().unwrap_err().contains("holds no secret"));
        assert!(
            ClientSecret::Environment("TALLYBOOK_NOT_SET".into())
                .read()
                .is_err()
        );
        assert_eq!(ClientSecret::None.read().unwrap(), None);
    }
}
