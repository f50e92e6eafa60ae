//! `tallybook doctor`: what is wrong with this installation, and how to mend it.
//!
//! Invariant: nothing is changed. The data directory is read and never created; a server that runs is
//! asked, not disturbed. What could not be looked at is said to be so, and never to be right.
//!
//! | file | what is in it |
//! |---|---|
//! | `finding.rs` | what one check found |
//! | `place.rs` | the data directory: its owner, who may enter, who has it |
//! | `disk.rs` | the file system: kind, room, how fast it syncs |
//! | `contents.rs` | manifest, journal, parts, what was set aside |
//! | `machine.rs` | clock, memory, open files |
//! | `ports.rs` | who listens where |
//! | `people.rs` | the files that say who people are |
//! | `server.rs` | what a running server says of itself |
//! | `print.rs` | the findings for people and for machines |

mod contents;
mod disk;
mod finding;
mod machine;
mod people;
mod place;
mod ports;
mod print;
mod server;

use std::path::PathBuf;

use super::{io_runtime, say, start_logging};
use crate::cli::{DoctorArgs, LogArgs};
use crate::client::Target;
use crate::failure::Failure;
use crate::settings::Settings;
use finding::{Finding, Status};
use server::Server;

/// What is looked at.
struct Subject {
    dir: PathBuf,
    settings: Settings,
    /// Where a running server is expected.
    url: String,
    target: Target,
    server: Server,
}

pub(crate) fn run(args: &DoctorArgs, log: &LogArgs) -> Result<(), Failure> {
    // What the store says on its way is said by the findings.
    let quiet = LogArgs {
        log_level: log.log_level.clone().or_else(|| Some("off".to_owned())),
        log_format: log.log_format,
    };
    start_logging(&quiet)?;
    let mut settings = Settings::read(args.config.as_deref())?;
    if let Some(dir) = &args.data_dir {
        settings.data_dir.clone_from(dir);
    }
    settings.check()?;
    let findings = io_runtime()?.block_on(examine(args, settings))?;
    say(&print::findings(&findings, args.format)?)?;
    let has_failed = findings
        .iter()
        .any(|finding| finding.status == Status::Failed);
    match has_failed {
        true => Err(Failure::Said(1)),
        false => Ok(()),
    }
}

/// All checks, in the order in which a person would look.
async fn examine(args: &DoctorArgs, settings: Settings) -> Result<Vec<Finding>, Failure> {
    let url = args
        .url
        .clone()
        .unwrap_or_else(|| server::url_of(settings.listen.ui));
    let target = Target::new(&url, &args.key)?;
    let subject = Subject {
        dir: settings.data_dir.clone(),
        server: server::ask(&target).await,
        target,
        settings,
        url,
    };
    let mut findings = vec![server::finding(&subject)];
    findings.extend(ports::findings(&subject).await);
    let is_there = place::findings(&subject, &mut findings);
    findings.extend(people::finding(&subject));
    findings.extend(machine::findings(&subject));
    if is_there {
        findings.extend(disk::findings(&subject));
        findings.extend(contents::findings(&subject).await);
    }
    findings.extend(server::numbers(&subject).await);
    Ok(findings)
}
