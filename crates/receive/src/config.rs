//! The settings of the two servers.
//!
//! Invariant: every one of them is a bound; with settings that pass [`Config::validate`] a request of
//! the largest allowed size can be taken, alone, within the memory budget.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::budget::SMALL_SHARE;

/// What a request of the largest size may need beside three times its size: a decoder's workspace.
const WORKSPACE_BYTES: usize = 16 << 20;

/// OTLP clients give up after 10 s with everything; who holds them longer answers nobody.
const LONGEST_HOLD: Duration = Duration::from_secs(9);

/// The settings of the two servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where OTLP/HTTP is served. Port 0 takes any free one.
    pub http: SocketAddr,
    /// Where OTLP/gRPC is served. Port 0 takes any free one.
    pub grpc: SocketAddr,
    /// The largest body in bytes, before inflation and after it.
    pub max_body_bytes: usize,
    /// The memory in bytes that the bodies of all requests may take together.
    pub memory_budget_bytes: usize,
    /// How long a request may wait for memory, for room in the store and for the journal before it is
    /// answered 503. A client that has no answer for some four seconds loses what comes meanwhile.
    pub hold: Duration,
    /// How long a client may take for a request's head, counted from its first byte.
    pub header_timeout: Duration,
    /// How long a connection of HTTP/2 may take until its first request: its frames are no head whose
    /// first byte could be told.
    pub opening_timeout: Duration,
    /// How long a client may send nothing in the middle of a body; three times this for all of it.
    pub body_timeout: Duration,
    /// How long a connection is kept without a request after its first one. Longer than clients pause
    /// between exports (a minute): who meets a connection that was just closed loses what it sends.
    pub keep_alive: Duration,
    /// How many connections are served at once, on both ports together. Others wait to be accepted.
    pub max_connections: usize,
    /// After how many seconds a client that was refused for now is told to come back.
    pub retry_after_seconds: u64,
    /// How long requests in flight may take to finish after shutdown.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 4318)),
            grpc: SocketAddr::from((Ipv4Addr::LOCALHOST, 4317)),
            max_body_bytes: 64 << 20,
            memory_budget_bytes: 256 << 20,
            hold: Duration::from_secs(3),
            header_timeout: Duration::from_secs(10),
            opening_timeout: Duration::from_secs(29),
            body_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(120),
            max_connections: 4096,
            retry_after_seconds: 1,
            drain: Duration::from_secs(10),
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The field of [`Config`].
    pub setting: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Looks at every setting.
    ///
    /// # Errors
    /// All that is wrong, not only the first.
    pub fn validate(&self) -> Result<(), Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut refuse = |wrong: bool, setting, problem: String| {
            if wrong {
                errors.push(ConfigError { setting, problem });
            }
        };
        refuse(
            self.http == self.grpc && self.http.port() != 0,
            "grpc",
            format!(
                "{} is already the address of OTLP/HTTP: choose another port",
                self.grpc
            ),
        );
        refuse(
            !(1024..=1 << 30).contains(&self.max_body_bytes),
            "max_body",
            format!("{} is not between 1 KiB and 1 GiB", self.max_body_bytes),
        );
        let least = self
            .max_body_bytes
            .saturating_mul(3)
            .saturating_add(WORKSPACE_BYTES)
            .saturating_mul(SMALL_SHARE)
            .div_ceil(SMALL_SHARE - 1);
        refuse(
            self.memory_budget_bytes < least,
            "memory_budget",
            format!(
                "{} bytes are too little for one request of max_body: at least {least} bytes",
                self.memory_budget_bytes
            ),
        );
        refuse(
            self.hold > LONGEST_HOLD,
            "hold",
            format!(
                "{:?} is longer than clients wait: at most {LONGEST_HOLD:?}",
                self.hold
            ),
        );
        for (setting, timeout) in [
            ("header_timeout", self.header_timeout),
            ("opening_timeout", self.opening_timeout),
            ("body_timeout", self.body_timeout),
            ("keep_alive", self.keep_alive),
        ] {
            refuse(
                timeout.is_zero(),
                setting,
                "must be longer than nothing".to_owned(),
            );
        }
        refuse(
            !(1..=1 << 20).contains(&self.max_connections),
            "max_connections",
            format!("{} is not between 1 and 1048576", self.max_connections),
        );
        refuse(
            !(1..=2).contains(&self.retry_after_seconds),
            "retry_after_seconds",
            format!(
                "{}: clients drop a batch when told to wait longer than they have: 1 or 2",
                self.retry_after_seconds
            ),
        );
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}
