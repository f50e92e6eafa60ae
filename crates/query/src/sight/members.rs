//! `_members(json, has_names)`: the members of a JSON object that give nothing away.
//!
//! Anybody may send any attribute, so members are shown by name, not hidden by name.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::scalar::ScalarValue;
use serde_json::{Map, Value};

/// Longer texts are no words of a vocabulary.
const TEXT_BYTES_MAX: usize = 256;

/// Members whose values are numbers, switches or words of a vocabulary.
const PLAIN: &[&str] = &[
    // Of resources.
    "service.name",
    "service.version",
    "os.type",
    "os.version",
    "host.arch",
    "project",
    "vcs.repository.name",
    "vcs.provider.name",
    "vcs.ref.head.type",
    // Of items.
    "additional_context_chars",
    "agent.source",
    "agent_path_count",
    "anthropic.provider",
    "bash_command_class",
    "command_path_count",
    "command_source",
    "enabled_via",
    "error_class",
    "error_code",
    "event.name",
    "event.timestamp",
    "final_model",
    "first_content_ms",
    "from_mode",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.response.finish_reasons",
    "gen_ai.system",
    "has_category",
    "has_explanation",
    "has_hooks",
    "has_mcp",
    "hook_event",
    "hook_name",
    "hook_source",
    "hook_type",
    "host_owned_mcp",
    "initial_user_message_chars",
    "interaction.duration_ms",
    "interaction.sequence",
    "invocation_trigger",
    "is_async",
    "is_built_in",
    "is_plugin",
    "language",
    "llm_request.context",
    "managed_only",
    "managed_settings.helper.applied",
    "managed_settings.helper.state",
    "managed_settings.source_behavior",
    "managed_settings.sources",
    "managed_settings.trigger",
    "marketplace.name",
    "mcp_server_scope",
    "mention_type",
    "model_swapped",
    "num_blocking",
    "num_cancelled",
    "num_hooks",
    "num_non_blocking_error",
    "num_outputs_persisted",
    "num_success",
    "parent.source",
    "plugin.scope",
    "plugin_id_hash",
    "post_tokens",
    "pre_tokens",
    "precompute_reuse",
    "query_source_safe",
    "queued_sends",
    "safe_mode",
    "server_fallback_hop",
    "server_scope",
    "skill.source",
    "skill_path_count",
    "span.type",
    "start_type",
    "status",
    "stdout_chars",
    "stop_reason",
    "system_message_chars",
    "to_mode",
    "tool_name_safe",
    "total_attempts",
    "total_duration_ms",
    "total_retry_duration_ms",
    "total_tokens",
    "total_tool_uses",
    "transport_type",
    "trigger",
];

/// Members that say who or where somebody is.
const NAMING: &[&str] = &[
    "anthropic.custom_base_url",
    "device.id",
    "enduser.id",
    "host.id",
    "host.name",
    "process.owner",
    "service.instance.id",
    "user.account_id",
    "user.account_uuid",
    "user.email",
    "user.id",
    "user.name",
    "vcs.ref.head.name",
    "vcs.ref.head.revision",
    "vcs.repository.url.full",
    "workspace.host_paths",
];

/// The function.
pub(super) fn members() -> ScalarUDF {
    create_udf(
        "_members",
        vec![DataType::Utf8View, DataType::Boolean],
        DataType::Utf8View,
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let [
                json,
                ColumnarValue::Scalar(ScalarValue::Boolean(Some(has_names))),
            ] = arguments
            else {
                let why = "_members takes a text and a literal";
                return Err(DataFusionError::Internal(why.into()));
            };
            let array = ColumnarValue::values_to_arrays(std::slice::from_ref(json))?;
            let shown = shown(as_string_view_array(&array[0])?, *has_names);
            Ok(ColumnarValue::Array(Arc::new(shown)))
        }),
    )
}

fn shown(objects: &StringViewArray, has_names: bool) -> StringViewArray {
    // Few objects are many rows'.
    let mut known: HashMap<u128, Option<String>, foldhash::fast::RandomState> = HashMap::default();
    let rows = (0..objects.len()).map(|row| {
        if objects.is_null(row) {
            return None;
        }
        let view = objects.views()[row];
        let of = || without_the_rest(objects.value(row), has_names);
        known.entry(view).or_insert_with(of).clone()
    });
    rows.collect()
}

/// `None` for what is no object.
fn without_the_rest(object: &str, has_names: bool) -> Option<String> {
    let mut members: Map<String, Value> = serde_json::from_str(object).ok()?;
    members.retain(|name, value| is_shown(name, value, has_names));
    serde_json::to_string(&members).ok()
}

fn is_shown(name: &str, value: &Value, has_names: bool) -> bool {
    let is_known = PLAIN.contains(&name) || (has_names && NAMING.contains(&name));
    let is_word = match value {
        Value::String(text) => text.len() <= TEXT_BYTES_MAX,
        Value::Array(_) | Value::Object(_) => false,
        _ => true,
    };
    is_known && is_word
}

#[cfg(test)]
mod tests {
    use super::without_the_rest;

    #[test]
    fn members_are_shown_by_name() {
        let object =
            r#"{"host.name":"anns","odd":"secret","os.type":"linux","status":{"odd":"secret"}}"#;
        let of = |has_names| without_the_rest(object, has_names).expect("an object");
        assert_eq!(of(false), r#"{"os.type":"linux"}"#);
        assert_eq!(of(true), r#"{"host.name":"anns","os.type":"linux"}"#);
        assert_eq!(without_the_rest("secret", true), None);
        assert_eq!(without_the_rest("[\"secret\"]", true), None);
    }
}
