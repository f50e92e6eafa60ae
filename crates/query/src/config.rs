//! What queries may take, and how costs are reckoned.

use std::sync::Arc;
use std::time::Duration;

use crate::cost::Cost;
use crate::holds::HoldBook;
use crate::sight::Pseudonyms;

/// What one thread of a question needs to sort a few batches before it puts them down.
const MEMORY_OF_A_THREAD: usize = 64 << 20;

/// Limits of queries.
#[derive(Clone, Debug)]
pub struct Config {
    /// Threads that queries share.
    pub threads: usize,
    /// Memory that all running queries share, in bytes.
    pub memory_bytes: usize,
    /// Space on the disk that running queries share for what does not fit into their memory, in bytes;
    /// 0: none.
    pub scratch_bytes: u64,
    /// How long one query may take.
    pub timeout: Duration,
    /// Rows of an answer, when the caller asks for no fewer.
    pub rows_max: usize,
    /// What took longer may be answered by an older answer, where the asker allows one.
    pub older_after: Duration,
    /// Queries that may run at once; more wait their turn.
    pub concurrent: usize,
    /// How costs are reckoned.
    pub cost: Cost,
    /// The organisation to which items belong that name none, and people's files where they name none.
    pub organization: String,
    /// What people are called where names are not shown.
    pub pseudonyms: Pseudonyms,
    /// What is neither treated by retention nor erased.
    pub holds: Option<Arc<dyn HoldBook>>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            memory_bytes: 512 << 20,
            scratch_bytes: 4 << 30,
            timeout: Duration::from_secs(30),
            rows_max: 100_000,
            older_after: Duration::from_millis(300),
            concurrent: 16,
            cost: Cost::default(),
            organization: "default".to_owned(),
            pseudonyms: Pseudonyms::default(),
            holds: None,
        }
    }
}

impl Config {
    /// How many threads work on one question: all, as far as there is memory for each.
    pub(crate) fn threads_of_a_question(&self) -> usize {
        self.threads
            .min(self.memory_bytes / MEMORY_OF_A_THREAD)
            .max(1)
    }

    /// Everything that is wrong, a sentence each.
    pub fn validate(&self) -> Vec<String> {
        let least_one = [
            ("query.threads", self.threads),
            ("query.memory_bytes", self.memory_bytes),
            ("query.rows_max", self.rows_max),
            ("query.concurrent", self.concurrent),
            ("query.timeout_ms", self.timeout.as_millis() as usize),
        ];
        let zero = least_one.iter().filter(|(_, value)| *value == 0);
        let nameless = self.organization.trim().is_empty();
        let nameless = nameless.then(|| "people.organization must name one".to_owned());
        zero.map(|(name, _)| format!("{name} must be at least 1"))
            .chain(nameless)
            .chain(self.cost.validate())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_as_many_threads_as_there_is_memory_for() {
        let threads = |threads, memory_mib: usize| {
            let config = Config {
                threads,
                memory_bytes: memory_mib << 20,
                ..Config::default()
            };
            config.threads_of_a_question()
        };
        assert_eq!(threads(2, 512), 2);
        assert_eq!(threads(32, 512), 8);
        assert_eq!(threads(32, 4096), 32);
        assert_eq!(threads(4, 1), 1);
    }
}
