//! What the operating system says of this process, under the names that every Prometheus client uses.
//!
//! Invariant: what the system does not say is 0, never an error: it is read from `/proc`, which only
//! Linux has. A reader of `/proc` from the registry would ask features of crates that the query
//! engine is built on, and so its recompilation.

use std::fs;

use base::meters::{Readings, Source};

/// The kernel counts times of processes in these; it is 100 on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process at one moment.
#[derive(Debug, Default)]
struct Process {
    cpu_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    threads: f64,
    open_fds: f64,
    max_fds: f64,
    start_seconds: f64,
}

/// The process and the binary, to be shown.
pub(crate) fn meters() -> Vec<Source> {
    let boot_seconds = boot_seconds();
    let readings = Readings::new(move || Process::now(boot_seconds))
        .counter(
            "process_cpu_seconds_total",
            "Time of processors used by this process, in user and system mode.",
            &[],
            |now| now.cpu_seconds,
        )
        .gauge(
            "process_resident_memory_bytes",
            "Memory of this process that is in RAM.",
            &[],
            |now| now.resident_bytes,
        )
        .gauge(
            "process_virtual_memory_bytes",
            "Address space of this process.",
            &[],
            |now| now.virtual_bytes,
        )
        .gauge("process_threads", "Threads of this process.", &[], |now| {
            now.threads
        })
        .gauge("process_open_fds", "Open file descriptors.", &[], |now| {
            now.open_fds
        })
        .gauge(
            "process_max_fds",
            "File descriptors that may be open at once.",
            &[],
            |now| now.max_fds,
        )
        .gauge(
            "process_start_time_seconds",
            "When this process started, seconds since the Unix epoch.",
            &[],
            |now| now.start_seconds,
        )
        .gauge(
            "tallybook_build_info",
            "The version of the binary; the value is always 1.",
            &[("version", env!("CARGO_PKG_VERSION"))],
            |_| 1.0,
        );
    vec![Box::new(readings)]
}

impl Process {
    fn now(boot_seconds: f64) -> Process {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
        Process {
            resident_bytes: kibibytes(&status, "VmRSS:").unwrap_or_default(),
            virtual_bytes: kibibytes(&status, "VmSize:").unwrap_or_default(),
            max_fds: max_fds(&read("/proc/self/limits")).unwrap_or_default(),
            open_fds: fs::read_dir("/proc/self/fd").map_or(0.0, |found| found.count() as f64),
            ..Process::of(&stat, boot_seconds).unwrap_or_default()
        }
    }

    /// From the fields of `/proc/self/stat`, as proc(5) numbers them.
    fn of(stat: &str, boot_seconds: f64) -> Option<Process> {
        // The second is the program's name in brackets, which may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<f64> = rest
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Process {
            cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
            threads: field(20)?,
            start_seconds: boot_seconds + field(22)? / TICKS_PER_SECOND,
            ..Process::default()
        })
    }
}

/// A size in `/proc/self/status`, in bytes.
fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number * 1024.0)
}

/// How many file descriptors may be open, by `/proc/self/limits`.
pub(crate) fn max_fds(limits: &str) -> Option<f64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// When the machine started, seconds since the Unix epoch, by `/proc/stat`.
fn boot_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("btime "));
    line.and_then(|seconds| seconds.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "42 (a ) (b 1) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15 16 8 0 300 1 1";
        let process = Process::of(stat, 1000.0).expect("it has all fields");
        assert_eq!(process.cpu_seconds, 3.0);
        assert_eq!(process.threads, 8.0);
        assert_eq!(process.start_seconds, 1003.0);
        assert!(Process::of("42 (short) S 1", 0.0).is_none());
    }

    #[test]
    fn sizes_are_in_kibibytes() {
        let status = "Name:\tx\nVmRSS:\t   1024 kB\nVmSwap: 1 MB\n";
        assert_eq!(kibibytes(status, "VmRSS:"), Some(1_048_576.0));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
        assert_eq!(kibibytes(status, "VmSize:"), None);
    }

    #[test]
    fn the_limit_of_open_files_is_the_soft_one() {
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(max_fds(limits), Some(1024.0));
        assert_eq!(max_fds("Max open files unlimited unlimited files"), None);
        assert_eq!(max_fds(""), None);
    }

    #[test]
    fn this_process_is_seen() {
        let now = Process::now(boot_seconds());
        assert!(now.resident_bytes > 1e6 && now.open_fds >= 3.0, "{now:?}");
        assert!(
            now.start_seconds > 1.7e9 && now.max_fds >= now.open_fds,
            "{now:?}"
        );
    }
}
