//! What a crash leaves: all that is durable, and of the rest as much as chance or the test says.
//!
//! Invariant: what was durable is there afterwards, whatever else is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Node, NodeId, State};
use crate::sim::Survival;
use crate::sim::dice::Dice;

const SECTOR_LEN: usize = 512;

impl State {
    pub(in crate::sim) fn crash(&mut self, survival: Survival) {
        self.life += 1;
        self.powerless = false;
        self.locked.clear();
        match survival {
            Survival::Everything => return,
            Survival::Nothing => self.unsynced.clear(),
            Survival::Seeded(seed) => self.let_some_arrive(&mut Dice::new(seed)),
        }
        self.dirs.clone_from(&self.durable_dirs);
        // What was in a directory that is lost cannot be found any more.
        let dirs = &self.dirs;
        self.durable.retain(|path, _| is_reachable(dirs, path));
        self.live = self.durable.clone();
        let named: BTreeSet<NodeId> = self.live.values().copied().collect();
        for (id, node) in self.nodes.iter_mut().enumerate() {
            // What no name leads to is gone, and open files do not outlive a crash.
            if !named.contains(&id) {
                node.durable = Vec::new();
            }
            node.live.clone_from(&node.durable);
            node.dirty.clear();
        }
    }

    /// Moves a part of what is pending to the durable side, as a disk may do at any time.
    fn let_some_arrive(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.unsynced) {
            if dice.below(2) == 0 {
                change.apply_to(&mut self.durable);
            }
        }
        let made = self.dirs.difference(&self.durable_dirs).cloned();
        for dir in made.collect::<Vec<_>>() {
            // Parents come before what is in them.
            if is_reachable(&self.durable_dirs, &dir) && dice.below(2) == 0 {
                self.durable_dirs.insert(dir);
            }
        }
        for node in &mut self.nodes {
            node.let_some_arrive(dice);
        }
    }
}

impl Node {
    fn let_some_arrive(&mut self, dice: &mut Dice) {
        let (durable, live) = (self.durable.len(), self.live.len());
        let len = durable.min(live) + dice.below(durable.abs_diff(live) + 1);
        self.durable.resize(len, 0);
        for range in &self.dirty {
            let mut start = range.start.min(len);
            while start < range.end.min(len) {
                let end = ((start / SECTOR_LEN + 1) * SECTOR_LEN)
                    .min(range.end)
                    .min(len);
                if dice.below(2) == 0 {
                    self.durable[start..end].copy_from_slice(&self.live[start..end]);
                }
                start = end;
            }
        }
    }
}

/// Whether every directory that leads to `path` is there.
fn is_reachable(dirs: &BTreeSet<PathBuf>, path: &Path) -> bool {
    let above = path.ancestors().skip(1);
    above
        .filter(|dir| dir.parent().is_some())
        .all(|dir| dirs.contains(dir))
}
