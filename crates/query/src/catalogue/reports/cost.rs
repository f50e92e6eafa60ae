//! What was spent, on whom and on what.

use crate::catalogue::dimensions::{
    AGENT, APP_VERSION, COST_BASIS, COST_CENTER, DAY, DEPARTMENT, EFFORT, FOLDERS, HOUR,
    MCP_SERVER, MODEL, MONTH, ORGANIZATION, PERSON, PLUGIN, PRODUCT, PROJECT, QUERY_CATEGORY,
    SIGNAL, SKILL, SPEED, TEAM, TERMINAL, WEEK, WEEKDAY,
};
use crate::catalogue::exclusions::{COPIES, REPEATED_POINTS, UNPRICED};
use crate::catalogue::measures::sum;
use crate::catalogue::report::{Report, Source, Unit};

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
        PROJECT,
        PRODUCT,
        MODEL,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
        QUERY_CATEGORY,
        SPEED,
        EFFORT,
        AGENT,
        SKILL,
        PLUGIN,
        MCP_SERVER,
        APP_VERSION,
        TERMINAL,
        FOLDERS,
        SIGNAL,
        COST_BASIS,
    ],
    usual_group_by: &["person"],
    measures: &[
        sum(
            "cost_usd",
            "Cost",
            "US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd), 0)",
        ),
        sum(
            "net_cost",
            "Net cost",
            "after the discount, in the currency of the settings",
            Unit::Currency,
            "coalesce(sum(net_cost), 0)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model; metrics do not count them",
            Unit::Count,
            "coalesce(sum(requests), 0)",
        ),
        sum(
            "recomputed_usd",
            "Recomputed",
            "the part of the cost that is the list price because the client's figure is missing or absurd",
            Unit::Usd,
            "coalesce(sum(CASE WHEN cost_basis = 'recomputed' THEN cost_usd END), 0)",
        ),
        sum(
            "unpriced_requests",
            "Unpriced",
            "requests whose cost is not known; they are in no sum of costs",
            Unit::Count,
            "coalesce(sum(CASE WHEN cost_basis = 'unpriced' THEN requests END), 0)",
        ),
    ],
    exclusions: &[UNPRICED, REPEATED_POINTS, COPIES],
    source: Source::Rows("usage"),
};
