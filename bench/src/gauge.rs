//! What the system says of a process and of a directory.

use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::Problem;

/// The kernel counts CPU time of processes in hundredths of a second, whatever its own clock is.
const TICK: Duration = Duration::from_millis(10);

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

/// The most memory that a process has had resident, in bytes.
pub(crate) fn peak_memory(pid: u32) -> Result<u64, Problem> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| Problem::new("there is no VmHWM"))
}

/// Bytes of all files under a directory.
pub(crate) fn bytes_under(directory: &Path) -> Result<u64, Problem> {
    Ok(files_under(directory)?.iter().map(|(_, bytes)| bytes).sum())
}

/// All files under a directory, with their sizes.
pub(crate) fn files_under(directory: &Path) -> Result<Vec<(std::path::PathBuf, u64)>, Problem> {
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
        assert!(peak_memory(pid).expect("readable") > 1 << 20);
        assert!(sum != 1);
    }
}
