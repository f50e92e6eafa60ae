//! Which server is driven by a developer tool.

use std::path::PathBuf;
use std::process::Command;

use crate::Problem;

/// The binary that `TALLYBOOK_BIN` names, else the one beside this program, built anew so that both
/// are of the same source.
///
/// # Errors
///
/// When there is none, or it does not build.
pub fn find_binary() -> Result<PathBuf, Problem> {
    if let Some(named) = std::env::var_os("TALLYBOOK_BIN") {
        return Ok(named.into());
    }
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built = Command::new(cargo)
            .args(["build", "--release", "--package", "tallybook"])
            .status()?;
        if !built.success() {
            return Err(Problem::new("the server does not build"));
        }
    }
    let beside = std::env::current_exe()?.with_file_name("tallybook");
    if beside.is_file() {
        return Ok(beside);
    }
    let said = format!(
        "{} is not there: name the server with TALLYBOOK_BIN",
        beside.display()
    );
    Err(Problem::new(said))
}
