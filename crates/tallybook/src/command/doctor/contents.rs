//! What is in the data directory: manifest, journal, parts, what was set aside.

use store::{Inspection, StoreError};

use super::Subject;
use super::finding::Finding;
use super::server::Server;

/// So much is quoted of a list.
const QUOTED_MAX: usize = 5;

pub(super) async fn findings(subject: &Subject) -> Vec<Finding> {
    let is_running = matches!(subject.server, Server::Running(_) | Server::Closed);
    match store::inspect(&subject.dir, !is_running).await {
        Ok(Some(found)) => vec![
            manifest(&found),
            journal(&found),
            parts(&found),
            set_aside(&found),
        ],
        Ok(None) => vec![Finding::failed(
            "manifest",
            format!("{} holds no data of Tallybook", subject.dir.display()),
            "name the right one with --data-dir; a new one is made by tallybook serve",
        )],
        Err(error) => vec![cannot_open(&error)],
    }
}

/// Errors say themselves how to mend them.
fn cannot_open(error: &StoreError) -> Finding {
    let (check, mend) = match error {
        StoreError::NewerVersion { .. } => {
            ("manifest", "use the newer tallybook; nothing was changed")
        }
        StoreError::DamagedManifest(_) => (
            "manifest",
            "restore the folder from a backup; the journal is kept",
        ),
        StoreError::Journal(_) => ("journal", "look at the disk; nothing was changed"),
        _ => (
            "manifest",
            "look at the disk, and at who may read the directory",
        ),
    };
    Finding::failed(check, error.to_string(), mend)
}

fn manifest(found: &Inspection) -> Finding {
    const CHECK: &str = "manifest";
    let seen = format!(
        "version {}, number {}: {} parts, {} rows, {} MiB",
        found.version,
        found.manifest_number,
        found.parts,
        found.part_rows,
        found.part_bytes >> 20
    );
    match found.is_fallback {
        false => Finding::ok(CHECK, seen),
        true => Finding::warning(
            CHECK,
            format!("{seen}; the newest manifest is damaged, and an older one counts"),
            "look at the disk: what the newest one covered comes back from the journal where it still is",
        ),
    }
}

fn journal(found: &Inspection) -> Finding {
    const CHECK: &str = "journal";
    let Some(journal) = &found.journal else {
        return Finding::skipped(CHECK, "the running server has it: see journal lag");
    };
    let report = &journal.report;
    let mut seen = format!(
        "{} requests wait to be replayed, {} MiB in {} files",
        report.frames,
        journal.bytes >> 20,
        journal.segments
    );
    if report.torn_bytes() > 0 {
        seen.push_str(", and an unfinished write at its end, as after a crash");
    }
    if report.is_clean() {
        return Finding::ok(CHECK, seen);
    }
    let damage = report.damage.iter().map(ToString::to_string);
    let gaps = report.gaps.iter().map(ToString::to_string);
    Finding::failed(
        CHECK,
        format!("{seen}; {}", quoted(damage.chain(gaps).collect())),
        "keep a copy of the folder: the undamaged rest is replayed at the next start; look at the disk",
    )
}

fn parts(found: &Inspection) -> Finding {
    const CHECK: &str = "files";
    match found.missing.is_empty() {
        true => Finding::ok(
            CHECK,
            "all that the manifest names are there and of their length",
        ),
        false => Finding::failed(
            CHECK,
            quoted(found.missing.clone()),
            "restore them from a backup; look at the disk",
        ),
    }
}

fn set_aside(found: &Inspection) -> Finding {
    const CHECK: &str = "set_aside";
    let segments = found.journal.iter().flat_map(|journal| &journal.set_aside);
    let all: Vec<String> = found.set_aside.iter().chain(segments).cloned().collect();
    match all.is_empty() {
        true => Finding::ok(CHECK, "nothing was set aside as unreadable"),
        false => Finding::warning(
            CHECK,
            format!("kept because it could not be read: {}", quoted(all)),
            "look at the disk; keep the files for whoever investigates, then remove them",
        ),
    }
}

/// The first of a list, and how many more there are.
fn quoted(list: Vec<String>) -> String {
    let more = list.len().saturating_sub(QUOTED_MAX);
    let mut text = list[..list.len() - more].join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}
