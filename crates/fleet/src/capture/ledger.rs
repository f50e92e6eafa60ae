//! The client's own ledger, as it printed it at the end of a run.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the client said it had used, subagents and background requests included.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// The session that the run belonged to.
    pub session_id: String,
    /// US dollars.
    pub total_cost_usd: f64,
    /// Input tokens beside the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_input_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation_input_tokens: u64,
    /// Tool calls that were not permitted.
    pub permission_denials: Vec<PermissionDenial>,
}

/// A tool call that was not permitted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PermissionDenial {
    /// The tool.
    pub tool_name: String,
    /// The call.
    pub tool_use_id: String,
}

/// `expected.json`.
#[derive(Deserialize)]
pub(super) struct Expected {
    pub(super) client_version: String,
    pub(super) client_ledger: Option<Printed>,
}

/// The ledger as printed. `usage` beside it counts the main conversation only and is not read.
#[derive(Deserialize)]
pub(super) struct Printed {
    session_id: String,
    total_cost_usd: f64,
    #[serde(rename = "modelUsage", default)]
    by_model: BTreeMap<String, ModelUsage>,
    #[serde(default)]
    permission_denials: Vec<PermissionDenial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
}

impl From<Printed> for Ledger {
    fn from(printed: Printed) -> Ledger {
        let sum = |count: fn(&ModelUsage) -> u64| printed.by_model.values().map(count).sum();
        Ledger {
            input_tokens: sum(|usage| usage.input_tokens),
            output_tokens: sum(|usage| usage.output_tokens),
            cache_read_input_tokens: sum(|usage| usage.cache_read_input_tokens),
            cache_creation_input_tokens: sum(|usage| usage.cache_creation_input_tokens),
            session_id: printed.session_id,
            total_cost_usd: printed.total_cost_usd,
            permission_denials: printed.permission_denials,
        }
    }
}
