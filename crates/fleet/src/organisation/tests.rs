//! The generated records: determinism, order, costs, how often things happen, batches.

mod lively;
mod recount;
mod shape;

use std::collections::HashMap;

use contract::{LogRecord, Value};

use super::*;

/// 2026-11-21T02:00:00Z, a Saturday.
const END_MS: u64 = 1_795_226_400_000;

pub(super) fn config(client: ClientVersion, content: bool) -> Config {
    Config {
        people: 12,
        seed: 7,
        end_unix_ms: END_MS,
        days: 7,
        client,
        content,
        metrics: true,
        variety: Variety::default(),
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bodies = |seed| -> Vec<Vec<u8>> {
        let config = Config {
            seed,
            days: 2,
            ..config(ClientVersion::V2_1_329, true)
        };
        Organisation::new(config)
            .map(|export| export.protobuf())
            .collect()
    };
    let first = bodies(1);
    assert!(first.len() > 50, "{}", first.len());
    assert!(first == bodies(1));
    assert!(first != bodies(2));
}

/// What the organisation sent before there was any variety: a change here changes every corpus, the
/// benchmark's too, and must be meant.
#[test]
fn without_variety_the_bytes_are_what_they_were() {
    for (client, content, expected) in [
        (ClientVersion::V2_1_329, true, 0x3a65_060c_aff0_bccf),
        (ClientVersion::V2_1_45, false, 0xfd57_0075_48c4_090b),
    ] {
        let config = Config {
            days: 2,
            ..config(client, content)
        };
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for export in Organisation::new(config) {
            for byte in export.protobuf() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        assert_eq!(hash, expected, "{client:?}");
    }
}

/// Counts what arrives and refuses what was not understood.
#[derive(Default)]
struct Arrived(usize);

impl contract::Sink for Arrived {
    fn origin(&mut self, origin: &Origin<'_>) {
        assert!(origin.scope_name.starts_with("com.anthropic.claude_code"));
    }
    fn log(&mut self, _: &LogRecord<'_>) {
        self.0 += 1;
    }
    fn point(&mut self, metric: &Metric<'_>, _: &DataPoint<'_>) {
        assert!(metric.is_monotonic && metric.name.starts_with("claude_code."));
        self.0 += 1;
    }
    fn span(&mut self, span: &contract::Span<'_>) {
        panic!("{span:?}");
    }
    fn quarantine(&mut self, item: contract::Quarantined) {
        panic!("{item:?}");
    }
}

#[test]
fn what_is_sent_is_understood() {
    let (mut arrived, mut sent) = (Arrived::default(), 0);
    let config = Config {
        days: 1,
        ..config(ClientVersion::V2_1_329, true)
    };
    for batch in Batched::new(Organisation::new(config), 200) {
        sent += batch.items();
        otlp::decode(
            batch.signal,
            &batch.protobuf(),
            &otlp::Limits::default(),
            &mut arrived,
        )
        .expect("OTLP");
    }
    assert!(sent > 500 && arrived.0 == sent, "{} of {sent}", arrived.0);
}

/// A value as text, however it is typed.
pub(super) fn text(record: &LogRecord<'_>, key: &str) -> Option<String> {
    let (_, value) = record.attributes.iter().find(|(own, _)| own == key)?;
    match value {
        Value::Str(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

fn number(record: &LogRecord<'_>, key: &str) -> f64 {
    let text = text(record, key).unwrap_or_else(|| panic!("no {key}"));
    text.parse().unwrap_or_else(|_| panic!("{key} is {text}"))
}

#[test]
fn sequences_have_no_gaps_and_times_do_not_go_back() {
    let mut sessions: HashMap<String, (f64, u64)> = HashMap::new();
    for export in Organisation::new(config(ClientVersion::V2_1_329, false)) {
        for (_, records) in export.log_groups() {
            for record in &records {
                let session = text(record, "session.id").expect("a session");
                let (next, time) = sessions.entry(session).or_insert((0.0, 0));
                assert_eq!(number(record, "event.sequence"), *next);
                assert!(record.time_unix_nano >= *time);
                (*next, *time) = (*next + 1.0, record.time_unix_nano);
            }
        }
    }
    assert!(sessions.len() > 100);
}

#[test]
fn cost_recomputes_from_tokens_and_micros_agree() {
    let mut checked = 0;
    for export in Organisation::new(config(ClientVersion::V2_1_329, false)) {
        for (_, records) in export.log_groups() {
            let is_request = |record: &&LogRecord<'_>| {
                text(record, "event.name").as_deref() == Some("api_request")
            };
            for record in records.iter().filter(is_request) {
                // Models with one price and no fast mode: the others are in the tests of the prices.
                let price = match text(record, "model").expect("a model").as_str() {
                    "claude-haiku-4-5-20251001" => [1.0, 5.0, 0.1, 1.25, 2.0],
                    "claude-fable-5-1" => [10.0, 50.0, 0.25, 12.5, 20.0],
                    "claude-sonnet-5-5" => [2.0, 10.0, 0.1, 2.5, 4.0],
                    _ => continue,
                };
                let keys = [
                    "input",
                    "output",
                    "cache_read",
                    "cache_creation_5m",
                    "cache_creation_1h",
                ];
                let expected: f64 = keys
                    .iter()
                    .zip(price)
                    .map(|(key, price)| number(record, &format!("{key}_tokens")) / 1e6 * price)
                    .sum();
                let cost = number(record, "cost_usd");
                assert!(
                    (cost - expected).abs() < 1e-12,
                    "{cost} is not {expected}: {record:?}"
                );
                assert_eq!(number(record, "cost_usd_micros"), (cost * 1e6).round());
                let written = number(record, "cache_creation_5m_tokens")
                    + number(record, "cache_creation_1h_tokens");
                assert_eq!(number(record, "cache_creation_tokens"), written);
                checked += 1;
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn one_of_each_kind_of_thing_happens() {
    let mut organisation = Organisation::new(Config {
        people: 40,
        ..config(ClientVersion::V2_1_329, true)
    });
    organisation.by_ref().for_each(drop);
    let truth = organisation.truth();
    for event in [
        "api_error",
        "api_retries_exhausted",
        "at_mention",
        "compaction",
        "hook_execution_complete",
        "hook_execution_start",
        "hook_registered",
        "mcp_server_connection",
        "permission_mode_changed",
        "skill_activated",
        "subagent_completed",
    ] {
        assert!(
            truth.events_by_name.contains_key(event),
            "no {event} in {:?}",
            truth.events_by_name
        );
    }
    let share = |part: u64, whole: u64, low: f64, high: f64| {
        let share = part as f64 / whole as f64;
        assert!((low..high).contains(&share), "{part} of {whole}");
    };
    share(
        truth.api_errors,
        truth.requests + truth.api_errors,
        0.01,
        0.02,
    );
    let sum = |count: fn(&ToolTruth) -> u64| truth.tools.values().map(count).sum::<u64>();
    share(
        sum(|tool| tool.failures),
        sum(|tool| tool.calls),
        0.04,
        0.06,
    );
    share(
        sum(|tool| tool.rejections),
        sum(|tool| tool.rejections + tool.calls),
        0.02,
        0.045,
    );
    assert!(truth.tools.contains_key("mcp_tool") && truth.tools.contains_key("Agent"));
    let json = truth.to_json();
    assert_eq!(json["events"], truth.events);
    assert!(
        json["tools"]["Bash"]["duration_ms"]["p95"].as_u64() > Some(1000),
        "{json}"
    );
    assert!(
        json["cost_by_person_day_model"]
            .as_array()
            .is_some_and(|rows| rows.len() > 100)
    );
}

#[test]
fn batches_hold_about_as_many_records_as_asked() {
    let config = config(ClientVersion::V2_1_45, false);
    let alone: usize = Organisation::new(config).map(|export| export.items()).sum();
    for size in [50, 500] {
        let batches: Vec<Batch> = Batched::new(Organisation::new(config), size).collect();
        assert_eq!(batches.iter().map(Batch::items).sum::<usize>(), alone);
        assert!(
            batches
                .windows(2)
                .all(|pair| pair[0].at_ms <= pair[1].at_ms)
        );
        assert!(batches.iter().all(|batch| batch.items() < size + 512));
        assert_eq!(
            batches[0]
                .log_groups()
                .iter()
                .map(|(_, records)| records.len())
                .sum::<usize>()
                + batches[0]
                    .metric_groups()
                    .iter()
                    .flat_map(|(_, metrics)| metrics)
                    .map(|(_, points)| points.len())
                    .sum::<usize>(),
            batches[0].items()
        );
    }
}
