//! What several reports leave out.

use super::report::Exclusion;

/// Data points of sessions that events speak for.
pub(super) const REPEATED_POINTS: Exclusion = Exclusion {
    what: "cost and tokens of metrics whose session sent request events",
    why: "they repeat what the events say; a session is counted from one of the two",
    rows: "SELECT * FROM metrics WHERE name IN ('claude_code.cost.usage', 'claude_code.token.usage')
           AND session_id IN (SELECT session_id FROM events WHERE event = 'api_request' AND session_id IS NOT NULL)",
};
/// Requests without a cost.
pub(super) const UNPRICED: Exclusion = Exclusion {
    what: "the cost of requests that are unpriced",
    why: "neither the client nor the price book says what they cost; they are in no sum of costs",
    rows: "SELECT * FROM ledger WHERE cost_basis = 'unpriced'",
};
/// Events that came twice.
pub(super) const COPIES: Exclusion = Exclusion {
    what: "copies of events",
    why: "another collector forwarded the same event first",
    rows: "SELECT * FROM copies",
};
/// What clients that send metrics only did, where only events tell it.
pub(super) const METRICS_ONLY: Exclusion = Exclusion {
    what: "clients that send metrics only",
    why: "their data points say what was spent, not what was asked and done",
    rows: "SELECT * FROM usage WHERE source = 'metrics'",
};
/// Items of nobody.
pub(super) const NOBODY: Exclusion = Exclusion {
    what: "events without any identity",
    why: "they cannot be put down to a person, so they count as nobody",
    rows: "SELECT * FROM events WHERE person IS NULL",
};
