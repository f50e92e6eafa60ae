//! What is old is treated by rules: content goes first, then all but figures, then the rest.
//!
//! Invariant: nothing goes before its time, and nothing that is held. How old an item is follows the day
//! by which it is filed, which is the day of receipt wherever the client's time is not plausible; and
//! today is never later than the clock said at the start plus what a clock that nobody can set has
//! counted since, so that a jump of the wall clock treats nothing.
//!
//! It works in rounds of bounded size. Each is safe over a crash:
//!
//! 1. Parts of one day are written anew beside the old ones. Nothing names them; the next start removes
//!    them.
//! 2. `retention/intent.json` names the old and the new ones.
//! 3. One manifest names the new ones. It is written only if no hold has come meanwhile.
//! 4. The old ones and the older manifests are deleted, it is written down what was done, and the intent
//!    goes. After a crash the next round begins with this.
//!
//! | file | what is in it |
//! |---|---|
//! | `rules.rs` | for how long what is kept |
//! | `due.rs` | what is due of a part |
//! | `sessions.rs` | sessions that go on: their ids stay until all of them is reduced |
//! | `round.rs` | a run, round by round |
//! | `step.rs` | the steps of a round, and what a crash has left of one |
//! | `state.rs` | what is under way and what was done, on the disk |

mod due;
mod round;
mod rules;
mod sessions;
mod state;
mod step;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Debug;

use arrow::record_batch::RecordBatch;

use crate::schema::Table;
use crate::store::Store;
use crate::treatment::Named;

pub use due::{Class, Done, Due, Plan};
pub use round::{Retaining, Round};
pub use rules::{Days, Retention, RetentionRule};
pub use state::RetentionState;

const DAY_NS: u64 = 86_400_000_000_000;

/// What must not be treated, however old it is.
pub trait Holding: Debug + Send + Sync {
    /// Whether anything is held at all.
    fn is_any(&self) -> bool;

    /// For each row of a table whether it is held. `rows` has at least [`crate::CHOICE_COLUMNS`], as far
    /// as the table has them, and `organization`.
    ///
    /// # Errors
    /// The rows lack a column.
    fn held(&self, table: Table, rows: &RecordBatch) -> Result<Vec<bool>, String>;

    /// Which holds these are.
    fn revision(&self) -> u64;

    /// Whether these are all holds that there are now.
    fn is_current(&self) -> bool;
}

/// Nothing is held.
#[derive(Clone, Copy, Debug)]
pub struct NobodyHeld;

impl Holding for NobodyHeld {
    fn is_any(&self) -> bool {
        false
    }

    fn held(&self, _: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        Ok(vec![false; rows.num_rows()])
    }

    fn revision(&self) -> u64 {
        0
    }

    fn is_current(&self) -> bool {
        true
    }
}

/// What makes the hashes that stand for ids, and what an administrator's files name.
#[derive(Clone)]
pub struct RetentionKey {
    /// The key of the hashes.
    pub key: [u8; 32],
    /// What must stay although it is no figure.
    pub named: Named,
}

impl Debug for RetentionKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RetentionKey")
    }
}

/// Until which day nothing is due, by part, for the rules and holds of that time.
pub(crate) type Looks = HashMap<String, Look>;

/// That a part was looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    rules: u64,
    holds: u64,
    until: u32,
}

impl Store {
    /// Before which moment items may be reduced to their figures, milliseconds since the Unix epoch:
    /// the end of the latest day of which some are.
    pub fn reduced_before_ms(&self) -> Option<i64> {
        self.state().snapshot().reduced_before_ms()
    }

    /// The day by which items that are received now are filed, in days since the Unix epoch.
    pub fn today(&self) -> u32 {
        (self.trusted_now_ns() / DAY_NS) as u32
    }
}
