//! Who reports: gaps, silence against a rhythm, what is missing, with recorded clients and hand-made
//! ones that lose, repeat, continue and fall silent.

use std::time::Duration;

use contract::Signal;
use query::{PeopleFiles, Roster};
use serde_json::{Value, json};

use super::catalogue::{ask, asked, rows};
use super::handmade::{Client, Made};
use super::support::{Bench, DAY_MS, NOW_MS, number, scenario, scenarios};

/// 2026-11-21, the day of `NOW_MS`, a Saturday.
const TODAY_MS: i64 = NOW_MS - NOW_MS % DAY_MS;

fn ann() -> Client {
    Client::of("2.1.329", "ann@example.com", "s1")
}

/// Events with these numbers, a second apart, ending a minute ago.
fn numbered(numbers: &[i64]) -> Vec<Made<'static>> {
    let first = NOW_MS - 60_000 - 1_000 * numbers.len() as i64;
    let at = (0..).map(|place| first + 1_000 * place);
    at.zip(numbers)
        .map(|(at, number)| (at, "plugin_loaded", json!({"event.sequence": number})))
        .collect()
}

async fn gaps(bench: &Bench) -> (i64, i64) {
    let row = bench
        .row("SELECT sum(sequence_gaps) AS gaps, sum(restarts) AS restarts FROM coverage")
        .await;
    (number(&row, "gaps") as i64, number(&row, "restarts") as i64)
}

#[tokio::test]
async fn recorded_clients_have_no_gaps() {
    let mut names = Vec::new();
    for scenario in scenarios() {
        let bench = Bench::with(&[&scenario.name]).await;
        assert_eq!(gaps(&bench).await, (0, 0), "{}", scenario.name);
        let sums = bench
            .row(
                "SELECT (SELECT sum(events) FROM coverage) = (SELECT count(*) FROM events) AS e,
                        (SELECT sum(data_points) FROM coverage) = (SELECT count(*) FROM metrics) AS p,
                        (SELECT sum(spans) FROM coverage) = (SELECT count(*) FROM spans) AS s",
            )
            .await;
        assert_eq!(
            sums,
            json!({"e": true, "p": true, "s": true}),
            "{}",
            scenario.name
        );
        names.push(scenario.name);
    }
    // One of them continues the session of another.
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::with(&names).await;
    assert_eq!(gaps(&bench).await, (0, 1));
    bench.store.flush().await.expect("flushes");
    assert_eq!(gaps(&bench).await, (0, 1));
}

#[tokio::test]
async fn planted_gaps_are_counted_exactly() {
    for (numbers, expect, what) in [
        (&[0, 1, 2, 3][..], (0, 0), "whole"),
        (&[0, 1, 4, 5, 9], (5, 0), "in between"),
        (&[3, 4], (3, 0), "a lost head"),
        (&[0, 1, 2, 0, 1], (0, 1), "continued"),
        (&[0, 1, 2, 1, 4], (3, 1), "continued, with losses"),
    ] {
        let bench = Bench::with(&[]).await;
        let events = numbered(numbers);
        // Arrived in two requests, the later one first.
        let (first, second) = events.split_at(2);
        ann().send(&bench, second).await;
        ann().send(&bench, first).await;
        assert_eq!(gaps(&bench).await, expect, "{what}");
        // The same from a collector that adds an attribute of its own, and once more as it was.
        ann()
            .with("collector", json!("b"))
            .send(&bench, &events)
            .await;
        ann().send(&bench, &events).await;
        assert_eq!(gaps(&bench).await, expect, "{what}, copied");
    }
}

/// A lost batch of a real client.
#[tokio::test]
async fn a_batch_that_never_came_is_missing() {
    let whole = scenario("cc329_tools_json");
    let logs: Vec<_> = whole
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Logs)
        .collect();
    let all = Bench::with(&["cc329_tools_json"]).await;
    let all = number(&all.row("SELECT sum(events) AS n FROM coverage").await, "n");
    let bench = Bench::with(&[]).await;
    for (_, request) in logs.iter().enumerate().filter(|(at, _)| *at != 1) {
        bench.receive(request).await;
    }
    let left = number(
        &bench.row("SELECT sum(events) AS n FROM coverage").await,
        "n",
    );
    assert!(left < all);
    assert_eq!(gaps(&bench).await, ((all - left) as i64, 0));
}

