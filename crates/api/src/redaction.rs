//! What is taken out of requests before they are kept: the policy in force, and what it did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use redact::{Action, Policy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::fault::Fault;

/// The policy in force, and what it did since the start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Redaction {
    /// Since when is counted, milliseconds since the Unix epoch.
    since_ms: u64,
    /// What is kept.
    kept: Kept,
    /// Items of which something was taken out.
    items: u64,
    /// What was done, where and how often.
    redacted: Vec<Redacted>,
}

/// What is kept of what is sent, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Kept {
    /// In one line, for people.
    summary: String,
    /// What becomes of prompts, responses, tool inputs and bodies: `keep`, `drop`, `hash` or
    /// `truncate:N`.
    content: String,
    /// What becomes of who it was: `keep`, `drop`, `pseudonymise` or `hash`.
    people: String,
    /// What becomes of attributes that the contract does not know.
    other: String,
    /// What becomes of the bytes of items that cannot be read: `mask` or `drop`.
    unreadable: &'static str,
    /// What is looked for and masked in what is kept.
    detectors: Vec<String>,
    /// What is otherwise for some, the first that fits first.
    rules: Vec<String>,
    /// What somebody should know who relies on it.
    warnings: Vec<String>,
}

/// What was done to texts of one attribute.
#[derive(Debug, Serialize, ToSchema)]
struct Redacted {
    /// `logs`, `metrics` or `traces`.
    signal: String,
    /// The attribute's key, or the field's name.
    attribute: String,
    /// `mask`, `drop`, `truncate`, `hash`, `pseudonymise`, or `failed` where deciding failed and the
    /// text was dropped.
    action: String,
    /// What was found; null where nothing was looked for.
    detector: Option<String>,
    /// How often.
    times: u64,
}

impl Kept {
    pub(crate) fn of(policy: &Policy) -> Kept {
        let text = |action: Action| action.to_string();
        Kept {
            summary: policy.summary(),
            content: text(policy.content()),
            people: text(policy.people()),
            other: text(policy.other()),
            unreadable: policy.unreadable(),
            detectors: owned(policy.detectors_used()),
            rules: policy.rules_said(),
            warnings: policy.warnings(),
        }
    }
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// What is kept of what is sent, and what was taken out of it since the start.
#[utoipa::path(get, path = "/api/v1/redaction", tag = "status", responses(
    (status = 200, body = Redaction),
    (status = 404, description = "This server takes nothing in")
))]
pub(crate) async fn redaction(State(api): State<Arc<Api>>) -> Result<Json<Redaction>, Fault> {
    let Some(ledger) = &api.redaction else {
        return Err(Fault::new(
            StatusCode::NOT_FOUND,
            "this server takes nothing in, so that nothing is redacted",
            None,
        ));
    };
    let tally = ledger.tally();
    let redacted = tally.rows().map(|(what, times)| Redacted {
        signal: what.signal.to_owned(),
        attribute: what.attribute.clone(),
        action: what.done.name().to_owned(),
        detector: (!what.detector.is_empty()).then(|| what.detector.clone()),
        times,
    });
    Ok(Json(Redaction {
        since_ms: api.about.started_ms,
        kept: Kept::of(ledger.policy()),
        items: tally.items,
        redacted: redacted.collect(),
    }))
}
