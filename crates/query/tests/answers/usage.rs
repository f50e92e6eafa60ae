//! Cost and tokens whichever signals a client sends: never twice, never missing.

use std::collections::BTreeSet;

use contract::Signal;
use fleet::{Ledger, Recorded, Scenario, Transport};
use otlp::Encoding;
use serde_json::{Value, json};

use super::support::{Bench, NOW_MS, assert_close, number, scenario, scenarios};

/// What `usage` has, by source.
async fn usage(bench: &Bench) -> Vec<Value> {
    bench
        .rows(
            "SELECT source, sum(cost_usd) AS cost_usd, sum(requests) AS requests, sum(input_tokens) AS input,
                    sum(output_tokens) AS output, sum(cache_read_tokens) AS read, sum(cache_creation_tokens) AS written
             FROM usage GROUP BY source ORDER BY source",
        )
        .await
}

#[track_caller]
fn is_ledger(row: &Value, ledger: &Ledger, what: &str) {
    assert_close(number(row, "cost_usd"), ledger.total_cost_usd, what);
    let tokens = ["input", "output", "read", "written"].map(|key| number(row, key) as u64);
    let expect = [
        ledger.input_tokens,
        ledger.output_tokens,
        ledger.cache_read_input_tokens,
        ledger.cache_creation_input_tokens,
    ];
    assert_eq!(tokens, expect, "{what}");
}

async fn bench_of<'a>(requests: impl IntoIterator<Item = &'a Recorded>) -> Bench {
    let bench = Bench::with(&[]).await;
    for request in requests {
        bench.receive(request).await;
    }
    bench
}

/// The scenarios whose client reported what it had spent, and had spent something. The ledger of one
/// includes another run.
fn spent() -> impl Iterator<Item = (Scenario, Ledger)> {
    scenarios().into_iter().filter_map(|scenario| {
        let ledger = scenario.expected.clone()?;
        let is_own = scenario.name != "cc329_compact_json";
        (is_own && ledger.total_cost_usd > 0.0).then_some((scenario, ledger))
    })
}

/// Version and transport of a scenario: all of its requests came the same way.
fn way(scenario: &Scenario) -> [String; 2] {
    let of = |request: &Recorded| match (request.transport, request.encoding) {
        (Transport::Grpc, _) => "gRPC",
        (Transport::Http, Encoding::Protobuf) => "HTTP protobuf",
        (Transport::Http, Encoding::Json) => "HTTP JSON",
    };
    let ways: BTreeSet<_> = scenario.requests.iter().map(of).collect();
    assert_eq!(ways.len(), 1, "{}: {ways:?}", scenario.name);
    [
        scenario.client_version.clone(),
        ways.into_iter().collect::<Vec<_>>().concat(),
    ]
}

/// Every version by every transport that is recorded, and why scenarios are not compared.
fn assert_all_ways(compared: &BTreeSet<[String; 2]>) -> String {
    let all: BTreeSet<_> = scenarios().iter().map(way).collect();
    assert_eq!(compared, &all, "versions and transports");
    let [versions, transports] =
        [0, 1].map(|place| all.iter().map(|way| &way[place]).collect::<BTreeSet<_>>());
    assert_eq!((versions.len(), transports.len()), (3, 3), "{all:?}");
    let with_ledger: BTreeSet<_> = spent().map(|(scenario, _)| scenario.name).collect();
    let mut left_out = String::new();
    for scenario in scenarios() {
        let why = match &scenario.expected {
            _ if with_ledger.contains(&scenario.name) => continue,
            None => "its client got no ledger out",
            Some(ledger) if ledger.total_cost_usd == 0.0 => "it spent nothing",
            Some(_) => "its ledger includes an earlier run",
        };
        left_out += &format!("not compared: {} ({why})\n", scenario.name);
    }
    left_out
}

