//! The rows of the fault matrix, in the order in which they run.
//!
//! | file | what is in it |
//! |---|---|
//! | `kill.rs` | SIGKILL at random, SIGTERM |
//! | `ordinals.rs` | SIGKILL at every operation on the data directory |
//! | `power.rs` | power cuts, a disk that lies about syncs |
//! | `full.rs` | no space, no inodes, no longer files |
//! | `failing.rs` | system calls that fail, a disk that is slow or can only be read |
//! | `sockets.rs` | no file descriptor is left |
//! | `damage.rs` | files damaged between two runs |
//! | `clock.rs` | the wall clock jumps |

mod clock;
mod damage;
mod failing;
mod full;
mod kill;
mod ordinals;
mod power;
mod sockets;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use testkit::Problem;

use crate::machine::Need;
use crate::scene::{Form, Scene};

type Running = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

/// One row: a fault, and how often it happens.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    needs: &'static [Need],
    /// Cycles and time limit of the short form.
    short: (u64, Duration),
    /// Those of the long form.
    long: (u64, Duration),
    /// Whether the data directory is encrypted.
    pub(crate) is_encrypted: bool,
    pub(crate) run: fn(Arc<Scene>) -> Running,
}

impl Row {
    pub(crate) fn cycles(&self, form: Form) -> u64 {
        self.of(form).0
    }

    pub(crate) fn time_limit(&self, form: Form) -> Duration {
        self.of(form).1
    }

    fn of(&self, form: Form) -> (u64, Duration) {
        match form {
            Form::Short => self.short,
            Form::Long => self.long,
        }
    }

    /// What of its needs is missing here, after installing what can be installed.
    pub(crate) fn missing(&self) -> Option<crate::machine::Missing> {
        self.needs.iter().find_map(|need| need.missing())
    }
}

