//! The views that people query: stable names, the same in SQL, API, UI and exports.
//!
//! Whose an item is, is resolved (`people.rs` of the crate).
//!
//! | file | what is in it |
//! |---|---|
//! | `copies.rs` | what two collectors forward, counted once |
//! | `ledger.rs` | what each request costs; the cost of an event |
//! | `people.rs` | whose an item is; the people and the roster |
//! | `coverage.rs` | who reports, how completely, and who has gone silent |
//! | `tool_calls.rs` | decisions and results of tools, joined |
//! | `active.rs` | who was active, of sums of parts |
//! | `by_hour.rs` | `usage` of sums of parts |
//! | `usage.rs` | cost and tokens of all clients, whichever signal they send |
//! | `reconciliation.rs` | events against metrics |

mod active;
mod by_hour;
mod copies;
mod coverage;
mod ledger;
mod people;
mod reconciliation;
mod tool_calls;
mod usage;

pub(crate) use active::{WORK_EVENTS, WORK_METRICS, active, active_by_hour, active_of};
pub(crate) use by_hour::{
    below_usage, digest, digested, items_by_hour, loose, mixed, sums, sums_by_hour, usage_by_hour,
};
pub(crate) use copies::compared;
pub(crate) use ledger::PROJECT;
use store::{Snapshot, Table};
pub(crate) use tool_calls::{NOT_KEPT, kept_calls, seen_calls, tool_calls_of_kept};

pub(crate) use people::ROSTER;

use crate::people::PeopleFiles;

/// One view.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Its name in SQL.
    pub name: &'static str,
    /// What one row is.
    pub about: &'static str,
    /// The views and tables it reads.
    pub(crate) reads: &'static [&'static str],
    body: Body,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    /// A table without its hidden columns, with the person.
    Visible(Table),
    Sql(&'static str),
    /// The events that the others leave out.
    Copies,
    /// Put together from parts that other views share.
    Built(fn() -> String),
    /// The same; a row is of events that lie near its time, so that a range of time is handed down. With
    /// `false` without the columns that are named, for questions that ask for none of them.
    Around(fn(bool) -> String, &'static [&'static str]),
}

/// All views.
pub const VIEWS: &[View] = &[
    View {
        name: "events",
        about: "one log record",
        reads: &["_events"],
        body: Body::Visible(Table::Events),
    },
    View {
        name: "metrics",
        about: "one metric data point; value is its increment",
        reads: &["_metrics"],
        body: Body::Visible(Table::Metrics),
    },
    View {
        name: "spans",
        about: "one span",
        reads: &["_spans"],
        body: Body::Visible(Table::Spans),
    },
    View {
        name: "quarantine",
        about: "one item that could not be understood, as it came",
        reads: &["_quarantine"],
        body: Body::Visible(Table::Quarantine),
    },
    View {
        name: "api_requests",
        about: "one successful request to the model",
        reads: &["events"],
        body: Body::Sql(API_REQUESTS),
    },
    View {
        name: "ledger",
        about: "one successful request to the model: what it costs, and what that rests on",
        reads: &["events"],
        body: Body::Built(ledger::ledger),
    },
    View {
        name: "usage",
        about: "cost and tokens of all clients: a request, or a data point of a client that sends metrics only",
        reads: &["events", "metrics", "ledger"],
        body: Body::Built(usage::usage),
    },
    View {
        name: "reconciliation",
        about: "one measure of one session, model and category: events against metrics",
        reads: &["events", "metrics", "ledger"],
        body: Body::Built(reconciliation::reconciliation),
    },
    View {
        name: "api_errors",
        about: "one request to the model that failed for good",
        reads: &["events"],
        body: Body::Sql(API_ERRORS),
    },
    View {
        name: "tool_calls",
        about: "one tool call: its decision joined with its result",
        reads: &["events"],
        body: Body::Around(tool_calls::tool_calls, tool_calls::OF_ANSWERS),
    },
    View {
        name: "prompts",
        about: "everything with one prompt.id, summed up",
        reads: &["events"],
        body: Body::Sql(PROMPTS),
    },
    View {
        name: "sessions",
        about: "one session, summed up",
        reads: &["events"],
        body: Body::Sql(SESSIONS),
    },
    View {
        name: "users",
        about: "one person, summed up",
        reads: &["events"],
        body: Body::Sql(USERS),
    },
    View {
        name: "people",
        about: "one person: by which ids they are known, where they belong, when they were seen",
        reads: &["events", "metrics", "spans", "roster"],
        body: Body::Built(people::people),
    },
    View {
        name: "roster",
        about: "one row of the roster file: who is expected",
        reads: &[ROSTER],
        body: Body::Sql(people::EXPECTED),
    },
    View {
        name: "copies",
        about: "one event that no other view counts: another collector forwarded it first",
        reads: &["_events"],
        body: Body::Copies,
    },
    View {
        name: "coverage",
        about: "one client of one person: last seen, silence, gaps, what is missing, known faults",
        reads: &["events", "metrics", "spans", "quarantine", "roster"],
        body: Body::Built(coverage::coverage),
    },
];

