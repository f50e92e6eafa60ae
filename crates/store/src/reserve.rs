//! The part of the disk that intake leaves to flushes, deletions and queries.
//!
//! Invariant: while less than the reserve is free, nothing is let in, and the reason says what is
//! lacking; when it is free again intake goes on by itself. What cannot be known (a file system that
//! does not count its files, a look that fails) stops nothing: then the disk's own refusal does.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base::{Disk, FreeSpace};
use tokio::sync::Notify;

/// The usual reserve, where a twentieth of the file system is not less.
const USUAL_BYTES: u64 = 256 << 20;
const USUAL_FILES: u64 = 1024;
const USUAL_SHARE: u64 = 20;
/// After so many written bytes the disk is looked at again without waiting.
const LOOK_AFTER_BYTES: u64 = 16 << 20;

#[derive(Debug)]
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// What must be free; the usual amount when absent.
    bytes: Option<u64>,
    /// Why nothing is let in.
    lacking: Mutex<Option<String>>,
    written: AtomicU64,
    look_wanted: Notify,
}

impl Reserve {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, bytes: Option<u64>) -> Reserve {
        Reserve {
            disk,
            dir,
            bytes,
            lacking: Mutex::default(),
            written: AtomicU64::new(0),
            look_wanted: Notify::new(),
        }
    }

    /// Looks at the disk, and says whether what was lacking no longer is. Blocks on the disk.
    pub(crate) fn look(&self) -> bool {
        let lacking = match self.disk.free_space(&self.dir) {
            Ok(free) => self.lacking_of(&free),
            Err(error) => {
                tracing::debug!("cannot tell how much of the disk is free: {error}");
                None
            }
        };
        let mut known = self.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &lacking) {
            (None, Some(lacking)) => tracing::error!("nothing is taken in: {lacking}"),
            (Some(_), None) => tracing::info!("the disk has room again"),
            _ => {}
        }
        let is_over = known.is_some() && lacking.is_none();
        *known = lacking;
        is_over
    }

    /// Whether something may be let in, and why not, by the last look.
    pub(crate) fn check(&self) -> Result<(), String> {
        let known = self.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone().map_or(Ok(()), Err)
    }

    /// The bytes that are free beyond the reserve; `None` when that cannot be told. Blocks on the disk.
    pub(crate) fn spare(&self) -> Option<u64> {
        let free = self.disk.free_space(&self.dir).ok()?;
        Some(free.bytes.saturating_sub(reserved(&free, self.bytes)))
    }

    /// Notes that intake has written.
    pub(crate) fn note_written(&self, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before / LOOK_AFTER_BYTES != (before + bytes) / LOOK_AFTER_BYTES {
            self.look_wanted.notify_one();
        }
    }

    /// Returns when much has been written since the last look.
    pub(crate) async fn look_wanted(&self) {
        self.look_wanted.notified().await;
    }

    fn lacking_of(&self, free: &FreeSpace) -> Option<String> {
        lacking(free, self.bytes)
    }
}

/// Why nothing is let in while no more is `free`, where `reserve_bytes` must be; the usual amount when
/// it is absent.
pub fn lacking(free: &FreeSpace, reserve_bytes: Option<u64>) -> Option<String> {
    if free.is_read_only {
        return Some("the file system of the data directory is read-only".to_owned());
    }
    let bytes = reserved(free, reserve_bytes);
    if free.bytes < bytes {
        return Some(format!(
            "the disk is full: {:.1} MiB are free, and {:.1} MiB are kept free (store.disk_reserve)",
            mib(free.bytes),
            mib(bytes)
        ));
    }
    let files = USUAL_FILES.min(free.files_total / USUAL_SHARE);
    if free.files < files {
        return Some(format!(
            "the file system is full: {} more files fit, and {files} are kept free",
            free.files
        ));
    }
    None
}

fn reserved(free: &FreeSpace, reserve_bytes: Option<u64>) -> u64 {
    reserve_bytes.unwrap_or(USUAL_BYTES.min(free.bytes_total / USUAL_SHARE))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
