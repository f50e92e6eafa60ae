//! strace as the injector of faults: its command line, and its log.
//!
//! `-D` makes strace a grandchild, so that the process that is spawned, killed and waited for is the
//! server itself. strace counts the calls of each thread apart: a count is exact only where one
//! thread makes all calls that match, which is why injections name paths where they can.

use std::path::{Path, PathBuf};

/// A command line of strace in the making.
#[derive(Clone, Debug)]
pub(crate) struct Strace(Vec<String>);

impl Strace {
    /// Follows all threads and writes its log to `log`.
    pub(crate) fn new(log: &Path) -> Strace {
        let words = ["strace", "-D", "-f", "-q", "-q", "-y", "-o"];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.push(log.to_string_lossy().into_owned());
        Strace(words)
    }

    /// Only these calls are looked at.
    #[must_use]
    pub(crate) fn calls(self, calls: &str) -> Strace {
        self.with("-e", format!("trace={calls}"))
    }

    /// Only calls on this path.
    #[must_use]
    pub(crate) fn on(self, path: &Path) -> Strace {
        self.with("-P", path.to_string_lossy().into_owned())
    }

    /// What is done to a call, such as `fdatasync:error=EIO:when=3+`.
    #[must_use]
    pub(crate) fn inject(self, what: &str) -> Strace {
        self.with("-e", format!("inject={what}"))
    }

    fn with(mut self, option: &str, value: String) -> Strace {
        self.0.extend([option.to_owned(), value]);
        self
    }

    /// The words before the server's own.
    pub(crate) fn words(self) -> Vec<String> {
        self.0.into_iter().chain(["--".to_owned()]).collect()
    }
}

/// A call that a log tells of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// The first path it names, or the path of its file.
    pub(crate) path: PathBuf,
    /// Whether it opens something to read it: then it changes nothing.
    pub(crate) is_to_read: bool,
}

/// The calls of a log that concern something under `dir`, in order.
pub(crate) fn calls_under(dir: &Path, log: &str) -> Vec<Call> {
    log.lines().filter_map(|line| call_of(dir, line)).collect()
}

/// `1234 fdatasync(11</data/journal/x.seg>) = 0`, also `<unfinished ...>`; what is resumed was told
/// before.
fn call_of(dir: &Path, line: &str) -> Option<Call> {
    let (_, call) = line.split_once(char::is_whitespace)?;
    let (name, arguments) = call.trim_start().split_once('(')?;
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let dir = dir.to_str()?;
    let from = arguments.find(dir).filter(|_| is_name)?;
    let rest = &arguments[from..];
    let end = rest.find(['"', '>']).unwrap_or(rest.len());
    Some(Call {
        name: name.to_owned(),
        path: PathBuf::from(&rest[..end]),
        is_to_read: arguments.contains("O_RDONLY") && !arguments.contains("O_CREAT"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_a_log() {
        let log = "\
12 openat(AT_FDCWD</tmp>, \"/d/data/LOCK\", O_RDWR|O_CREAT, 0666) = 9</d/data/LOCK>
12 write(1<pipe:[77]>, \"{\", 1) = 1
13 fdatasync(11</d/data/journal/journal-1.seg> <unfinished ...>
12 rename(\"/d/data/parts/a#1\", \"/d/data/parts/a\") = 0
13 <... fdatasync resumed>) = 0
13 +++ killed by SIGKILL +++
";
        let found = calls_under(Path::new("/d/data"), log);
        let shown: Vec<_> = found
            .iter()
            .map(|call| format!("{} {}", call.name, call.path.display()))
            .collect();
        assert_eq!(
            shown,
            [
                "openat /d/data/LOCK",
                "fdatasync /d/data/journal/journal-1.seg",
                "rename /d/data/parts/a#1"
            ]
        );
    }
}
