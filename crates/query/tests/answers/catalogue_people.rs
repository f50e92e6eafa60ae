//! People by day, week and month: who counts, when, and once.

use query::catalogue::{Ask, Range};
use serde_json::{Value, json};

use super::catalogue::{ask, asked, rows, totals};
use super::handmade::Client;
use super::support::{Bench, DAY_MS, number};

/// Monday 2026-11-02, 00:00 UTC.
const MONDAY_MS: i64 = 1_793_577_600_000;
const NOON_MS: i64 = DAY_MS / 2;

/// The days from one on, counted from that Monday.
fn days(name: &str, from: i64, count: i64) -> Ask {
    let from_ms = MONDAY_MS + from * DAY_MS;
    let range = Range {
        from_ms,
        to_ms: from_ms + count * DAY_MS,
    };
    Ask { range, ..ask(name) }
}

/// A prompt of a person at noon of each of the days.
async fn prompts(bench: &Bench, person: &str, on: &[i64]) {
    let client = Client::of(
        "2.1.329",
        &format!("{person}@example.com"),
        &format!("session of {person}"),
    );
    for day in on {
        let at_ms = MONDAY_MS + day * DAY_MS + NOON_MS;
        client
            .send(
                bench,
                &[(at_ms, "user_prompt", json!({"prompt_length": 1}))],
            )
            .await;
    }
}

fn counts(row: &Value, names: &[&str]) -> Vec<f64> {
    names.iter().map(|name| number(row, name)).collect()
}

#[tokio::test]
async fn active_people_by_day_in_seven_days_and_in_thirty() {
    let bench = Bench::with(&[]).await;
    prompts(&bench, "ada", &[-29, 0, 1]).await;
    prompts(&bench, "bob", &[-30, -6]).await;
    prompts(&bench, "cyd", &[0]).await;
    // Starting a client is no work.
    let dan = Client::of("2.1.329", "dan@example.com", "session of dan");
    dan.send(
        &bench,
        &[(MONDAY_MS + NOON_MS, "hook_registered", json!({}))],
    )
    .await;
    // A second product, by metrics alone, and not a second person.
    let ada = Client {
        service: "cowork",
        ..Client::of("2.1.329", "ada@example.com", "elsewhere")
    };
    ada.count(&bench, "claude_code.cost.usage", &[MONDAY_MS + NOON_MS])
        .await;
    let by_day = rows(&asked(&bench, days("adoption", 0, 3)).await.rows);
    let names = ["active_people", "dau", "wau", "mau", "stickiness"];
    let expect = [
        ("2026-11-02", [2.0, 2.0, 3.0, 3.0, 2.0 / 3.0]),
        ("2026-11-03", [1.0, 1.0, 2.0, 3.0, 1.0 / 3.0]),
        ("2026-11-04", [0.0, 0.0, 2.0, 3.0, 0.0]),
    ];
    for (row, (day, counted)) in by_day.iter().zip(expect) {
        assert_eq!(row["day"], day);
        assert_eq!(counts(row, &names), counted, "{row}");
    }
    assert_eq!(by_day.len(), 3, "{by_day:?}");
    let whole = totals(&bench, days("adoption", 0, 3)).await;
    assert_eq!(
        counts(&whole, &["active_people", "dau", "mau", "active_days"]),
        [2.0, 1.5, 3.0, 3.0]
    );
    let by_product = days("adoption", 0, 1).grouped(["product"]).expect("known");
    let by_product = rows(&asked(&bench, by_product).await.rows);
    let active: Vec<f64> = by_product
        .iter()
        .map(|row| number(row, "active_people"))
        .collect();
    assert_eq!(
        (active, by_product.len()),
        (vec![2.0, 1.0], 2),
        "{by_product:?}"
    );
    // Bob's last day is out of the month of the day after.
    let later = rows(&asked(&bench, days("adoption", 24, 1)).await.rows);
    assert_eq!(counts(&later[0], &["wau", "mau"]), [0.0, 2.0]);
}

