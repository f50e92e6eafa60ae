//! The spool: export requests that could not be delivered, kept on disk until they can.
//!
//! Invariant: a request is in one file or on its way, never in two places: a file is taken by renaming
//! it, so that several processes may share the directory. What is written is synced before it counts.
//! The directory is bounded: the oldest requests make room for new ones.
//!
//! A file is called `TIME-PID-NUMBER.SIGNAL.ITEMS.request`, so that names sort by age. It holds the
//! receiver's address, a line end, and the request as OTLP protobuf. Another receiver's requests are
//! left alone. `.taken` behind the name says that a process is sending it; one that is older than ten
//! minutes was left by a process that ended, and is taken back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use contract::Signal;

use crate::settings::SpoolSettings;

const REQUEST: &str = ".request";
const TAKEN: &str = ".taken";
const UNFINISHED: &str = ".unfinished";
const TAKEN_TIME_MAX: Duration = Duration::from_secs(600);
/// A file larger than this is not one of ours: no request comes near it.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The directory.
#[derive(Debug)]
pub(crate) struct Spool {
    settings: SpoolSettings,
    number: AtomicU64,
}

/// A request that was taken to be sent.
#[derive(Debug)]
pub(crate) struct Taken {
    path: PathBuf,
    pub(crate) items: u64,
    /// OTLP protobuf.
    pub(crate) body: Vec<u8>,
}

/// What the name of a request's file says.
struct Named {
    path: PathBuf,
    signal: String,
    items: u64,
    bytes: u64,
}

impl Spool {
    pub(crate) fn new(settings: SpoolSettings) -> Spool {
        Spool {
            settings,
            number: AtomicU64::new(0),
        }
    }

