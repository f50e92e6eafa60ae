//! The ledger of fates: what became of everything that came.
//!
//! Invariant: accepted + deduplicated + quarantined + rejected = received, per signal, in every
//! answer: the counts of an answer are of one moment, and an item is counted when its fate is known.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::Fate;
use utoipa::ToSchema;

use crate::Api;

/// What became of everything that came since the start of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ledger {
    /// Since when everything is counted, milliseconds since the Unix epoch.
    since_ms: u64,
    /// Whether every received item has exactly one fate. It is never false unless the server has a
    /// fault.
    settled: bool,
    /// Items (log records, data points, spans) by signal.
    signals: SignalFates,
    /// The same by the token with which items came; `token` is empty for those without. Together they are
    /// `signals`.
    tokens: Vec<TokenFates>,
    /// Requests answered with an error. The items of a request that could not be read are unknown
    /// and only counted here; those of one that was read are in `rejected` as well.
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
        } = fate;
        Fates {
            received,
            accepted,
            deduplicated,
            quarantined,
            rejected,
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
pub(crate) async fn fates(State(api): State<Arc<Api>>) -> Json<Ledger> {
    let fates = api.engine.store().fates();
    let (all, tokens) = fates.by_token();
    let tokens = tokens.into_iter().map(|of| TokenFates {
        token: of.token,
        signals: of.signals.into(),
    });
    let refused = fates.refused_requests().into_iter();
    let refused = refused.map(|(what, requests)| RefusedRequests {
        signal: what.signal,
        reason: what.reason,
        retryable: what.retryable,
        requests,
    });
    Json(Ledger {
        since_ms: api.about.started_ms,
        settled: all.iter().all(Fate::is_settled),
        signals: all.into(),
        tokens: tokens.collect(),
        refused_requests: refused.collect(),
    })
}
