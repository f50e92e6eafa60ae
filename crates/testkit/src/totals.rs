//! Totals by session: cost, tokens, requests, tool calls, prompts; and how two tallies differ.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use fleet::Ledger;
use serde_json::Value;

use crate::Problem;
use crate::sql::{Row, Sql};

/// Two costs are the same when they differ by no more, in US dollars.
const COST_TOLERANCE_USD: f64 = 1e-9;

/// What one session comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// US dollars.
    pub cost_usd: f64,
    /// Input tokens beside the cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation_tokens: u64,
    /// `api_request` events.
    pub requests: u64,
    /// Tool calls: decision and result of one call count once.
    pub tool_calls: u64,
    /// `user_prompt` events.
    pub prompts: u64,
}

/// Totals by `session.id`; `None` where items carry none.
pub type Tally = BTreeMap<Option<String>, Totals>;

impl Totals {
    /// What a client's own ledger says; it does not count requests, tool calls and prompts.
    pub fn of_ledger(ledger: &Ledger) -> Totals {
        Totals {
            cost_usd: ledger.total_cost_usd,
            input_tokens: ledger.input_tokens,
            output_tokens: ledger.output_tokens,
            cache_read_tokens: ledger.cache_read_input_tokens,
            cache_creation_tokens: ledger.cache_creation_input_tokens,
            ..Totals::default()
        }
    }

    /// Only what ledgers and metrics know: cost and tokens.
    #[must_use]
    pub fn spent(self) -> Totals {
        Totals {
            requests: 0,
            tool_calls: 0,
            prompts: 0,
            ..self
        }
    }

    /// Whether both say the same, costs to a billionth of a dollar.
    pub fn agrees_with(&self, other: &Totals) -> bool {
        let rest = |totals: &Totals| Totals {
            cost_usd: 0.0,
            ..*totals
        };
        (self.cost_usd - other.cost_usd).abs() <= COST_TOLERANCE_USD && rest(self) == rest(other)
    }
}

impl AddAssign<&Totals> for Totals {
    fn add_assign(&mut self, other: &Totals) {
        self.cost_usd += other.cost_usd;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_creation_tokens += other.cache_creation_tokens;
        self.requests += other.requests;
        self.tool_calls += other.tool_calls;
        self.prompts += other.prompts;
    }
}

/// Fails where the tallies differ, and says in which sessions and how.
///
/// # Errors
///
/// When they differ. A session without any total counts as absent.
pub fn compare(what: &str, found: &Tally, expected: &Tally) -> Result<(), Problem> {
    let nothing = Totals::default();
    let sessions: BTreeSet<&Option<String>> = found.keys().chain(expected.keys()).collect();
    let differing = sessions.into_iter().filter_map(|session| {
        let found = found.get(session).unwrap_or(&nothing);
        let expected = expected.get(session).unwrap_or(&nothing);
        let said = || format!("session {session:?}\n  found    {found:?}\n  expected {expected:?}");
        (!found.agrees_with(expected)).then(said)
    });
    let differing: Vec<String> = differing.collect();
    if differing.is_empty() {
        return Ok(());
    }
    let shown = differing[..differing.len().min(5)].join("\n");
    Err(Problem::new(format!(
        "{what}: {} sessions differ\n{shown}",
        differing.len()
    )))
}

const REQUESTS: &str = "SELECT session_id, count(*) AS requests, sum(cost_usd) AS cost_usd, \
     sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, \
     sum(cache_read_tokens) AS cache_read_tokens, \
     sum(cache_creation_tokens) AS cache_creation_tokens FROM api_requests GROUP BY session_id";
const TOOL_CALLS: &str =
    "SELECT session_id, count(*) AS tool_calls FROM tool_calls GROUP BY session_id";
/// What sums count: calls that have come to an end.
const ENDED_CALLS: &str = "SELECT session_id, count(*) AS tool_calls FROM tool_calls \
     WHERE finished_at IS NOT NULL OR decision = 'reject' GROUP BY session_id";
const PROMPTS: &str = "SELECT session_id, count(*) AS prompts FROM events \
     WHERE event = 'user_prompt' GROUP BY session_id";
const SESSIONS: &str = "SELECT session_id, cost_usd, input_tokens, output_tokens, \
     cache_read_tokens, cache_creation_tokens, requests, tool_calls, prompts FROM sessions";
const METRICS: &str = "SELECT session_id, \
     sum(CASE WHEN name = 'claude_code.cost.usage' THEN value END) AS cost_usd, \
     sum(CASE WHEN type = 'input' THEN value END) AS input_tokens, \
     sum(CASE WHEN type = 'output' THEN value END) AS output_tokens, \
     sum(CASE WHEN type = 'cacheRead' THEN value END) AS cache_read_tokens, \
     sum(CASE WHEN type = 'cacheCreation' THEN value END) AS cache_creation_tokens FROM metrics \
     WHERE name IN ('claude_code.cost.usage', 'claude_code.token.usage') GROUP BY session_id";

impl Sql {
    /// The tally of the views `api_requests`, `tool_calls` and `events`.
    ///
    /// # Errors
    ///
    /// When a question fails.
    pub async fn tally(&self) -> Result<Tally, Problem> {
        self.sum(&[REQUESTS, TOOL_CALLS, PROMPTS]).await
    }

    /// The same without the tool calls that are still running.
    ///
    /// # Errors
    ///
    /// When a question fails.
    pub async fn ended_tally(&self) -> Result<Tally, Problem> {
        self.sum(&[REQUESTS, ENDED_CALLS, PROMPTS]).await
    }

    async fn sum(&self, questions: &[&str]) -> Result<Tally, Problem> {
        let mut tally = Tally::new();
        for question in questions {
            for row in self.rows(question).await? {
                *tally.entry(session(&row)).or_default() += &totals(&row);
            }
        }
        Ok(tally)
    }

    /// The tally of the view `sessions`.
    ///
    /// # Errors
    ///
    /// When the question fails.
    pub async fn sessions_tally(&self) -> Result<Tally, Problem> {
        self.tally_of(SESSIONS).await
    }

    /// Cost and tokens as the metrics have them.
    ///
    /// # Errors
    ///
    /// When the question fails.
    pub async fn metrics_tally(&self) -> Result<Tally, Problem> {
        self.tally_of(METRICS).await
    }

    async fn tally_of(&self, question: &str) -> Result<Tally, Problem> {
        let rows = self.rows(question).await?;
        Ok(rows.iter().map(|row| (session(row), totals(row))).collect())
    }
}

fn session(row: &Row) -> Option<String> {
    row.get("session_id")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn totals(row: &Row) -> Totals {
    let number = |key: &str| row.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let count = |key: &str| number(key).round() as u64;
    Totals {
        cost_usd: number("cost_usd"),
        input_tokens: count("input_tokens"),
        output_tokens: count("output_tokens"),
        cache_read_tokens: count("cache_read_tokens"),
        cache_creation_tokens: count("cache_creation_tokens"),
        requests: count("requests"),
        tool_calls: count("tool_calls"),
        prompts: count("prompts"),
    }
}
