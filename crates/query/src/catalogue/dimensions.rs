//! What several reports can be broken down by.

use super::report::Dimension;

macro_rules! dimensions {
    ($($id:ident $name:literal $title:literal $about:literal $sql:literal;)+) => {
        $(pub(super) const $id: Dimension = dimension($name, $title, $about, $sql);)+
    };
}

/// A dimension in one line.
pub(super) const fn dimension(
    name: &'static str,
    title: &'static str,
    about: &'static str,
    sql: &'static str,
) -> Dimension {
    Dimension {
        name,
        title,
        about,
        sql,
    }
}

dimensions! {
    PERSON "person" "Person" "who it was, as far as is known; empty: unattributed" "person";
    TEAM "team" "Team" "the person's team" "team";
    DEPARTMENT "department" "Department" "the person's department" "department";
    COST_CENTER "cost_center" "Cost centre" "who is charged" "cost_center";
    ORGANIZATION "organization_id" "Organisation" "the vendor's id of the organisation" "organization_id";
    PROJECT "project" "Project" "the repository as the client names it, else the attribute `project` of the resource" "project";
    PRODUCT "product" "Product" "claude-code, cowork, or another agent" "product";
    APP_VERSION "app_version" "Client version" "the version of the client" "app_version";
    TERMINAL "terminal_type" "Terminal" "the terminal that the client ran in" "terminal_type";
    FOLDERS "folders" "Shared folders" "the folders of the host that were shared with the agent, together; only Cowork and Claude Desktop say which" "nullif(replace(replace(replace(btrim(workspace_host_paths, '[]'), '\",\"', ', '), '\"', ''), '\\\\', '\\'), '')";
    SESSION "session_id" "Session" "the session" "session_id";
    MODEL "model" "Model" "the model by its canonical name" "_model(model)";
    QUERY_CATEGORY "query_category" "Part of the agent" "main, subagent or auxiliary" "query_category";
    SPEED "speed" "Speed" "normal or fast" "speed";
    EFFORT "effort" "Effort" "how hard the model was told to think" "effort";
    AGENT "agent_name" "Subagent" "the kind of subagent" "agent_name";
    SKILL "skill_name" "Skill" "the skill it was done for" "skill_name";
    PLUGIN "plugin_name" "Plugin" "the plugin it was done for" "plugin_name";
    MCP_SERVER "mcp_server_name" "MCP server" "the connector" "mcp_server_name";
    MCP_TOOL "mcp_tool_name" "MCP tool" "the tool of the connector" "mcp_tool_name";
    TOOL "tool_name" "Tool" "the tool as the client names it" "tool_name";
    SIGNAL "source" "Signal" "events or metrics" "source";
    COST_BASIS "cost_basis" "Basis" "client, recomputed or unpriced" "cost_basis";
    HOUR "hour" "Hour" "the hour of the day, 00 to 23, in the time zone that is asked for" "to_char({local}, '%H')";
    WEEKDAY "weekday" "Weekday" "the day of the week, 1 for Monday to 7" "to_char({local}, '%u')";
    DAY "day" "Day" "the day, in the time zone that is asked for" "CAST(CAST({local} AS DATE) AS VARCHAR)";
    WEEK "week" "Week" "the Monday that the week begins with" "to_char(date_trunc('week', {local}), '%Y-%m-%d')";
    MONTH "month" "Month" "the month" "to_char(date_trunc('month', {local}), '%Y-%m')";
}
