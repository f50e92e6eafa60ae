//! What was allowed and refused, and by whom.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, FOLDERS, HOUR, MCP_SERVER, MONTH, PERSON, PRODUCT,
    TEAM, TERMINAL, WEEK, WEEKDAY, dimension,
};
use crate::catalogue::exclusions::COPIES;
use crate::catalogue::measures::{distinct, greatest, mean, other, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static PERMISSIONS: Report = Report {
    name: "permissions",
    title: "Permissions",
    about: "Which tool calls were allowed or refused, by a person, by a hook or by the settings, and what ran without a decision?",
    definition: "A call was decided on by a person (asked, or by a grant given before), by a hook, or by the settings: what the \
        client gives as the source of the decision. A standing grant is a decision by the settings or for good: nobody was asked. \
        Without a decision are calls that ran although their client reports decisions; calls of clients that are not known to report \
        them count apart. The time to approve runs from the request that asked for the call to the person's decision.",
    signals: &["tool_decision and tool_result events"],
    dimensions: &[
        DECIDED_BY,
        DECISION,
        DECISION_SOURCE,
        DECISION_STATE,
        APPROVED_BY,
        MODE,
        TOOL_OR_MCP,
        KIND,
        MCP_SERVER,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        PRODUCT,
        APP_VERSION,
        TERMINAL,
        FOLDERS,
        DAY,
        WEEK,
        MONTH,
        HOUR,
        WEEKDAY,
    ],
    usual_group_by: &["decision_source", "decision"],
    measures: &[
        sum("calls", "Calls", "calls of tools", Unit::Count, "count(*)"),
        sum(
            "allowed",
            "Allowed",
            "calls that were decided on and may run",
            Unit::Count,
            "count(*) FILTER (WHERE outcome <> 'refused' AND decision_state = 'decided')",
        ),
        sum(
            "refused",
            "Refused",
            "calls that were not allowed to run",
            Unit::Count,
            "count(*) FILTER (WHERE outcome = 'refused')",
        ),
        mean(
            "refusal_share",
            "Refusal rate",
            "refused calls of those decided on",
            Unit::Share,
            "CAST(count(*) FILTER (WHERE outcome = 'refused' AND decision_state = 'decided') AS DOUBLE)
             / nullif(count(*) FILTER (WHERE decision_state = 'decided'), 0)",
        ),
        sum(
            "by_person",
            "By a person",
            "calls that a person decided on",
            Unit::Count,
            "count(*) FILTER (WHERE decided_by = 'person')",
        ),
        sum(
            "by_settings",
            "By settings",
            "calls that the settings decided on",
            Unit::Count,
            "count(*) FILTER (WHERE decided_by = 'settings')",
        ),
        sum(
            "by_hook",
            "By a hook",
            "calls that a hook decided on",
            Unit::Count,
            "count(*) FILTER (WHERE decided_by = 'hook')",
        ),
        sum(
            "standing_grants",
            "Standing grants",
            "calls that may run because of the settings or of a decision for good",
            Unit::Count,
            "count(*) FILTER (WHERE is_standing_grant)",
        ),
        sum(
            "without_decision",
            "Without a decision",
            "calls that ran although no decision was reported by a client that reports them",
            Unit::Count,
            "count(*) FILTER (WHERE decision_state = 'without_decision' AND outcome IN ('succeeded', 'failed', 'unknown'))",
        ),
        sum(
            "not_reported",
            "Not reported",
            "calls of clients that are not known to report decisions",
            Unit::Count,
            "count(*) FILTER (WHERE decision_state = 'not_reported')",
        ),
        mean(
            "mean_time_to_approve_ms",
            "Time to approve",
            "how long a person took to decide, the mean",
            Unit::Ms,
            "avg(time_to_approve_ms)",
        ),
        other(
            "p50_time_to_approve_ms",
            "Time to approve, p50",
            "how long a person took to decide; approximate (t-digest)",
            Unit::Ms,
            "approx_percentile_cont(CAST(time_to_approve_ms AS DOUBLE), 0.5)",
        ),
        greatest(
            "longest_time_to_approve_ms",
            "Longest",
            "the longest that a person took to decide",
            Unit::Ms,
            "max(time_to_approve_ms)",
        ),
        distinct(
            "people",
            "People",
            "distinct people for whom tools were called",
            Unit::Count,
            "count(DISTINCT person)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "changes of the permission mode",
            why: "they are no decision on a call; see the events permission_mode_changed",
            rows: "SELECT * FROM events WHERE event = 'permission_mode_changed'",
        },
        COPIES,
    ],
    source: Source::Rows("tool_calls"),
};

const DECIDED_BY: Dimension = dimension(
    "decided_by",
    "Decided by",
    "person, hook or settings; empty: nobody, as far as is known",
    "decided_by",
);
const DECISION: Dimension = dimension("decision", "Decision", "accept or reject", "decision");
const DECISION_SOURCE: Dimension = dimension(
    "decision_source",
    "Source",
    "config, hook, user_permanent, user_temporary, user_abort or user_reject",
    "decision_source",
);
const DECISION_STATE: Dimension = dimension(
    "decision_state",
    "State",
    "decided, without_decision or not_reported",
    "decision_state",
);
const APPROVED_BY: Dimension = dimension(
    "approved_by",
    "Approved by",
    "who allowed it: person, hook or settings; empty: it was refused, or nobody is known",
    "approved_by",
);
const MODE: Dimension = dimension(
    "permission_mode",
    "Mode",
    "the permission mode of the client",
    "permission_mode",
);
const TOOL_OR_MCP: Dimension = dimension(
    "tool",
    "Tool",
    "the tool; of a connector server/tool, where the client says so",
    "tool",
);
const KIND: Dimension = dimension(
    "tool_kind",
    "Kind",
    "builtin, mcp, agent or skill",
    "tool_kind",
);