/// Delta and cumulative, all versions and transports, with a session id and without. The table is
/// printed.
#[tokio::test]
async fn usage_is_the_clients_ledger_from_logs_from_metrics_and_from_both() {
    let (mut of_events, mut of_metrics) = (0, 0);
    let mut ways = BTreeSet::new();
    let mut table = format!(
        "| {:28} | {:8} | {:13} | {:15} | {:>12} | {:>12} | {:>10} | {:>10} |\n",
        "scenario",
        "client",
        "transport",
        "signals",
        "ledger, USD",
        "answer, USD",
        "tokens",
        "answer"
    );
    for (scenario, ledger) in spent() {
        let [version, transport] = way(&scenario);
        let of = |signals: &'static [Signal]| {
            scenario
                .requests
                .iter()
                .filter(move |request| signals.contains(&request.signal))
        };
        let name = &scenario.name;
        for (signals, source) in [
            (&[Signal::Logs][..], "events"),
            (&[Signal::Metrics], "metrics"),
            (&[Signal::Logs, Signal::Metrics], "events"),
        ] {
            let requests: Vec<_> = of(signals).collect();
            if requests.is_empty() {
                continue;
            }
            let rows = usage(&bench_of(requests.iter().copied()).await).await;
            let sum = |keys: &[&str]| keys.iter().map(|key| number(&rows[0], key)).sum::<f64>();
            let tokens = ledger.input_tokens
                + ledger.output_tokens
                + ledger.cache_read_input_tokens
                + ledger.cache_creation_input_tokens;
            table += &format!(
                "| {name:28} | {version:8} | {transport:13} | {:15} | {:12.6} | {:12.6} | {tokens:10} | {:10} |\n",
                format!("{signals:?}"),
                ledger.total_cost_usd,
                sum(&["cost_usd"]),
                sum(&["input", "output", "read", "written"]),
            );
            // In the other order the metrics come long before the events.
            let reversed = usage(&bench_of(requests.into_iter().rev()).await).await;
            for rows in [rows, reversed] {
                assert_eq!(rows.len(), 1, "{name} {signals:?}: {rows:?}");
                assert_eq!(rows[0]["source"], json!(source), "{name} {signals:?}");
                is_ledger(&rows[0], &ledger, name);
            }
            *(if source == "events" {
                &mut of_events
            } else {
                &mut of_metrics
            }) += 1;
        }
        ways.insert([version, transport]);
    }
    println!("{table}{}", assert_all_ways(&ways));
    assert_eq!((of_events, of_metrics), (62, 28));
}

#[tokio::test]
async fn sessions_of_both_kinds_stand_side_by_side() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_tools_json"]).await;
    let silent = scenario("cc329_agent_json");
    for request in silent
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Metrics)
    {
        bench.receive(request).await;
    }
    let rows = usage(&bench).await;
    let sources: Vec<_> = rows
        .iter()
        .map(|row| row["source"].as_str().expect("a source"))
        .collect();
    assert_eq!(sources, ["events", "metrics"]);
    is_ledger(&rows[1], &silent.expected.expect("a ledger"), "metrics");
    let of_events: f64 = ["cowork_like_pb", "cc329_tools_json"]
        .map(|name| scenario(name).expected.expect("a ledger").total_cost_usd)
        .iter()
        .sum();
    assert_close(number(&rows[0], "cost_usd"), of_events, "events");
}

/// The verdicts of `reconciliation`, whose rows must be one for each measure.
async fn verdicts(bench: &Bench) -> BTreeSet<String> {
    let rows = bench
        .rows("SELECT measure, verdict, difference FROM reconciliation")
        .await;
    let measures: BTreeSet<_> = rows
        .iter()
        .map(|row| row["measure"].as_str().expect("a measure"))
        .collect();
    assert_eq!(measures.len(), 5, "{rows:?}");
    rows.iter()
        .map(|row| row["verdict"].as_str().expect("a verdict").to_owned())
        .collect()
}

#[tokio::test]
async fn events_and_metrics_of_every_capture_agree_or_one_is_missing() {
    for (scenario, _) in spent() {
        let signals: BTreeSet<_> = scenario
            .requests
            .iter()
            .map(|request| request.signal.code())
            .collect();
        let expect = if signals.contains(&Signal::Metrics.code()) {
            "agree"
        } else {
            "events_only"
        };
        let bench = Bench::with(&[&scenario.name]).await;
        assert_eq!(
            verdicts(&bench).await,
            BTreeSet::from([expect.to_owned()]),
            "{}",
            scenario.name
        );
        let metrics = scenario
            .requests
            .iter()
            .filter(|request| request.signal == Signal::Metrics);
        let bench = bench_of(metrics).await;
        if expect == "agree" {
            assert_eq!(
                verdicts(&bench).await,
                BTreeSet::from(["metrics_only".to_owned()]),
                "{}",
                scenario.name
            );
        }
    }
}

