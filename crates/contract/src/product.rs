//! Products and event names.
//!
//! The family is known by scope or body, the product by `service.name`, then by the entry point.

/// Scope names of the Claude Code family start with this.
const FAMILY_SCOPE: &str = "com.anthropic.claude_code";

/// The product of an item: `claude-code`, `cowork`, `claude-code-desktop`, `claude-desktop`,
/// `office-agent`, another agent's own service name, or `unknown`.
///
/// `service_name` is empty when the resource has none.
pub fn product<'a>(service_name: &'a str, scope_name: &str, entrypoint: Option<&str>) -> &'a str {
    match service_name {
        "claude-code" | "cowork" | "claude-code-desktop" | "claude-desktop" | "office-agent" => {
            service_name
        }
        "claude_code" => "claude-code",
        "claude-cowork" => "cowork",
        "codex_exec" | "codex-cli" | "codex_tui" | "codex_cli_rs" => "codex",
        _ if scope_name.starts_with(FAMILY_SCOPE) => match entrypoint {
            Some("local-agent") => "cowork",
            Some("claude-desktop" | "claude-desktop-3p") => "claude-code-desktop",
            _ => "claude-code",
        },
        "" | "unknown_service" => "unknown",
        other => other,
    }
}

/// The event name without its product prefix: `claude_code.api_request` is `api_request`.
pub fn event_name(raw: &str) -> &str {
    raw.strip_prefix("claude_code.")
        .or_else(|| raw.strip_prefix("cowork."))
        .unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products() {
        for (service, scope, entrypoint, expect) in [
            (
                "claude-code",
                "com.anthropic.claude_code.events",
                None,
                "claude-code",
            ),
            ("cowork", "com.anthropic.claude_code.events", None, "cowork"),
            (
                "my-build-agent",
                "com.anthropic.claude_code.events",
                Some("sdk-ts"),
                "claude-code",
            ),
            (
                "",
                "com.anthropic.claude_code",
                Some("local-agent"),
                "cowork",
            ),
            ("gemini-cli", "gemini-cli", None, "gemini-cli"),
            ("codex-cli", "codex_otel", None, "codex"),
            ("", "", None, "unknown"),
        ] {
            assert_eq!(
                product(service, scope, entrypoint),
                expect,
                "{service} {scope}"
            );
        }
    }

    #[test]
    fn event_names_lose_their_prefix_once() {
        assert_eq!(event_name("claude_code.api_request"), "api_request");
        assert_eq!(event_name("cowork.tool_result"), "tool_result");
        assert_eq!(event_name("codex.tool_result"), "codex.tool_result");
        assert_eq!(event_name("claude_code.cowork.x"), "cowork.x");
    }
}
