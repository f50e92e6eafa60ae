//! The file system of the data directory: kind, room, how fast it syncs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use base::{ByteSize, Disk, FreeSpace, OsDisk};

use super::Subject;
use super::finding::Finding;

/// So many syncs of so many bytes are timed.
const SAMPLES: usize = 12;
const SAMPLE_BYTES: usize = 4096;
/// What every acknowledgement waits for should take no longer.
const SLOW: Duration = Duration::from_millis(50);

/// So many times the reserve should be free.
const SCARCE: u64 = 4;

pub(super) fn findings(subject: &Subject) -> Vec<Finding> {
    vec![kind(&subject.dir), space(subject), sync(&subject.dir)]
}

fn kind(dir: &Path) -> Finding {
    const CHECK: &str = "file_system";
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let Some(kind) = kind_of(&mounts, &dir) else {
        return Finding::skipped(CHECK, "the system does not say");
    };
    match kind {
        "tmpfs" | "ramfs" => Finding::warning(
            CHECK,
            format!("{kind}: it is in memory, and gone with the machine"),
            "keep the data on a disk",
        ),
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "vboxsf" => Finding::warning(
            CHECK,
            format!("{kind}: a sync is only as good as the other side's"),
            "keep the data on a local disk",
        ),
        _ => Finding::ok(CHECK, kind),
    }
}

/// The kind of the file system that `dir` is on, by proc(5)'s `mountinfo`.
fn kind_of<'a>(mounts: &'a str, dir: &Path) -> Option<&'a str> {
    let mount = |line: &'a str| {
        let (front, back) = line.split_once(" - ")?;
        let point = front.split(' ').nth(4)?;
        // Spaces are written as octal escapes there.
        let point = point.replace("\\040", " ");
        dir.starts_with(&point)
            .then(|| (point.len(), back.split(' ').next()))
    };
    // Of mounts on one point the last one counts.
    let found = mounts
        .lines()
        .filter_map(mount)
        .max_by_key(|(length, _)| *length);
    found.and_then(|(_, kind)| kind)
}

/// Against the part that intake leaves free: below it nothing is let in.
fn space(subject: &Subject) -> Finding {
    const CHECK: &str = "disk_space";
    let free = match OsDisk.free_space(&subject.dir) {
        Ok(free) => free,
        Err(error) => return Finding::skipped(CHECK, format!("the system does not say: {error}")),
    };
    let mut seen = format!(
        "{} of {} free",
        gibibytes(free.bytes),
        gibibytes(free.bytes_total)
    );
    if free.files_total > 0 {
        seen.push_str(&format!(", room for {} files", free.files));
    }
    let reserve = subject
        .settings
        .check()
        .ok()
        .and_then(|checked| checked.store.disk_reserve_bytes);
    let mend = "free some room, or move the data directory to a larger disk";
    let scarce = FreeSpace {
        bytes: free.bytes / SCARCE,
        files: free.files / SCARCE,
        ..free
    };
    if let Some(lacking) = store::lacking(&free, reserve) {
        Finding::failed(
            CHECK,
            format!("{seen}; requests are refused: {lacking}"),
            mend,
        )
    } else if store::lacking(&scarce, reserve).is_some() {
        Finding::warning(
            CHECK,
            format!("{seen}, which is not much more than the reserve"),
            mend,
        )
    } else {
        Finding::ok(CHECK, seen)
    }
}

fn gibibytes(bytes: u64) -> String {
    match bytes >> 30 {
        0 => ByteSize::bytes(bytes & !0xfffff).to_string(),
        _ => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}

fn sync(dir: &Path) -> Finding {
    const CHECK: &str = "disk_sync";
    match samples(dir) {
        Err(error) => Finding::failed(
            CHECK,
            format!("nothing can be written: {error}"),
            "run as the owner of the directory; is the disk full or read-only?",
        ),
        Ok(mut took) => {
            took.sort_unstable();
            let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
            let seen = format!(
                "median {:.1} ms, worst {:.1} ms of {SAMPLES} syncs",
                millis(median),
                millis(worst)
            );
            match median > SLOW {
                true => Finding::warning(
                    CHECK,
                    seen,
                    "every acknowledgement waits for a sync: a faster disk, or less on this one",
                ),
                false => Finding::ok(CHECK, seen),
            }
        }
    }
}

/// Times syncs of a file that has no name: nothing is left, whatever happens.
fn samples(dir: &Path) -> io::Result<Vec<Duration>> {
    let mut file: File = tempfile::tempfile_in(dir)?;
    let mut took = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        file.write_all(&[0; SAMPLE_BYTES])?;
        let began = Instant::now();
        file.sync_data()?;
        took.push(began.elapsed());
    }
    Ok(took)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_counts_and_of_those_the_last() {
        let mounts = "21 1 254:0 / / rw - ext4 /dev/a rw\n\
            22 21 0:5 / /data rw - tmpfs none rw\n\
            23 21 254:1 / /data rw shared:1 - xfs /dev/b rw\n\
            24 21 0:9 / /with\\040space rw - nfs4 host:/ rw\n";
        for (dir, kind) in [
            ("/srv/x", "ext4"),
            ("/data", "xfs"),
            ("/data/deep/er", "xfs"),
            ("/database", "ext4"),
            ("/with space/x", "nfs4"),
        ] {
            assert_eq!(kind_of(mounts, Path::new(dir)), Some(kind), "{dir}");
        }
        assert_eq!(kind_of("", Path::new("/")), None);
    }
}
