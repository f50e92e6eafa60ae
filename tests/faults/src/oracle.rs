//! The one oracle: what was issued, what was acknowledged, and what is stored.
//!
//! Everything acknowledged is stored; everything stored was issued; each item once; its content as
//! it was sent; nothing quarantined; every item of the live process has one fate; the server is
//! ready, and what is sent to it now is acknowledged and seen by the next query. Every row ends in
//! this function, and no row has another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use contract::Signal;
use http::Method;
use serde_json::Value;
use testkit::{Addresses, Problem, Row, Sql, exchange, until};

use crate::batch::{Clients, Content, LANES, number_of};
use crate::ledger::{Ledger, Shared};

/// How soon after its start the server must acknowledge something new.
const FRESH_PATIENCE: Duration = Duration::from_secs(20);
/// How soon after that it must say that it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(30);
const SHOWN_MAX: usize = 5;

/// Where items of each signal are, and where the number of tokens is.
const QUESTIONS: [(Signal, &str); 3] = [
    (
        Signal::Logs,
        "SELECT attribute(attributes, 'fault.id') AS id, session_id, input_tokens AS tokens, \
         attribute(attributes, 'fault.note') AS note FROM events",
    ),
    (
        Signal::Metrics,
        "SELECT attribute(attributes, 'fault.id') AS id, session_id, value AS tokens, \
         attribute(attributes, 'fault.note') AS note FROM metrics",
    ),
    (
        Signal::Traces,
        "SELECT attribute(attributes, 'fault.id') AS id, session_id, input_tokens AS tokens, \
         attribute(attributes, 'fault.note') AS note FROM spans",
    ),
];

/// One stored item.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) signal: Signal,
    pub(crate) id: String,
    pub(crate) content: Content,
}

/// How the book and the store differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) issued: u64,
    pub(crate) acknowledged: u64,
    /// Different items that are stored.
    pub(crate) stored: u64,
    /// Acknowledged, and not stored.
    pub(crate) lost: Vec<u64>,
    /// Stored more than once.
    pub(crate) duplicated: Vec<u64>,
    /// Stored with another content, or as another signal.
    pub(crate) altered: Vec<u64>,
    /// Stored, and never issued.
    pub(crate) foreign: Vec<String>,
}

impl Finding {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost.is_empty()
            && self.duplicated.is_empty()
            && self.altered.is_empty()
            && self.foreign.is_empty()
    }

    /// Fails unless book and store agree.
    pub(crate) fn verdict(&self) -> Result<(), Problem> {
        match self.is_clean() {
            true => Ok(()),
            false => Err(Problem::new(self.to_string())),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} issued, {} acknowledged, {} stored",
            self.issued, self.acknowledged, self.stored
        )?;
        for (what, numbers) in [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("altered", &self.altered),
        ] {
            if !numbers.is_empty() {
                let shown = &numbers[..numbers.len().min(SHOWN_MAX)];
                write!(f, "; {} {what}, such as {shown:?}", numbers.len())?;
            }
        }
        match self.foreign.first() {
            Some(id) => write!(f, "; {} never issued, such as `{id}`", self.foreign.len()),
            None => Ok(()),
        }
    }
}

/// What an examination found, and how soon after `since` something new was durable.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) finding: Finding,
    pub(crate) first_acknowledgement: Duration,
}