impl View {
    /// The view of that name.
    pub fn find(name: &str) -> Option<&'static View> {
        VIEWS.iter().find(|view| view.name == name)
    }

    /// Of a view whose rows are of events that lie near their time: its definition with less to read, and
    /// the columns that say nothing in it.
    pub(crate) fn narrower(&self) -> Option<(String, &'static [&'static str])> {
        match self.body {
            Body::Around(build, without) => Some((build(false), without)),
            _ => None,
        }
    }

    /// Whether it lies on a table and on nothing else.
    pub(crate) fn is_on(&self, table: Table) -> bool {
        self.reads == [format!("_{}", table.name()).as_str()]
    }

    /// Whether it is of rows that no other view counts, too.
    pub(crate) fn is_of_copies(&self) -> bool {
        matches!(self.body, Body::Copies)
    }

    /// Its definition over a snapshot.
    /// `looks` says of which tables copies must be looked for.
    pub(crate) fn sql(
        &self,
        snapshot: &Snapshot,
        files: &PeopleFiles,
        looks: impl Fn(Table) -> bool,
    ) -> String {
        match self.body {
            Body::Sql(sql) => sql.to_owned(),
            Body::Built(build) => build(),
            Body::Around(build, _) => build(true),
            Body::Visible(table) => visible(table, looks(table), files),
            Body::Copies => copies(snapshot, files),
        }
    }
}

fn visible(table: Table, looks: bool, files: &PeopleFiles) -> String {
    visible_of(table, &copies::once(table, looks), Some(files))
}

/// The view of a table over rows of it that are no copies.
fn visible_over(table: Table, rows: &str, files: &PeopleFiles) -> String {
    visible_of(table, rows, Some(files))
}

/// The same of all rows of the table, with people as they were sent.
fn as_sent(table: Table) -> String {
    visible_of(table, &format!("_{}", table.name()), None)
}

fn visible_of(table: Table, rows: &str, files: Option<&PeopleFiles>) -> String {
    let schema = table.schema();
    let shown = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| {
            let only_of_metrics = *name == "type" && table != Table::Metrics;
            !table.hidden().contains(name) && !only_of_metrics
        });
    let column = |name: &str| match (table, name, files) {
        (Table::Events, "cost_usd", _) => ledger::event_cost(),
        (_, "team" | "department" | "cost_center", Some(files)) => people::unit(name, files),
        _ => format!("\"{name}\""),
    };
    let columns: Vec<String> = shown.map(column).collect();
    let person = match (table, files) {
        (Table::Quarantine, _) => String::new(),
        (_, Some(files)) => format!(", {}, {}", people::person(files), people::CLIENT_UNITS),
        (_, None) => format!(", {}, {}", people::NOBODY, people::CLIENT_UNITS),
    };
    format!("SELECT {}{person} FROM {rows}", columns.join(", "))
}

fn copies(snapshot: &Snapshot, files: &PeopleFiles) -> String {
    let set_aside = copies::set_aside(snapshot.split_sessions(Table::Events).is_some());
    format!(
        "SELECT time, received_at, product, {}, event, session_id, sequence, prompt_id, request_id, tool_use_id,
                resource, counted_resource, {} FROM {set_aside}",
        people::name(files),
        people::basis(files),
    )
}

const API_REQUESTS: &str = "
SELECT time, received_at, product, person, session_id, sequence, prompt_id, user_id, user_email, user_account_uuid,
       user_account_id, organization_id, terminal_type, app_version, team, department, cost_center,
       model, query_source, speed, effort, request_id, client_request_id, cost_usd, client_cost_usd, input_tokens,
       output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens,
       duration_ms, ttft_ms, agent_name, agent_id, skill_name, plugin_name, mcp_server_name, mcp_tool_name,
       trace_id, span_id, resource, attributes
