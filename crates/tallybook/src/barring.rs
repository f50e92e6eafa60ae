//! People who were erased are refused at the door: their items go out of a request before the journal.
//!
//! Invariant: from when [`query::Refuser::refuse`] returns nothing of them is acknowledged. A request is
//! sifted twice, as it came and as redaction left it, because what is erased is known by what was kept, and
//! a policy may have changed since. What cannot be read is looked through for their ids; where that is too
//! much to look through, its bytes are not kept.

#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use access::barred::{Bar, Barred, BarredError, BarredIds};
use bytes::Bytes;
use contract::{Attribute, COLUMNS, Cell, Col, Kind, Origin, Quarantined, Signal, coerce};
use futures::future::BoxFuture;
use receive::NotAdmitted;
use store::{Order, Provenance};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::opening;

/// Under which label the key is derived that makes hashes of who is refused.
const LABEL: &str = "refused people";
/// The columns by which somebody is known.
const NAMING: [Col; 5] = [
    Col::UserEmail,
    Col::UserAccountUuid,
    Col::UserAccountId,
    Col::UserId,
    Col::SessionId,
];
const ORGANIZATION: &str = "organization.id";
/// What stands in the place of bytes that cannot be looked through.
const NOT_KEPT: &str =
    "Its bytes are not kept, for they are too many to be searched for who is refused here.";

/// Who is refused, and the requests on their way.
pub(crate) struct Barring {
    barred: Arc<Barred>,
    /// Whose an item is that names no organisation.
    usual: String,
    /// Requests hold on to it from before they look at the list until they have their answer.
    passing: Mutex<watch::Sender<()>>,
}

/// A request on its way.
pub(crate) struct Pass(#[expect(dead_code, reason = "held, not asked")] watch::Receiver<()>);

/// What is left of a request.
pub(crate) struct Sieved {
    pub(crate) protobuf: Bytes,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) held_back: u64,
}

/// The list of a data directory. Makes the directory's secret if there is none.
pub(crate) fn list_of(data_dir: &Path) -> Result<Barred, Failure> {
    let key = opening::secret(data_dir)?.key(LABEL);
    Ok(Barred::of(data_dir, &key))
}

impl Barring {
    /// Refuses who is on the list of a data directory; what names no organisation is of the `usual` one.
    pub(crate) fn open(data_dir: &Path, usual: &str) -> Result<Barring, Failure> {
        Ok(Barring {
            barred: Arc::new(list_of(data_dir)?),
            usual: usual.to_owned(),
            passing: Mutex::new(watch::Sender::new(())),
        })
    }

    /// The list.
    pub(crate) fn list(&self) -> Arc<Barred> {
        Arc::clone(&self.barred)
    }

    /// To be taken before a request is sifted, and held until it is acknowledged or refused.
    pub(crate) fn pass(&self) -> Pass {
        Pass(self.passing().subscribe())
    }

    /// Takes out of a request what is of people who are refused.
    pub(crate) fn sift(
        &self,
        signal: Signal,
        of: Option<&Provenance>,
        request: Sieved,
        limits: &otlp::Limits,
    ) -> Result<Sieved, NotAdmitted> {
        let list = self.barred.now().map_err(|error| {
            tracing::error!("who is refused cannot be read, so nobody is let in: {error}");
            NotAdmitted::Unavailable {
                reason: "the list of who is refused cannot be read".to_owned(),
            }
        })?;
        if list.is_empty() {
            return Ok(request);
        }
        let mut sieve = Sieve::new(&list, of, &self.usual);
        let sifted = otlp::sift(signal, &request.protobuf, limits, &mut sieve);
        let sifted = sifted.map_err(NotAdmitted::Refused)?;
        let (mut quarantined, mut held_back) = (Vec::new(), request.held_back + sifted.held_back);
        for item in request.quarantined {
            match sieve.beside(item) {
                Some(item) => quarantined.push(item),
                None => held_back += 1,
            }
        }
        Ok(Sieved {
            protobuf: sifted.protobuf.map_or(request.protobuf, Bytes::from),
            quarantined,
            held_back,
        })
    }

    /// Durable first; then whoever came before has to have their answer.
    async fn refuse_and_wait(&self, order: &Order, ids: &BTreeSet<String>) -> Result<(), String> {
        let (barred, order, ids) = (self.list(), order.clone(), ids.clone());
        let adding = tokio::task::spawn_blocking(move || add(&barred, &order, &ids));
        adding
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let before = std::mem::replace(&mut *self.passing(), watch::Sender::new(()));
        before.closed().await;
        Ok(())
    }

