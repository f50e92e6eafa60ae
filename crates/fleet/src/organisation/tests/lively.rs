//! What people, their clients and their tasks are like can be recognised in what is sent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Timelike, Weekday};

use super::{END_MS, config, number, text};
use crate::organisation::calendar::{DAY_MS, HOUR_MS};
use crate::organisation::{ClientVersion, Config, Export, Life, Organisation, Surface, Variety};

/// Sixty people for four weeks, all of whom say who they are.
fn lively() -> Config {
    Config {
        people: 60,
        days: 28,
        variety: Variety {
            life: Life::FULL,
            ..Variety::default()
        },
        ..config(ClientVersion::V2_1_329, true)
    }
}

/// What the log records of each person tell.
#[derive(Default)]
struct Told {
    roles: BTreeSet<String>,
    versions: BTreeSet<String>,
    /// Of user prompts, milliseconds since the Unix epoch.
    prompts_ms: Vec<u64>,
    tokens: f64,
    by_prompt: BTreeMap<String, u64>,
    has_sequence: bool,
    tools: BTreeSet<String>,
    headless: u64,
    fast: u64,
    by_agents: u64,
    refused: u64,
    exhausted: u64,
    connectors: [u64; 2],
    failed_calls: u64,
}

impl Told {
    fn add(&mut self, export: &Export) {
        for (origin, records) in export.log_groups() {
            self.versions.insert(origin.scope_version.to_string());
            for record in &records {
                self.roles.extend(text(record, "role"));
                self.has_sequence |= text(record, "event.sequence").is_some();
                let said = |key: &str, value: &str| text(record, key).as_deref() == Some(value);
                let event = text(record, "event.name").unwrap_or_default();
                self.tools.extend(text(record, "tool_name"));
                match event.as_str() {
                    "user_prompt" => self.prompts_ms.push(record.time_unix_nano / 1_000_000),
                    "api_request" => {
                        self.headless += u64::from(said("query_source", "sdk"));
                        self.fast += u64::from(said("speed", "fast"));
                        self.by_agents += u64::from(text(record, "agent_id").is_some());
                        self.tokens += number(record, "output_tokens");
                        if let Some(prompt) = text(record, "prompt.id") {
                            *self.by_prompt.entry(prompt).or_default() += 1;
                        }
                    }
                    "tool_decision" => self.refused += u64::from(said("decision", "reject")),
                    "tool_result" => {
                        self.failed_calls += u64::from(said("error_type", "McpToolCallError"))
                    }
                    "api_retries_exhausted" => self.exhausted += 1,
                    "mcp_server_connection" => {
                        self.connectors[usize::from(said("status", "failed"))] += 1;
                    }
                    _ => {}
                }
            }
        }
    }
}

fn told(organisation: &mut Organisation) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    told.resize_with(organisation.people().len(), Told::default);
    for export in organisation.by_ref() {
        told[export.person].add(&export);
    }
    told
}

#[test]
fn people_have_roles_zones_holidays_and_a_first_day() {
    let mut organisation = Organisation::new(lively());
    let told = told(&mut organisation);
    let start_ms = END_MS - 28 * DAY_MS;
    let (mut working, mut prompts, mut zones) = (0, 0, BTreeSet::new());
    let (mut joined, mut away, mut on_thanksgiving) = (0, 0, 0);
    let both = organisation.people().iter().zip(organisation.habits());
    for ((_, habits), told) in both.zip(&told) {
        let role = habits.role.expect("a role");
        assert!(
            told.roles.iter().all(|found| found == role),
            "{:?}",
            told.roles
        );
        zones.insert(habits.zone.name());
        for at_ms in &told.prompts_ms {
            let at = DateTime::from_timestamp_millis(*at_ms as i64).expect("a time");
            let local = at.with_timezone(&habits.zone);
            let is_weekend = matches!(local.weekday(), Weekday::Sat | Weekday::Sun);
            prompts += 1;
            working += u64::from(!is_weekend && (7..20).contains(&local.hour()));
            // What has begun the evening before may end after midnight.
            let long_before = |since_ms: u64| *at_ms >= since_ms + 8 * HOUR_MS;
            assert!(habits.joins_ms.is_none_or(|joins_ms| *at_ms >= joins_ms));
            let is_away = habits
                .away_ms
                .is_some_and(|(from, to)| long_before(from) && *at_ms < to);
            assert!(!is_away || habits.has_nightly_task, "on holiday at {at}");
            on_thanksgiving += u64::from((local.month(), local.day()) == (11, 26));
        }
        joined += usize::from(habits.joins_ms.is_some_and(|joins_ms| joins_ms > start_ms));
        away += usize::from(habits.away_ms.is_some());
    }
    assert!(
        working * 10 > prompts * 8,
        "{working} of {prompts} in working hours"
    );
    assert!(zones.len() >= 5, "{zones:?}");
    assert_eq!((joined, away), (15, 59));
    assert_eq!(on_thanksgiving, 0, "the days end before it");
    let all: BTreeSet<&String> = told.iter().flat_map(|told| &told.roles).collect();
    assert_eq!(all.len(), 8, "{all:?}");
}

