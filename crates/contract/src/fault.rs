//! Known faults of clients, as dated data: which releases have them, and what to do about it.
//!
//! Invariant: a client is said to have a fault only if the release that ended it, or the last one that
//! has it, is known. Faults without a known end are told to people who look for a reason, not held
//! against every client.

use crate::version::is_version_before;

/// Claude Code and what is built around it: their versions are Claude Code's.
const FAMILY: &[&str] = &["claude-code", "claude-code-desktop", "cowork"];

/// A known fault of a client.
#[derive(Clone, Copy, Debug)]
pub struct ClientFault {
    /// Its name, as `coverage.known_faults` shows it.
    pub id: &'static str,
    /// The products that have it.
    pub products: &'static [&'static str],
    /// The first release that has it, where that is known.
    pub first: Option<&'static str>,
    /// When it ends.
    pub until: Until,
    /// What is wrong.
    pub what: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// When this was written down, as a date.
    pub noted: &'static str,
}

/// When a fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// This release no longer has it.
    Before(&'static str),
    /// This is the last release that is known to have it.
    Through(&'static str),
    /// Nobody knows.
    Unknown,
}

/// All known faults, by the release that ended them.
pub const CLIENT_FAULTS: &[ClientFault] = &[
    fault(
        "no-sequence",
        Until::Through("2.0.76"),
        "events carry neither a sequence number nor a prompt id: lost events cannot be noticed, and nothing joins what one prompt caused",
        "upgrade",
    ),
    fault(
        "commands-always-sent",
        Until::Through("2.0.76"),
        "the full text of shell commands and of errors is sent, whatever the settings of content say",
        "upgrade; until then treat these fields as sensitive",
    ),
    fault(
        "no-session-metrics-in-print-mode",
        Until::Through("2.0.76"),
        "`claude -p` sends no session count and no active time",
        "count sessions from events",
    ),
    fault(
        "no-tool-use-id",
        Until::Before("2.1.119"),
        "tool calls have no id: decision and result are matched by time and order",
        "upgrade where it matters who approved what; `join_inferred` marks these calls",
    ),
    fault(
        "no-decisions-in-print-mode",
        Until::Before("2.1.120"),
        "`claude -p` is not known to report decisions about tools",
        "upgrade; such calls are `not_reported`, not `without_decision`",
    ),
    ClientFault {
        first: Some("2.1.126"),
        ..fault(
            "foundry-no-requests",
            Until::Through("2.1.126"),
            "on Microsoft Foundry `api_request` is not sent: cost and tokens are missing from events",
            "upgrade; `usage` serves such sessions from metrics",
        )
    },
    fault(
        "environment-inherited",
        Until::Before("2.1.128"),
        "programs that the agent starts inherit its OTEL_ variables, and may report to the same endpoint",
        "upgrade, or expect items of unknown products",
    ),
    fault(
        "metrics-inflated",
        Until::Before("2.1.214"),
        "metrics of cost and tokens count some answers several times",
        "rely on events; `usage` marks what is served from these metrics",
    ),
    fault(
        "endpoint-overridable",
        Until::Before("2.1.217"),
        "a person's own settings for one signal go before the managed endpoint: telemetry may go elsewhere",
        "upgrade, and set the endpoint in managed settings",
    ),
    fault(
        "mcp-attributes-over-set",
        Until::Before("2.1.222"),
        "metrics name an MCP server and tool on work that was not theirs",
        "attribute cost to MCP servers by events only",
    ),
    fault(
        "project-settings-enable-content",
        Until::Before("2.1.282"),
        "settings of a project may turn the capture of content on",
        "upgrade, or forbid content in managed settings",
    ),
    fault(
        "silent-exporter",
        Until::Unknown,
        "some releases from 2.1.113 on are said to export nothing over OTLP (issue 71312), and so is Cowork (issue 39471)",
        "compare with the roster: who should report and does not",
    ),
    ClientFault {
        products: &["claude-code-desktop", "cowork"],
        ..fault(
            "odd-double",
            Until::Unknown,
            "Desktop may send `{\"doubleValue\":{}}`, for which strict collectors refuse the whole batch, and the client drops it",
            "send to Tallybook directly, or let no strict collector stand before it",
        )
    },
];

const fn fault(
    id: &'static str,
    until: Until,
    what: &'static str,
    remedy: &'static str,
) -> ClientFault {
    ClientFault {
        id,
        products: FAMILY,
        first: None,
        until,
        what,
        remedy,
        noted: "2026-11-28",
    }
}

/// The faults that a release of a product is known to have.
pub fn known_faults<'a>(
    product: &'a str,
    version: &'a str,
) -> impl Iterator<Item = &'static ClientFault> + 'a {
    CLIENT_FAULTS
        .iter()
        .filter(move |fault| fault.products.contains(&product) && fault.is_in(version))
}

