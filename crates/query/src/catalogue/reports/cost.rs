//! What was spent, on whom and on what.

use crate::catalogue::dimensions::{
    AGENT, APP_VERSION, COST_CENTER, DAY, DEPARTMENT, EFFORT, MCP_SERVER, MODEL, MONTH,
    ORGANIZATION, PERSON, PLUGIN, PRODUCT, QUERY_CATEGORY, SKILL, SPEED, TEAM, WEEK,
};
use crate::catalogue::report::{Dimension, Exclusion, Measure, Parts, Report, Source, Unit};

pub(super) static COST: Report = Report {
    name: "cost",
    title: "Cost",
    about: "What was spent, by whom, on which model and when?",
    definition: "The sum of the ledger: for each request to a model the client's own figure where it can be believed, else the \
        list price of its tokens. Clients that send metrics only are counted from their cost metric. An estimate at list prices, \
        not a bill.",
    signals: &[
        "api_request events",
        "claude_code.cost.usage metric of sessions without such events",
    ],
    dimensions: &[
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PRODUCT,
        MODEL,
        DAY,
        WEEK,
        MONTH,
        QUERY_CATEGORY,
        SPEED,
        EFFORT,
        AGENT,
        SKILL,
        PLUGIN,
        MCP_SERVER,
        APP_VERSION,
        SIGNAL,
        BASIS,
    ],
    usual_group_by: &["person"],
    measures: &[
        Measure {
            name: "cost_usd",
            title: "Cost",
            about: "US dollars at list price",
            unit: Unit::Usd,
            parts: Parts::Sum,
            sql: "coalesce(sum(cost_usd), 0)",
        },
        Measure {
            name: "net_cost",
            title: "Net cost",
            about: "after the discount, in the currency of the settings",
            unit: Unit::Currency,
            parts: Parts::Sum,
            sql: "coalesce(sum(net_cost), 0)",
        },
        Measure {
            name: "requests",
            title: "Requests",
            about: "successful requests to a model; metrics do not count them",
            unit: Unit::Count,
            parts: Parts::Sum,
            sql: "coalesce(sum(requests), 0)",
        },
        Measure {
            name: "recomputed_usd",
            title: "Recomputed",
            about: "the part of the cost that is the list price because the client's figure is missing or absurd",
            unit: Unit::Usd,
            parts: Parts::Sum,
            sql: "coalesce(sum(CASE WHEN cost_basis = 'recomputed' THEN cost_usd END), 0)",
        },
        Measure {
            name: "unpriced_requests",
            title: "Unpriced",
            about: "requests whose cost is not known; they are in no sum of costs",
            unit: Unit::Count,
            parts: Parts::Sum,
            sql: "coalesce(sum(CASE WHEN cost_basis = 'unpriced' THEN requests END), 0)",
        },
    ],
    exclusions: &[Exclusion {
        what: "requests that are unpriced",
        why: "neither the client nor the price book says what they cost",
        rows: "SELECT * FROM ledger WHERE cost_basis = 'unpriced'",
    }],
    source: Source::Rows("usage"),
};

const SIGNAL: Dimension = Dimension {
    name: "source",
    title: "Signal",
    about: "events or metrics",
    sql: "source",
};
const BASIS: Dimension = Dimension {
    name: "cost_basis",
    title: "Basis",
    about: "client, recomputed or unpriced",
    sql: "cost_basis",
};
