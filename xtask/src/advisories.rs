//! cargo-deny: bans, licences and sources always; advisories where their database can be fetched.
//!
//! The advisory database is a git repository. Some machines reach package registries and nothing
//! else, this project's own among them; there the other three still run, the output and the summary say
//! what was not checked, and the step has passed only partly. Where the database must be had,
//! `TALLYBOOK_ADVISORIES=required` makes that a failure.

use std::process::{Command, Stdio};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use crate::check::Note;
use crate::install;
use crate::workspace::Workspace;

const FETCH_LIMIT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The `deny` step.
pub(crate) fn deny(workspace: &Workspace) -> Result<Note, String> {
    let cargo_deny = install::cargo_deny(workspace)?;
    let program = cargo_deny.to_string_lossy();
    let check = ["check", "--hide-inclusion-graph"];
    let always = [&check[..], &["bans", "licenses", "sources"]].concat();
    workspace.run(&program, &always, ".")?;

    let fetch = workspace.command(&program, &["fetch", "db"], ".");
    match bounded(fetch, FETCH_LIMIT) {
        Ok(()) => {
            let advisories = [&check[..], &["--disable-fetch", "advisories"]].concat();
            workspace.run(&program, &advisories, ".").map(|()| None)
        }
        Err(reason) => not_looked_for(&reason, are_required()),
    }
}

/// Whether this machine can reach the database, so that not reaching it is a failure.
fn are_required() -> bool {
    std::env::var("TALLYBOOK_ADVISORIES").is_ok_and(|value| value == "required")
}

/// What is said where advisories could not be looked at: never that all is well.
fn not_looked_for(reason: &str, required: bool) -> Result<Note, String> {
    let note = "ADVISORIES NOT CHECKED: their database could not be fetched";
    println!("!! {note} ({reason}).");
    println!("!! Known vulnerabilities in dependencies were NOT looked for in this run.");
    match required {
        true => Err(format!("{note} ({reason}), and they are required")),
        false => Ok(Some(note.to_owned())),
    }
}

/// Runs a command that may hang on a network that drops its packets.
fn bounded(mut command: Command, limit: Duration) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("it did not start: {error}"))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if started.elapsed() < limit => park_timeout(POLL_INTERVAL),
            Ok(None) => {
                // Either call fails only when the child has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("no answer within {} s", limit.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(program: &str, argument: &str, expected: Result<(), &str>) {
        let mut command = Command::new(program);
        command.arg(argument);
        let result = bounded(command, Duration::from_millis(300));
        match expected {
            Ok(()) => assert_eq!(result, Ok(())),
            Err(part) => assert!(
                result.as_ref().is_err_and(|message| message.contains(part)),
                "{result:?}"
            ),
        }
    }

    #[test]
    fn what_was_not_looked_for_is_never_well() {
        let note = not_looked_for("no network", false);
        assert!(note.is_ok_and(|note| note.is_some_and(|note| note.contains("NOT CHECKED"))));
        let failed = not_looked_for("no network", true);
        assert!(failed.is_err_and(|why| why.contains("NOT CHECKED") && why.contains("no network")));
    }

    #[test]
    fn a_command_is_bounded() {
        check("true", "", Ok(()));
        check("false", "", Err("exit status: 1"));
        check("sleep", "30", Err("no answer within"));
        check("no-such-program", "", Err("did not start"));
    }
}
