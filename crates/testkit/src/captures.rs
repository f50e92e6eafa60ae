//! The recorded scenarios that lie beside this crate's source.

use std::path::PathBuf;

use fleet::Scenario;

use crate::Problem;

/// The folder of the recorded scenarios.
pub fn captures_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/captures"))
}

/// All recorded scenarios, by name.
///
/// # Errors
///
/// Names the file that cannot be read.
pub fn scenarios() -> Result<Vec<Scenario>, Problem> {
    let folders = fleet::list(captures_dir())?;
    if folders.is_empty() {
        return Err(Problem::new("there are no captures"));
    }
    folders
        .into_iter()
        .map(|folder| Scenario::load(folder).map_err(Problem::from))
        .collect()
}

/// One recorded scenario.
///
/// # Errors
///
/// Names the file that cannot be read.
pub fn scenario(name: &str) -> Result<Scenario, Problem> {
    Ok(Scenario::load(captures_dir().join(name))?)
}
