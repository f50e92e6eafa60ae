//! The rows of the fault matrix, in the order in which they run.
//!
//! | file | what is in it |
//! |---|---|
//! | `kill.rs` | SIGKILL at random, SIGTERM |
//! | `ordinals.rs` | SIGKILL at every operation on the data directory |
//! | `power.rs` | power cuts, a disk that lies about syncs |

mod kill;
mod ordinals;
mod power;

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
        run: |scene| Box::pin(ordinals::kill(scene)),
    },
    Row {
        name: "kill-random",
        about: "SIGKILL at random under load and flushes",
        needs: &[],
        short: (25, minutes(3)),
        long: (1_000, minutes(120)),
        run: |scene| Box::pin(kill::at_random(scene)),
    },
    Row {
        name: "terminate",
        about: "SIGTERM under load: exit 0, everything answered is stored",
        needs: &[],
        short: (5, minutes(2)),
        long: (100, minutes(30)),
        run: |scene| Box::pin(kill::terminate(scene)),
    },
    Row {
        name: "power-cut",
        about: "the power of an ext4 is cut under load: both flags, ordered and writeback",
        needs: &[Need::Root, Need::LoopExt4, EXT4_TOOLS, PERL],
        short: (12, minutes(3)),
        long: (240, minutes(60)),
        run: |scene| Box::pin(power::cut(scene)),
    },
];