#[tokio::test]
async fn a_day_is_that_of_the_time_zone() {
    let bench = Bench::with(&[]).await;
    let ada = Client::of("2.1.329", "ada@example.com", "late");
    let at_ms = MONDAY_MS + 20 * 3_600_000;
    ada.send(&bench, &[(at_ms, "user_prompt", json!({}))]).await;
    for (zone, day) in [
        ("UTC", "2026-11-02"),
        ("Asia/Kolkata", "2026-11-03"),
        ("America/New_York", "2026-11-02"),
    ] {
        let zone = zone.parse().expect("a zone");
        let answer = rows(
            &asked(
                &bench,
                Ask {
                    zone,
                    ..days("adoption", 0, 2)
                },
            )
            .await
            .rows,
        );
        let active = |row: &&Value| number(row, "active_people") == 1.0;
        let active: Vec<&Value> = answer.iter().filter(active).collect();
        assert_eq!(
            (active.len(), &active[0]["day"]),
            (1, &json!(day)),
            "{zone}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn people_come_stay_come_back_and_go() {
    let bench = Bench::with(&[]).await;
    // Weeks -1, 0, 1, 2 and so on, of which 0 begins on the Monday.
    prompts(&bench, "stays", &[-7, 0, 8, 20]).await;
    prompts(&bench, "new", &[9]).await;
    prompts(&bench, "goes", &[-1, 3]).await;
    prompts(&bench, "back", &[-20, 13]).await;
    let by_week = rows(&asked(&bench, days("retention", 0, 28)).await.rows);
    let names = [
        "active_people",
        "new_people",
        "returning_people",
        "retained_people",
        "resurrected_people",
        "lost_people",
    ];
    let expect = [
        ("2026-11-02", [2.0, 0.0, 2.0, 2.0, 0.0, 0.0]),
        ("2026-11-09", [3.0, 1.0, 2.0, 1.0, 1.0, 1.0]),
        ("2026-11-16", [1.0, 0.0, 1.0, 1.0, 0.0, 2.0]),
        ("2026-11-23", [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
    ];
    assert_eq!(by_week.len(), expect.len(), "{by_week:?}");
    for (row, (week, counted)) in by_week.iter().zip(expect) {
        assert_eq!(row["week"], week);
        assert_eq!(counts(row, &names), counted, "{row}");
    }
    assert_eq!(number(&by_week[1], "retention_share"), 0.5);
    let gone = days("retention", 0, 28)
        .filtered(["state=lost"])
        .expect("known");
    let gone = gone.grouped(["week", "person"]).expect("known");
    let gone = rows(&asked(&bench, gone).await.rows);
    let of_second: Vec<_> = gone
        .iter()
        .filter(|row| row["week"] == "2026-11-09")
        .collect();
    assert_eq!(of_second.len(), 1);
    assert_eq!(of_second[0]["person"], "goes@example.com");
    // Of one person alone: a constant that people are told apart by.
    for (report, figure) in [("retention", "returning_people"), ("adoption", "mau")] {
        let one = days(report, 0, 28).filtered(["person=stays@example.com"]);
        let one = one.expect("known").grouped(["person"]).expect("known");
        let one = asked(&bench, one).await;
        let figures = [&one.rows, &one.totals].map(|answer| number(&rows(answer)[0], figure));
        assert_eq!(figures, [1.0, 1.0], "{report}");
    }
    // In one team alone: whoever worked for another before is new to it.
    let mover = Client::of("2.1.329", "stays@example.com", "moved").with("team", json!("red"));
    mover
        .send(&bench, &[(MONDAY_MS + NOON_MS, "user_prompt", json!({}))])
        .await;
    let red = days("retention", 0, 7)
        .filtered(["team=red"])
        .expect("known");
    assert_eq!(
        counts(&totals(&bench, red).await, &["active_people", "new_people"]),
        [1.0, 1.0]
    );
}
