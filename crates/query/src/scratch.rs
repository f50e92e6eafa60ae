//! What questions put down on the disk, sealed.
//!
//! Invariant: of a question's rows no byte is on the disk in clear. The key is in this process alone and
//! on no disk, so what a process leaves behind when it is killed is noise.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use base::private;
use base::seal::{Envelope, MESSAGE_OVERHEAD_BYTES};
use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::{Stream, StreamExt, stream};
use store::Store;

use crate::environment::OURS;

/// What is sealed at once: large enough that it costs little, small enough to be held twice.
const BLOCK_BYTES: usize = 128 << 10;
/// Before each block stands how long it is, sealed.
const LENGTH_BYTES: usize = 4;
/// A longer one is none of ours: what is read is not believed before it is opened.
const SEALED_BYTES_MAX: usize = BLOCK_BYTES + MESSAGE_OVERHEAD_BYTES;

/// Makes scratch files.
pub(crate) struct SealedScratch {
    dir: PathBuf,
    envelope: Arc<Envelope>,
    store: Weak<Store>,
    used: Arc<AtomicU64>,
    made: AtomicU64,
    bytes_max: u64,
}

impl SealedScratch {
    /// In a folder of its own in `dir`, which an earlier process may have left something in.
    pub(crate) fn new(dir: &Path, store: &Arc<Store>, bytes_max: u64) -> io::Result<SealedScratch> {
        let dir = dir.join(format!("{OURS}sealed-{}", std::process::id()));
        private::folder(&dir)?;
        Ok(SealedScratch {
            dir,
            envelope: Arc::new(Envelope::of_this_process()?),
            store: Arc::downgrade(store),
            used: Arc::default(),
            made: AtomicU64::new(0),
            bytes_max,
        })
    }

    /// Half of what is free beyond the reserve, so that a question cannot make intake find the disk full.
    fn limit(&self) -> u64 {
        let spare = self.store.upgrade().and_then(|store| store.spare_bytes());
        let used = self.used.load(Ordering::Relaxed);
        let limit = used.saturating_add(spare.unwrap_or(u64::MAX) / 2);
        self.bytes_max.min(limit)
    }
}

impl TempFileFactory for SealedScratch {
    fn create_temp_file(&self, _: &str) -> Result<Arc<dyn SpillFile>> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(number.to_string());
        private::new_file(&path)?;
        Ok(Arc::new(Scratch {
            path,
            envelope: Arc::clone(&self.envelope),
            account: Arc::new(Account {
                all: Arc::clone(&self.used),
                own: AtomicU64::new(0),
                limit: self.limit(),
            }),
        }))
    }
}

/// What a file takes, given back with it.
struct Account {
    all: Arc<AtomicU64>,
    own: AtomicU64,
    limit: u64,
}

impl Account {
    fn take(&self, bytes: u64) -> io::Result<()> {
        let before = self.all.fetch_add(bytes, Ordering::Relaxed);
        self.own.fetch_add(bytes, Ordering::Relaxed);
        match before.saturating_add(bytes) > self.limit {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let own = self.own.load(Ordering::Relaxed);
        self.all.fetch_sub(own, Ordering::Relaxed);
    }
}

struct Scratch {
    path: PathBuf,
    envelope: Arc<Envelope>,
    account: Arc<Account>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

impl SpillFile for Scratch {
    fn size(&self) -> Option<u64> {
        Some(self.account.own.load(Ordering::Relaxed))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let reading = Reading {
            file: BufReader::new(File::open(&self.path)?),
            envelope: Arc::clone(&self.envelope),
            number: 0,
        };
        let blocks = stream::unfold(Some(reading), |reading| async {
            let mut reading = reading?;
            let read = tokio::task::spawn_blocking(move || {
                let block = reading.next();
                (block, reading)
            });
            match read.await {
                Ok((Ok(Some(block)), reading)) => Some((Ok(Bytes::from(block)), Some(reading))),
                Ok((Ok(None), _)) => None,
                Ok((Err(error), _)) => Some((Err(DataFusionError::IoError(error)), None)),
                Err(error) => Some((Err(DataFusionError::External(Box::new(error))), None)),
            }
        });
        Ok(blocks.boxed())
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writing {
            file: File::options().append(true).open(&self.path)?,
            envelope: Arc::clone(&self.envelope),
            account: Arc::clone(&self.account),
            block: Vec::with_capacity(BLOCK_BYTES),
            number: 0,
        }))
    }
}

struct Reading {
    file: BufReader<File>,
    envelope: Arc<Envelope>,
    number: u64,
}

