//! Skills and plugins: who uses them, and what they cost.

use crate::catalogue::dimensions::{
    APP_VERSION, COST_CENTER, DAY, DEPARTMENT, MONTH, PERSON, PRODUCT, TEAM, WEEK, dimension,
};
use crate::catalogue::exclusions::{COPIES, REPEATED_POINTS};
use crate::catalogue::measures::{distinct, sum};
use crate::catalogue::report::{Dimension, Exclusion, Report, Source, Unit};

pub(super) static SKILLS: Report = Report {
    name: "skills",
    title: "Skills and plugins",
    about: "Which skills and plugins are installed, loaded and used, by how many people, and what do they cost?",
    definition: "Activations are skill_activated events: those by a person's slash command, by the model itself and by other skills. \
        Loads and installations are of plugins. The cost is that of the requests whose client puts them down to a skill or a plugin, \
        or of its cost metric where it sends metrics only. Skills that people made are all called custom_skill unless the client was \
        told to send details.",
    signals: &[
        "skill_activated, plugin_loaded and plugin_installed events",
        "api_request events with a skill or a plugin",
        "claude_code.cost.usage with a skill or a plugin, of sessions without request events",
    ],
    dimensions: &[
        SKILL_NAME,
        PLUGIN_NAME,
        TRIGGER,
        MARKETPLACE,
        PERSON,
        TEAM,
        DEPARTMENT,
        COST_CENTER,
        PRODUCT,
        APP_VERSION,
        DAY,
        WEEK,
        MONTH,
    ],
    usual_group_by: &["skill_name", "plugin_name"],
    measures: &[
        sum(
            "activations",
            "Activations",
            "times that a skill was activated",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'skill_activated')",
        ),
        sum(
            "loads",
            "Loads",
            "times that a client loaded the plugin",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'plugin_loaded')",
        ),
        sum(
            "installations",
            "Installations",
            "times that the plugin was installed",
            Unit::Count,
            "count(*) FILTER (WHERE kind = 'plugin_installed')",
        ),
        sum(
            "cost_usd",
            "Cost",
            "of the requests for it, US dollars at list price",
            Unit::Usd,
            "coalesce(sum(cost_usd), 0)",
        ),
        sum(
            "requests",
            "Requests",
            "successful requests to a model for it",
            Unit::Count,
            "coalesce(sum(requests), 0)",
        ),
        distinct(
            "people",
            "People",
            "distinct people who used it: activated it, or made requests for it",
            Unit::Count,
            "count(DISTINCT CASE WHEN kind IN ('skill_activated', 'usage') THEN person END)",
        ),
        distinct(
            "sessions",
            "Sessions",
            "distinct sessions in which it was used or loaded",
            Unit::Count,
            "count(DISTINCT session_id)",
        ),
    ],
    exclusions: &[
        Exclusion {
            what: "requests that are for no skill and no plugin",
            why: "the client does not put them down to one",
            rows: "SELECT * FROM usage WHERE skill_name IS NULL AND plugin_name IS NULL",
        },
        REPEATED_POINTS,
        COPIES,
    ],
    source: Source::Rows(ROWS),
};

const ROWS: &str = "
SELECT time, person, team, department, cost_center, product, app_version, session_id, skill_name, plugin_name,
       event AS kind, attribute(attributes, 'invocation_trigger') AS invocation_trigger,
       attribute(attributes, 'marketplace.name') AS marketplace, CAST(NULL AS DOUBLE) AS cost_usd, 0 AS requests
FROM events WHERE event IN ('skill_activated', 'plugin_loaded', 'plugin_installed')
UNION ALL
SELECT time, person, team, department, cost_center, product, app_version, session_id, skill_name, plugin_name,
       'usage' AS kind, CAST(NULL AS VARCHAR) AS invocation_trigger, CAST(NULL AS VARCHAR) AS marketplace, cost_usd, requests
FROM usage WHERE skill_name IS NOT NULL OR plugin_name IS NOT NULL";

const SKILL_NAME: Dimension = dimension(
    "skill_name",
    "Skill",
    "the skill; empty: of a plugin alone",
    "skill_name",
);
const PLUGIN_NAME: Dimension = dimension(
    "plugin_name",
    "Plugin",
    "the plugin; empty: the skill is of none",
    "plugin_name",
);
const TRIGGER: Dimension = dimension(
    "invocation_trigger",
    "Trigger",
    "user-slash, claude-proactive or nested-skill; of activations",
    "invocation_trigger",
);
const MARKETPLACE: Dimension = dimension(
    "marketplace",
    "Marketplace",
    "where the plugin is from; of events",
    "marketplace",
);