/// Applies the oracle to a running server, nothing else being under way. `since` is when it was told
/// to start, or when harm ended. A difference between book and store is in the answer.
///
/// # Errors
///
/// When the server does not take, show or account for what it should.
pub(crate) async fn examine(
    server: &Addresses,
    ledger: &Shared,
    since: Instant,
) -> Result<Examined, Problem> {
    let clients = Clients::of(server)?;
    let first_acknowledgement = send_something_new(&clients, ledger, since).await?;
    let api = server.ui_url();
    wait_until_ready(&api).await?;
    let sql = Sql::new(&api);
    let mut stored = Vec::new();
    for (signal, question) in QUESTIONS {
        let rows = sql.rows(question).await?;
        stored.extend(rows.iter().map(|row| of_row(signal, row)));
    }
    let quarantined = sql.count("SELECT count(*) FROM quarantine").await?;
    if quarantined > 0 {
        let said = format!("{quarantined} items are in quarantine, and none was bad");
        return Err(Problem::new(said));
    }
    sql.settled_ledger().await?;
    let finding = compare(&ledger.lock(), &stored);
    Ok(Examined {
        finding,
        first_acknowledgement,
    })
}

/// One batch of every signal over either transport; how soon the first was acknowledged. They are in
/// the book, so the comparison that follows looks for them.
async fn send_something_new(
    clients: &Clients,
    ledger: &Shared,
    since: Instant,
) -> Result<Duration, Problem> {
    let mut first = None;
    for lane in &LANES[..4] {
        let batch = ledger.lock().issue_in(*lane, 2, 20);
        let client = clients.over(lane.transport);
        until(
            FRESH_PATIENCE,
            "a new batch to be acknowledged",
            async || match batch.send(client).await {
                Ok(answer) if answer.is_success() => Ok(Some(())),
                Ok(answer) if is_retryable(&answer) => Ok(None),
                Ok(answer) => Err(Problem::new(format!("refused for good: {answer:?}"))),
                Err(_) => Ok(None),
            },
        )
        .await?;
        ledger.lock().acknowledge(&batch);
        first.get_or_insert_with(|| since.elapsed());
    }
    Ok(first.unwrap_or_default())
}

/// Whether a client keeps what was refused so, and sends it again.
pub(crate) fn is_retryable(answer: &fleet::Answer) -> bool {
    match answer.grpc_status {
        Some(code) => code == 14,
        None => matches!(answer.status, 429 | 502..=504),
    }
}

async fn wait_until_ready(api: &str) -> Result<(), Problem> {
    let url = format!("{api}/readyz");
    until(READY_PATIENCE, "the server to be ready", async || {
        let answer = exchange(Method::GET, &url, &[], "").await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await
}

fn of_row(signal: Signal, row: &Row) -> Stored {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let tokens = row.get("tokens").and_then(Value::as_f64);
    Stored {
        signal,
        id: text("id").to_owned(),
        content: Content {
            session: text("session_id").to_owned(),
            // An absent number is no number that was sent.
            tokens: tokens.map_or(u64::MAX, |tokens| tokens as u64),
            note: text("note").to_owned(),
        },
    }
}

/// How the book and the store differ.
pub(crate) fn compare(ledger: &Ledger, stored: &[Stored]) -> Finding {
    let mut finding = Finding {
        issued: ledger.issued(),
        acknowledged: ledger.acknowledged(),
        ..Finding::default()
    };
    let mut times: BTreeMap<u64, u64> = BTreeMap::new();
    let mut altered = BTreeSet::new();
    for item in stored {
        let number = number_of(&item.id);
        let Some((number, batch)) =
            number.and_then(|number| Some((number, ledger.batch_of(number)?)))
        else {
            finding.foreign.push(item.id.clone());
            continue;
        };
        *times.entry(number).or_default() += 1;
        let sent = Content::of(number, batch.note_bytes);
        if item.signal != batch.lane.signal || item.content != sent {
            altered.insert(number);
        }
    }
    for (batch, is_acknowledged) in ledger.batches() {
        if is_acknowledged {
            let missing = batch.numbers().filter(|number| !times.contains_key(number));
            finding.lost.extend(missing);
        }
    }
    let doubled = times.iter().filter(|(_, times)| **times > 1);
    finding.duplicated = doubled.map(|(number, _)| *number).collect();
    finding.stored = times.len() as u64;
    finding.altered = altered.into_iter().collect();
    finding
}

#[cfg(test)]
mod tests;