/// Sends an event at noon of each of the days before today.
async fn active_on(bench: &Bench, client: &Client, days_ago: impl IntoIterator<Item = i64>) {
    for days_ago in days_ago {
        let at = TODAY_MS - days_ago * DAY_MS + DAY_MS / 2;
        let client = Client {
            received_ms: at,
            ..client.clone()
        };
        client
            .send(bench, &[(at, "plugin_loaded", json!({}))])
            .await;
    }
}

/// Whether the person is overdue, and by which day (counted from today) something is expected.
async fn silence(bench: &Bench, email: &str) -> (bool, i64) {
    let sql = format!(
        "SELECT is_overdue, CAST(expected_by AS BIGINT) AS by FROM coverage WHERE person = '{email}'"
    );
    let row = bench.row(&sql).await;
    let by = row["by"].as_i64().expect("a time");
    (
        row["is_overdue"].as_bool().expect("a flag"),
        (by - TODAY_MS) / DAY_MS,
    )
}

#[tokio::test]
async fn silence_is_measured_against_ones_own_rhythm() {
    let bench = Bench::with(&[]).await;
    let weekday = |days_ago: &i64| (1..6).contains(&((6 - days_ago).rem_euclid(7)));
    let of = |email| Client::of("2.1.329", email, email);
    // Today is Saturday: yesterday was a working day.
    active_on(&bench, &of("daily@example.com"), (1..30).filter(weekday)).await;
    active_on(&bench, &of("gone@example.com"), (4..30).filter(weekday)).await;
    active_on(
        &bench,
        &of("mondays@example.com"),
        (0..8).map(|week| 5 + 7 * week),
    )
    .await;
    active_on(&bench, &of("new@example.com"), [2, 3]).await;
    active_on(&bench, &of("old@example.com"), [9]).await;
    for (email, expect) in [
        // Until the end of Monday.
        ("daily@example.com", (false, 3)),
        // Tuesday was the last day.
        ("gone@example.com", (true, -2)),
        ("mondays@example.com", (false, 3)),
        // Less than five days are no rhythm: a working week.
        ("new@example.com", (false, 6)),
        ("old@example.com", (true, -1)),
    ] {
        assert_eq!(silence(&bench, email).await, expect, "{email}");
    }
    let row = bench
        .row("SELECT silent_for_s FROM coverage WHERE person = 'daily@example.com'")
        .await;
    let since = NOW_MS - (TODAY_MS - DAY_MS / 2);
    assert_eq!(number(&row, "silent_for_s") as i64, since / 1_000);
    let monday_ends = (TODAY_MS + 3 * DAY_MS - NOW_MS) as u64;
    bench.clock.advance(Duration::from_millis(monday_ends - 1));
    assert_eq!(silence(&bench, "daily@example.com").await, (false, 3));
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(silence(&bench, "daily@example.com").await, (true, 3));
}

#[tokio::test]
async fn the_report_names_who_fell_silent_before_its_range() {
    let bench = Bench::with(&[]).await;
    let of = |email| Client::of("2.1.329", email, email);
    active_on(&bench, &of("here@example.com"), [1]).await;
    active_on(&bench, &of("gone@example.com"), 12..30).await;
    // Two days in a week of their own rhythm: nothing is wrong with them.
    active_on(&bench, &of("pausing@example.com"), [5]).await;
    let people = |from_hours: i64, to_hours: i64| {
        let mut ask = ask("coverage");
        ask.range.from_ms = NOW_MS - from_hours * DAY_MS / 24;
        ask.range.to_ms = NOW_MS - to_hours * DAY_MS / 24;
        let bench = &bench;
        async move {
            let rows = rows(&asked(bench, ask).await.rows);
            let mut people: Vec<_> = rows
                .iter()
                .map(|row| row["person"].as_str().unwrap_or_default().to_owned())
                .collect();
            people.sort();
            people
        }
    };
    assert_eq!(
        people(3 * 24, 0).await,
        ["gone@example.com", "here@example.com"]
    );
    let all = [
        "gone@example.com",
        "here@example.com",
        "pausing@example.com",
    ];
    assert_eq!(people(7 * 24, 0).await, all);
    // Half a day after the last one was seen nobody was overdue.
    assert!(people(11 * 24, 11 * 24 - 12).await.is_empty());
}