#[tokio::test]
async fn a_lost_batch_of_events_is_seen_and_not_made_up_for() {
    let whole = scenario("cc329_tools_json");
    let last_logs = whole
        .requests
        .iter()
        .rposition(|request| request.signal == Signal::Logs)
        .expect("logs");
    let kept = whole
        .requests
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != last_logs);
    let bench = bench_of(kept.map(|(_, request)| request)).await;
    let rows = bench
        .rows("SELECT events_value, metrics_value, difference, verdict FROM reconciliation WHERE measure = 'cost_usd'")
        .await;
    assert_eq!(
        (rows.len(), &rows[0]["verdict"]),
        (1, &json!("differs")),
        "{rows:?}"
    );
    let [events, metrics, difference] =
        ["events_value", "metrics_value", "difference"].map(|key| number(&rows[0], key));
    assert_close(
        metrics,
        whole.expected.expect("a ledger").total_cost_usd,
        "metrics",
    );
    assert_close(difference, metrics - events, "difference");
    assert_close(number(&usage(&bench).await[0], "cost_usd"), events, "usage");
}

/// A recorded request as a collector forwards it: with an attribute of its own on every resource.
fn forwarded(request: &Recorded, by: &str) -> Vec<u8> {
    fn mark(value: &mut Value, by: &str) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| mark(item, by)),
            Value::Object(fields) => {
                if let Some(attributes) = fields
                    .get_mut("resource")
                    .and_then(|resource| resource["attributes"].as_array_mut())
                {
                    attributes.push(json!({"key": "collector.name", "value": {"stringValue": by}}));
                }
                for key in ["resourceLogs", "resourceMetrics"] {
                    fields
                        .get_mut(key)
                        .into_iter()
                        .for_each(|field| mark(field, by));
                }
            }
            _ => {}
        }
    }
    let mut body: Value = serde_json::from_slice(&request.plain_body).expect("JSON");
    mark(&mut body, by);
    let body = serde_json::to_vec(&body).expect("JSON");
    otlp::from_json(request.signal, &body, &otlp::Limits::default())
        .expect("OTLP/JSON")
        .protobuf
}

/// A scenario as two collectors forward it, the second one in the other order.
async fn forwarded_twice(name: &str, signals: &[Signal]) -> Bench {
    let bench = Bench::with(&[]).await;
    let scenario = scenario(name);
    let of_signals = || {
        scenario
            .requests
            .iter()
            .filter(|request| signals.contains(&request.signal))
    };
    for request in of_signals() {
        bench
            .append(
                request.signal,
                forwarded(request, "a").into(),
                NOW_MS as u64,
            )
            .await;
    }
    bench.store.flush().await.expect("flushes");
    for request in of_signals().rev() {
        bench
            .append(
                request.signal,
                forwarded(request, "b").into(),
                NOW_MS as u64 + 1,
            )
            .await;
    }
    bench
}

#[tokio::test]
async fn what_two_collectors_forward_counts_once() {
    let counts = "SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM tool_calls) AS calls,
                         (SELECT sum(prompts) FROM sessions) AS prompts, (SELECT sum(cost_usd) FROM sessions) AS cost_usd,
                         (SELECT sum(value) FROM metrics) AS metrics";
    for name in [
        "cc329_tools_json",
        "cc10128_tools_json",
        "cc329_cumulative_json",
        "cc329_nosession_json",
    ] {
        let ledger = scenario(name).expected.expect("a ledger");
        for (signals, source) in [
            (&[Signal::Logs, Signal::Metrics][..], "events"),
            (&[Signal::Metrics], "metrics"),
        ] {
            let bench = forwarded_twice(name, signals).await;
            let rows = usage(&bench).await;
            assert_eq!(
                (rows.len(), &rows[0]["source"]),
                (1, &json!(source)),
                "{name}: {rows:?}"
            );
            is_ledger(&rows[0], &ledger, name);
        }
        let (twice, once) = (
            forwarded_twice(name, &[Signal::Logs, Signal::Metrics]).await,
            Bench::with(&[name]).await,
        );
        let (of_twice, of_once) = (twice.row(counts).await, once.row(counts).await);
        for key in ["events", "calls", "prompts", "cost_usd", "metrics"] {
            assert_close(
                number(&of_twice, key),
                number(&of_once, key),
                &format!("{name} {key}"),
            );
        }
        let set_aside = "SELECT count(*) AS copies FROM copies";
        assert_eq!(
            number(&twice.row(set_aside).await, "copies"),
            number(&of_once, "events"),
            "{name}"
        );
        assert_eq!(number(&once.row(set_aside).await, "copies"), 0.0, "{name}");
        assert_eq!(
            verdicts(&twice).await,
            BTreeSet::from(["agree".to_owned()]),
            "{name}"
        );
    }
}
