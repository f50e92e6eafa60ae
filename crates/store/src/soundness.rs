//! Parts are checked before they are parsed: a reader of Parquet may panic or allocate without bound on
//! bytes that no writer wrote.
//!
//! Invariant: nobody is told to read a part whose length and checksum are not those of the manifest. A
//! part is checked once in the life of a process, however many queries ask for it at once; one that
//! is damaged is told of and left out from then on. That a disk cannot be read now is not damage: it
//! is the asker's error, and the next one tries again.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{FooterTail, ParquetMetaDataReader};
use tokio::sync::OnceCell;

use crate::damage::{DamagedFile, Damages};
use crate::error::StoreError;
use crate::objects::Objects;
use crate::part::{self, Part};

/// How much is read at once.
const READ_BYTES: usize = 1 << 20;

/// What was found out about parts since the start.
#[derive(Debug)]
pub(crate) struct Inspector {
    objects: Objects,
    damages: Arc<Damages>,
    verdicts: Mutex<HashMap<String, Arc<OnceCell<Verdict>>>>,
    /// Parts that were erased from and are gone: no damage, but nothing to read either.
    retired: Mutex<HashSet<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Sound,
    Damaged,
}

impl Inspector {
    pub(crate) fn new(objects: Objects, damages: Arc<Damages>) -> Inspector {
        Inspector {
            objects,
            damages,
            verdicts: Mutex::default(),
            retired: Mutex::default(),
        }
    }

    /// From now on who wants to read one of these parts is told to ask again.
    pub(crate) fn retire(&self, paths: &HashSet<&str>) {
        let mut verdicts = self.verdicts();
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            verdicts.remove(*path);
            retired.insert((*path).to_owned());
        }
    }

    fn is_retired(&self, path: &str) -> bool {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.contains(path)
    }

    /// Whether a part may be read.
    pub(crate) async fn is_sound(&self, part: &Part) -> Result<bool, StoreError> {
        if self.is_retired(&part.path) {
            let reason = "somebody was erased while this was answered: ask again";
            return Err(StoreError::Busy(reason.into()));
        }
        let cell = Arc::clone(self.verdicts().entry(part.path.clone()).or_default());
        let verdict = cell.get_or_try_init(|| self.judge(part)).await?;
        Ok(*verdict == Verdict::Sound)
    }

    async fn judge(&self, part: &Part) -> Result<Verdict, StoreError> {
        let Some(fault) = self.inspect(part).await? else {
            return Ok(Verdict::Sound);
        };
        self.damages.note(DamagedFile {
            path: part.path.clone(),
            reason: format!(
                "{fault}; its {} rows are missing from answers: restore it from a backup and start again",
                part.rows
            ),
        });
        Ok(Verdict::Damaged)
    }

    /// What is wrong with a part, if anything is.
    async fn inspect(&self, part: &Part) -> Result<Option<String>, StoreError> {
        let expected = part.clone();
        let read = self.objects.on_disk(&part.path, move |files, target| {
            let len = files.disk().file_len(target)?;
            if len != expected.bytes {
                return Ok(Some(format!(
                    "it has {len} bytes and should have {}",
                    expected.bytes
                )));
            }
            let (mut checksum, mut offset, mut buffer) = (0, 0, vec![0; READ_BYTES]);
            while offset < len {
                let filled = files.disk().read_at(target, offset, &mut buffer)?;
                if filled == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                checksum = crc32c::crc32c_append(checksum, &buffer[..filled]);
                offset += filled as u64;
            }
            if checksum != expected.crc32c {
                return Ok(Some("checksum does not match".to_owned()));
            }
            let mut read = |offset, buffer: &mut [u8]| files.disk().read_at(target, offset, buffer);
            footer_fault(len, &mut read)
        });
        match read.await {
            Err(error) if error.is_missing() => Ok(Some("it is missing".to_owned())),
            found => found,
        }
    }

    fn verdicts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<OnceCell<Verdict>>>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with the footer of a file of `len` bytes, which is what the manifest says it is.
fn footer_fault(
    len: u64,
    read_at: &mut impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<Option<String>> {
    let mut tail = [0; FOOTER_SIZE];
    let tail_at = len.saturating_sub(FOOTER_SIZE as u64);
    read_at(tail_at, &mut tail)?;
    let footer_len = match FooterTail::try_new(&tail) {
        Ok(tail) if tail.metadata_length() as u64 <= tail_at => tail.metadata_length(),
        _ => return Ok(Some("it does not end as Parquet does".to_owned())),
    };
    let mut footer = vec![0; footer_len];
    read_at(tail_at - footer_len as u64, &mut footer)?;
    let decode = || ParquetMetaDataReader::decode_metadata(&footer);
    // The reader of footers has been seen to panic on bytes that are not one.
    let fault = match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(metadata)) => part::version_of(&metadata).err(),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("its footer cannot be read".to_owned()),
    };
    Ok(fault)
}

#[cfg(test)]
mod tests;