#[tokio::test]
async fn who_upgrades_or_changes_machines_is_not_silent() {
    let bench = Bench::with(&[]).await;
    active_on(&bench, &ann(), 10..40).await;
    let newer = Client {
        version: "2.1.330",
        ..ann().with("user.id", json!("another machine"))
    };
    active_on(&bench, &newer, 1..9).await;
    let rows = bench
        .rows("SELECT machine, os, arch, is_overdue, sessions FROM coverage ORDER BY app_version")
        .await;
    let row = |machine: &str| json!({"machine": machine, "os": "linux", "arch": "arm64", "is_overdue": false, "sessions": 1});
    assert_eq!(
        rows,
        [row("machine of ann@example.com"), row("another machine")]
    );
}

#[tokio::test]
async fn a_filter_finds_what_the_whole_has() {
    let bench = Bench::with(&["cc329_interactive_json", "cc2076_tools_json"]).await;
    bench.store.flush().await.expect("flushes");
    ann().send(&bench, &numbered(&[0])).await;
    for column in ["person", "product", "app_version", "machine", "telemetry"] {
        let all = format!(
            "SELECT {column} AS value, sum(events) AS events FROM coverage GROUP BY {column}"
        );
        for row in bench.rows(&all).await {
            let value = row["value"].as_str().expect("a text");
            let sql = format!(
                "SELECT sum(events) AS events, max(known_faults) AS faults, max(expected_by) AS by
                               FROM coverage WHERE {column} = '{value}'"
            );
            assert_eq!(
                bench.row(&sql).await["events"],
                row["events"],
                "{column} {value}"
            );
        }
    }
}

#[tokio::test]
async fn a_clock_in_the_future_is_not_believed() {
    let bench = Bench::with(&[]).await;
    ann()
        .send(
            &bench,
            &[(NOW_MS + 400 * DAY_MS, "plugin_loaded", json!({}))],
        )
        .await;
    let row = bench
        .row("SELECT CAST(last_seen AS BIGINT) AS seen, silent_for_s FROM coverage")
        .await;
    assert_eq!(row, json!({"seen": NOW_MS, "silent_for_s": 0}));
}

async fn only(bench: &Bench, columns: &str) -> Value {
    bench.row(&format!("SELECT {columns} FROM coverage")).await
}

#[tokio::test]
async fn what_is_sent_and_what_is_missing() {
    for (service, events, points, telemetry, missing) in [
        ("claude-code", true, true, "events and metrics", None),
        ("claude-code", true, false, "events only", Some("metrics")),
        ("claude-code", false, true, "metrics only", Some("events")),
        // By design.
        ("cowork", true, false, "events only", None),
        ("codex-cli", true, false, "events only", None),
    ] {
        let bench = Bench::with(&[]).await;
        let client = Client { service, ..ann() };
        if events {
            client.send(&bench, &numbered(&[0])).await;
        }
        if points {
            let times = [NOW_MS - 2_000, NOW_MS - 1_000];
            client
                .count(&bench, "claude_code.session.count", &times)
                .await;
        }
        let row = only(&bench, "telemetry, missing_signal, data_points").await;
        let expect = json!({"telemetry": telemetry, "missing_signal": missing, "data_points": if points { 2 } else { 0 }});
        assert_eq!(row, expect, "{service}");
    }
    let bench = Bench::with(&[]).await;
    for request in scenario("cc329_traces_json").requests {
        if request.signal == Signal::Traces {
            bench.receive(&request).await;
        }
    }
    assert_eq!(
        only(&bench, "telemetry").await,
        json!({"telemetry": "spans only"})
    );
}

