//! The data directory: whether it is there, its owner, who may enter, who has it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use base::DirLock;

use super::Subject;
use super::finding::Finding;
use super::server::Server;

/// Adds what is found, and says whether there is a data directory to look into.
pub(super) fn findings(subject: &Subject, into: &mut Vec<Finding>) -> bool {
    const CHECK: &str = "data_directory";
    let dir = subject.dir.display();
    let mend = format!(
        "name the right one with --data-dir, or create it: tallybook serve --data-dir {dir}"
    );
    let metadata = match fs::metadata(&subject.dir) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            into.push(Finding::failed(
                CHECK,
                format!("{dir} is not a directory"),
                mend,
            ));
            return false;
        }
        Err(error) => {
            into.push(Finding::failed(CHECK, format!("{dir}: {error}"), mend));
            return false;
        }
    };
    into.push(Finding::ok(CHECK, dir.to_string()));
    into.push(permissions(subject, &metadata));
    into.push(owner(subject));
    true
}

fn permissions(subject: &Subject, metadata: &Metadata) -> Finding {
    const CHECK: &str = "permissions";
    let dir = subject.dir.display();
    let mode = metadata.mode() & 0o7777;
    let us = fs::metadata("/proc/self").map_or(metadata.uid(), |us| us.uid());
    let seen = format!("mode {mode:04o}, owner {}", metadata.uid());
    if metadata.uid() != us && us != 0 {
        return Finding::failed(
            CHECK,
            format!("{seen}, and we are {us}"),
            format!("run as its owner, or: chown -R {us} {dir}"),
        );
    }
    if mode & 0o077 == 0 {
        return Finding::ok(CHECK, seen);
    }
    let mend = format!("it holds whole conversations: chmod -R go-rwx {dir}");
    match mode & 0o022 {
        0 => Finding::warning(CHECK, format!("{seen}: other users may read it"), mend),
        _ => Finding::failed(CHECK, format!("{seen}: other users may change it"), mend),
    }
}

/// Who has it, and whether that agrees with who answers.
fn owner(subject: &Subject) -> Finding {
    const CHECK: &str = "lock";
    let url = &subject.url;
    let owner = match DirLock::owner(&subject.dir) {
        Ok(owner) => owner,
        Err(error) => {
            return Finding::failed(
                CHECK,
                error.to_string(),
                "run as the owner of the directory",
            );
        }
    };
    let name = |pid: Option<u32>| match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    match (owner, &subject.server) {
        (None, Server::Running(_)) => Finding::warning(
            CHECK,
            format!("nobody has it, but a Tallybook answers at {url}"),
            "that server keeps its data elsewhere: name its directory with --data-dir",
        ),
        (Some(pid), Server::Closed) => Finding::ok(CHECK, format!("{} has it", name(pid))),
        (None, _) => Finding::ok(CHECK, "nobody has it"),
        (Some(pid), Server::Running(_)) => Finding::ok(CHECK, format!("{} has it", name(pid))),
        (Some(pid), _) => Finding::failed(
            CHECK,
            format!("{} has it, but no Tallybook answers at {url}", name(pid)),
            "name its address with --url; if it hangs, end it: what is acknowledged is safe",
        ),
    }
}
