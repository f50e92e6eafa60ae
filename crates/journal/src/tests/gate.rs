//! A disk whose syncs wait until they are let through, so that tests decide what meets what.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use base::sim::SimDisk;
use base::{DirLock, Disk, DiskFile, FreeSpace, LockError};

/// A simulated disk behind a gate. Clones share the gate.
#[derive(Debug, Clone, Default)]
pub(super) struct GatedDisk {
    pub(super) disk: SimDisk,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    closed: bool,
    waiting: usize,
}

impl GatedDisk {
    pub(super) fn close(&self) {
        self.gate.state.lock().unwrap().closed = true;
    }

    pub(super) fn open(&self) {
        self.gate.state.lock().unwrap().closed = false;
        self.gate.changed.notify_all();
    }

    /// Returns when a sync stands at the gate.
    pub(super) fn wait_for_sync(&self) {
        let state = self.gate.state.lock().unwrap();
        drop(
            self.gate
                .changed
                .wait_while(state, |state| state.waiting == 0)
                .unwrap(),
        );
    }

    fn pass(&self) {
        let mut state = self.gate.state.lock().unwrap();
        state.waiting += 1;
        self.gate.changed.notify_all();
        let mut state = self
            .gate
            .changed
            .wait_while(state, |state| state.closed)
            .unwrap();
        state.waiting -= 1;
    }
}

impl Disk for GatedDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn lock(&self, dir: &Path) -> Result<DirLock, LockError> {
        self.disk.lock(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list_dirs(dir)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(GatedFile {
            file: self.disk.create_new(path)?,
            disk: self.clone(),
        }))
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        self.disk.file_len(path)
    }

    fn free_space(&self, dir: &Path) -> io::Result<FreeSpace> {
        self.disk.free_space(dir)
    }

    fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.read_at(path, offset, buffer)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_file(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.disk.truncate(path, len)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

struct GatedFile {
    file: Box<dyn DiskFile>,
    disk: GatedDisk,
}

impl DiskFile for GatedFile {
    fn write_all(&mut self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.file.write_all(slices)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.pass();
        self.file.sync_data()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
}
