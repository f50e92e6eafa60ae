//! What several reports can be broken down by.

use super::report::Dimension;

macro_rules! dimensions {
    ($($id:ident $name:literal $title:literal $about:literal $sql:literal;)+) => {
        $(pub(super) const $id: Dimension = Dimension { name: $name, title: $title, about: $about, sql: $sql };)+
    };
}

dimensions! {
    PERSON "person" "Person" "who it was, as far as is known; empty: unattributed" "person";
    TEAM "team" "Team" "the person's team" "team";
    DEPARTMENT "department" "Department" "the person's department" "department";
    COST_CENTER "cost_center" "Cost centre" "who is charged" "cost_center";
    ORGANIZATION "organization_id" "Organisation" "the vendor's id of the organisation" "organization_id";
    PRODUCT "product" "Product" "claude-code, cowork, or another agent" "product";
    APP_VERSION "app_version" "Client version" "the version of the client" "app_version";
    MODEL "model" "Model" "the model by its canonical name" "_model(model)";
    QUERY_CATEGORY "query_category" "Part of the agent" "main, subagent or auxiliary" "query_category";
    SPEED "speed" "Speed" "normal or fast" "speed";
    EFFORT "effort" "Effort" "how hard the model was told to think" "effort";
    AGENT "agent_name" "Subagent" "the kind of subagent" "agent_name";
    SKILL "skill_name" "Skill" "the skill it was done for" "skill_name";
    PLUGIN "plugin_name" "Plugin" "the plugin it was done for" "plugin_name";
    MCP_SERVER "mcp_server_name" "MCP server" "the connector" "mcp_server_name";
    DAY "day" "Day" "the day, in the time zone that is asked for" "to_char(date_trunc('day', {local}), '%Y-%m-%d')";
    WEEK "week" "Week" "the Monday that the week begins with" "to_char(date_trunc('week', {local}), '%Y-%m-%d')";
    MONTH "month" "Month" "the month" "to_char(date_trunc('month', {local}), '%Y-%m')";
}
