//! What a simulated disk knows: the live view, the durable view, and what is pending between them.
//!
//! Invariant: `durable` changes only in a sync, a crash or an installation.

mod crash;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Fault;
use super::names::{NameChange, Names};
use super::trace::Trace;
use crate::disk::FreeSpace;
use crate::lock::LockError;

/// Index of a file's contents; names point to it, as directory entries do to inodes.
pub(super) type NodeId = usize;

#[derive(Debug, Default)]
struct Node {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Written since the last sync, successful or not.
    dirty: Vec<Range<usize>>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    nodes: Vec<Node>,
    /// Directories; those without a parent are always there.
    dirs: BTreeSet<PathBuf>,
    durable_dirs: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    live: Names,
    durable: Names,
    /// Changes of names that no directory sync has made durable yet, oldest first.
    unsynced: Vec<NameChange>,
    faults: BTreeMap<u64, Fault>,
    /// Files whose sectors cannot be read.
    unreadable: BTreeSet<PathBuf>,
    operations: u64,
    data_syncs: u64,
    capacity: Option<usize>,
    files_max: Option<usize>,
    powerless: bool,
    /// Number of crashes so far: open files belong to one life.
    life: u64,
    trace: Trace,
}

impl State {
    pub(super) fn keep_trace(&mut self) {
        self.trace.begin();
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.trace.lines()
    }

    pub(super) fn plan_no_faults(&mut self) {
        self.faults.clear();
    }

    pub(super) fn planned_faults(&self) -> usize {
        self.faults.len()
    }

    pub(super) fn is_powerless(&self) -> bool {
        self.powerless
    }

    pub(super) fn fail_at(&mut self, ordinal: u64, fault: Fault) {
        self.faults.insert(ordinal, fault);
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations
    }

    pub(super) fn data_syncs(&self) -> u64 {
        self.data_syncs
    }

    pub(super) fn set_capacity(&mut self, bytes: Option<usize>) {
        self.capacity = bytes;
    }

    pub(super) fn set_files_max(&mut self, count: Option<usize>) {
        self.files_max = count;
    }

    pub(super) fn free_space(&self) -> io::Result<FreeSpace> {
        self.check_power()?;
        let total = |limit: Option<usize>| limit.map_or(u64::MAX, |limit| limit as u64);
        let free = |limit, used: usize| total(limit).saturating_sub(used as u64);
        Ok(FreeSpace {
            bytes: free(self.capacity, self.used()),
            bytes_total: total(self.capacity),
            files: free(self.files_max, self.live.len()),
            files_total: total(self.files_max),
            is_read_only: false,
        })
    }

    pub(super) fn life(&self) -> u64 {
        self.life
    }

    /// Each directory in two operations, as on a real disk: it is made, and its name is synced.
    pub(super) fn create_dir_all(&mut self, dir: &Path) -> io::Result<()> {
        let Some(parent) = dir.parent() else {
            return Ok(());
        };
        if !self.dirs.contains(dir) {
            self.create_dir_all(parent)?;
            self.operate("make", dir)?;
            self.dirs.insert(dir.to_owned());
        }
        self.sync_dir(parent)
    }

    pub(super) fn lock(&mut self, dir: &Path) -> Result<(), LockError> {
        let failed = |source| LockError::Io {
            dir: dir.to_owned(),
            source,
        };
        self.check_power().map_err(failed)?;
        self.check_dir(dir).map_err(failed)?;
        if self.locked.insert(dir.to_owned()) {
            return Ok(());
        }
        Err(LockError::Held {
            dir: dir.to_owned(),
            pid: None,
        })
    }

    pub(super) fn unlock(&mut self, dir: &Path) {
        self.locked.remove(dir);
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.check_power()?;
        self.check_dir(dir)?;
        let names = self.live.keys().filter(|path| path.parent() == Some(dir));
        Ok(names
            .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
            .collect())
    }

    pub(super) fn list_dirs(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.check_power()?;
        self.check_dir(dir)?;
        let dirs = self.dirs.iter().filter(|path| path.parent() == Some(dir));
        Ok(dirs
            .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
            .collect())
    }

