//! What queries may take, and how costs are reckoned.

use std::time::Duration;

use crate::cost::Cost;

/// Limits of queries.
#[derive(Clone, Debug)]
pub struct Config {
    /// Threads that queries share.
    pub threads: usize,
    /// Memory that all running queries share, in bytes.
    pub memory_bytes: usize,
    /// How long one query may take.
    pub timeout: Duration,
    /// Rows of an answer, when the caller asks for no fewer.
    pub rows_max: usize,
    /// Queries that may run at once; more wait their turn.
    pub concurrent: usize,
    /// How costs are reckoned.
    pub cost: Cost,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            memory_bytes: 512 << 20,
            timeout: Duration::from_secs(30),
            rows_max: 100_000,
            concurrent: 16,
            cost: Cost::default(),
        }
    }
}

impl Config {
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
        zero.map(|(name, _)| format!("{name} must be at least 1"))
            .chain(self.cost.validate())
            .collect()
    }
}