impl Reading {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = [0; LENGTH_BYTES];
        match self.file.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > SEALED_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut block = vec![0; length];
        self.file.read_exact(&mut block)?;
        let (number, plain) = self.envelope.open(&block)?;
        if number != self.number {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.number += 1;
        Ok(Some(plain))
    }
}

struct Writing {
    file: File,
    envelope: Arc<Envelope>,
    account: Arc<Account>,
    block: Vec<u8>,
    number: u64,
}

impl Writing {
    fn put_down(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let sealed = self.envelope.seal(self.number, &self.block)?;
        self.account.take((LENGTH_BYTES + sealed.len()) as u64)?;
        // In one piece: somebody may be reading already.
        let length = (sealed.len() as u32).to_le_bytes();
        self.file.write_all(&[&length[..], &sealed].concat())?;
        self.number += 1;
        self.block.clear();
        Ok(())
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == BLOCK_BYTES {
            self.put_down()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.put_down()
    }
}

impl SpillWriter for Writing {
    fn finish(&mut self) -> Result<()> {
        self.put_down()?;
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Who forgot to finish will read less than was written, and notice.
        let _ = self.put_down();
    }
}

#[cfg(test)]
mod tests {
    //! Nothing of a question's rows is on the disk in clear, and what is there is read as it was written or
    //! not at all.
    use super::*;

    const CANARY: &[u8] = b"canary-of-a-prompt-that-was-put-down";

    fn scratch(dir: &Path, limit: u64) -> Scratch {
        let path = dir.join("0");
        private::new_file(&path).expect("a file");
        Scratch {
            path,
            envelope: Arc::new(Envelope::of_this_process().expect("a key")),
            account: Arc::new(Account {
                all: Arc::default(),
                own: AtomicU64::new(0),
                limit,
            }),
        }
    }

    /// More than two blocks of it.
    fn put_down(scratch: &Scratch) -> Vec<u8> {
        let text = CANARY.repeat(2 * BLOCK_BYTES / CANARY.len() + 100);
        let mut writer = scratch.open_writer().expect("opens");
        writer.write_all(&text).expect("writes");
        writer.finish().expect("finishes");
        text
    }

    async fn read(scratch: &Scratch) -> Result<Vec<u8>> {
        let mut blocks = scratch.read_stream()?;
        let mut text = Vec::new();
        while let Some(block) = blocks.next().await {
            text.extend_from_slice(&block?);
        }
        Ok(text)
    }

    #[tokio::test]
    async fn what_is_put_down_is_not_there_in_clear() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let scratch = scratch(dir.path(), u64::MAX);
        let text = put_down(&scratch);
        let on_disk = fs::read(&scratch.path).expect("reads");
        assert!(on_disk.len() > text.len());
        for piece in [CANARY, &CANARY[..12]] {
            let is_there = on_disk.windows(piece.len()).any(|bytes| bytes == piece);
            assert!(!is_there, "in clear");
        }
        let mode = fs::metadata(&scratch.path).expect("is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert_eq!(read(&scratch).await.expect("reads"), text);
        assert_eq!(scratch.size(), Some(on_disk.len() as u64));
        let path = scratch.path.clone();
        drop(scratch);
        assert!(!path.exists(), "it goes with its question");
    }

    #[tokio::test]
    async fn what_was_changed_or_swapped_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let scratch = scratch(dir.path(), u64::MAX);
        put_down(&scratch);
        let sound = fs::read(&scratch.path).expect("reads");
        let length = u32::from_le_bytes(sound[..LENGTH_BYTES].try_into().expect("four"));
        let block = LENGTH_BYTES + length as usize;
        let mut changed = sound.clone();
        changed[block / 2] ^= 1;
        let swapped = [
            &sound[block..2 * block],
            &sound[..block],
            &sound[2 * block..],
        ]
        .concat();
        let mut long = sound.clone();
        long[..LENGTH_BYTES].fill(0xff);
        for odd in [changed, swapped, long, sound[..block - 1].to_vec()] {
            fs::write(&scratch.path, odd).expect("writes");
            assert!(read(&scratch).await.is_err());
        }
    }

    #[test]
    fn no_more_is_put_down_than_may_be() {
        let dir = tempfile::tempdir().expect("a folder");
        let scratch = scratch(dir.path(), 1_000);
        let mut writer = scratch.open_writer().expect("opens");
        let failed = writer.write_all(&vec![0; 2 * BLOCK_BYTES]);
        let kind = failed.expect_err("is full").kind();
        assert_eq!(kind, io::ErrorKind::StorageFull);
    }
}