FROM events WHERE event = 'api_request'";

const API_ERRORS: &str = "
SELECT time, received_at, product, person, session_id, sequence, prompt_id, user_email, organization_id, app_version,
       team, department, cost_center, model, query_source, speed, effort, request_id, status_code, attempt,
       error, error_type, duration_ms, agent_name, agent_id, attributes
FROM events WHERE event = 'api_error'";

const PROMPTS: &str = "
SELECT prompt_id, max(session_id) AS session_id, max(person) AS person, max(product) AS product,
       min(time) AS time, max(time) AS end_time,
       max(CASE WHEN event = 'user_prompt' THEN prompt END) AS prompt, max(prompt_length) AS prompt_length,
       max(prompt_kind) AS prompt_kind, max(team) AS team, max(cost_center) AS cost_center,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cost_usd END), 0) AS cost_usd,
       sum(CASE WHEN event = 'api_request' THEN 1 ELSE 0 END) AS requests,
       coalesce(sum(CASE WHEN event = 'api_request' THEN input_tokens END), 0) AS input_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN output_tokens END), 0) AS output_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cache_read_tokens END), 0) AS cache_read_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cache_creation_tokens END), 0) AS cache_creation_tokens,
       sum(CASE WHEN event = 'tool_result' OR (event = 'tool_decision' AND decision = 'reject') THEN 1 ELSE 0 END) AS tool_calls,
       sum(CASE WHEN event = 'tool_result' AND success = false THEN 1 ELSE 0 END) AS tool_failures,
       sum(CASE WHEN event = 'tool_decision' AND decision = 'reject' THEN 1 ELSE 0 END) AS tool_rejections,
       sum(CASE WHEN event = 'api_error' THEN 1 ELSE 0 END) AS errors, count(*) AS events
FROM events WHERE prompt_id IS NOT NULL GROUP BY prompt_id";

const SESSIONS: &str = "
SELECT session_id, max(person) AS person, max(product) AS product, max(app_version) AS app_version,
       max(terminal_type) AS terminal_type, max(team) AS team, max(department) AS department,
       max(cost_center) AS cost_center, min(time) AS time, max(time) AS end_time,
       sum(CASE WHEN event = 'user_prompt' THEN 1 ELSE 0 END) AS prompts,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cost_usd END), 0) AS cost_usd,
       sum(CASE WHEN event = 'api_request' THEN 1 ELSE 0 END) AS requests,
       coalesce(sum(CASE WHEN event = 'api_request' THEN input_tokens END), 0) AS input_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN output_tokens END), 0) AS output_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cache_read_tokens END), 0) AS cache_read_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cache_creation_tokens END), 0) AS cache_creation_tokens,
       sum(CASE WHEN event = 'tool_result' OR (event = 'tool_decision' AND decision = 'reject') THEN 1 ELSE 0 END) AS tool_calls,
       sum(CASE WHEN event = 'tool_result' AND success = false THEN 1 ELSE 0 END) AS tool_failures,
       sum(CASE WHEN event = 'tool_decision' AND decision = 'reject' THEN 1 ELSE 0 END) AS tool_rejections,
       sum(CASE WHEN event = 'api_error' THEN 1 ELSE 0 END) AS errors, count(*) AS events
FROM events GROUP BY session_id";

const USERS: &str = "
SELECT person, max(user_email) AS user_email, max(user_account_id) AS user_account_id, max(team) AS team,
       max(department) AS department, max(cost_center) AS cost_center, min(time) AS first_seen, max(time) AS last_seen,
       count(DISTINCT session_id) AS sessions,
       sum(CASE WHEN event = 'user_prompt' THEN 1 ELSE 0 END) AS prompts,
       coalesce(sum(CASE WHEN event = 'api_request' THEN cost_usd END), 0) AS cost_usd,
       sum(CASE WHEN event = 'api_request' THEN 1 ELSE 0 END) AS requests,
       coalesce(sum(CASE WHEN event = 'api_request' THEN input_tokens END), 0) AS input_tokens,
       coalesce(sum(CASE WHEN event = 'api_request' THEN output_tokens END), 0) AS output_tokens,
       sum(CASE WHEN event = 'tool_result' THEN 1 ELSE 0 END) AS tool_calls,
       sum(CASE WHEN event = 'api_error' THEN 1 ELSE 0 END) AS errors
FROM events GROUP BY person";
