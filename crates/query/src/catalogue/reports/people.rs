//! Who it was, how surely that is known, and what they used.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, MODEL, MONTH, ORGANIZATION, PERSON, PRODUCT,
    PROJECT, SIGNAL, TEAM, WEEK, dimension,
};
use crate::catalogue::exclusions::{REPEATED_POINTS, UNPRICED};
use crate::catalogue::measures::{distinct, greatest, least, mean, sum};
use crate::catalogue::report::{Dimension, Report, Source, Unit};

pub(super) static PEOPLE: Report = Report {
    name: "people",
    title: "People",
    about: "Who used it, what does their name rest on, and how much can be put down to nobody?",
    definition: "Every request, and every data point of clients that send metrics only, is put down to a person as far as its identity \
        is known. The basis says how: by e-mail, by account, by its session, by its installation, by the mapping file, or by nothing \
        but the id of the installation. The last, and items without any identity, are unattributed: no person is known for them.",
    signals: &[
        "api_request events",
        "claude_code.cost.usage and claude_code.token.usage of sessions without such events",
    ],
    dimensions: &[
        PERSON,
        BASIS,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PROJECT,
        PRODUCT,
        MODEL,
        APP_VERSION,
        SIGNAL,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["person", "person_basis"],
    measures: &[
        sum(
            "cost_usd",
            "Cost",
            "US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd), 0)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model; metrics do not count them",
            Unit::Count,
            "coalesce(sum(requests), 0)",
        ),
        sum(
            "tokens",
            "Tokens",
            "of all four kinds",
            Unit::Tokens,
            "coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0)
             + coalesce(cache_creation_tokens, 0)), 0)",
        ),
        distinct(
            "people",
            "People",
            "distinct people, the unattributed left out",
            Unit::Count,
            "count(DISTINCT CASE WHEN person_basis <> 'installation_id' THEN person END)",
        ),
        distinct(
            "sessions",
            "Sessions",
            "distinct sessions",
            Unit::Count,
            "count(DISTINCT session_id)",
        ),
        sum(
            "unattributed_usd",
            "Unattributed",
            "the part of the cost for which no person is known",
            Unit::Usd,
            "coalesce(sum(cost_usd) FILTER (WHERE coalesce(person_basis, 'installation_id') = 'installation_id'), 0)",
        ),
        mean(
            "unattributed_share",
            "Unattributed share",
            "the share of the cost for which no person is known",
            Unit::Share,
            "coalesce(sum(cost_usd) FILTER (WHERE coalesce(person_basis, 'installation_id') = 'installation_id'), 0)
             / nullif(sum(cost_usd), 0)",
        ),
        least(
            "first_seen",
            "First seen",
            "in the range",
            Unit::Time,
            "min(time)",
        ),
        greatest(
            "last_seen",
            "Last seen",
            "in the range",
            Unit::Time,
            "max(time)",
        ),
    ],
    exclusions: &[UNPRICED, REPEATED_POINTS],
    source: Source::Rows("usage"),
};

const BASIS: Dimension = dimension(
    "person_basis",
    "Basis",
    "email, account, session, installation, mapping, token or installation_id",
    "person_basis",
);
