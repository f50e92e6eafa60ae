//! Which folders of their machines people share with the agent.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, MONTH, ORGANIZATION, PERSON, PRODUCT, SESSION, TEAM,
    WEEK, dimension,
};
use crate::catalogue::exclusions::METRICS_ONLY;
use crate::catalogue::measures::{distinct, greatest, least};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static WORKSPACES: Report = Report {
    name: "workspaces",
    title: "Workspaces",
    about: "Which folders of the host were shared with the agent, by whom, in which sessions?",
    definition: "The paths in workspace.host_paths, which Cowork and Claude Desktop send with their events. An event that names several \
        paths counts for each of them, and once in the whole.",
    signals: &["events with workspace.host_paths"],
    dimensions: &[
        WORKSPACE,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        ORGANIZATION,
        PRODUCT,
        APP_VERSION,
        SESSION,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["workspace"],
    measures: &[
        distinct(
            "sessions",
            "Sessions",
            "distinct sessions with which it was shared",
            Unit::Count,
            "count(DISTINCT session_id)",
        ),
        distinct(
            "people",
            "People",
            "distinct people who shared it",
            Unit::Count,
            "count(DISTINCT person)",
        ),
        distinct(
            "workspaces",
            "Workspaces",
            "distinct paths",
            Unit::Count,
            "count(DISTINCT workspace)",
        ),
        distinct(
            "prompts",
            "Prompts",
            "distinct prompts during which it was shared",
            Unit::Count,
            "count(DISTINCT prompt_id)",
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
    exclusions: &[
        Exclusion {
            what: "events without workspace.host_paths",
            why: "their client shares no folders, or does not say which",
            rows: "SELECT * FROM events WHERE workspace_host_paths IS NULL",
        },
        METRICS_ONLY,
    ],
    source: Source::Rows(
        "SELECT time, person, team, department, cost_center, organization_id, product, app_version, session_id, prompt_id,
                unnest(_elements(workspace_host_paths)) AS workspace
         FROM events WHERE workspace_host_paths IS NOT NULL",
    ),
};

const WORKSPACE: Dimension = dimension(
    "workspace",
    "Workspace",
    "the path on the host",
    "workspace",
);