impl ClientFault {
    /// Whether a release is known to have it.
    pub fn is_in(&self, version: &str) -> bool {
        let has_begun = self
            .first
            .is_none_or(|first| !is_version_before(version, first));
        let has_not_ended = match self.until {
            Until::Before(fixed) => is_version_before(version, fixed),
            // A version that is not made of numbers is not known to have anything.
            Until::Through(last) => {
                is_version_before(version, last) || is_version_before(version, &after(last))
            }
            Until::Unknown => false,
        };
        has_begun && has_not_ended
    }
}

/// The version right after another: only pre-releases of it lie between.
fn after(version: &str) -> String {
    format!("{version}.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(product: &str, version: &str) -> Vec<&'static str> {
        known_faults(product, version)
            .map(|fault| fault.id)
            .collect()
    }

    #[test]
    fn a_release_has_the_faults_of_its_time() {
        assert_eq!(ids("claude-code", "2.1.329"), [""; 0]);
        assert_eq!(ids("claude-code", "2.1.282"), [""; 0]);
        assert_eq!(
            ids("cowork", "2.1.214"),
            [
                "endpoint-overridable",
                "mcp-attributes-over-set",
                "project-settings-enable-content"
            ]
        );
        assert!(ids("claude-code", "2.1.126").contains(&"foundry-no-requests"));
        for other in ["2.1.125", "2.1.127"] {
            assert!(!ids("claude-code", other).contains(&"foundry-no-requests"));
        }
        for (version, expect) in [
            ("1.0.128", true),
            ("2.0.76", true),
            ("2.0.77", false),
            ("2.1.0", false),
        ] {
            let has = ids("claude-code", version).contains(&"no-sequence");
            assert_eq!(has, expect, "{version}");
        }
    }

    #[test]
    fn nobody_is_accused_without_knowledge() {
        for (product, version) in [
            ("codex", "0.142.4"),
            ("claude-code", ""),
            ("claude-code", "unknown"),
        ] {
            assert_eq!(ids(product, version), [""; 0], "{product} {version}");
        }
    }

    #[test]
    fn ids_are_unique_and_dated() {
        let mut ids: Vec<_> = CLIENT_FAULTS.iter().map(|fault| fault.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CLIENT_FAULTS.len());
        assert!(CLIENT_FAULTS.iter().all(|fault| fault.noted.len() == 10));
    }

    #[test]
    fn the_guide_lists_them_all() {
        let guide = include_str!("../../../docs/coverage.md");
        for fault in CLIENT_FAULTS {
            let releases = match (fault.first, fault.until) {
                (Some(first), Until::Through(last)) => format!("{first} to {last}"),
                (_, Until::Through(last)) => format!("to {last}"),
                (_, Until::Before(fixed)) => format!("before {fixed}"),
                (_, Until::Unknown) => "unknown".to_owned(),
            };
            let row = format!("| `{}` | {releases}", fault.id);
            let row = guide.lines().find(|line| line.starts_with(&row));
            let rest = format!("| {} | {} |", fault.what, fault.remedy);
            let is_whole = row.is_some_and(|row| row.ends_with(&rest));
            assert!(is_whole, "{} in docs/coverage.md", fault.id);
        }
        let rows = guide.lines().filter(|line| line.starts_with("| `"));
        let faults = rows.filter(|row| CLIENT_FAULTS.iter().any(|fault| row.contains(fault.id)));
        assert_eq!(faults.count(), CLIENT_FAULTS.len());
    }
}
