//! What the system says of a process and of a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle, park_timeout};
use std::time::Duration;

use testkit::Problem;

/// The kernel counts CPU time of processes in hundredths of a second, whatever its own clock is.
const TICK: Duration = Duration::from_millis(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// CPU time that a process has used, in user and kernel mode.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Problem> {
    // Fields 14 and 15, counted from 1.
    ticks(&pid.to_string(), 14)
}

/// CPU time of all children of this process that have ended and been waited for.
pub(crate) fn cpu_of_ended_children() -> Result<Duration, Problem> {
    ticks("self", 16)
}

fn ticks(process: &str, field: usize) -> Result<Duration, Problem> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path)?;
    // The second field is the program's name in parentheses, which may hold spaces.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let sum: Option<u32> = (field - 2..field)
        .map(|at| fields.get(at)?.parse::<u32>().ok())
        .sum();
    let ticks = sum.ok_or_else(|| Problem::new(format!("{path}: {stat} is not understood")))?;
    Ok(TICK * ticks)
}

/// How many processes wanted a core in the last minute, on average.
pub(crate) fn load_average() -> Result<f64, Problem> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let first = text.split(' ').next().and_then(|first| first.parse().ok());
    first.ok_or_else(|| Problem::new(format!("/proc/loadavg: {text} is not understood")))
}

/// Watches the most memory that a process has resident, until the process is gone.
pub(crate) struct MemoryWatch(JoinHandle<u64>);

impl MemoryWatch {
    /// Begins to watch.
    pub(crate) fn of(pid: u32) -> MemoryWatch {
        MemoryWatch(thread::spawn(move || {
            let mut peak = 0;
            // The last flush before the end may be what takes the most.
            while let Some(now) = peak_memory(pid) {
                peak = now;
                park_timeout(LOOK_EVERY);
            }
            peak
        }))
    }

    /// The most there was, in bytes; waits until the process is gone.
    pub(crate) fn peak(self) -> Result<u64, Problem> {
        self.0
            .join()
            .map_err(|_| Problem::new("memory could not be watched"))
    }
}

/// The memory that a process has resident, in bytes.
pub(crate) fn resident_memory(pid: u32) -> Result<u64, Problem> {
    memory(pid, "VmRSS:").ok_or_else(|| Problem::new(format!("process {pid} has ended")))
}

/// The most memory that a process has had resident, in bytes; nothing when it has ended.
fn peak_memory(pid: u32) -> Option<u64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, what: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}

/// Bytes of all files under a directory.
pub(crate) fn bytes_under(directory: &Path) -> Result<u64, Problem> {
    Ok(files_under(directory)?.iter().map(|(_, bytes)| bytes).sum())
}

/// All files under a directory, with their sizes.
pub(crate) fn files_under(directory: &Path) -> Result<Vec<(PathBuf, u64)>, Problem> {
    let mut files = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let about = entry.metadata()?;
            match about.is_dir() {
                true => left.push(entry.path()),
                false => files.push((entry.path(), about.len())),
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let pid = std::process::id();
        let mut sum = 0_u64;
        while cpu(pid).expect("readable").is_zero() {
            sum = sum.wrapping_mul(31).wrapping_add(std::hint::black_box(7));
        }
        assert!(peak_memory(pid).is_some_and(|bytes| bytes > 1 << 20));
        assert!(sum != 1);
    }
}