    fn passing(&self) -> std::sync::MutexGuard<'_, watch::Sender<()>> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(barred: &Barred, order: &Order, ids: &BTreeSet<String>) -> Result<(), BarredError> {
    barred.add(&Bar {
        id: &order.id,
        since_ms: order.asked_at_ms,
        by: &order.asked_by,
        organization: order.whom.organization.as_deref(),
        ids,
    })
}

impl query::Refuser for Barring {
    fn refuse<'a>(
        &'a self,
        order: &'a Order,
        ids: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.refuse_and_wait(order, ids))
    }
}

/// The list at work on one request.
struct Sieve<'l> {
    list: &'l BarredIds,
    /// The organisation of the token, which wins over what is claimed.
    bound: Option<&'l str>,
    usual: &'l str,
    /// Whether the token is one person's, who is refused.
    is_theirs: bool,
    /// The organisation that the resource claims.
    claimed: Option<String>,
    /// Whether resource or scope name somebody who is refused.
    is_origin_held: bool,
}

impl<'l> Sieve<'l> {
    fn new(list: &'l BarredIds, of: Option<&'l Provenance>, usual: &'l str) -> Sieve<'l> {
        let bound = of.map(|token| token.organization.trim());
        let bound = bound.filter(|name| !name.is_empty());
        let mut sieve = Sieve {
            list,
            bound,
            usual,
            is_theirs: false,
            claimed: None,
            is_origin_held: false,
        };
        if let Some([only]) = of.map(|token| &token.people[..]) {
            sieve.is_theirs = list.has(only, sieve.organization(None));
        }
        sieve
    }

    fn organization<'a>(&'a self, claimed: Option<&'a str>) -> &'a str {
        let claimed = claimed.or(self.claimed.as_deref());
        self.bound.or(claimed).unwrap_or(self.usual)
    }

    /// Whether attributes name somebody who is refused.
    fn is_held(&self, attributes: &[Attribute<'_>]) -> bool {
        let claimed = attributes.iter().rev().find(|(key, _)| key == ORGANIZATION);
        let claimed = claimed.and_then(|(_, value)| text(value));
        let organization = self.organization(claimed.as_deref());
        attributes.iter().any(|(key, value)| {
            is_naming(key) && text(value).is_some_and(|id| self.list.has(&id, organization))
        })
    }

    /// An item beside the request that could not be read, as it may be kept; `None`: it may not.
    fn beside(&self, item: Quarantined) -> Option<Quarantined> {
        if self.is_theirs {
            return None;
        }
        match self.holds(&item.raw) {
            Some(true) => None,
            Some(false) => Some(item),
            None => Some(Quarantined {
                reason: format!("{} {NOT_KEPT}", item.reason),
                raw: Vec::new(),
                ..item
            }),
        }
    }

    /// Whether bytes hold an id; `None` when there are too many of them to say.
    fn holds(&self, raw: &[u8]) -> Option<bool> {
        let organization = self.organization(None);
        words::any(raw, |word| self.list.has(word, organization))
    }
}

impl otlp::Sieve for Sieve<'_> {
    fn origin(&mut self, origin: &Origin<'_>) -> bool {
        let attributes = &origin.resource;
        let claimed = attributes.iter().rev().find(|(key, _)| key == ORGANIZATION);
        self.claimed = claimed.and_then(|(_, value)| text(value));
        self.is_origin_held =
            self.is_theirs || self.is_held(attributes) || self.is_held(&origin.scope_attributes);
        self.is_origin_held
    }

    fn item(&mut self, attributes: &[Attribute<'_>]) -> bool {
        self.is_held(attributes)
    }

    fn unreadable(&mut self, raw: &[u8]) -> bool {
        // What decoding sets aside is kept with its bytes: in doubt it is not kept at all.
        self.holds(raw) != Some(false)
    }
}

fn is_naming(key: &str) -> bool {
    NAMING
        .iter()
        .any(|column| COLUMNS[*column as usize].keys.contains(&key))
}

/// A value as its column would hold it.
fn text(value: &contract::Value<'_>) -> Option<String> {
    match coerce(Kind::Text, value)?.cell {
        Cell::Str(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}
