//! Tokens of all four kinds, and what the prompt cache is worth.

use crate::catalogue::dimensions::{
    AGENT, APP_VERSION, COST_CENTER, DAY, DEPARTMENT, EFFORT, FOLDERS, HOUR, MCP_SERVER, MODEL,
    MONTH, ORGANIZATION, PERSON, PLUGIN, PRODUCT, PROJECT, QUERY_CATEGORY, SIGNAL, SKILL, SPEED,
    TEAM, TERMINAL, WEEK, WEEKDAY,
};
use crate::catalogue::exclusions::{COPIES, REPEATED_POINTS};
use crate::catalogue::measures::{mean, sum};
use crate::catalogue::report::{Report, Source, Unit};

pub(super) static TOKENS: Report = Report {
    name: "tokens",
    title: "Tokens and cache",
    about: "How many tokens were used, and how much of the prompts came from the cache?",
    definition: "Input tokens exclude what was read from or written to the cache. The cache's share is what was read from it, of \
        all tokens of prompts. What the cache saved is the list price of the same requests with all of the prompt at the rate of \
        input, less their list price: writing to the cache costs more than input, so it can be negative. It is known of \
        requests with a list price; metrics do not say which tokens were of one request.",
    signals: &[
        "api_request events",
        "claude_code.token.usage metric of sessions without such events",
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
    ],
    usual_group_by: &["model"],
    measures: &[
        sum(
            "tokens",
            "Tokens",
            "of all four kinds",
            Unit::Tokens,
            "coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0)
             + coalesce(cache_creation_tokens, 0)), 0)",
        ),
        sum(
            "input_tokens",
            "Input",
            "input tokens beside the cache",
            Unit::Tokens,
            "coalesce(sum(input_tokens), 0)",
        ),
        sum(
            "output_tokens",
            "Output",
            "output tokens",
            Unit::Tokens,
            "coalesce(sum(output_tokens), 0)",
        ),
        sum(
            "cache_read_tokens",
            "Cache read",
            "tokens read from the prompt cache",
            Unit::Tokens,
            "coalesce(sum(cache_read_tokens), 0)",
        ),
        sum(
            "cache_creation_tokens",
            "Cache written",
            "tokens written to the prompt cache",
            Unit::Tokens,
            "coalesce(sum(cache_creation_tokens), 0)",
        ),
        mean(
            "cache_hit_share",
            "Cache share",
            "the share of all tokens of prompts that was read from the cache",
            Unit::Share,
            "CAST(coalesce(sum(cache_read_tokens), 0) AS DOUBLE) / nullif(coalesce(sum(input_tokens), 0)
             + coalesce(sum(cache_read_tokens), 0) + coalesce(sum(cache_creation_tokens), 0), 0)",
        ),
        sum(
            "cache_saved_usd",
            "Saved by the cache",
            "what the same requests would have cost more without a cache, at list prices",
            Unit::Usd,
            "coalesce(sum(cache_saved_usd), 0)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model; metrics do not count them",
            Unit::Count,
            "coalesce(sum(requests), 0)",
        ),
    ],
    exclusions: &[REPEATED_POINTS, COPIES],
    source: Source::Rows("usage"),
};
