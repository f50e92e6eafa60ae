//! Events against metrics.

use crate::catalogue::dimensions::{
    APP_VERSION, DAY, MODEL, MONTH, PERSON, PRODUCT, QUERY_CATEGORY, SESSION, WEEK, dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{mean, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static RECONCILIATION: Report = Report {
    name: "reconciliation",
    title: "Reconciliation",
    about: "Do events and metrics say the same, and where not, by how much?",
    definition: "Clients may send cost and tokens twice, as events and as metrics. For each session, model, part of the agent and measure \
        both are compared: agree (to a millionth of a dollar; tokens exactly), differs, events_only or metrics_only. A comparison is \
        of the whole session, and its time is that of the session's first item. The two are never added. More in metrics than in \
        events means that events were lost on the way.",
    signals: &[
        "api_request events",
        "claude_code.cost.usage and claude_code.token.usage metrics",
    ],
    dimensions: &[
        VERDICT,
        WHAT,
        NOTE,
        MODEL,
        QUERY_CATEGORY,
        PERSON,
        PRODUCT,
        APP_VERSION,
        SESSION,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["product", "verdict"],
    measures: &[
        sum(
            "comparisons",
            "Comparisons",
            "measures of one session, model and part of the agent",
            Unit::Count,
            "count(*)",
        ),
        sum(
            "agreeing",
            "Agree",
            "comparisons that agree",
            Unit::Count,
            "count(*) FILTER (WHERE verdict = 'agree')",
        ),
        sum(
            "differing",
            "Differ",
            "comparisons that differ",
            Unit::Count,
            "count(*) FILTER (WHERE verdict = 'differs')",
        ),
        mean(
            "agreement_share",
            "Agreement",
            "of the comparisons that both signals speak of, the share that agrees",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE verdict = 'agree') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE verdict IN ('agree', 'differs')), 0)",
        ),
        sum(
            "events_usd",
            "Cost by events",
            "US dollars",
            Unit::Usd,
            "coalesce(sum(events_value) FILTER (WHERE measure = 'cost_usd'), 0)",
        ),
        sum(
            "metrics_usd",
            "Cost by metrics",
            "US dollars",
            Unit::Usd,
            "coalesce(sum(metrics_value) FILTER (WHERE measure = 'cost_usd'), 0)",
        ),
        sum(
            "difference_usd",
            "Difference",
            "cost by metrics less cost by events, where both speak",
            Unit::Usd,
            "coalesce(sum(difference) FILTER (WHERE measure = 'cost_usd' AND verdict IN ('agree', 'differs')), 0)",
        ),
        sum(
            "events_tokens",
            "Tokens by events",
            "of all four kinds",
            Unit::Tokens,
            "coalesce(sum(events_value) FILTER (WHERE measure <> 'cost_usd'), 0)",
        ),
        sum(
            "metrics_tokens",
            "Tokens by metrics",
            "of all four kinds",
            Unit::Tokens,
            "coalesce(sum(metrics_value) FILTER (WHERE measure <> 'cost_usd'), 0)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "metrics that events do not repeat",
            why: "sessions, lines, commits, pull requests, active time and edit decisions are told by metrics alone",
            rows: "SELECT * FROM metrics WHERE name NOT IN ('claude_code.cost.usage', 'claude_code.token.usage')",
        },
        COPIES,
    ],
    source: Source::Rows("reconciliation"),
};

const VERDICT: Dimension = dimension(
    "verdict",
    "Verdict",
    "agree, differs, events_only or metrics_only",
    "verdict",
);
const WHAT: Dimension = dimension(
    "measure",
    "Measure",
    "cost_usd or one of the four kinds of tokens",
    "measure",
);
const NOTE: Dimension = dimension(
    "note",
    "Note",
    "metrics_may_be_inflated where a known fault of the client explains it",
    "note",
);
