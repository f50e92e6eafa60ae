//! Calls that are kept are those that their events make: of what has come since, of who may see less, of
//! sessions that go on, and of what is gone.

use std::sync::Arc;

use query::{Config, Engine, Mapping, PeopleFiles, Pseudonyms, Sight, render};
use serde_json::Value;

use super::support::{Bench, NOW_MS, scenarios};

/// All columns of kept calls, and what is made of them; the last asks for one that no kept call has.
const QUESTIONS: [&str; 6] = [
    "SELECT time, decided_at, finished_at, product, person, session_id, team, department, cost_center, app_version, tool_name,
            decision, decision_source, tool_source, permission_mode, success, duration_ms, error_type, tool_input_size_bytes,
            tool_result_size_bytes, mcp_server_name, mcp_tool_name, skill_name, agent_name, join_inferred, tool, tool_kind,
            plugin_name, prompt_id, request_id, outcome, decision_state, decided_by, approved_by, is_standing_grant, time_to_approve_ms,
            approve_inferred, model, caller_agent_name, terminal_type, workspace_host_paths FROM tool_calls",
    "SELECT tool, outcome, count(*) AS calls, count(DISTINCT person) AS people, avg(duration_ms) AS mean FROM tool_calls
     GROUP BY tool, outcome",
    "SELECT person, decided_by, max(time_to_approve_ms) AS most FROM tool_calls WHERE outcome <> 'refused'
     GROUP BY person, decided_by",
    "SELECT count(*) AS calls FROM tool_calls WHERE session_id IS NULL",
    "SELECT a.session_id, count(*) AS pairs FROM tool_calls a JOIN tool_calls b ON a.session_id = b.session_id
     WHERE a.time <= b.time GROUP BY a.session_id",
    "SELECT time, tool_use_id, tool_parameters FROM tool_calls",
];

fn config() -> Config {
    Config {
        pseudonyms: Pseudonyms::by(&[7; 32]),
        ..Config::default()
    }
}

fn sights() -> [Sight; 4] {
    [
        Sight::everything(),
        Sight::everything().without_content(),
        Sight::everything().without_names(),
        Sight::everything().of_organizations(["default"]),
    ]
}

async fn answered(engine: &Engine, sight: Sight, sql: &str) -> Vec<Value> {
    let answer = engine.question(sight).query(sql, None).await;
    let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows = render::json(&answer).expect("renders");
    let mut rows: Vec<Value> = serde_json::from_slice(&rows).expect("rows");
    rows.sort_by_key(Value::to_string);
    rows
}

/// Whether a question reads kept calls.
async fn reads_kept(engine: &Engine) -> bool {
    let sql = "EXPLAIN SELECT tool, count(*) FROM tool_calls GROUP BY tool";
    let plan = answered(engine, Sight::everything(), sql).await;
    plan.iter()
        .any(|row| row.to_string().contains("_kept_calls"))
}

/// An engine with kept calls, and one over the same store that reads events.
struct Both {
    bench: Bench,
    events: Engine,
}

impl Both {
    async fn new() -> Both {
        let bench = Bench::configured(&[], config()).await;
        let events = Engine::new(Arc::clone(&bench.store), config()).expect("an engine");
        Both { bench, events }
    }

    /// Compares all questions of all who ask; how many calls there are.
    async fn compare(&self, when: &str) -> usize {
        assert!(
            reads_kept(&self.bench.engine).await,
            "{when}: events were read"
        );
        assert!(!reads_kept(&self.events).await, "{when}");
        let mut calls = 0;
        for sight in sights() {
            for (at, sql) in QUESTIONS.into_iter().enumerate() {
                let kept = answered(&self.bench.engine, sight.clone(), sql).await;
                let events = answered(&self.events, sight.clone(), sql).await;
                assert_eq!(kept, events, "{when}: {sight:?}\n{sql}");
                if at == 0 {
                    calls = calls.max(kept.len());
                }
            }
        }
        calls
    }

    async fn flush(&self) {
        self.bench.store.flush().await.expect("flushes");
    }
}

#[tokio::test]
async fn kept_calls_are_those_that_events_make() {
    let both = Both::new().await;
    let requests: Vec<_> = scenarios()
        .into_iter()
        .flat_map(|scenario| scenario.requests)
        .collect();
    let (early, late) = requests.split_at(requests.len() / 3);
    for request in early {
        both.bench.receive(request).await;
    }
    assert!(!reads_kept(&both.bench.engine).await, "nothing is kept yet");
    both.flush().await;
    both.bench.engine.make_ready().await.expect("makes them");
    let mut before = both.compare("a part").await;
    assert!(before > 20, "{before}");
    // Sessions go on: in memory, then in parts of their own.
    for some in late.chunks(late.len() / 2 + 1) {
        for request in some {
            both.bench.receive(request).await;
        }
        let in_memory = both.compare("in memory").await;
        assert!(in_memory >= before);
        before = in_memory;
        both.flush().await;
        assert_eq!(both.compare("flushed").await, before);
    }
    assert!(before > 150, "{before}");
}

#[tokio::test]
async fn kept_calls_are_of_whom_files_say() {
    let both = Both::new().await;
    for scenario in scenarios() {
        for request in &scenario.requests {
            both.bench.receive(request).await;
        }
    }
    both.flush().await;
    both.bench.engine.make_ready().await.expect("makes them");
    let people = "SELECT DISTINCT person FROM tool_calls WHERE person IS NOT NULL ORDER BY person";
    let before = answered(&both.bench.engine, Sight::everything(), people).await;
    let first = before[0]["person"].as_str().expect("somebody").to_owned();
    let mapping = format!("id,person,team\n{first},Somebody Else,a team\n");
    for engine in [&both.bench.engine, &both.events] {
        let mapping = Mapping::parse("mapping.csv", mapping.as_bytes()).expect("a mapping");
        engine.set_people(PeopleFiles {
            mapping: Some(mapping),
            ..PeopleFiles::default()
        });
    }
    both.compare("with a mapping").await;
    let after = answered(&both.bench.engine, Sight::everything(), people).await;
    assert!(
        after.iter().any(|row| row["person"] == "Somebody Else"),
        "{after:?}"
    );
}

#[tokio::test]
async fn kept_calls_go_with_what_is_erased() {
    let both = Both::new().await;
    for scenario in scenarios() {
        for request in &scenario.requests {
            both.bench.receive(request).await;
        }
    }
    both.flush().await;
    let engine = &both.bench.engine;
    engine.make_ready().await.expect("makes them");
    assert!(engine.sums_in_memory().await[2] > 0);
    let people =
        "SELECT person, count(*) AS calls FROM tool_calls WHERE person IS NOT NULL GROUP BY person";
    let before = answered(engine, Sight::everything(), people).await;
    let person = before[0]["person"].as_str().expect("somebody").to_owned();
    let asked = query::Asked {
        person: person.clone(),
        ..query::Asked::default()
    };
    let (whom, _) = engine.plan_erasure(&asked).await.expect("is there");
    let order = store::Order::new(whom, "a test".to_owned(), NOW_MS as u64);
    let erased = engine.erase(order.expect("an order"), &[7; 32]).await;
    erased.expect("erases");
    assert_eq!(engine.sums_in_memory().await[2], 0);
    assert!(!reads_kept(engine).await);
    engine.make_ready().await.expect("makes them anew");
    both.compare("after an erasure").await;
    let after = answered(engine, Sight::everything(), people).await;
    assert!(
        after.iter().all(|row| row["person"] != person.as_str()),
        "{after:?}"
    );
}
