//! Appends to the trail, and repairs an unfinished end.
//!
//! Order: the lines, synced; then the head, synced; then whoever waits is answered. A crash between
//! the two leaves whole lines that the head does not know, which count, and perhaps a torn one, which is
//! taken off and put on record. What the head knows is never taken off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use base::{Clock, Secret, private};

use super::head::{Head, Seal};
use super::line;
use super::record::{Act, Action};
use super::{Place, TrailError};

/// A segment that has so many bytes is followed by another.
const SEGMENT_BYTES: u64 = 16 << 20;
/// What may follow a head that a crash left behind: one batch, and the torn line.
const BEYOND_BYTES_MAX: u64 = 64 << 20;

/// Appends to a trail. Several processes may have one; each append holds the lock.
pub struct Writer {
    place: Place,
    seal: Seal,
    clock: Arc<dyn Clock>,
    lock: File,
    head_file: File,
    /// As this writer left it, to see whether another has written since.
    known: Option<Head>,
    segment: Option<(u64, File)>,
    is_poisoned: bool,
    segment_bytes: u64,
}

/// One act, and how many refusals before it were left out.
pub(super) type Entry = (Act, u64);

impl Writer {
    /// Opens the trail of a data directory, or begins it.
    ///
    /// # Errors
    /// It cannot be read or made, or is not as it was written.
    pub fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<Writer, TrailError> {
        let secret = Secret::open_or_create(&place.secret).map_err(TrailError::Secret)?;
        let folder = &place.folder;
        private::folder(folder).map_err(TrailError::io(folder))?;
        let lock_path = folder.join("head.lock");
        let lock = private::file(&lock_path).map_err(TrailError::io(&lock_path))?;
        let mut writer = Writer {
            place: place.clone(),
            seal: place.seal(&secret),
            clock,
            head_file: open_head(&folder.join("head"))?,
            lock,
            known: None,
            segment: None,
            is_poisoned: false,
            segment_bytes: SEGMENT_BYTES,
        };
        writer.append(Vec::new())?;
        Ok(writer)
    }

    /// Puts one act on record, and returns when it is on the disk.
    ///
    /// # Errors
    /// It is not on record.
    pub fn record(&mut self, act: Act) -> Result<(), TrailError> {
        self.append(vec![(act, 0)])
    }

    /// Puts acts on record, in order and together.
    pub(super) fn append(&mut self, entries: Vec<Entry>) -> Result<(), TrailError> {
        if self.is_poisoned {
            return Err(TrailError::Poisoned);
        }
        let failed = TrailError::io(&self.place.folder);
        self.lock.lock().map_err(failed)?;
        let appended = self.append_locked(entries);
        let failed = TrailError::io(&self.place.folder);
        let unlocked = self.lock.unlock().map_err(failed);
        appended.and(unlocked)
    }

    fn append_locked(&mut self, mut entries: Vec<Entry>) -> Result<(), TrailError> {
        let (mut head, torn) = self.find_end()?;
        if torn > 0 {
            let what = format!("{torn} bytes of an unfinished record");
            entries.insert(0, (Act::of_trail(Action::Repaired, what), 0));
        }
        if entries.is_empty() {
            self.known = Some(head);
            return Ok(());
        }
        if head.bytes >= self.segment_bytes {
            (head.segment, head.bytes) = (head.segment + 1, 0);
        }
        let time_ms = self.clock.now_unix_ns() / 1_000_000;
        let mut lines = Vec::new();
        for (act, omitted) in entries {
            head.sequence += 1;
            let record = act.on_record(head.sequence, head.link.hex(), time_ms, omitted);
            head.link = line::write(&record, head.link, &mut lines)
                .map_err(|error| TrailError::io(&self.place.folder)(error.into()))?;
        }
        self.write(head.segment, head.bytes, &lines)?;
        head.bytes += lines.len() as u64;
        self.write_head(&mut head)?;
        self.known = Some(head);
        Ok(())
    }

    /// Writes lines at the end of a segment and syncs them. What fails leaves no half of a line, or
    /// ends all writing.
    fn write(&mut self, number: u64, at: u64, lines: &[u8]) -> Result<(), TrailError> {
        let path = self.place.segment(number);
        let file = self.segment(number)?;
        let mut write = || {
            file.set_len(at)?;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(lines)
        };
        if let Err(source) = write() {
            // As after a full disk: what is there of the lines goes, and the next may succeed.
            self.is_poisoned = file.set_len(at).is_err();
            return Err(TrailError::Io { path, source });
        }
        if let Err(source) = file.sync_data() {
            // What a failed sync has left on the disk is unknown for ever.
            self.is_poisoned = true;
            return Err(TrailError::Io { path, source });
        }
        Ok(())
    }

