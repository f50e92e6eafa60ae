//! Whether a request may pass.
//!
//! Invariant: where a token is asked for, only a live one passes; one that is unknown and one whose
//! secret is wrong are told the same after the same work. What another process changes in the book
//! holds within a second; a token that was made just now holds at once.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::Clock;
use contract::Signal;
use http::HeaderMap;

use super::book::{BookError, Stamp, TokenBook};
use super::header::{HeaderNames, Presented};
use super::token::{Standing, Token};
use super::usage::{self, Spent, Usage, Use};
use crate::DocumentError;
use crate::credential::{Credential, SecretHash};

/// How long what was read of the book is believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// By which rules requests pass.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// Whether a token is asked for even while there is none.
    pub require_token: bool,
    /// Whether loopback stays open once there are tokens.
    pub open_loopback: bool,
    /// Where a token may be.
    pub headers: HeaderNames,
}

/// What of a request counts.
#[derive(Debug, Clone, Copy)]
pub struct Arriving<'a> {
    /// What it exports.
    pub signal: Signal,
    /// Where it comes from.
    pub peer: IpAddr,
    /// The address that is listened on.
    pub listener: IpAddr,
    /// Its headers or metadata.
    pub headers: &'a HeaderMap,
}

/// Whether requests without a token pass, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// On loopback, for there is no token yet.
    NoToken,
    /// On loopback, by `open_loopback`.
    Loopback,
    /// Nowhere.
    Closed,
}

/// Why a request does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It has no token.
    Missing,
    /// What it has is no token of ours.
    Other,
    /// Its token is not known, or the secret is wrong.
    Unknown,
    /// Its token's time is over.
    Expired,
    /// Its token was revoked.
    Revoked,
    /// Its token may not write this signal.
    Signal(Signal),
    /// Its token may not be used from there.
    Network,
    /// Too many requests in a minute.
    Rate,
    /// The day's items are used up.
    Items,
    /// The day's bytes are used up.
    Bytes,
    /// The tokens cannot be read: nobody passes until they can.
    Unreadable,
}

/// The gate of a data directory.
pub struct Gate {
    book: TokenBook,
    rules: Intake,
    usage: Usage,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Compared with where no token is found.
    nobody: SecretHash,
}

#[derive(Default)]
struct Known {
    stamp: Option<Stamp>,
    looked_at: Duration,
    tokens: HashMap<String, Arc<Token>>,
    is_unreadable: bool,
}

impl Gate {
    /// The gate of the data directory `dir`.
    ///
    /// # Errors
    /// The tokens, or how they were used, cannot be read: without them nobody can be judged.
    pub fn open(dir: &Path, rules: Intake, clock: Arc<dyn Clock>) -> Result<Gate, BookError> {
        let gate = Gate {
            book: TokenBook::of(dir),
            rules,
            usage: Usage::open(dir)?,
            clock,
            known: Mutex::default(),
            nobody: Credential::new()?.hash(),
        };
        gate.book.list()?;
        gate.look();
        Ok(gate)
    }

    /// Whether a request may pass; with its token, if it needs one.
    ///
    /// # Errors
    /// Why not.
    pub fn pass(&self, arriving: Arriving<'_>) -> Result<Option<Arc<Token>>, Turned> {
        match self.rules.headers.find(arriving.headers) {
            Presented::Token(credential) => self.pass_with(&credential, arriving).map(Some),
            presented => {
                let open = arriving.listener.is_loopback() && self.openness() != Openness::Closed;
                match (open, presented) {
                    (true, _) => Ok(None),
                    (false, Presented::Nothing) if self.known(false).is_unreadable => {
                        Err(Turned::Unreadable)
                    }
                    (false, Presented::Nothing) => Err(Turned::Missing),
                    (false, _) => Err(Turned::Other),
                }
            }
        }
    }

    fn pass_with(
        &self,
        credential: &Credential,
        arriving: Arriving<'_>,
    ) -> Result<Arc<Token>, Turned> {
        // A look for what has changed follows both, or the time would tell an unknown id from a wrong
        // secret.
        let found = self
            .judge(credential, false)
            .or_else(|| self.judge(credential, true));
        let Some(token) = found else {
            let is_unreadable = self.known(false).is_unreadable;
            return Err(if is_unreadable {
                Turned::Unreadable
            } else {
                Turned::Unknown
            });
        };
        let now_ms = self.now_ms();
        match token.standing(now_ms) {
            Standing::Revoked => return Err(Turned::Revoked),
            Standing::Expired => return Err(Turned::Expired),
            Standing::Live => {}
        }
        if !token.scope.reaches(arriving.peer) {
            return Err(Turned::Network);
        }
        if !token.scope.has_signal(arriving.signal) {
            return Err(Turned::Signal(arriving.signal));
        }
        let entered = self
            .usage
            .enter(&token.id, &token.limits, now_ms, self.clock.monotonic());
        match entered {
            Ok(()) => Ok(token),
            Err(Spent::Rate) => Err(Turned::Rate),
            Err(Spent::Items) => Err(Turned::Items),
            Err(Spent::Bytes) => Err(Turned::Bytes),
        }
    }

