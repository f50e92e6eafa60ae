//! The machine: clock, memory, open files.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::ByteSize;

use super::Subject;
use super::finding::Finding;
use super::server::Server;
use crate::settings::Settings;
use crate::vitals::max_fds;

/// Clocks differ by less.
const SKEW: Duration = Duration::from_secs(600);
/// What is open beside connections: files of the journal and of parts.
const DESCRIPTORS_BESIDE: usize = 476;

pub(super) fn findings(subject: &Subject) -> Vec<Finding> {
    vec![clock(subject), memory(subject), open_files(subject)]
}

fn clock(subject: &Subject) -> Finding {
    const CHECK: &str = "clock";
    let mend = "set the clock, and keep it right with NTP";
    let now = SystemTime::now();
    let program = std::env::current_exe().and_then(fs::metadata);
    if let Ok(built) = program.and_then(|metadata| metadata.modified())
        && now + SKEW < built
    {
        return Finding::failed(CHECK, "it is before this program was made", mend);
    }
    let received = match &subject.server {
        Server::Running(server) => server.last_received,
        _ => None,
    };
    let written =
        newest_file(&subject.dir.join("journal")).max(newest_file(&subject.dir.join("manifest")));
    for (what, time) in [
        ("the latest request was stored", received),
        ("the newest file was written", written),
    ] {
        let ahead = time.and_then(|time| time.duration_since(now).ok());
        if let Some(ahead) = ahead.filter(|ahead| *ahead > SKEW) {
            let seen = format!("{what} {} s from now, by the clock", ahead.as_secs());
            return Finding::failed(CHECK, seen, mend);
        }
    }
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seen = chrono::DateTime::from_timestamp(since_epoch.as_secs() as i64, 0)
        .map_or_else(String::new, |time| {
            time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
        });
    Finding::ok(CHECK, format!("{seen}, not before anything that was kept"))
}

fn newest_file(dir: &Path) -> Option<SystemTime> {
    let files = fs::read_dir(dir).ok()?.flatten();
    let times = files.filter_map(|file| file.metadata().ok()?.modified().ok());
    times.max()
}

fn memory(subject: &Subject) -> Finding {
    const CHECK: &str = "memory";
    let Some(limit) = memory_limit() else {
        return Finding::skipped(CHECK, "the system does not say how much there is");
    };
    let Ok(checked) = subject.settings.check() else {
        return Finding::skipped(CHECK, "the configuration is wrong");
    };
    // Rows take about what their requests did.
    let budgets = [
        ("intake.memory_budget", checked.receive.memory_budget_bytes),
        ("query.memory", checked.query.memory_bytes),
        ("the buffer", checked.store.buffer_bytes_max),
    ];
    let sum: u64 = budgets.iter().map(|(_, bytes)| *bytes as u64).sum();
    let size = |bytes: u64| ByteSize::bytes(bytes & !0xfffff).to_string();
    let seen = format!(
        "{} for this process, limits add up to {}",
        size(limit),
        size(sum)
    );
    match sum > limit {
        false => Finding::ok(CHECK, seen),
        true => Finding::warning(
            CHECK,
            seen,
            "lower intake.memory_budget or query.memory, or give it more: else the system ends it under load",
        ),
    }
}

/// What this process may have: the machine's memory, or the limit of its control group.
fn memory_limit() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let meminfo = read("/proc/meminfo")?;
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let groups = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limits = groups
        .iter()
        .filter_map(|path| read(path)?.trim().parse().ok());
    limits.chain([total * 1024]).min()
}

/// How many files have to be open at once when every connection is taken.
fn descriptors_for(settings: &Settings) -> usize {
    let connections = [
        settings.intake.max_connections,
        settings.listen.ui_connections,
    ];
    connections
        .into_iter()
        .fold(DESCRIPTORS_BESIDE, usize::saturating_add)
}

fn open_files(subject: &Subject) -> Finding {
    const CHECK: &str = "open_files";
    let of_server = match &subject.server {
        Server::Running(server) => server.meter("process_max_fds"),
        _ => None,
    };
    let ours = || max_fds(&fs::read_to_string("/proc/self/limits").unwrap_or_default());
    let Some(limit) = of_server.or_else(ours).filter(|limit| *limit > 0.0) else {
        return Finding::skipped(CHECK, "the system does not say how many may be open");
    };
    let wanted = descriptors_for(&subject.settings);
    let seen = format!(
        "{limit} may be open; {wanted} are enough for intake.max_connections and listen.ui_connections"
    );
    match limit >= wanted as f64 {
        true => Finding::ok(CHECK, seen),
        false => Finding::warning(
            CHECK,
            seen,
            format!("ulimit -n {wanted} (LimitNOFILE= of systemd), or fewer of these connections"),
        ),
    }
}

#[cfg(test)]
mod tests {
    //! The limit of open files is held against every connection that there may be.

    use super::*;

    #[test]
    fn connections_of_both_kinds_need_descriptors() {
        let mut settings = Settings::default();
        assert_eq!(descriptors_for(&settings), 4096 + 1024 + 476);
        settings.listen.ui_connections = 100_000;
        settings.intake.max_connections = 10;
        assert_eq!(descriptors_for(&settings), 10 + 100_000 + 476);
    }
}