    fn write_head(&mut self, head: &mut Head) -> Result<(), TrailError> {
        let written = head.write(&self.head_file, &self.seal);
        written.map_err(|source| {
            self.is_poisoned = true;
            TrailError::io(&self.place.folder.join("head"))(source)
        })
    }

    /// The end of the trail, and how many torn bytes follow it.
    fn find_end(&mut self) -> Result<(Head, u64), TrailError> {
        let path = self.place.folder.join("head");
        let read = Head::read(&self.head_file, &self.seal).map_err(TrailError::io(&path))?;
        let Some(head) = read else {
            return self.begin().map(|head| (head, 0));
        };
        if self.known == Some(head) {
            return Ok((head, 0));
        }
        self.check_last(&head)?;
        self.follow(head)
    }

    /// Without a sound head there must be nothing at all.
    fn begin(&mut self) -> Result<Head, TrailError> {
        let path = self.place.folder.join("head");
        let len = self
            .head_file
            .metadata()
            .map_err(TrailError::io(&path))?
            .len();
        if self.place.segment(1).exists() {
            let why = "its head is missing or not sealed with this installation's key";
            return Err(TrailError::Damaged(why.to_owned()));
        }
        if len > 0 {
            return Err(TrailError::Damaged("its records are gone".to_owned()));
        }
        let mut head = Head::of_nothing();
        // Both slots, so that later writes need no new room on the disk.
        self.write_head(&mut head)?;
        self.write_head(&mut head)?;
        sync_folder(&self.place.folder)?;
        Ok(head)
    }

    /// What the head knows must be there: its last line, where it says.
    fn check_last(&mut self, head: &Head) -> Result<(), TrailError> {
        if head.sequence == 0 {
            return Ok(());
        }
        let path = self.place.segment(head.segment);
        let from = head.bytes.saturating_sub(line::LINE_BYTES_MAX as u64);
        let bytes = read_range(&path, from, head.bytes)?;
        let lines = bytes.strip_suffix(b"\n").unwrap_or_default();
        let last = lines
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let expect = format!("{{\"hash\":\"{}\",", head.link.hex());
        if bytes.len() as u64 != head.bytes - from || !last.starts_with(expect.as_bytes()) {
            let why = format!(
                "record {} is not at the end of {}",
                head.sequence,
                path.display()
            );
            return Err(TrailError::Damaged(why));
        }
        Ok(())
    }

    /// Takes whole lines that the head does not know for what they are; what is left is torn.
    fn follow(&mut self, mut head: Head) -> Result<(Head, u64), TrailError> {
        let known = head;
        loop {
            let path = self.place.segment(head.segment);
            let beyond = match path.exists() {
                true => read_range(&path, head.bytes, head.bytes + BEYOND_BYTES_MAX)?,
                false => Vec::new(),
            };
            let mut rest = beyond.as_slice();
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                match line::read(&rest[..end], head.sequence + 1, head.link) {
                    Ok(read) if read.wrong.is_none() => {
                        (head.sequence, head.link) = (read.record.sequence, read.link);
                        head.bytes += end as u64 + 1;
                        rest = &rest[end + 1..];
                    }
                    _ => break,
                }
            }
            if rest.is_empty() && self.place.segment(head.segment + 1).exists() {
                (head.segment, head.bytes) = (head.segment + 1, 0);
                continue;
            }
            if head != known {
                self.write_head(&mut head)?;
            }
            return Ok((head, rest.len() as u64));
        }
    }

    /// The segment's file; a new one is on the disk before anything is in it.
    fn segment(&mut self, number: u64) -> Result<&mut File, TrailError> {
        let path = self.place.segment(number);
        if self
            .segment
            .as_ref()
            .is_none_or(|(open, _)| *open != number)
        {
            let is_new = !path.exists();
            let mut options = File::options();
            options.write(true).create(true).truncate(false);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path).map_err(TrailError::io(&path))?;
            if is_new {
                sync_folder(&self.place.folder)?;
            }
            self.segment = Some((number, file));
        }
        match &mut self.segment {
            Some((_, file)) => Ok(file),
            None => Err(TrailError::Poisoned),
        }
    }

    #[cfg(test)]
    pub(super) fn with_segments_of(mut self, bytes: u64) -> Writer {
        self.segment_bytes = bytes;
        self
    }
}

fn open_head(path: &Path) -> Result<File, TrailError> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(TrailError::io(path))
}

fn sync_folder(folder: &Path) -> Result<(), TrailError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(TrailError::io(folder))
}

/// Bytes `from..to` of a file, or as many of them as there are.
fn read_range(path: &Path, from: u64, to: u64) -> Result<Vec<u8>, TrailError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "the reader is cut off by take")]
        file.take(to - from).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let why = format!("{} is gone", path.display());
            Err(TrailError::Damaged(why))
        }
        read => read.map_err(TrailError::io(path)),
    }
}
