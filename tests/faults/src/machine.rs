//! What this machine can do, and the tools that are installed where that can be done unasked.
//!
//! Invariant: a tool that is missing is named, with how to get it; nothing is left out silently.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::Problem;

/// What a row needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Mounting file systems.
    Root,
    /// A program, and Debian's package of it.
    Program(&'static str, &'static str),
    /// Loop devices and ext4.
    LoopExt4,
    /// The library that shows a process another time.
    FakeTime,
}

/// Why a row cannot be run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) reason: String,
    /// Whether the kernel itself lacks it: no installation would help, so CI does not fail for it.
    pub(crate) is_kernel: bool,
}

const FAKE_TIME_PACKAGE: &str = "faketime";
const FAKE_TIME_LIBRARY: &str = "faketime/libfaketimeMT.so.1";

impl Need {
    /// Installs what can be installed; says what is missing then.
    pub(crate) fn missing(self) -> Option<Missing> {
        match self {
            Need::Root if is_root() => None,
            Need::Root => Some(Missing {
                reason: "it mounts file systems: run it as root".to_owned(),
                is_kernel: false,
            }),
            Need::Program(program, package) => {
                let is_here = || find(program).is_some();
                installed(is_here, program, package)
            }
            Need::LoopExt4 => {
                let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
                let has_both =
                    known.contains("\text4\n") && Path::new("/dev/loop-control").exists();
                (!has_both).then(|| Missing {
                    reason: "the kernel has no loop devices or no ext4".to_owned(),
                    is_kernel: true,
                })
            }
            Need::FakeTime => {
                let is_here = || fake_time_library().is_some();
                installed(is_here, "libfaketimeMT.so.1", FAKE_TIME_PACKAGE)
            }
        }
    }
}

fn installed(is_here: impl Fn() -> bool, what: &str, package: &str) -> Option<Missing> {
    if is_here() {
        return None;
    }
    let reason = match install(package) {
        Ok(()) if is_here() => return None,
        Ok(()) => format!("{package} was installed and brought no {what}"),
        Err(problem) => problem.to_string(),
    };
    Some(Missing {
        reason,
        is_kernel: false,
    })
}

/// Where the library is that shows a process another time.
pub(crate) fn fake_time_library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let nested = folders.map(|folder| folder.path().join(FAKE_TIME_LIBRARY));
    let direct = Path::new("/usr/lib").join(FAKE_TIME_LIBRARY);
    nested.chain([direct]).find(|library| library.is_file())
}

fn install(package: &str) -> Result<(), Problem> {
    if find("apt-get").is_none() || !is_root() {
        return Err(Problem::new(format!(
            "it needs {package}: run `apt-get install {package}` as root, or install it another way"
        )));
    }
    println!("installing {package} with apt-get");
    run("apt-get", &["-qq", "update"])?;
    let words = [
        "-qq",
        "-o=Dpkg::Use-Pty=0",
        "install",
        "--yes",
        "--no-install-recommends",
    ];
    run("apt-get", &[&words[..], &[package]].concat()).map(drop)
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    run("id", &["-u"]).is_ok_and(|id| id.trim() == "0")
}

/// Where a program is on the `PATH`, or where administrators have theirs.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
        .into_iter()
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Runs a program to its end and gives what it printed.
///
/// # Errors
///
/// When it cannot be run or does not succeed: says what it printed.
pub(crate) fn run<W: AsRef<OsStr>>(program: &str, words: &[W]) -> Result<String, Problem> {
    let path = find(program).unwrap_or_else(|| PathBuf::from(program));
    let ended = Command::new(path)
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Problem::from(error).while_doing(program))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let words: Vec<_> = words
        .iter()
        .map(|word| word.as_ref().to_string_lossy())
        .collect();
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(Problem::new(format!(
        "`{program} {}` ended with {}: {}",
        words.join(" "),
        ended.status,
        said.trim()
    )))
}

/// Whether this is a CI run, where nothing may be left out.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| matches!(value.as_str(), "true" | "1"))
}
