//! Hours, weekdays and days on which clocks change; folders; and that the overview agrees.

use query::catalogue::{Ask, Range};
use query::reports::{self, Filter};
use serde_json::{Value, json};

use super::catalogue::{all_time, ask, asked, assert_near, company, rows, totals};
use super::handmade::Client;
use super::support::{Bench, number};

const HOUR_MS: i64 = 3_600_000;
/// Sunday 2026-11-01, 00:00 in New York, where clocks go back that day.
const SUNDAY_MS: i64 = 1_793_505_600_000;

async fn requests_each_hour(from_ms: i64, hours: i64) -> Bench {
    let bench = Bench::with(&[]).await;
    let client = Client::of("2.1.329", "ada@example.com", "all day");
    let own = json!({"model": "claude-opus-4-8", "cost_usd": 0.5, "input_tokens": 10});
    for hour in 0..hours {
        let at_ms = from_ms + hour * HOUR_MS + HOUR_MS / 2;
        let own = json!({"model": own["model"], "cost_usd": 0.5, "input_tokens": 10 + hour, "request_id": format!("r{hour}")});
        client
            .send(
                &bench,
                &[
                    (at_ms, "api_request", own),
                    (at_ms, "user_prompt", json!({"prompt_length": hour})),
                ],
            )
            .await;
    }
    bench
}

fn new_york(name: &str, from_ms: i64, hours: i64) -> Ask {
    let range = Range {
        from_ms,
        to_ms: from_ms + hours * HOUR_MS,
    };
    let zone = "America/New_York".parse().expect("a zone");
    Ask {
        range,
        zone,
        ..ask(name)
    }
}

#[tokio::test]
async fn a_day_on_which_clocks_change_has_as_many_hours() {
    let bench = requests_each_hour(SUNDAY_MS, 72).await;
    let by_day = new_york("cost", SUNDAY_MS, 72)
        .grouped(["day"])
        .expect("known");
    let by_day = rows(&asked(&bench, by_day).await.rows);
    let counted = |row: &Value| (row["day"].clone(), number(row, "requests"));
    let expect = [
        ("2026-11-01", 25.0),
        ("2026-11-02", 24.0),
        ("2026-11-03", 23.0),
    ];
    let expect = expect.map(|(day, hours)| (json!(day), hours));
    assert_eq!(by_day.iter().map(counted).collect::<Vec<_>>(), expect);
    // In spring they go forward; that was 2026-03-08, 05:00 UTC on.
    let march_ms = SUNDAY_MS - (238 * 24 - 1) * HOUR_MS;
    let bench = requests_each_hour(march_ms, 25).await;
    let by_day = new_york("cost", march_ms, 25)
        .grouped(["day"])
        .expect("known");
    let by_day = rows(&asked(&bench, by_day).await.rows);
    let expect =
        [("2026-03-08", 23.0), ("2026-03-09", 2.0)].map(|(day, hours)| (json!(day), hours));
    assert_eq!(by_day.iter().map(counted).collect::<Vec<_>>(), expect);
}

#[tokio::test]
async fn tasks_by_hour_and_weekday_and_off_hours() {
    // Monday, 2 November, midnight in New York.
    let monday_ms = SUNDAY_MS + 25 * HOUR_MS;
    let bench = requests_each_hour(monday_ms - 24 * HOUR_MS, 48).await;
    let of_monday = new_york("activity", monday_ms, 24);
    let cells = rows(&asked(&bench, of_monday.clone()).await.rows);
    assert_eq!(cells.len(), 24, "{cells:?}");
    assert_eq!(
        (&cells[0]["weekday"], &cells[0]["hour"]),
        (&json!("1"), &json!("00"))
    );
    let by_hour = of_monday
        .clone()
        .grouped(["hour", "off_hours"])
        .expect("known");
    let by_hour = rows(&asked(&bench, by_hour).await.rows);
    let office = by_hour.iter().filter(|row| row["off_hours"] == "false");
    let office: Vec<&str> = office.filter_map(|row| row["hour"].as_str()).collect();
    assert_eq!(
        office,
        ["08", "09", "10", "11", "12", "13", "14", "15", "16", "17"]
    );
    let whole = totals(&bench, of_monday).await;
    assert_eq!(
        (number(&whole, "tasks"), number(&whole, "off_hours_tasks")),
        (24.0, 14.0)
    );
    let sunday = totals(&bench, new_york("activity", monday_ms - 24 * HOUR_MS, 24)).await;
    assert_eq!(
        (
            number(&sunday, "off_hours_share"),
            number(&sunday, "weekend_tasks")
        ),
        (1.0, 24.0)
    );
}

