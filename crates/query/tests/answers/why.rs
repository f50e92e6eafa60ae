//! What makes the difference: figures are the report's, parts make up the whole, and who did it comes first.

use query::catalogue::{Ask, Difference, DifferenceWanted, REPORTS, Range, Report, why};
use serde_json::{Value, json};

use super::catalogue::{ask, company, rows, totals};
use super::support::{Bench, DAY_MS, NOW_MS};

const HOUR_MS: i64 = 3_600_000;

fn wanted(figure: &str, range: Range) -> DifferenceWanted {
    DifferenceWanted {
        id: format!("{figure}@{}..{}", range.from_ms, range.to_ms),
        people: true,
        ..DifferenceWanted::default()
    }
}

/// As it goes over the wire.
async fn told(bench: &Bench, wanted: &DifferenceWanted) -> Value {
    let difference: Difference = why(&bench.all(), wanted, NOW_MS)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", wanted.id));
    serde_json::to_value(difference).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn near(left: f64, right: f64, what: &str) {
    let slack = 1e-6 * (1.0 + left.abs().max(right.abs()));
    assert!((left - right).abs() <= slack, "{what}: {left} and {right}");
}

async fn total(bench: &Bench, figure: &str, range: Range) -> f64 {
    let (report, measure) = figure.split_once('.').expect("a figure");
    let ask = Ask {
        range,
        ..ask(report)
    };
    number(&totals(bench, ask).await[measure])
}

fn days(from: i64, to: i64) -> Range {
    let midnight = NOW_MS - NOW_MS % DAY_MS;
    Range {
        from_ms: midnight + from * DAY_MS,
        to_ms: midnight + to * DAY_MS,
    }
}

/// Every dimension's values and others make up both sides and the difference.
fn adds_up(told: &Value, what: &str) {
    let dimensions = told["dimensions"].as_array().expect("dimensions");
    assert!(!dimensions.is_empty(), "{what} has dimensions");
    for dimension in dimensions {
        for (part, whole) in [
            ("selection", &told["selection"]["value"]),
            ("baseline", &told["baseline"]["value"]),
            ("difference", &told["difference"]),
        ] {
            let values = dimension["values"].as_array().expect("values").iter();
            let sum: f64 = values.map(|value| number(&value[part])).sum();
            let sum = sum + number(&dimension["others"][part]);
            near(
                sum,
                number(whole),
                &format!("{what} by {}: {part}", dimension["name"]),
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_the_reports_and_the_parts_make_up_the_difference() {
    let bench = company().await;
    let (selection, earlier) = (days(-2, -1), days(-9, -8));
    for figure in [
        "cost.cost_usd",
        "tokens.tokens",
        "cost.requests",
        "errors.errors",
        "tools.calls",
        "tools.failures",
        "permissions.refused",
        "connectors.calls",
        "sessions.sessions",
        "prompts.prompts",
    ] {
        let told = told(&bench, &wanted(figure, selection)).await;
        assert_eq!(
            told["baseline"]["from_ms"],
            json!(earlier.from_ms),
            "the same weekday"
        );
        assert_eq!(told["baseline"]["to_ms"], json!(earlier.to_ms));
        let sides = [("selection", selection), ("baseline", earlier)];
        for (side, range) in sides {
            let value = number(&told[side]["value"]);
            near(
                value,
                total(&bench, figure, range).await,
                &format!("{figure} of the {side}"),
            );
        }
        let (report, measure) = figure.split_once('.').expect("a figure");
        let measure = Report::find(report).and_then(|report| report.measure(measure));
        let is_sum = measure.is_some_and(|own| own.parts == query::catalogue::Parts::Sum);
        assert_eq!(told["adds_up"], json!(is_sum), "{figure}");
        if is_sum {
            adds_up(&told, figure);
        }
    }
}

/// The rows of the report by the same dimension, as the report gives them.
#[tokio::test(flavor = "multi_thread")]
async fn values_are_the_rows_of_the_report() {
    let bench = company().await;
    let range = days(-3, 0);
    let told = told(&bench, &wanted("cost.cost_usd", range)).await;
    for name in ["person", "model", "product"] {
        let by = Ask {
            range,
            ..ask("cost")
        }
        .grouped([name])
        .expect("known");
        let rows = rows(&super::catalogue::asked(&bench, by).await.rows);
        let dimensions = told["dimensions"].as_array().expect("dimensions");
        let dimension = dimensions
            .iter()
            .find(|own| own["name"] == name)
            .expect("told");
        for value in dimension["values"].as_array().expect("values") {
            let row = rows.iter().find(|row| row[name] == value["value"]);
            let figure = row.map_or(0.0, |row| number(&row["cost_usd"]));
            near(
                number(&value["selection"]),
                figure,
                &format!("{name} {}", value["value"]),
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_the_wider_range_without_the_selection_scaled_to_its_length() {
    let bench = company().await;
    let (selection, within) = (days(-2, -1), days(-6, 0));
    let mut asked = wanted("cost.cost_usd", selection);
    asked.against = Some("rest".into());
    asked.within = Some(format!("{}..{}", within.from_ms, within.to_ms));
    let told = told(&bench, &asked).await;
    let whole = total(&bench, "cost.cost_usd", within).await;
    let own = total(&bench, "cost.cost_usd", selection).await;
    near(number(&told["baseline"]["value"]), whole - own, "the rest");
    near(number(&told["scale"]), 1.0 / 5.0, "a day of five");
    near(
        number(&told["difference"]),
        own - (whole - own) / 5.0,
        "the difference",
    );
    adds_up(&told, "the rest");
}

/// One client spends much in an hour that is otherwise as all are.
#[tokio::test(flavor = "multi_thread")]
async fn what_grew_comes_first_and_what_all_grew_by_makes_no_difference() {
    let bench = company().await;
    let by = |names: &str, range| DifferenceWanted {
        by: Some(names.into()),
        ..wanted("cost.cost_usd", range)
    };
    // Of one dimension's value alone there is nothing that moved from one to another.
    let range = Range {
        from_ms: NOW_MS - 4 * HOUR_MS,
        to_ms: NOW_MS,
    };
    let told = told(&bench, &by("source,person,model", range)).await;
    let dimensions = told["dimensions"].as_array().expect("dimensions");
    let divergences: Vec<f64> = dimensions
        .iter()
        .map(|own| number(&own["divergence"]))
        .collect();
    assert!(divergences.is_sorted_by(|a, b| a >= b), "{divergences:?}");
    for dimension in dimensions {
        let values = dimension["values"].as_array().expect("values");
        let sizes: Vec<f64> = values
            .iter()
            .map(|own| number(&own["difference"]).abs())
            .collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_apart_only_when_asked_for() {
    let bench = Bench::with(&["cowork_like_pb"]).await;
    let mut asked = wanted("cost.cost_usd", days(-1, 1));
    let names = |told: &Value| -> Vec<String> {
        let dimensions = told["dimensions"].as_array().expect("dimensions").iter();
        dimensions
            .map(|own| own["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert!(names(&told(&bench, &asked).await).contains(&"person".to_owned()));
    asked.people = false;
    let without = told(&bench, &asked).await;
    assert!(!names(&without).contains(&"person".to_owned()));
    assert_eq!(without["people_left_out"], json!(true));
    asked.by = Some("person".into());
    assert_eq!(
        names(&told(&bench, &asked).await),
        ["person"],
        "who is asked for by name is told"
    );
}

#[tokio::test]
async fn nothing_is_nothing_and_everything_new_is_said() {
    let bench = Bench::with(&["cowork_like_pb"]).await;
    let empty = told(&bench, &wanted("cost.cost_usd", days(-300, -299))).await;
    assert_eq!(empty["selection"]["value"], json!(0));
    assert_eq!(empty["dimensions"], json!([]));
    let new = told(&bench, &wanted("cost.cost_usd", days(-1, 1))).await;
    assert!(number(&new["difference"]) > 0.0);
    assert!(
        new["notes"].to_string().contains("everything is new"),
        "{}",
        new["notes"]
    );
    adds_up(&new, "what is new");
}

#[tokio::test]
async fn what_counts_distinct_ones_is_ranked_and_not_added_up() {
    let bench = Bench::with(&["cowork_like_pb"]).await;
    let told = told(&bench, &wanted("workspaces.sessions", days(-1, 1))).await;
    assert_eq!(told["adds_up"], json!(false));
    let values = told["dimensions"][0]["values"].as_array().expect("values");
    assert!(
        values.iter().all(|value| value["share"].is_null()),
        "{values:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_way_to_ask() {
    let bench = Bench::with(&[]).await;
    let day = days(-1, 0);
    let rest = |within: Option<&str>, figure: &str| DifferenceWanted {
        against: Some("rest".into()),
        within: within.map(str::to_owned),
        ..wanted(figure, day)
    };
    let cases = [
        (wanted("errors.request_error_share", day), "no sum"),
        (wanted("cost.nothing", day), "no figure"),
        (rest(None, "cost.cost_usd"), "needs within"),
        (
            rest(Some("2026-01-01..2026-01-02"), "cost.cost_usd"),
            "must hold the range",
        ),
        (rest(Some("2026-01-01"), "cost.cost_usd"), "no range"),
        (
            rest(Some("2026-01-01..2027-01-01"), "workspaces.sessions"),
            "distinct",
        ),
        (
            DifferenceWanted {
                against: Some("never".into()),
                ..wanted("cost.cost_usd", day)
            },
            "against is",
        ),
        (
            DifferenceWanted {
                within: Some("1d..now".into()),
                ..wanted("cost.cost_usd", day)
            },
            "against=rest alone",
        ),
        (
            DifferenceWanted {
                by: Some("colour".into()),
                ..wanted("cost.cost_usd", day)
            },
            "does not know",
        ),
    ];
    for (asked, expect) in cases {
        let error = why(&bench.all(), &asked, NOW_MS).await.expect_err(expect);
        assert!(error.message.contains(expect), "{error}");
        assert!(error.hint.is_some(), "{error}");
    }
}

/// A name that the source does not have is found here.
#[tokio::test]
async fn every_sum_of_every_report_can_be_asked() {
    let bench = Bench::with(&["cowork_like_pb", "cc329_mcp_json"]).await;
    let reports: &[&Report] = REPORTS;
    for report in reports {
        let split = |own: &&query::catalogue::Measure| {
            matches!(
                own.parts,
                query::catalogue::Parts::Sum | query::catalogue::Parts::Distinct
            )
        };
        let Some(measure) = report.measures.iter().find(split) else {
            continue;
        };
        let figure = format!("{}.{}", report.name, measure.name);
        told(&bench, &wanted(&figure, days(-1, 1))).await;
    }
}
