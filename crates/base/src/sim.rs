//! A disk in memory, for tests: it forgets what was not synced, and fails when told to.
//!
//! Invariant: [`SimDisk::crash`] with [`Survival::Nothing`] leaves exactly what the [`Disk`]
//! contract calls durable. A failed sync loses the pages it should have written and later syncs
//! succeed all the same, as on Linux.
//!
//! Every call that changes something is an operation; operations are numbered from 1, and
//! [`SimDisk::fail_at`] makes the one with a given number fail.

mod dice;
mod gate;
mod names;
mod state;
mod trace;

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, FreeSpace};
use crate::lock::{DirLock, LockError};
use gate::Gate;
use state::{NodeId, State};

pub use dice::Dice;

/// A simulated disk. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    gate: Arc<Gate>,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect (a failed sync: the unsynced pages are lost) and returns this error.
    Error(io::ErrorKind),
    /// A write leaves half of its bytes; any other operation fails as with [`Fault::Error`].
    ShortWrite(io::ErrorKind),
    /// The power goes: this and every later operation fails until [`SimDisk::crash`].
    PowerCut,
}

/// What a crash leaves of that which was not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// Nothing: the least that a disk must keep.
    Nothing,
    /// All of it: only the process died, not the machine.
    Everything,
    /// Some of it, by this seed: names, lengths and sectors of 512 bytes, each or not.
    Seeded(u64),
}

impl SimDisk {
    /// An empty disk without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the operation with this number fail, once.
    pub fn fail_at(&self, ordinal: u64, fault: Fault) {
        self.state().fail_at(ordinal, fault);
    }

    /// Forgets the faults that are still planned.
    pub fn plan_no_faults(&self) {
        self.state().plan_no_faults();
    }

    /// Number of faults that are still planned.
    #[must_use]
    pub fn planned_faults(&self) -> usize {
        self.state().planned_faults()
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_powerless(&self) -> bool {
        self.state().is_powerless()
    }

    /// Keeps a trace of all operations from now on.
    pub fn keep_trace(&self) {
        self.state().keep_trace();
    }

    /// The operations since [`SimDisk::keep_trace`], one line each: the same run leaves the same.
    #[must_use]
    pub fn trace(&self) -> Vec<String> {
        self.state().trace()
    }

    /// Makes syncs of open files wait.
    pub fn hold_syncs(&self) {
        self.gate.close();
    }

    /// Lets them through again, those that wait and those to come.
    pub fn let_syncs_through(&self) {
        self.gate.open();
    }

    /// How many syncs are waiting.
    #[must_use]
    pub fn waiting_syncs(&self) -> usize {
        self.gate.waiting()
    }

    /// Returns when a sync waits.
    pub fn wait_for_sync(&self) {
        self.gate.wait_until_somebody_waits();
    }

    /// Number of operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations()
    }

    /// Number of successful syncs of file contents so far.
    #[must_use]
    pub fn data_syncs(&self) -> u64 {
        self.state().data_syncs()
    }

    /// Limits the bytes that all files may have together; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.state().set_capacity(bytes);
    }

    /// Limits how many files there may be; `None` lifts the limit.
    pub fn set_files_max(&self, count: Option<usize>) {
        self.state().set_files_max(count);
    }

    /// Ends every open file, loses what `survival` says, and comes back with power.
    pub fn crash(&self, survival: Survival) {
        self.state().crash(survival);
    }

    /// Puts a durable file in place, bypassing faults.
    pub fn install(&self, path: &Path, bytes: &[u8]) {
        self.state().install(path, bytes);
    }

    /// All files and what a process reads in them now, by path.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.state().files()
    }

    /// Flips the bits of `mask` in one byte of a file, on the medium and in the cache.
    pub fn flip(&self, path: &Path, offset: usize, mask: u8) {
        self.state().flip(path, offset, mask);
    }

    /// From now on what the file holds cannot be read, as when its sectors have gone bad.
    pub fn set_unreadable(&self, path: &Path) {
        self.state().set_unreadable(path);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.state().create_dir_all(dir)
    }

    fn lock(&self, dir: &Path) -> Result<DirLock, LockError> {
        let mut state = self.state();
        state.lock(dir)?;
        Ok(DirLock::held_by(SimLock {
            disk: self.clone(),
            dir: dir.to_owned(),
            life: state.life(),
        }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.state().list(dir)
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.state().list_dirs(dir)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let node = state.create_new(path)?;
        let life = state.life();
        drop(state);
        Ok(Box::new(SimFile {
            disk: self.clone(),
            node,
            life,
        }))
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        Ok(self.state().contents(path)?.len() as u64)
    }

    fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.state();
        let contents = state.contents(path)?;
        let start = contents
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let count = buffer.len().min(contents.len() - start);
        buffer[..count].copy_from_slice(&contents[start..start + count]);
        Ok(count)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        state.sync(node)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        state.set_len(node, len)?;
        state.sync(node)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().sync_dir(dir)
    }

    fn free_space(&self, _dir: &Path) -> io::Result<FreeSpace> {
        self.state().free_space()
    }
}

/// The right to a directory; a crash takes it away.
struct SimLock {
    disk: SimDisk,
    dir: PathBuf,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life() == self.life {
            state.unlock(&self.dir);
        }
    }
}

struct SimFile {
    disk: SimDisk,
    node: NodeId,
    life: u64,
}

impl SimFile {
    /// The disk's state, unless a crash has ended this file.
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.life() == self.life {
            Ok(state)
        } else {
            Err(io::Error::other("the file was open during a crash"))
        }
    }
}

impl DiskFile for SimFile {
    fn write_all(&mut self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.state()?.write(self.node, slices)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.gate.pass();
        self.state()?.sync(self.node)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.state()?.set_len(self.node, len)
    }
}

#[cfg(test)]
mod tests;