    pub(super) fn create_new(&mut self, path: &Path) -> io::Result<NodeId> {
        self.operate("create", path)?;
        self.check_dir(path.parent().unwrap_or(Path::new("")))?;
        if self.live.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.files_max.is_some_and(|most| self.live.len() >= most) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.nodes.push(Node::default());
        let node = self.nodes.len() - 1;
        self.change_name(None, Some((path.to_owned(), node)));
        Ok(node)
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<NodeId> {
        self.check_power()?;
        self.live
            .get(path)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn contents(&self, path: &Path) -> io::Result<&[u8]> {
        let node = self.find(path)?;
        if self.unreadable.contains(path) {
            return Err(error_of(Fault::Error(io::ErrorKind::Other)));
        }
        Ok(&self.nodes[node].live)
    }

    pub(super) fn write(&mut self, node: NodeId, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        let room = self
            .capacity
            .map_or(usize::MAX, |capacity| capacity.saturating_sub(self.used()));
        self.trace.note_write(node, slices);
        let (count, outcome) = match self.begin()? {
            // What was on its way when the power went may have arrived: `Survival` decides.
            Some(fault @ Fault::PowerCut) => (bytes.len(), Err(error_of(fault))),
            Some(fault @ Fault::ShortWrite(_)) => (bytes.len() / 2, Err(error_of(fault))),
            Some(fault @ Fault::Error(_)) => (0, Err(error_of(fault))),
            None if bytes.len() > room => (room, Err(io::ErrorKind::StorageFull.into())),
            None => (bytes.len(), Ok(())),
        };
        let node = &mut self.nodes[node];
        let start = node.live.len();
        node.live.extend_from_slice(&bytes[..count]);
        node.dirty.push(start..start + count);
        outcome
    }

    pub(super) fn sync(&mut self, node: NodeId) -> io::Result<()> {
        self.trace.note("sync", format_args!("node {node}"));
        if let Some(fault) = self.begin()? {
            if fault != Fault::PowerCut {
                self.nodes[node].dirty.clear();
            }
            return Err(error_of(fault));
        }
        self.data_syncs += 1;
        let node = &mut self.nodes[node];
        node.durable.resize(node.live.len(), 0);
        for range in node.dirty.drain(..) {
            node.durable[range.clone()].copy_from_slice(&node.live[range]);
        }
        Ok(())
    }

    pub(super) fn set_len(&mut self, node: NodeId, len: u64) -> io::Result<()> {
        self.trace.note("cut", format_args!("node {node} to {len}"));
        self.begin()?.map_or(Ok(()), |fault| Err(error_of(fault)))?;
        let node = &mut self.nodes[node];
        let len = usize::try_from(len).map_err(io::Error::other)?;
        node.live.resize(len, 0);
        for range in &mut node.dirty {
            *range = range.start.min(len)..range.end.min(len);
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.trace.note("to", to.display());
        self.operate("rename", from)?;
        let node = self.find(from)?;
        self.change_name(Some(from.to_owned()), Some((to.to_owned(), node)));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.operate("remove", path)?;
        self.find(path)?;
        self.change_name(Some(path.to_owned()), None);
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.operate("sync names in", dir)?;
        self.check_dir(dir)?;
        let (synced, unsynced) = std::mem::take(&mut self.unsynced)
            .into_iter()
            .partition(|change| change.touches(dir));
        self.unsynced = unsynced;
        for change in synced {
            change.apply_to(&mut self.durable);
        }
        let made = self.dirs.iter().filter(|made| made.parent() == Some(dir));
        self.durable_dirs.extend(made.cloned());
        Ok(())
    }

    fn change_name(&mut self, removed: Option<PathBuf>, added: Option<(PathBuf, NodeId)>) {
        let change = NameChange { removed, added };
        change.apply_to(&mut self.live);
        self.unsynced.push(change);
    }

    pub(super) fn install(&mut self, path: &Path, bytes: &[u8]) {
        let dir = path.parent().unwrap_or(Path::new(""));
        for dirs in [&mut self.dirs, &mut self.durable_dirs] {
            dirs.extend(dir.ancestors().map(Path::to_owned));
        }
        self.nodes.push(Node {
            live: bytes.to_vec(),
            durable: bytes.to_vec(),
            dirty: Vec::new(),
        });
        let node = self.nodes.len() - 1;
        self.live.insert(path.to_owned(), node);
        self.durable.insert(path.to_owned(), node);
    }

    pub(super) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = self.live.iter();
        files
            .map(|(path, node)| (path.clone(), self.nodes[*node].live.clone()))
            .collect()
    }

    pub(super) fn set_unreadable(&mut self, path: &Path) {
        self.unreadable.insert(path.to_owned());
    }

    pub(super) fn flip(&mut self, path: &Path, offset: usize, mask: u8) {
        let node = self.live.get(path).map(|node| &mut self.nodes[*node]);
        let node = node.expect("the file to damage exists");
        node.live[offset] ^= mask;
        if let Some(byte) = node.durable.get_mut(offset) {
            *byte ^= mask;
        }
    }

    fn used(&self) -> usize {
        self.live
            .values()
            .map(|node| self.nodes[*node].live.len())
            .sum()
    }

    fn check_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.parent().is_none() || self.dirs.contains(dir) {
            Ok(())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn check_power(&self) -> io::Result<()> {
        if self.powerless {
            Err(error_of(Fault::PowerCut))
        } else {
            Ok(())
        }
    }

    /// Counts an operation and says how it shall fail, if it shall.
    fn begin(&mut self) -> io::Result<Option<Fault>> {
        self.check_power()?;
        self.operations += 1;
        let fault = self.faults.remove(&self.operations);
        self.powerless = fault == Some(Fault::PowerCut);
        Ok(fault)
    }

    /// [`State::begin`] for operations that have no effect when they fail.
    fn operate(&mut self, operation: &str, path: &Path) -> io::Result<()> {
        self.trace.note(operation, path.display());
        self.begin()?.map_or(Ok(()), |fault| Err(error_of(fault)))
    }
}

fn error_of(fault: Fault) -> io::Error {
    match fault {
        Fault::Error(kind) | Fault::ShortWrite(kind) => io::Error::new(kind, "simulated fault"),
        Fault::PowerCut => io::Error::other("simulated power cut"),
    }
}