#[tokio::test]
async fn folders_of_the_host_count_each_and_once() {
    let bench = Bench::with(&[]).await;
    for (person, paths) in [
        ("ada", r#"["/data/a","/srv/all"]"#),
        ("bob", r#"["/srv/all"]"#),
    ] {
        let client = Client {
            service: "cowork",
            ..Client::of("2.1.149", &format!("{person}@example.com"), person)
        };
        let own = json!({"workspace.host_paths": paths, "prompt.id": person});
        client
            .send(
                &bench,
                &[
                    (SUNDAY_MS, "user_prompt", own.clone()),
                    (SUNDAY_MS + 1, "tool_result", own),
                ],
            )
            .await;
    }
    let answer = asked(&bench, ask("workspaces")).await;
    let by_path = rows(&answer.rows);
    let seen: Vec<_> = by_path
        .iter()
        .map(|row| (row["workspace"].clone(), number(row, "people")))
        .collect();
    assert_eq!(
        seen,
        [(json!("/srv/all"), 2.0), (json!("/data/a"), 1.0)],
        "{by_path:?}"
    );
    let whole = &rows(&answer.totals)[0];
    assert_eq!(
        (number(whole, "people"), number(whole, "prompts")),
        (2.0, 2.0)
    );
}

#[tokio::test]
async fn what_was_worked_on_is_the_repository_or_the_project() {
    let bench = Bench::with(&[]).await;
    let own =
        |request: &str| json!({"model": "claude-opus-4-8", "cost_usd": 0.5, "request_id": request});
    for (key, value) in [
        ("vcs.repository.name", "web"),
        ("project", "apollo"),
        ("none", "none"),
    ] {
        let client = Client::of("2.1.329", "ada@example.com", value).with(key, json!(value));
        client
            .send(&bench, &[(SUNDAY_MS, "api_request", own(value))])
            .await;
    }
    let by_project = ask("cost").grouped(["project"]).expect("known");
    let by_project = rows(&asked(&bench, by_project).await.rows);
    let names: Vec<_> = by_project
        .iter()
        .map(|row| row["project"].clone())
        .collect();
    assert_eq!(names, [json!("apollo"), json!("web"), Value::Null]);
}

#[tokio::test]
async fn what_the_cache_saved_is_the_list_price_without_it_less_the_list_price() {
    let bench = Bench::with(&[]).await;
    let client = Client::of("2.1.329", "ada@example.com", "s");
    // A million tokens read at 0.50 instead of 5 USD, a million written for five minutes at 6.25.
    for (number, read, written) in [(1, 1_000_000, 0), (2, 0, 1_000_000)] {
        let own = json!({
            "model": "claude-opus-4-8", "cost_usd": 0.5, "input_tokens": 1, "output_tokens": 1, "request_id": format!("r{number}"),
            "cache_read_tokens": read, "cache_creation_tokens": written,
            "cache_creation_5m_tokens": written, "cache_creation_1h_tokens": 0,
        });
        client
            .send(&bench, &[(SUNDAY_MS + number, "api_request", own)])
            .await;
    }
    let tokens = totals(&bench, ask("tokens")).await;
    assert_near(number(&tokens, "cache_saved_usd"), 4.5 - 1.25, "saved");
    assert_near(
        number(&tokens, "cache_hit_share"),
        1e6 / 2_000_002.0,
        "share",
    );
}

/// With clients that send metrics only among those that send both.
#[tokio::test(flavor = "multi_thread")]
async fn the_overview_and_the_reports_say_the_same() {
    let bench = company().await;
    let Range { from_ms, to_ms } = all_time();
    let range = Filter::range(from_ms, to_ms);
    let overview = reports::overview(&bench.all(), &range)
        .await
        .expect("answers");
    let cost = totals(&bench, ask("cost")).await;
    assert_near(overview.totals.cost_usd, number(&cost, "cost_usd"), "cost");
    assert_eq!(overview.totals.requests as f64, number(&cost, "requests"));
    let tokens = totals(&bench, ask("tokens")).await;
    assert_eq!(
        overview.totals.cache_read_tokens as f64,
        number(&tokens, "cache_read_tokens")
    );
    assert_eq!(
        overview.totals.output_tokens as f64,
        number(&tokens, "output_tokens")
    );
    let metrics = totals(
        &bench,
        ask("cost").filtered(["source=metrics"]).expect("known"),
    )
    .await;
    assert!(number(&metrics, "cost_usd") > 0.0);
    for (what, sum) in [
        ("series", overview.series.cost_usd.iter().sum::<f64>()),
        (
            "people",
            overview.people.iter().map(|row| row.cost_usd).sum(),
        ),
        (
            "models",
            overview.models.iter().map(|row| row.cost_usd).sum(),
        ),
        (
            "products",
            overview.products.iter().map(|row| row.cost_usd).sum(),
        ),
    ] {
        assert_near(sum, overview.totals.cost_usd, what);
    }
    let by_person = asked(&bench, ask("cost")).await;
    for row in rows(&by_person.rows) {
        let of = |own: &&reports::PersonRow| own.person.as_deref() == row["person"].as_str();
        let person = overview.people.iter().find(of).expect("everybody");
        assert_near(person.cost_usd, number(&row, "cost_usd"), "a person");
        let person = row["person"].as_str().unwrap_or_default().to_owned();
        let person = Some(person);
        let filter = Filter {
            person,
            ..range.clone()
        };
        let question = bench.all();
        let only = reports::overview(&question, &filter);
        assert_near(
            only.await.expect("answers").totals.cost_usd,
            number(&row, "cost_usd"),
            "filtered",
        );
    }
    let products: Vec<_> = overview
        .products
        .iter()
        .map(|row| row.product.clone())
        .collect();
    assert_eq!(products.len(), 2, "{products:?}");
}