const STRACE: Need = Need::Program("strace", "strace");
const EXT4_TOOLS: Need = Need::Program("mkfs.ext4", "e2fsprogs");
const PRLIMIT: Need = Need::Program("prlimit", "util-linux");
const PERL: Need = Need::Program("perl", "perl-base");

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// All rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "kill-ordinals",
        about: "SIGKILL at each operation on the data directory, one after the other",
        needs: &[STRACE],
        short: (24, minutes(4)),
        // As many as there are.
        long: (u64::MAX, minutes(120)),
        is_encrypted: false,
        run: |scene| Box::pin(ordinals::kill(scene)),
    },
    Row {
        name: "kill-random",
        about: "SIGKILL at random under load and flushes",
        needs: &[],
        short: (25, minutes(3)),
        long: (1_000, minutes(120)),
        is_encrypted: false,
        run: |scene| Box::pin(kill::at_random(scene)),
    },
    Row {
        name: "terminate",
        about: "SIGTERM under load: exit 0, everything answered is stored",
        needs: &[],
        short: (5, minutes(2)),
        long: (100, minutes(30)),
        is_encrypted: false,
        run: |scene| Box::pin(kill::terminate(scene)),
    },
    Row {
        name: "power-cut",
        about: "the power of an ext4 is cut under load: both flags, ordered and writeback",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL],
        short: (12, minutes(3)),
        long: (240, minutes(60)),
        is_encrypted: false,
        run: |scene| Box::pin(power::cut(scene)),
    },
    Row {
        name: "self-check",
        about: "a bug is planted on purpose: no sync happens, and the oracle must notice",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL, STRACE],
        short: (1, minutes(1)),
        long: (5, minutes(10)),
        is_encrypted: false,
        run: |scene| Box::pin(power::self_check(scene)),
    },
    Row {
        name: "lying-disk",
        about: "a segment's syncs are lost with the power: later ones are served, the loss is told exactly",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL, STRACE],
        short: (2, minutes(2)),
        long: (20, minutes(20)),
        is_encrypted: false,
        run: |scene| Box::pin(power::lying_disk(scene)),
    },
    Row {
        name: "disk-full",
        about: "no space is left: 503, questions go on, intake resumes by itself",
        needs: &[Need::Root],
        short: (1, minutes(2)),
        long: (20, minutes(30)),
        is_encrypted: false,
        run: |scene| Box::pin(full::disk(scene)),
    },
    Row {
        name: "inodes",
        about: "no inode is left",
        needs: &[Need::Root],
        short: (1, minutes(2)),
        long: (20, minutes(30)),
        is_encrypted: false,
        run: |scene| Box::pin(full::inodes(scene)),
    },
    Row {
        name: "file-size",
        about: "no file may grow: short writes",
        needs: &[PRLIMIT],
        short: (1, minutes(2)),
        long: (20, minutes(20)),
        is_encrypted: false,
        run: |scene| Box::pin(full::file_size(scene)),
    },
    Row {
        name: "io-errors",
        about: "system calls on files fail, then the power is cut",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL, STRACE],
        short: (8, minutes(3)),
        long: (160, minutes(60)),
        is_encrypted: false,
        run: |scene| Box::pin(failing::errors(scene)),
    },
    Row {
        name: "read-only",
        about: "the file system becomes read-only, and is repaired later",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL],
        short: (1, minutes(2)),
        long: (20, minutes(20)),
        is_encrypted: false,
        run: |scene| Box::pin(failing::read_only(scene)),
    },
    Row {
        name: "slow-disk",
        about: "syncs take long, then too long",
        needs: &[STRACE],
        short: (1, minutes(2)),
        long: (10, minutes(30)),
        is_encrypted: false,
        run: |scene| Box::pin(failing::slow(scene)),
    },
    Row {
        name: "descriptors",
        about: "a flood of connections takes every file descriptor",
        needs: &[PRLIMIT],
        short: (1, minutes(1)),
        long: (20, minutes(20)),
        is_encrypted: false,
        run: |scene| Box::pin(sockets::flood(scene)),
    },
    Row {
        name: "journal-damaged",
        about: "a bit of the journal flips, or a segment is cut off",
        needs: &[],
        short: (8, minutes(2)),
        long: (200, minutes(30)),
        is_encrypted: false,
        run: |scene| Box::pin(damage::journal(scene)),
    },
    Row {
        name: "part-damaged",
        about: "a bit of a part flips",
        needs: &[],
        short: (2, minutes(1)),
        long: (50, minutes(15)),
        is_encrypted: false,
        run: |scene| Box::pin(damage::part(scene)),
    },
    Row {
        name: "manifest-damaged",
        about: "a bit of the newest manifest flips, and of its copy",
        needs: &[],
        short: (4, minutes(2)),
        long: (50, minutes(15)),
        is_encrypted: false,
        run: |scene| Box::pin(damage::manifest(scene)),
    },
    Row {
        name: "identities-damaged",
        about: "a bit of the identities flips",
        needs: &[],
        short: (3, minutes(1)),
        long: (50, minutes(15)),
        is_encrypted: false,
        run: |scene| Box::pin(damage::identities(scene)),
    },
    Row {
        name: "clock-jumps",
        about: "the wall clock jumps by a year, both ways, and back",
        needs: &[Need::FakeTime],
        short: (2, minutes(2)),
        long: (20, minutes(20)),
        is_encrypted: false,
        run: |scene| Box::pin(clock::jumps(scene)),
    },
    Row {
        name: "kill-ordinals-key",
        about: "kill-ordinals, the data directory encrypted",
        needs: &[STRACE],
        short: (8, minutes(3)),
        long: (u64::MAX, minutes(120)),
        is_encrypted: true,
        run: |scene| Box::pin(ordinals::kill(scene)),
    },
    Row {
        name: "kill-random-key",
        about: "kill-random, the data directory encrypted",
        needs: &[],
        short: (6, minutes(2)),
        long: (200, minutes(60)),
        is_encrypted: true,
        run: |scene| Box::pin(kill::at_random(scene)),
    },
    Row {
        name: "power-cut-key",
        about: "power-cut, the data directory encrypted",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL],
        short: (4, minutes(2)),
        long: (100, minutes(60)),
        is_encrypted: true,
        run: |scene| Box::pin(power::cut(scene)),
    },
    Row {
        name: "journal-damaged-key",
        about: "journal-damaged, the data directory encrypted",
        needs: &[],
        short: (3, minutes(1)),
        long: (100, minutes(30)),
        is_encrypted: true,
        run: |scene| Box::pin(damage::journal(scene)),
    },
    Row {
        name: "part-damaged-key",
        about: "part-damaged, the data directory encrypted",
        needs: &[],
        short: (1, minutes(1)),
        long: (50, minutes(15)),
        is_encrypted: true,
        run: |scene| Box::pin(damage::part(scene)),
    },
    Row {
        name: "manifest-damaged-key",
        about: "manifest-damaged, the data directory encrypted",
        needs: &[],
        short: (2, minutes(1)),
        long: (50, minutes(15)),
        is_encrypted: true,
        run: |scene| Box::pin(damage::manifest(scene)),
    },
];