    /// Counts what an admitted request held against its token's quota.
    pub fn charge(&self, token: &Token, items: u64, bytes: u64) {
        self.usage.charge(&token.id, items, bytes, self.now_ms());
    }

    /// How a token was used, today's counts as of now.
    pub fn used(&self, id: &str) -> Use {
        self.usage.of(id, self.now_ms())
    }

    /// Whether requests without a token pass on a listener of loopback.
    pub fn openness(&self) -> Openness {
        if self.rules.open_loopback {
            return Openness::Loopback;
        }
        let known = self.known(false);
        let is_asked = self.rules.require_token || known.is_unreadable || !known.tokens.is_empty();
        if is_asked {
            Openness::Closed
        } else {
            Openness::NoToken
        }
    }

    /// Looks at the book now: for who has just changed it.
    pub fn look(&self) {
        drop(self.known(true));
    }

    /// The book that is gone by.
    pub fn book(&self) -> &TokenBook {
        &self.book
    }

    /// Where a token may be.
    pub fn headers(&self) -> &HeaderNames {
        &self.rules.headers
    }

    /// Writes how tokens were used if that is due, or if it is the last time. Blocks on the disk.
    ///
    /// # Errors
    /// It cannot be written; it is tried again when it is due again.
    pub fn save(&self, is_last: bool) -> Result<(), DocumentError> {
        self.usage.save(self.clock.monotonic(), is_last)
    }

    /// This moment, milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_unix_ns() / 1_000_000
    }

    /// The token, if the secret is its own.
    fn judge(&self, credential: &Credential, at_once: bool) -> Option<Arc<Token>> {
        let found = self.known(at_once).tokens.get(&credential.id).cloned();
        let kept = found.as_ref().map_or(&self.nobody, |token| &token.hash);
        let is_right = credential.is_of(kept);
        found.filter(|_| is_right)
    }

    /// The tokens, read again if the book has changed since it was looked at. A look is one question
    /// about a file's times.
    fn known(&self, at_once: bool) -> MutexGuard<'_, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let is_believed = known.stamp.is_some() && now < known.looked_at + BELIEVED;
        if is_believed && !at_once {
            return known;
        }
        known.looked_at = now;
        let stamp = self.book.stamp();
        if known.stamp == Some(stamp) {
            return known;
        }
        // Taking the file away must not open what it has closed.
        let was_there = known.stamp.flatten().is_some();
        let listed = match stamp.is_none() && was_there {
            true => Err(self.book.is_gone()),
            false => self.book.list(),
        };
        match listed {
            Ok(tokens) => {
                let tokens = tokens
                    .into_iter()
                    .map(|token| (token.id.clone(), Arc::new(token)));
                known.tokens = tokens.collect();
                known.is_unreadable = false;
            }
            Err(error) => {
                // A token that was revoked there must not pass because its end cannot be read.
                tracing::error!("{error}; no token is taken until it can be read");
                known.tokens = HashMap::new();
                known.is_unreadable = true;
            }
        }
        known.stamp = Some(stamp);
        known
    }
}

impl Use {
    /// How the tokens of a data directory were used, as it was last written.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn written(dir: &Path) -> Result<std::collections::BTreeMap<String, Use>, DocumentError> {
        usage::written(dir)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Turned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "A token is needed: send the header Authorization: Bearer with an ingest token (tallybook token create).",
            ),
            Self::Other => f.write_str(
                "What was sent as a credential is no ingest token: those begin with tbi_.",
            ),
            Self::Unknown => f.write_str("The token is not known here."),
            Self::Expired => f.write_str("The token has expired: use the one that replaces it."),
            Self::Revoked => f.write_str("The token was revoked: use another one."),
            Self::Signal(signal) => write!(f, "The token may not send {}.", signal.name()),
            Self::Network => f.write_str("The token may not be used from this address."),
            Self::Rate => f.write_str("Too many requests with this token in a minute."),
            Self::Items => f.write_str("The token's items of today are used up."),
            Self::Bytes => f.write_str("The token's bytes of today are used up."),
            Self::Unreadable => f.write_str("The tokens of this server cannot be read."),
        }
    }
}
