//! The server's ledger of fates, checked whenever it is read.
//!
//! Invariant: the identity is worked out here and not believed: accepted + deduplicated + quarantined +
//! rejected = received, per signal, and the endpoint, the status and `/metrics` say the same.

use std::time::Duration;

use http::Method;
use serde::Deserialize;

use crate::exposition::Exposition;
use crate::patience::until;
use crate::plain_http::exchange;
use crate::{Problem, Sql};

/// Only a server that goes on receiving makes readers wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// The fates of the items of one signal since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fate {
    /// All that came.
    pub received: u64,
    /// Stored and queryable.
    pub accepted: u64,
    /// Known already.
    pub deduplicated: u64,
    /// Kept apart.
    pub quarantined: u64,
    /// Refused.
    pub rejected: u64,
    /// Of these: items of people who were erased and are refused.
    pub of_refused_people: u64,
}

/// Requests that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedRequests {
    /// `logs`, `metrics`, `traces` or `unknown`.
    pub signal: String,
    /// Why.
    pub reason: String,
    /// Whether the client was told to send again.
    pub retryable: bool,
    /// How many.
    pub requests: u64,
}

/// What became of everything a server received.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// What the server thinks of itself.
    pub settled: bool,
    /// By signal.
    pub signals: Signals,
    /// By token; without one the id is empty.
    #[serde(default)]
    pub tokens: Vec<OfToken>,
    /// Requests answered with an error.
    pub refused_requests: Vec<RefusedRequests>,
}

/// The fates of what came with one token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfToken {
    /// Its id.
    pub token: String,
    /// By signal.
    pub signals: Signals,
}

/// Fates by signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signals {
    /// Log records.
    pub logs: Fate,
    /// Data points.
    pub metrics: Fate,
    /// Spans.
    pub traces: Fate,
}

impl Fate {
    /// Whether every item has exactly one fate.
    pub fn is_settled(&self) -> bool {
        self.accepted + self.deduplicated + self.quarantined + self.rejected == self.received
    }

    fn add(&mut self, other: Fate) {
        self.received += other.received;
        self.accepted += other.accepted;
        self.deduplicated += other.deduplicated;
        self.quarantined += other.quarantined;
        self.rejected += other.rejected;
        self.of_refused_people += other.of_refused_people;
    }

    fn parts(&self) -> [(&'static str, u64); 4] {
        [
            ("accepted", self.accepted),
            ("deduplicated", self.deduplicated),
            ("quarantined", self.quarantined),
            ("rejected", self.rejected),
        ]
    }
}

impl Signals {
    fn named(&self) -> [(&'static str, Fate); 3] {
        [
            ("logs", self.logs),
            ("metrics", self.metrics),
            ("traces", self.traces),
        ]
    }
}

impl Ledger {
    /// The fates of all signals together.
    pub fn all(&self) -> Fate {
        let mut sum = Fate::default();
        for (_, fate) in self.signals.named() {
            sum.add(fate);
        }
        sum
    }

    /// The fates of all signals of one token.
    pub fn of_token(&self, token: &str) -> Fate {
        let mut sum = Fate::default();
        let tokens = self.tokens.iter().filter(|of| of.token == token);
        for (_, fate) in tokens.flat_map(|of| of.signals.named()) {
            sum.add(fate);
        }
        sum
    }

    /// How many requests were refused, those that may be sent again or the others.
    pub fn refused(&self, retryable: bool) -> u64 {
        let refused = self.refused_requests.iter();
        let of_kind = refused.filter(|refused| refused.retryable == retryable);
        of_kind.map(|refused| refused.requests).sum()
    }

    fn check(&self) -> Result<(), Problem> {
        for (signal, fate) in self.signals.named() {
            if !fate.is_settled() {
                return Err(Problem::new(format!("{signal} are not settled: {fate:?}")));
            }
        }
        for (at, (signal, fate)) in self.signals.named().into_iter().enumerate() {
            let mut sum = Fate::default();
            for of in &self.tokens {
                let (_, own) = of.signals.named()[at];
                if !own.is_settled() {
                    let token = &of.token;
                    return Err(Problem::new(format!(
                        "{signal} of {token:?} are not settled: {own:?}"
                    )));
                }
                sum.add(own);
            }
            if sum != fate {
                return Err(Problem::new(format!(
                    "{signal} of all tokens are {sum:?}, not {fate:?}"
                )));
            }
        }
        match self.settled {
            true => Ok(()),
            false => Err(Problem::new("it is settled and says that it is not")),
        }
    }

    /// What is wrong where Prometheus is shown something else.
    fn compare(&self, shown: &Exposition) -> Result<(), Problem> {
        let mut differing = Vec::new();
        let mut compare = |series: String, expected: u64| {
            let found = shown.value(&series);
            if found != expected as f64 {
                differing.push(format!("{series} is {found}, not {expected}"));
            }
        };
        for (signal, fate) in self.signals.named() {
            let received = format!("tallybook_items_received_total{{signal=\"{signal}\"}}");
            compare(received, fate.received);
            for (name, count) in fate.parts() {
                let series =
                    format!("tallybook_items_total{{fate=\"{name}\",signal=\"{signal}\"}}");
                compare(series, count);
            }
        }
        let refused = shown.sum("tallybook_receive_refused_requests_total", &[]);
        let expected: u64 = self
            .refused_requests
            .iter()
            .map(|refused| refused.requests)
            .sum();
        if refused != expected as f64 {
            differing.push(format!("{refused} refused requests, not {expected}"));
        }
        match differing.is_empty() {
            true => Ok(()),
            false => Err(Problem::new(differing.join("; "))),
        }
    }
}

impl Sql {
    /// The ledger as the API tells it.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn ledger(&self) -> Result<Ledger, Problem> {
        let url = format!("{}/api/v1/fates", self.url());
        let answer = exchange(Method::GET, &url, &[], "").await?;
        Ok(Ledger::deserialize(answer.json()?)?)
    }

    /// The fates of a signal: `logs`, `metrics` or `traces`, settled or not.
    ///
    /// # Errors
    ///
    /// When there is no ledger, or no such signal.
    pub async fn fate(&self, signal: &str) -> Result<Fate, Problem> {
        let ledger = self.ledger().await?;
        let found = ledger.signals.named().into_iter();
        let found = found
            .filter(|(name, _)| *name == signal)
            .map(|(_, fate)| fate)
            .next();
        found.ok_or_else(|| Problem::new(format!("{signal} is no signal")))
    }

    /// What the server shows to Prometheus.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn exposition(&self) -> Result<Exposition, Problem> {
        let url = format!("{}/metrics", self.url());
        let answer = exchange(Method::GET, &url, &[], "").await?;
        Exposition::parse(std::str::from_utf8(&answer.body)?)
    }

    /// The ledger, once every item has exactly one fate and Prometheus is shown the same. For the
    /// end of every test that sends something: it waits until nothing is received any more.
    ///
    /// # Errors
    ///
    /// When an item has no fate or two, or the accounts differ.
    pub async fn settled_ledger(&self) -> Result<Ledger, Problem> {
        let what = "two accounts of the fates with nothing in between";
        let (ledger, shown) = until(PATIENCE, what, async || {
            let (before, shown) = (self.ledger().await?, self.exposition().await?);
            Ok((self.ledger().await? == before).then_some((before, shown)))
        })
        .await?;
        ledger
            .check()
            .and_then(|()| ledger.compare(&shown))
            .map_err(|problem| problem.while_doing("the ledger of fates"))?;
        Ok(ledger)
    }
}
