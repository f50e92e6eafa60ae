//! File systems that may be harmed: an ext4 image on a loop device, whose power can be cut, and a
//! small one in memory, which can be full.
//!
//! Invariant: what is mounted here is unmounted when it is dropped, whatever happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Problem, wait_for};

use crate::machine::run;

const UNMOUNT_PATIENCE: Duration = Duration::from_secs(20);
/// `EXT4_IOC_SHUTDOWN`, which takes a pointer to the flags.
const SHUTDOWN: &str = "open(my $dir, '<', $ARGV[0]) or die \"open: $!\"; \
     my $flags = pack('L', $ARGV[1]); ioctl($dir, 0x8004587d, $flags) or die \"ioctl: $!\";";

/// How the power of an image is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The file system's own journal is written first: names may be there without contents.
    LogFlushed = 1,
    /// Nothing more is written.
    Nothing = 2,
}

/// A mounted file system.
#[derive(Debug)]
pub(crate) struct Mount {
    point: PathBuf,
    source: Source,
    is_mounted: bool,
}

#[derive(Debug)]
enum Source {
    Image { file: PathBuf, options: String },
    Memory { options: String },
}

impl Mount {
    /// A new ext4 of `mib` MiB in a file of `dir`, mounted with these options.
    pub(crate) fn image(dir: &Path, mib: u64, options: &str) -> Result<Mount, Problem> {
        let file = dir.join("disk.img");
        fs::File::create(&file)?.set_len(mib << 20)?;
        let file_text = file.to_string_lossy().into_owned();
        run("mkfs.ext4", &["-q", "-F", &file_text])?;
        let options = format!("loop,{options}");
        Mount::new(dir, Source::Image { file, options })
    }

    /// A new, empty file system in memory, mounted with these options (`size=8m`).
    pub(crate) fn memory(dir: &Path, options: &str) -> Result<Mount, Problem> {
        let options = options.to_owned();
        Mount::new(dir, Source::Memory { options })
    }

    fn new(dir: &Path, source: Source) -> Result<Mount, Problem> {
        let point = dir.join("mnt");
        fs::create_dir_all(&point)?;
        let mut mount = Mount {
            point,
            source,
            is_mounted: false,
        };
        mount.mount()?;
        Ok(mount)
    }

    /// The data directory on it.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.point.join("data")
    }

    /// Where it is mounted.
    pub(crate) fn point(&self) -> &Path {
        &self.point
    }

    pub(crate) fn mount(&mut self) -> Result<(), Problem> {
        let point = self.point.to_string_lossy().into_owned();
        match &self.source {
            Source::Image { file, options } => {
                run("mount", &["-o", options, &file.to_string_lossy(), &point])?;
            }
            Source::Memory { options } => {
                run("mount", &["-t", "tmpfs", "-o", options, "tmpfs", &point])?;
            }
        }
        self.is_mounted = true;
        Ok(())
    }

    /// Unmounts it, once nobody uses it any more.
    pub(crate) fn unmount(&mut self) -> Result<(), Problem> {
        let point = self.point.to_string_lossy().into_owned();
        let mut last = None;
        let done = wait_for(
            UNMOUNT_PATIENCE,
            "the file system to be unused",
            || match run("umount", &[&point]) {
                Ok(_) => Some(()),
                Err(problem) => {
                    last = Some(problem);
                    None
                }
            },
        );
        match (done, last) {
            (Ok(()), _) => {
                self.is_mounted = false;
                Ok(())
            }
            (Err(_), Some(problem)) => Err(problem),
            (Err(problem), None) => Err(problem),
        }
    }

    /// Cuts its power: from now on nothing reaches the image, and every operation fails.
    ///
    /// The request is one `ioctl`, which Rust reaches through unsafe code only. Perl, which is part
    /// of every Debian (`perl-base` is essential), does it in four milliseconds.
    pub(crate) fn cut(&self, cut: Cut) -> Result<(), Problem> {
        let (point, flag) = (self.point.to_string_lossy(), (cut as u32).to_string());
        run("perl", &["-e", SHUTDOWN, &point, &flag]).map(drop)
    }

    /// Unmounts and mounts it again, as after a power cut.
    pub(crate) fn power_on(&mut self) -> Result<(), Problem> {
        self.unmount()?;
        self.mount()
    }

    /// Makes an image fail as a broken disk does: ext4 notes an error, and with
    /// `errors=remount-ro` becomes read-only.
    pub(crate) fn break_down(&self) -> Result<(), Problem> {
        let point = self.point.to_string_lossy().into_owned();
        let device = run("findmnt", &["-n", "-o", "SOURCE", &point])?;
        let name = device.trim().trim_start_matches("/dev/");
        fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "1")?;
        Ok(())
    }

    /// Unmounts a broken image, has it checked and repaired, and mounts it again.
    pub(crate) fn repair(&mut self) -> Result<(), Problem> {
        self.unmount()?;
        if let Source::Image { file, .. } = &self.source {
            let file = file.to_string_lossy().into_owned();
            // Its exit code 1 says that something was repaired.
            let script = "e2fsck -p \"$0\"; test $? -le 1";
            run("sh", &["-c", script, &file])?;
        }
        self.mount()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if !self.is_mounted {
            return;
        }
        if let Source::Memory { .. } = self.source {
            // What is in memory alone is gone with the mount; a failed row keeps its folder.
            let (from, to) = (
                self.data_dir(),
                self.point.with_file_name("data-at-the-end"),
            );
            let _ = run("cp", &["-a".as_ref(), from.as_os_str(), to.as_os_str()]);
        }
        if self.unmount().is_err() {
            let point = self.point.to_string_lossy().into_owned();
            // Gone from the tree at once, and from the system with its last user.
            let _ = run("umount", &["-l", &point]);
        }
    }
}
