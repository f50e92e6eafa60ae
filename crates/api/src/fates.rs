//! The ledger of fates: what became of everything that came.
//!
//! Invariant: accepted + deduplicated + quarantined + rejected = received, per signal, in every
//! answer: the counts of an answer are of one moment, and an item is counted when its fate is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::tokens::BookError;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::Fate;
use utoipa::ToSchema;

use crate::Api;
use crate::access::Asker;
use crate::fault::Fault;

/// What became of everything that came since the start of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ledger {
    /// Since when everything is counted, milliseconds since the Unix epoch.
    since_ms: u64,
    /// Whether every received item has exactly one fate. It is never false unless the server has a
    /// fault.
    settled: bool,
    /// Items (log records, data points, spans) by signal.
    ///
    /// For who is bound to some organisations: of what came with tokens of these.
    signals: SignalFates,
    /// The same by the token with which items came; `token` is empty for those without. Together they are
    /// `signals`.
    tokens: Vec<TokenFates>,
    /// Requests answered with an error. The items of a request that could not be read are unknown
    /// and only counted here; those of one that was read are in `rejected` as well. Whose they were is not
    /// known: none for who is bound to some organisations.
    refused_requests: Vec<RefusedRequests>,
}

/// Fates by signal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalFates {
    logs: Fates,
    metrics: Fates,
    traces: Fates,
}

/// Fates of what came with one token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenFates {
    /// The token's id; empty for what came without one.
    token: String,
    /// Items by signal.
    signals: SignalFates,
}

/// How many items met which fate: the last four add up to `received`.
#[derive(Debug, Serialize, ToSchema)]
struct Fates {
    /// All items that came.
    received: u64,
    /// Stored and queryable.
    accepted: u64,
    /// Known already: a repeated delivery.
    deduplicated: u64,
    /// Not understood, kept in `quarantine`.
    quarantined: u64,
    /// Refused with an error answer.
    rejected: u64,
    /// Of `rejected`: items of people who were erased and are not taken any more.
    of_refused_people: u64,
}

/// Requests refused for one reason.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedRequests {
    /// What they meant to export: `logs`, `metrics`, `traces`, or `unknown` where the path did not say.
    signal: &'static str,
    /// Why: `malformed`, `too_large`, `overloaded` and the like.
    reason: &'static str,
    /// Whether the client was told to send the same again.
    retryable: bool,
    /// How many.
    requests: u64,
}

impl From<Fate> for Fates {
    fn from(fate: Fate) -> Fates {
        let Fate {
            received,
            accepted,
            deduplicated,
            quarantined,
            rejected,
            of_refused_people,
        } = fate;
        Fates {
            received,
            accepted,
            deduplicated,
            quarantined,
            rejected,
            of_refused_people,
        }
    }
}

impl From<[Fate; 3]> for SignalFates {
    fn from([logs, metrics, traces]: [Fate; 3]) -> SignalFates {
        SignalFates {
            logs: logs.into(),
            metrics: metrics.into(),
            traces: traces.into(),
        }
    }
}

/// What became of every item since the start: accepted, deduplicated, quarantined or rejected.
#[utoipa::path(get, path = "/api/v1/fates", tag = "status", responses((status = 200, body = Ledger)))]
pub(crate) async fn fates(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<Json<Ledger>, Fault> {
    let (all, tokens) = seen(&api, &asker).await?;
    let refused = match asker.organizations().is_all() {
        true => api.engine.store().fates().refused_requests(),
        false => Vec::new(),
    };
    let tokens = tokens.into_iter().map(|of| TokenFates {
        token: of.token,
        signals: of.signals.into(),
    });
    let refused = refused.into_iter().map(|(what, requests)| RefusedRequests {
        signal: what.signal,
        reason: what.reason,
        retryable: what.retryable,
        requests,
    });
    Ok(Json(Ledger {
        since_ms: api.about.started_ms,
        settled: all.iter().all(Fate::is_settled),
        signals: all.into(),
        tokens: tokens.collect(),
        refused_requests: refused.collect(),
    }))
}

/// The counts that whoever asks may see, and those of each token: of their organisations' tokens, and
/// together no more than these, where they are bound to some.
pub(crate) async fn seen(
    api: &Api,
    asker: &Asker,
) -> Result<([Fate; 3], Vec<store::TokenFates>), Fault> {
    let (all, mut tokens) = api.engine.store().fates().by_token();
    if asker.organizations().is_all() {
        return Ok((all, tokens));
    }
    let own = own_tokens(api, asker).await?;
    tokens.retain(|of| own.contains(&of.token));
    let mut together = [Fate::default(); 3];
    for of in &tokens {
        for (sum, one) in together.iter_mut().zip(of.signals) {
            sum.received += one.received;
            sum.accepted += one.accepted;
            sum.deduplicated += one.deduplicated;
            sum.quarantined += one.quarantined;
            sum.rejected += one.rejected;
            sum.of_refused_people += one.of_refused_people;
        }
    }
    Ok((together, tokens))
}

/// The ids of all tokens of the asker's organisations, ended ones too.
async fn own_tokens(api: &Api, asker: &Asker) -> Result<BTreeSet<String>, Fault> {
    let Some(intake) = &api.intake else {
        return Ok(BTreeSet::new());
    };
    let (gate, of) = (Arc::clone(&intake.gate), asker.organizations().clone());
    // The book is on the disk.
    let listed = tokio::task::spawn_blocking(move || {
        let tokens = gate.book().list()?.into_iter();
        let own = tokens.filter(|token| of.has(&token.scope.organization));
        Ok(own.map(|token| token.id).collect())
    });
    let listed: Result<_, BookError> = listed.await.map_err(Fault::internal)?;
    listed.map_err(Fault::internal)
}