#[tokio::test]
async fn identity_content_and_faults_of_recorded_clients() {
    for (name, identity, content, fault) in [
        ("cc2076_tools_json", false, "redacted", Some("no-sequence")),
        (
            "cc10128_mcp_json",
            false,
            "captured",
            Some("commands-always-sent"),
        ),
        ("cc329_tools_json_verbose", false, "captured", None),
        ("cc329_oauth_identity_json", true, "captured", None),
    ] {
        let bench = Bench::with(&[name]).await;
        let row = only(&bench, "identity_missing, events, content, known_faults").await;
        let missing = if identity {
            0.0
        } else {
            number(&row, "events")
        };
        assert_eq!(number(&row, "identity_missing"), missing, "{name}");
        assert_eq!(row["content"], json!(content), "{name}");
        let faults = row["known_faults"].as_str();
        match fault {
            Some(fault) => assert!(
                faults.is_some_and(|ids| ids.contains(fault)),
                "{name}: {row}"
            ),
            None => assert_eq!(faults, None, "{name}"),
        }
    }
    let bench = Bench::with(&[]).await;
    ann().send(&bench, &numbered(&[0])).await;
    assert_eq!(
        only(&bench, "content").await,
        json!({"content": "none seen"})
    );
}

#[tokio::test]
async fn items_that_could_not_be_understood_are_placed_where_they_name_their_sender() {
    let bench = Bench::with(&[]).await;
    ann().send(&bench, &numbered(&[0])).await;
    ann()
        .with("session.id", json!("s2"))
        .send(&bench, &numbered(&[1, 2]))
        .await;
    // A damaged record of a known session, one of a known machine, one that says nothing.
    ann().send_damaged(&bench).await;
    ann()
        .with("session.id", Value::Null)
        .send_damaged(&bench)
        .await;
    let nobody = ann()
        .with("session.id", Value::Null)
        .with("user.id", Value::Null);
    nobody.send_damaged(&bench).await;
    let rows = bench.rows("SELECT person, events, quarantined, last_seen IS NULL AS unseen FROM coverage ORDER BY person").await;
    assert_eq!(
        rows,
        [
            json!({"person": "ann@example.com", "events": 3, "quarantined": 2, "unseen": false}),
            json!({"person": null, "events": 0, "quarantined": 1, "unseen": true}),
        ]
    );
}

#[tokio::test]
async fn who_is_expected_and_never_came_has_a_row() {
    let bench = Bench::with(&[]).await;
    ann().send(&bench, &numbered(&[0])).await;
    let bob = Client {
        service: "cowork",
        ..Client::of("2.1.329", "bob@example.com", "s2")
    };
    bob.send(&bench, &numbered(&[0])).await;
    Client::of("2.1.329", "guest@example.com", "s3")
        .send(&bench, &numbered(&[0]))
        .await;
    let roster = "person,product,from,to\n\
                  ann@example.com,,,\n\
                  bob@example.com,claude-code,,\n\
                  eve@example.com,,2026-11-20,\n\
                  old@example.com,,,\n\
                  left@example.com,,,2026-01-01\n";
    bench.engine.set_people(PeopleFiles {
        mapping: None,
        roster: Some(Roster::parse("roster.csv", roster.as_bytes()).expect("a roster")),
        ..PeopleFiles::default()
    });
    let rows = bench
        .rows(
            "SELECT person, product, is_expected, last_seen IS NOT NULL AS seen, is_overdue, events, known_faults
             FROM coverage ORDER BY person, product",
        )
        .await;
    let row = |person: &str, product: Option<&str>, is_expected, seen: bool, is_overdue| {
        json!({"person": person, "product": product, "is_expected": is_expected, "seen": seen,
               "is_overdue": is_overdue, "events": i64::from(seen), "known_faults": null})
    };
    let (code, cowork) = (Some("claude-code"), Some("cowork"));
    assert_eq!(
        rows,
        [
            row("ann@example.com", code, true, true, false),
            row("bob@example.com", code, true, false, true),
            row("bob@example.com", cowork, false, true, false),
            // New since yesterday: a working week.
            row("eve@example.com", None, true, false, false),
            row("guest@example.com", code, false, true, false),
            row("old@example.com", None, true, false, true),
        ]
    );
}
