//! The reports, one file each.

mod activity;
mod adoption;
mod connectors;
mod cost;
mod coverage;
mod durations;
mod errors;
mod findings;
mod people;
mod performance;
mod permissions;
mod productivity;
mod prompts;
mod reconciliation;
mod retention;
mod sessions;
mod skills;
mod tokens;
mod tools;
mod workspaces;

pub(super) use adoption::since as adoption_since;

use super::report::Report;

/// All reports, in the order in which they are listed.
pub const REPORTS: &[&Report] = &[
    &cost::COST,
    &tokens::TOKENS,
    &people::PEOPLE,
    &adoption::ADOPTION,
    &retention::RETENTION,
    &sessions::SESSIONS,
    &prompts::PROMPTS,
    &activity::ACTIVITY,
    &productivity::PRODUCTIVITY,
    &tools::TOOLS,
    &permissions::PERMISSIONS,
    &connectors::CONNECTORS,
    &skills::SKILLS,
    &workspaces::WORKSPACES,
    &findings::FINDINGS,
    &errors::ERRORS,
    &performance::PERFORMANCE,
    &durations::DURATIONS,
    &coverage::COVERAGE,
    &reconciliation::RECONCILIATION,
];
