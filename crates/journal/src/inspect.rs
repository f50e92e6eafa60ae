//! What opening a journal would find, without opening it.
//!
//! Invariant: nothing is changed. The code is the one that opens, on a disk that is only looked at, so
//! what is told here is what an opening will do.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base::{Disk, Unchanging};

use crate::format::{Sequence, parse_set_aside_name};
use crate::recovery::{OpenError, Report, settle};

/// A journal that nobody has open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Segment files.
    pub segments: usize,
    /// Their bytes, but for what an opening would cut off the end.
    pub bytes: u64,
    /// What a replay would find.
    pub report: Report,
    /// Segments that earlier openings could not read and set aside.
    pub set_aside: Vec<String>,
}

/// Looks at the journal in `dir`, all of whose frames through `start_after` are durable elsewhere. Reads
/// every later frame and holds one in memory at a time. Blocks on the disk.
///
/// # Errors
/// As opening it would.
pub fn inspect<D: Disk>(
    disk: D,
    dir: &Path,
    start_after: Sequence,
) -> Result<Inspection, OpenError> {
    let failed = |source| OpenError::Io {
        path: dir.to_owned(),
        source,
    };
    let names = match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Inspection::default()),
        listed => listed.map_err(failed)?,
    };
    let disk: Arc<dyn Disk> = Arc::new(Unchanging(disk));
    let settled = settle(&disk, dir, start_after)?;
    let mut recovery = settled.replay(Arc::clone(&disk), start_after);
    for frame in recovery.by_ref() {
        frame.map_err(failed)?;
    }
    let is_set_aside = |name: &String| parse_set_aside_name(name).is_some();
    Ok(Inspection {
        segments: settled.segments.len(),
        bytes: settled.segments.iter().map(|segment| segment.bytes).sum(),
        report: recovery.report().clone(),
        set_aside: names.into_iter().filter(is_set_aside).collect(),
    })
}