/// The organisation grows: more people are at work in the last week than in the first.
#[test]
fn it_grows() {
    let mut organisation = Organisation::new(lively());
    let mut weeks = [(); 4].map(|()| BTreeSet::new());
    for export in organisation.by_ref() {
        let week = (export.at_ms - (END_MS - 28 * DAY_MS)) / (7 * DAY_MS);
        weeks[(week as usize).min(3)].insert(export.person);
    }
    assert!(
        weeks[0].len() + 8 < weeks[3].len(),
        "{:?}",
        weeks.map(|week| week.len())
    );
}

#[test]
fn one_person_uses_ten_times_the_tokens_of_others() {
    let mut organisation = Organisation::new(lively());
    let told = told(&mut organisation);
    let mut tokens: Vec<f64> = told.iter().map(|told| told.tokens).collect();
    let heaviest = tokens.remove(0);
    tokens.sort_by(f64::total_cmp);
    let median = tokens[tokens.len() / 2];
    assert!(heaviest > 10.0 * median, "{heaviest} and {median}");
    assert!(
        heaviest > 2.0 * tokens[tokens.len() - 1],
        "{heaviest}: {tokens:?}"
    );
}

#[test]
fn tasks_run_at_three_in_the_night_and_one_runs_away() {
    let mut organisation = Organisation::new(lively());
    let told = told(&mut organisation);
    let both = organisation.people().iter().zip(organisation.habits());
    let nightly: Vec<_> = both
        .zip(&told)
        .filter(|((_, habits), _)| habits.has_nightly_task)
        .collect();
    assert!((4..=6).contains(&nightly.len()), "{}", nightly.len());
    for ((person, habits), told) in &nightly {
        assert_eq!(person.surface, Surface::Code);
        let nights = told.prompts_ms.iter().filter(|at_ms| {
            let at = DateTime::from_timestamp_millis(**at_ms as i64).expect("a time");
            let local = at.with_timezone(&habits.zone);
            (local.hour(), local.minute()) == (3, 0)
        });
        // From the second half on everybody is there.
        assert!(nights.count() >= 13, "{}", habits.zone);
        assert!(told.headless > 0);
    }
    let mut requests: Vec<u64> = told
        .iter()
        .flat_map(|told| told.by_prompt.values().copied())
        .collect();
    requests.sort_unstable();
    let [.., second, first] = requests[..] else {
        panic!("{requests:?}");
    };
    assert!(
        first > 400 && second < 150,
        "{first} and {second} requests of one prompt"
    );
}

#[test]
fn what_goes_wrong_and_what_is_special_is_there() {
    let mut organisation = Organisation::new(lively());
    let told = told(&mut organisation);
    let sum = |of: &dyn Fn(&Told) -> u64| told.iter().map(of).sum::<u64>();
    for (what, count) in [
        ("headless requests", sum(&|told| told.headless)),
        ("requests in fast mode", sum(&|told| told.fast)),
        ("requests of subagents", sum(&|told| told.by_agents)),
        ("refused calls", sum(&|told| told.refused)),
        ("retries in vain", sum(&|told| told.exhausted)),
        ("connectors that answer", sum(&|told| told.connectors[0])),
        ("connectors that do not", sum(&|told| told.connectors[1])),
        (
            "calls that connectors failed",
            sum(&|told| told.failed_calls),
        ),
    ] {
        assert!(count > 20, "{count} {what}");
    }
}

#[test]
fn an_old_client_has_neither_sequences_nor_prompt_ids() {
    let mut organisation = Organisation::new(lively());
    let told = told(&mut organisation);
    let habits = organisation.habits().iter();
    let old: Vec<&Told> = habits
        .zip(&told)
        .filter(|(habits, _)| habits.client == ClientVersion::V2_0_76)
        .map(|(_, told)| told)
        .collect();
    assert_eq!(old.len(), 3);
    for told in old {
        assert!(!told.has_sequence && told.by_prompt.is_empty() && told.tokens > 0.0);
        assert_eq!(told.versions, BTreeSet::from(["2.0.76".to_owned()]));
        assert!(!told.tools.contains("mcp_tool"), "{:?}", told.tools);
        assert!(
            told.tools.iter().any(|tool| tool.starts_with("mcp__")),
            "{:?}",
            told.tools
        );
    }
}
