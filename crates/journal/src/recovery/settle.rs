//! Settles what a crash left at the end of a journal, before anything is read or written.
//!
//! Invariant: afterwards the last segment ends with a whole frame, everything found is durable, and the
//! next sequence is after every frame that can be returned. Nothing is changed before every segment is
//! known to be of a version that can be read.
//!
//! The number of a torn frame may be given again: it was never acknowledged. The last segment is
//! synced because a killed process may have left frames in the system's cache alone; they are about
//! to be returned as if they were durable.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Disk;

use super::Damage;
use crate::format::{
    SEGMENT_HEADER_LEN, SegmentHeader, SegmentHeaderFault, Sequence, VERSION, parse_segment_name,
    parse_set_aside_name, segment_name, sequence_beyond, set_aside_name,
};
use crate::scan::{Found, Scan};
use crate::segments::Segment;

/// Why a journal could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// What is wrong with the configuration, one sentence each.
    Config(Vec<String>),
    /// A newer program wrote this segment.
    NewerVersion {
        /// The segment.
        segment: PathBuf,
        /// Its version of the format.
        version: u16,
    },
    /// A segment was renamed: its name contradicts its contents.
    Misnamed {
        /// The segment.
        segment: PathBuf,
        /// The name that it should have.
        proper_name: String,
    },
    /// The disk failed.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The writer thread could not be started.
    Thread(io::Error),
}

/// A journal at rest.
pub(crate) struct Settled {
    pub(crate) dir: PathBuf,
    pub(crate) segments: Vec<Segment>,
    /// Sequence of the next frame.
    pub(crate) next: Sequence,
    pub(crate) torn: Vec<Damage>,
    /// Segments whose header could not be read, renamed to keep them for whoever investigates.
    pub(crate) set_aside: Vec<Damage>,
}

/// Settles the journal in `dir`, all of whose frames through `start_after` are durable elsewhere.
pub(crate) fn settle(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    start_after: Sequence,
) -> Result<Settled, OpenError> {
    disk.create_dir_all(dir).map_err(at(dir))?;
    let names = disk.list(dir).map_err(at(dir))?;
    let mut found = find_segments(disk, dir, &names)?;
    let mut settled = Settled {
        dir: dir.to_owned(),
        segments: Vec::new(),
        next: start_after.next().max(after_set_aside(disk, dir, &names)?),
        torn: Vec::new(),
        set_aside: Vec::new(),
    };
    while let Some(last) = found.pop() {
        let path = dir.join(segment_name(last.first));
        if let Some(last) = settled.settle_last(disk, &path, last).map_err(at(&path))? {
            found.push(last);
            break;
        }
    }
    disk.sync_dir(dir).map_err(at(dir))?;
    settled.segments = found;
    Ok(settled)
}

/// All segments, oldest first, with their headers read.
fn find_segments(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    names: &[String],
) -> Result<Vec<Segment>, OpenError> {
    let mut firsts: Vec<Sequence> = names
        .iter()
        .filter_map(|name| parse_segment_name(name))
        .collect();
    firsts.sort_unstable();
    let mut segments: Vec<Segment> = Vec::with_capacity(firsts.len());
    for first in firsts {
        // A segment ends where the next one begins, whatever else is in it.
        if let Some(before) = segments.last_mut() {
            before.last = first.previous();
        }
        segments.push(read_header(disk, dir, first)?);
    }
    Ok(segments)
}

/// The first sequence after all that earlier openings set aside.
fn after_set_aside(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    names: &[String],
) -> Result<Sequence, OpenError> {
    let mut after = Sequence::ZERO;
    for name in names {
        if let Some(first) = parse_set_aside_name(name) {
            let path = dir.join(name);
            let bytes = disk.file_len(&path).map_err(at(&path))?;
            after = after.max(sequence_beyond(first, bytes));
        }
    }
    Ok(after)
}

