//! Tool calls: decisions and results of real clients of three generations, and of hand-made ones that
//! lose, repeat and mix them.

use serde_json::{Value, json};

use super::handmade::Client;
use super::support::{Bench, DAY_MS, NOW_MS, number, scenarios};

const AT: i64 = NOW_MS - 1_000_000;

fn client() -> Client {
    Client::of("2.1.329", "ann@example.com", "s1")
}

/// Clients before 2.1.119 name no call, 2.0.76 neither prompt nor sequence.
fn old_client() -> Client {
    Client::of("2.0.76", "ann@example.com", "s1")
}

fn decision(
    at_ms: i64,
    tool: &str,
    decision: &str,
    source: &str,
    id: Option<&str>,
) -> (i64, &'static str, Value) {
    let own = json!({"tool_name": tool, "decision": decision, "source": source, "tool_use_id": id});
    (AT + at_ms, "tool_decision", own)
}

fn result(
    at_ms: i64,
    tool: &str,
    success: &str,
    duration_ms: i64,
    id: Option<&str>,
) -> (i64, &'static str, Value) {
    let own = json!({"tool_name": tool, "success": success, "duration_ms": duration_ms.to_string(), "tool_use_id": id});
    (AT + at_ms, "tool_result", own)
}

/// The named columns of all calls by time, joined with spaces.
async fn calls(bench: &Bench, columns: &[&str]) -> Vec<String> {
    let sql = format!(
        "SELECT {} FROM tool_calls ORDER BY time, tool_name",
        columns.join(", ")
    );
    let rows = bench.rows(&sql).await;
    let row = |row: &Value| {
        let cells = columns.iter().map(|name| match &row[*name] {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        });
        cells.collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn what_became_of_the_calls_of_every_capture() {
    // Scenario, then calls that succeeded, failed, were refused; with decisions, without, not reported;
    // decided by a person, a hook, the settings; standing grants.
    for (name, expect) in [
        ("cc329_tools_json", [7, 3, 0, 10, 0, 0, 0, 0, 10, 10]),
        ("cc329_denied_json", [0, 0, 2, 2, 0, 0, 0, 0, 2, 0]),
        ("cc329_hook_json", [2, 0, 1, 3, 0, 0, 0, 3, 0, 0]),
        ("cc329_mcp_json", [1, 1, 0, 2, 0, 0, 0, 0, 2, 2]),
        ("cc329_agent_json", [2, 0, 0, 2, 0, 0, 0, 0, 2, 2]),
        ("cc329_interactive_json", [6, 0, 2, 8, 0, 0, 5, 0, 3, 4]),
        ("cc2076_interactive_json", [6, 1, 1, 8, 0, 0, 6, 0, 2, 3]),
        ("cc2076_tools_json", [7, 2, 0, 0, 0, 9, 0, 0, 0, 0]),
        ("cc10128_tools_json", [7, 2, 0, 0, 0, 9, 0, 0, 0, 0]),
        ("cc10128_mcp_json", [1, 1, 0, 0, 0, 2, 0, 0, 0, 0]),
        ("cowork_like_pb", [1, 1, 0, 2, 0, 0, 0, 0, 2, 2]),
        ("cc329_many_pb_default", [80, 0, 0, 80, 0, 0, 0, 0, 80, 80]),
    ] {
        let bench = Bench::with(&[name]).await;
        let row = bench
            .row(
                "SELECT count(*) FILTER (WHERE outcome = 'succeeded') AS c0, count(*) FILTER (WHERE outcome = 'failed') AS c1,
                        count(*) FILTER (WHERE outcome = 'refused') AS c2,
                        count(*) FILTER (WHERE decision_state = 'decided') AS c3,
                        count(*) FILTER (WHERE decision_state = 'without_decision') AS c4,
                        count(*) FILTER (WHERE decision_state = 'not_reported') AS c5,
                        count(*) FILTER (WHERE decided_by = 'person') AS c6, count(*) FILTER (WHERE decided_by = 'hook') AS c7,
                        count(*) FILTER (WHERE decided_by = 'settings') AS c8, count(*) FILTER (WHERE is_standing_grant) AS c9
                 FROM tool_calls",
            )
            .await;
        let got: Vec<i64> = (0..10)
            .map(|at| number(&row, &format!("c{at}")) as i64)
            .collect();
        assert_eq!(got, expect, "{name}");
    }
}

/// Whatever the client and the transport: one row for each result and each refusal.
#[tokio::test]
async fn every_call_of_every_capture_is_there_once() {
    for scenario in scenarios() {
        let bench = Bench::with(&[&scenario.name]).await;
        let row = bench
            .row(
                "SELECT (SELECT count(*) FROM tool_calls) AS calls, (SELECT count(*) FROM tool_calls WHERE outcome = 'unknown') AS unknown,
                        (SELECT count(*) FROM events WHERE event = 'tool_result' OR (event = 'tool_decision' AND decision = 'reject')) AS ended,
                        (SELECT count(*) FROM tool_calls WHERE time_to_approve_ms < 0) AS negative",
            )
            .await;
        let [calls, unknown, ended, negative] =
            ["calls", "unknown", "ended", "negative"].map(|key| number(&row, key));
        assert_eq!(
            (calls, unknown, negative),
            (ended, 0.0, 0.0),
            "{}",
            scenario.name
        );
    }
}

#[tokio::test]
async fn a_person_takes_the_time_that_the_capture_shows() {
    let bench = Bench::with(&["cc329_interactive_json"]).await;
    let columns = [
        "tool",
        "outcome",
        "approved_by",
        "time_to_approve_ms",
        "approve_inferred",
        "is_standing_grant",
    ];
    let rows = calls(&bench, &columns).await;
    // Calls of the settings take nobody's time.
    let of_person: Vec<_> = rows
        .iter()
        .filter(|row| !row.contains(" settings "))
        .collect();
    assert_eq!(
        of_person,
        [
            "Write succeeded person 7270 false false",
            "Bash succeeded person 6761 false true",
            "Edit refused - 1400 false false",
            "Write succeeded person 1635 false false",
            "Edit refused - 3410 false false",
        ]
    );
    assert_eq!(rows.len(), 8);
    // 2.0.76 does not say which request asked: the last one before counts, and says so.
    let bench = Bench::with(&["cc2076_interactive_json"]).await;
    let rows = calls(&bench, &columns).await;
    assert_eq!(rows[0], "Write succeeded person 10821 true false");
}

#[tokio::test]
async fn what_a_tool_is_called_does_not_depend_on_the_version() {
    let expect = ["tiny/echo mcp tiny succeeded", "tiny/fail mcp tiny failed"];
    for name in ["cc329_mcp_json", "cc10128_mcp_json"] {
        let bench = Bench::with(&[name]).await;
        assert_eq!(
            calls(&bench, &["tool", "tool_kind", "mcp_server_name", "outcome"]).await,
            expect,
            "{name}"
        );
    }
    let bench = Bench::with(&["cc329_agent_json"]).await;
    let columns = [
        "tool",
        "tool_kind",
        "agent_name",
        "model",
        "caller_agent_name",
    ];
    assert_eq!(
        calls(&bench, &columns).await,
        [
            "Agent agent general-purpose claude-opus-5-5 -",
            "Bash builtin - claude-opus-5-5 general-purpose"
        ]
    );
    let bench = Bench::with(&["cc329_skill_json"]).await;
    assert_eq!(calls(&bench, &["tool", "tool_kind"]).await, ["Skill skill"]);
    // Without details nobody knows which one it was.
    let bench = Bench::with(&[]).await;
    client()
        .send(&bench, &[result(0, "mcp_tool", "true", 1, Some("a"))])
        .await;
    assert_eq!(
        calls(&bench, &["tool", "tool_kind", "mcp_server_name"]).await,
        ["mcp_tool mcp -"]
    );
}

#[tokio::test]
async fn every_outcome_and_every_state() {
    let bench = Bench::with(&[]).await;
    let mut without_success = result(50, "E", "true", 1, Some("e"));
    without_success.2["success"] = Value::Null;
    client()
        .send(
            &bench,
            &[
                decision(0, "A", "accept", "config", Some("a")),
                result(10, "A", "true", 5, Some("a")),
                decision(11, "B", "accept", "hook", Some("b")),
                result(20, "B", "false", 5, Some("b")),
                decision(30, "C", "reject", "user_reject", Some("c")),
                decision(40, "D", "accept", "user_temporary", Some("d")),
                without_success,
            ],
        )
        .await;
    let columns = [
        "tool",
        "outcome",
        "decision_state",
        "approved_by",
        "decided_by",
    ];
    assert_eq!(
        calls(&bench, &columns).await,
        [
            "A succeeded decided settings settings",
            "B failed decided hook hook",
            "C refused decided - person",
            "D pending decided person person",
            "E unknown without_decision - -",
        ]
    );
}

#[tokio::test]
async fn a_client_that_reports_no_decisions_is_not_accused() {
    for (version, has_decision, expect) in [
        ("2.0.76", false, "not_reported"),
        ("2.1.50", false, "not_reported"),
        ("2.1.119", false, "not_reported"),
        ("2.1.120", false, "without_decision"),
        ("2.1.329", false, "without_decision"),
        ("2.0.76", true, "without_decision"),
    ] {
        let bench = Bench::with(&[]).await;
        let client = Client::of(version, "ann@example.com", "s1");
        let mut events = vec![result(0, "A", "true", 1, None)];
        events.extend(has_decision.then(|| decision(5, "B", "reject", "config", None)));
        client.send(&bench, &events).await;
        let states = calls(&bench, &["decision_state"]).await;
        assert_eq!(states[0], expect, "{version} {has_decision}");
    }
    // Another session's decisions say nothing; another agent may send none.
    let bench = Bench::with(&[]).await;
    let other = old_client().with("session.id", json!("s2"));
    other
        .send(&bench, &[decision(5, "B", "reject", "config", None)])
        .await;
    old_client()
        .send(&bench, &[result(0, "A", "true", 1, None)])
        .await;
    let agent = Client {
        service: "my-agent",
        ..client()
    };
    agent
        .with("session.id", json!("s3"))
        .send(&bench, &[result(9, "Z", "true", 1, Some("z"))])
        .await;
    assert_eq!(
        calls(&bench, &["tool", "decision_state"]).await,
        ["A not_reported", "B decided", "Z without_decision"]
    );
}

#[tokio::test]
async fn a_result_that_names_its_decision_was_decided() {
    let bench = Bench::with(&[]).await;
    let mut known = result(0, "A", "true", 1, Some("a"));
    known.2["decision_source"] = json!("user_permanent");
    known.2["decision_type"] = json!("accept");
    client().send(&bench, &[known]).await;
    let columns = [
        "decision",
        "decision_state",
        "approved_by",
        "is_standing_grant",
        "time_to_approve_ms",
    ];
    assert_eq!(calls(&bench, &columns).await, ["- decided person true -"]);
}

#[tokio::test]
async fn without_ids_refused_and_parallel_calls_find_their_results() {
    let bench = Bench::with(&[]).await;
    old_client()
        .send(
            &bench,
            &[
                decision(0, "Bash", "reject", "user_reject", None),
                decision(10, "Bash", "accept", "user_temporary", None),
                decision(20, "Bash", "accept", "config", None),
                decision(30, "Bash", "reject", "config", None),
                // The second one ends first.
                result(120, "Bash", "false", 100, None),
                result(200, "Bash", "true", 189, None),
            ],
        )
        .await;
    let columns = ["outcome", "decided_by", "duration_ms", "join_inferred"];
    assert_eq!(
        calls(&bench, &columns).await,
        [
            "refused person - false",
            "refused settings - false",
            "failed settings 100 true",
            "succeeded person 189 true"
        ]
    );
}

#[tokio::test]
async fn subagents_wait_for_their_own_answers() {
    let answer = |at_ms: i64, id: Option<&str>, agent: Option<&str>| {
        (
            AT + at_ms,
            "api_request",
            json!({"model": "claude-opus-5-5", "request_id": id, "agent_id": agent, "query_source": "sdk"}),
        )
    };
    let by = |at_ms: i64, tool: &'static str, agent: Option<&str>, request: Option<&str>| {
        let mut made = decision(at_ms, tool, "accept", "user_temporary", Some(tool));
        made.2["agent_id"] = json!(agent);
        made.2["request_id"] = json!(request);
        made
    };
    let bench = Bench::with(&[]).await;
    client()
        .send(
            &bench,
            &[
                answer(0, None, None),
                answer(700, None, Some("sub")),
                by(1000, "Main", None, None),
                by(1001, "Sub", Some("sub"), None),
                // What it asked for is shown before the answer is complete.
                by(1002, "Early", None, Some("r")),
                answer(1100, Some("r"), None),
            ],
        )
        .await;
    let columns = ["tool", "time_to_approve_ms", "approve_inferred", "outcome"];
    assert_eq!(
        calls(&bench, &columns).await,
        [
            "Main 1000 true pending",
            "Sub 301 true pending",
            "Early 0 false pending"
        ]
    );
}

#[tokio::test]
async fn what_comes_twice_or_late_is_one_call() {
    let bench = Bench::with(&[]).await;
    client()
        .send(
            &bench,
            &[
                result(50, "A", "true", 5, Some("a")),
                result(51, "A", "false", 6, Some("a")),
            ],
        )
        .await;
    // The decision is sent after the result, and its clock was set in between.
    client()
        .send(&bench, &[decision(90, "A", "accept", "config", Some("a"))])
        .await;
    bench.store.flush().await.expect("flushes");
    client()
        .send(
            &bench,
            &[decision(91, "A", "accept", "user_temporary", Some("a"))],
        )
        .await;
    let columns = [
        "outcome",
        "duration_ms",
        "decision_state",
        "decided_by",
        "join_inferred",
    ];
    assert_eq!(
        calls(&bench, &columns).await,
        ["succeeded 5 decided person false"]
    );
}

#[tokio::test]
async fn a_range_of_time_reads_around_itself_and_no_further() {
    let bench = Bench::with(&[]).await;
    for days_ago in 0..30 {
        let at = -days_ago * DAY_MS;
        let id = format!("call {days_ago}");
        let client = Client {
            received_ms: AT + at,
            ..client()
        };
        let decided = decision(at - DAY_MS, "A", "accept", "user_temporary", Some(&id));
        client
            .send(&bench, &[decided, result(at, "A", "true", 5, Some(&id))])
            .await;
    }
    bench.store.flush().await.expect("flushes");
    let from = format!(
        "time >= to_timestamp_millis({}) AND time < to_timestamp_millis({})",
        AT - 9 * DAY_MS,
        AT - 4 * DAY_MS
    );
    let sql = format!(
        "SELECT count(*) AS calls, count(decided_at) AS decided FROM tool_calls WHERE {from}"
    );
    let row = bench.row(&sql).await;
    assert_eq!((number(&row, "calls"), number(&row, "decided")), (5.0, 5.0));
    // Read are the days that are asked for and a day after, and of some sessions a week before.
    let plan = bench.rows(&format!("EXPLAIN FORMAT INDENT {sql}")).await;
    let text = plan.iter().map(Value::to_string).collect::<String>();
    for (from, to) in [(9, 3), (16, 9)] {
        let (from, to) = (AT - from * DAY_MS, AT - to * DAY_MS);
        let within = format!("predicate=time@0 >= {from} AND time@0 <");
        let found = text
            .split(&within)
            .nth(1)
            .unwrap_or_else(|| panic!("{within} in {text}"));
        let found = found.trim_start_matches('=').trim_start();
        assert!(
            found.starts_with(&to.to_string()),
            "{within} {to} in {text}"
        );
    }
}

#[tokio::test]
async fn a_call_is_whole_though_its_session_began_before_the_range() {
    let bench = Bench::with(&[]).await;
    let id = |number: u8| format!("call {number}");
    let old = 3 * DAY_MS;
    // Decided before the range and ended in it; only decided, and before it; both before it.
    let decisions = [(0, -old), (1, -old), (2, -old)]
        .map(|(number, at)| decision(at, "A", "accept", "user_temporary", Some(&id(number))));
    let results =
        [(0, 0), (2, -old + 5)].map(|(number, at)| result(at, "A", "true", 5, Some(&id(number))));
    let client = client();
    client.send(&bench, &decisions).await;
    client.send(&bench, &results).await;
    bench.store.flush().await.expect("flushes");
    let sql = format!(
        "SELECT tool_use_id, outcome, decision_source FROM tool_calls WHERE time >= to_timestamp_millis({})",
        AT - DAY_MS
    );
    let row = bench.row(&sql).await;
    assert_eq!(row["tool_use_id"], "call 0");
    assert_eq!(row["outcome"], "succeeded");
    assert_eq!(row["decision_source"], "user_temporary");
}

#[tokio::test]
async fn a_filter_finds_what_the_whole_has() {
    let bench = Bench::with(&["cc329_interactive_json", "cc2076_interactive_json"]).await;
    bench.store.flush().await.expect("flushes");
    for request in super::support::scenario("cc329_agent_json").requests {
        bench.receive(&request).await;
    }
    for column in [
        "session_id",
        "prompt_id",
        "person",
        "tool_use_id",
        "outcome",
        "product",
    ] {
        let all = bench
            .rows(&format!(
                "SELECT {column} AS value, count(*) AS calls FROM tool_calls WHERE {column} IS NOT NULL GROUP BY {column}"
            ))
            .await;
        assert!(!all.is_empty());
        for row in all {
            let value = row["value"].as_str().expect("a text");
            let sql = format!(
                "SELECT count(*) AS calls, max(tool) AS tool FROM tool_calls WHERE {column} = '{value}'"
            );
            let found = bench.row(&sql).await;
            assert_eq!(found["calls"], row["calls"], "{column} {value}");
        }
    }
}
