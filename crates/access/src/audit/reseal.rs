//! Lines of closed segments under the current key.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use base::private;
use base::seal::{self, Scope, Vault};

use super::{Place, TrailError};

/// Seals anew the segments before number `open`; says how many had to be.
pub(super) fn closed(place: &Place, open: u64) -> Result<u64, TrailError> {
    let vault = seal::vault_of(&place.folder).map_err(io::Error::from);
    let Some((vault, _)) = vault.map_err(TrailError::io(&place.folder))? else {
        return Ok(0);
    };
    let mut resealed = 0;
    for number in 1..open {
        let path = place.segment(number);
        let done = segment(place, &vault, &path).map_err(TrailError::io(&path))?;
        resealed += u64::from(done);
    }
    Ok(resealed)
}

fn segment(place: &Place, vault: &Vault, path: &Path) -> io::Result<bool> {
    let kept = fs::read(path)?;
    let lines = || {
        kept.split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_end)
    };
    let mut current = vault.keys().into_iter();
    let current = current.find(|key| key.is_current && key.scope == Scope::Installation);
    let current = current.map(|key| key.id);
    if lines().all(|line| Vault::key_of_line(line).is_some_and(|key| Some(key) == current)) {
        return Ok(false);
    }
    let draft = path.with_extension("resealed");
    let mut file = private::file(&draft)?;
    let mut text = Vec::with_capacity(kept.len() * 3 / 2);
    for (number, line) in (1..).zip(lines()) {
        let line = place.opened(line)?;
        text.extend_from_slice(&place.kept(number, &line)?);
        text.push(b'\n');
    }
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(true)
}