fn read_header(disk: &Arc<dyn Disk>, dir: &Path, first: Sequence) -> Result<Segment, OpenError> {
    let path = dir.join(segment_name(first));
    let bytes = disk.file_len(&path).map_err(at(&path))?;
    let mut header = [0; SEGMENT_HEADER_LEN];
    let filled = disk.read_at(&path, 0, &mut header).map_err(at(&path))?;
    let salt = match SegmentHeader::decode(&header[..filled]) {
        Ok(header) if header.first == first => Some(header.salt),
        Ok(header) => {
            return Err(OpenError::Misnamed {
                segment: path,
                proper_name: segment_name(header.first),
            });
        }
        Err(SegmentHeaderFault::Unreadable) => None,
        Err(SegmentHeaderFault::Newer { version }) => {
            return Err(OpenError::NewerVersion {
                segment: path,
                version,
            });
        }
    };
    Ok(Segment {
        first,
        last: first.previous(),
        salt,
        bytes,
        marks: Vec::new(),
    })
}

impl Settled {
    /// Settles the last segment; returns it unless nothing of it remains.
    fn settle_last(
        &mut self,
        disk: &Arc<dyn Disk>,
        path: &Path,
        mut segment: Segment,
    ) -> io::Result<Option<Segment>> {
        let name = segment_name(segment.first);
        let header_len = SEGMENT_HEADER_LEN as u64;
        let Some(salt) = segment.salt else {
            if segment.bytes > header_len {
                self.set_aside(disk, path, &segment)?;
            } else {
                self.next = self.next.max(segment.first);
                self.note_torn(name, 0, segment.bytes);
                disk.remove(path)?;
            }
            return Ok(None);
        };
        let scan = Scan::new(Arc::clone(disk), path.to_owned(), salt, segment.bytes);
        let (last, end) = last_whole_frame(scan, segment.first)?;
        self.note_torn(name, end, segment.bytes.saturating_sub(end));
        let Some(last) = last else {
            self.next = self.next.max(segment.first);
            disk.remove(path)?;
            return Ok(None);
        };
        self.next = self.next.max(last.next());
        if end < segment.bytes {
            disk.truncate(path, end)?;
        } else {
            disk.sync_file(path)?;
        }
        segment.last = last;
        segment.bytes = end;
        Ok(Some(segment))
    }

    /// The header was durable before the first frame was written, so this is not what a crash
    /// leaves. Skips as many sequences as the segment can have had frames.
    fn set_aside(
        &mut self,
        disk: &Arc<dyn Disk>,
        path: &Path,
        segment: &Segment,
    ) -> io::Result<()> {
        let name = set_aside_name(segment.first);
        disk.rename(path, &path.with_file_name(&name))?;
        self.next = self.next.max(sequence_beyond(segment.first, segment.bytes));
        self.set_aside.push(Damage {
            segment: name,
            offset: 0,
            bytes: segment.bytes,
        });
        Ok(())
    }

    fn note_torn(&mut self, segment: String, offset: u64, bytes: u64) {
        if bytes > 0 {
            self.torn.push(Damage {
                segment,
                offset,
                bytes,
            });
        }
    }
}

/// The last whole frame of a segment that begins with `first`, and where it ends.
///
/// Only a frame that continues the order counts. After a power cut the end of a file may show what its
/// blocks held before: frames of a deleted segment, whole and with the same salt. Taken for the last
/// frame, such a one would hide every frame that was acknowledged.
fn last_whole_frame(mut scan: Scan, first: Sequence) -> io::Result<(Option<Sequence>, u64)> {
    let mut last = None;
    let mut next = first;
    let mut end = SEGMENT_HEADER_LEN as u64;
    loop {
        match scan.next(next)? {
            Found::Frame(frame) => {
                last = Some(frame.sequence);
                next = frame.sequence.next();
                end = scan.position();
            }
            Found::Damage { .. } => {}
            Found::End => return Ok((last, end)),
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => write!(f, "journal: {}", problems.join("; ")),
            Self::NewerVersion { segment, version } => write!(
                f,
                "{} has version {version} of the journal's format, and this program reads versions \
                 up to {VERSION}: start the newer program again, or let it flush the journal before \
                 you go back",
                segment.display()
            ),
            Self::Misnamed {
                segment,
                proper_name,
            } => write!(
                f,
                "{} contains what belongs to {proper_name}: give it that name, or move it away",
                segment.display()
            ),
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Thread(source) => write!(f, "cannot start the journal's writer: {source}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Thread(source) => Some(source),
            Self::Config(_) | Self::NewerVersion { .. } | Self::Misnamed { .. } => None,
        }
    }
}