    /// Keeps a request for this address. Gives how many items of older requests had to make room.
    pub(crate) fn keep(
        &self,
        signal: Signal,
        address: &str,
        items: u64,
        body: &[u8],
        now_ms: u64,
    ) -> io::Result<u64> {
        make_dir(&self.settings.dir)?;
        let bytes = (address.len() + 1 + body.len()) as u64;
        let removed = self.make_room(bytes)?;
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let (pid, signal) = (process::id(), signal.name());
        let name = format!("{now_ms:013}-{pid}-{number:06}.{signal}.{items}{REQUEST}");
        let path = self.settings.dir.join(name);
        let unfinished = with_suffix(&path, UNFINISHED);
        let mut file = create(&unfinished)?;
        file.write_all(address.as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(body)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_dir(&self.settings.dir)?;
        Ok(removed)
    }

    /// Takes the oldest request of this signal for this address.
    pub(crate) fn take(&self, signal: Signal, address: &str) -> io::Result<Option<Taken>> {
        for named in self.requests()? {
            if named.signal != signal.name() || named.bytes > FILE_BYTES_MAX {
                continue;
            }
            let taken = with_suffix(&named.path, TAKEN);
            // Another process was first.
            if fs::rename(&named.path, &taken).is_err() {
                continue;
            }
            let mut content = fs::read(&taken)?;
            let is_ours = content.starts_with(address.as_bytes())
                && content.get(address.len()) == Some(&b'\n');
            if is_ours {
                content.drain(..=address.len());
                return Ok(Some(Taken {
                    path: taken,
                    items: named.items,
                    body: content,
                }));
            }
            fs::rename(&taken, &named.path)?;
        }
        Ok(None)
    }

    /// A request that was taken has arrived, or never will: it is forgotten.
    pub(crate) fn forget(&self, taken: Taken) -> io::Result<()> {
        fs::remove_file(&taken.path)
    }

    /// A request that was taken could not be sent: it waits again.
    pub(crate) fn put_back(&self, taken: Taken) -> io::Result<()> {
        fs::rename(&taken.path, without_taken(&taken.path))
    }

    /// Takes back what processes took that have ended since, and removes what they left unfinished.
    pub(crate) fn recover(&self) -> io::Result<()> {
        let now = SystemTime::now();
        for (path, about) in self.files()? {
            let age = about
                .modified()
                .ok()
                .and_then(|at| now.duration_since(at).ok());
            if age.is_none_or(|age| age <= TAKEN_TIME_MAX) {
                continue;
            }
            let name = path.to_string_lossy();
            if name.ends_with(TAKEN) {
                fs::rename(&path, without_taken(&path))?;
            } else if name.ends_with(UNFINISHED) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Removes the oldest requests until there is room; gives how many items they held.
    fn make_room(&self, bytes: u64) -> io::Result<u64> {
        if bytes > self.settings.bytes_max {
            return Err(io::Error::other("the request is larger than the spool"));
        }
        let requests = self.requests()?;
        let mut held: u64 = requests.iter().map(|named| named.bytes).sum();
        let mut removed = 0;
        for named in requests {
            if held + bytes <= self.settings.bytes_max {
                break;
            }
            fs::remove_file(&named.path)?;
            held -= named.bytes;
            removed += named.items;
        }
        Ok(removed)
    }

    /// The requests that wait, the oldest first.
    fn requests(&self) -> io::Result<Vec<Named>> {
        let mut requests: Vec<Named> = Vec::new();
        for (path, about) in self.files()? {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(stem) = name.and_then(|name| name.strip_suffix(REQUEST)) else {
                continue;
            };
            let mut parts = stem.split('.').skip(1);
            let (Some(signal), Some(items)) = (parts.next(), parts.next()) else {
                continue;
            };
            requests.push(Named {
                signal: signal.to_owned(),
                items: items.parse().unwrap_or(0),
                bytes: about.len(),
                path,
            });
        }
        requests.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(requests)
    }

    fn files(&self) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        let entries = match fs::read_dir(&self.settings.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Another process may have sent it in the meantime.
            if let Ok(about) = entry.metadata() {
                files.push((entry.path(), about));
            }
        }
        Ok(files)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn without_taken(path: &Path) -> PathBuf {
    let name = path.to_string_lossy();
    PathBuf::from(name.strip_suffix(TAKEN).unwrap_or(&name))
}

/// For its owner alone: the requests may hold what people asked.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A directory cannot be synced everywhere; where it can, a name that counts is durable.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "http://a.example.com/v1/logs";

    fn spool(dir: &Path, bytes_max: u64) -> Spool {
        Spool::new(SpoolSettings {
            dir: dir.join("spool"),
            bytes_max,
        })
    }

    fn keep(spool: &Spool, address: &str, body: &str, now_ms: u64) -> u64 {
        let kept = spool.keep(Signal::Logs, address, 2, body.as_bytes(), now_ms);
        kept.expect("kept")
    }

    fn take(spool: &Spool) -> Option<Taken> {
        spool.take(Signal::Logs, ADDRESS).expect("readable")
    }

    fn body(taken: Option<&Taken>) -> &str {
        std::str::from_utf8(&taken.expect("one").body).expect("text")
    }

    #[test]
    fn requests_come_back_in_order_for_their_receiver_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = spool(dir.path(), 1 << 20);
        assert!(take(&spool).is_none(), "there is no directory yet");
        keep(&spool, ADDRESS, "second", 2);
        keep(&spool, ADDRESS, "first", 1);
        keep(&spool, "http://a.example.com/v1/logs2", "another's", 0);
        keep(&spool, "http://b.example.com/v1/logs", "a third's", 0);
        assert!(
            spool
                .take(Signal::Metrics, ADDRESS)
                .expect("readable")
                .is_none()
        );
        let first = take(&spool);
        assert_eq!(
            (
                body(first.as_ref()),
                first.as_ref().map(|taken| taken.items)
            ),
            ("first", Some(2))
        );
        let second = take(&spool);
        assert_eq!(
            body(second.as_ref()),
            "second",
            "what is taken is not taken twice"
        );
        spool.put_back(first.expect("one")).expect("back");
        spool.forget(second.expect("one")).expect("forgotten");
        let again = take(&spool);
        assert_eq!(body(again.as_ref()), "first");
        assert!(take(&spool).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = spool(dir.path(), 100);
        let body_of = |letter: &str| letter.repeat(20);
        assert_eq!(keep(&spool, ADDRESS, &body_of("a"), 1), 0);
        assert_eq!(keep(&spool, ADDRESS, &body_of("b"), 2), 0);
        assert_eq!(
            keep(&spool, ADDRESS, &body_of("c"), 3),
            2,
            "two items made room"
        );
        assert_eq!(body(take(&spool).as_ref()), body_of("b"));
        assert!(spool.keep(Signal::Logs, ADDRESS, 1, &[0; 200], 4).is_err());
    }

    #[test]
    fn what_an_ended_process_took_is_taken_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = spool(dir.path(), 1 << 20);
        keep(&spool, ADDRESS, "left", 1);
        let path = take(&spool).expect("one").path;
        spool.recover().expect("recovered");
        assert!(take(&spool).is_none(), "it may still be on its way");
        let old = SystemTime::now() - TAKEN_TIME_MAX - Duration::from_secs(1);
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(old))
            .expect("set");
        let unfinished = with_suffix(&path, UNFINISHED);
        File::create(&unfinished)
            .and_then(|file| file.set_modified(old))
            .expect("set");
        spool.recover().expect("recovered");
        assert_eq!(body(take(&spool).as_ref()), "left");
        assert!(!unfinished.exists());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let spool = spool(dir.path(), 1 << 20);
        keep(&spool, ADDRESS, "secret", 1);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&spool.settings.dir), 0o700);
        for (path, _) in spool.files().expect("readable") {
            assert_eq!(mode(&path), 0o600);
        }
    }
}
