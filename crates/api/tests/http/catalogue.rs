use std::sync::Arc;
use std::time::Duration;

use base::{Clock, ManualClock};
use serde_json::{Value, json};
use store::Store;

use crate::bench::{Bench, NOW_MS, scenario};

const YEAR: &str = "from=2026-01-01&to=2027-01-01";

async fn asked(bench: &Bench, path: &str) -> Value {
    let answer = bench.get(path).await;
    assert_eq!(answer.status.as_u16(), 200, "{path}: {answer:?}");
    answer.json()
}

#[tokio::test]
async fn the_catalogue_tells_what_can_be_asked() {
    let bench = Bench::with(&[]).await;
    let catalogue = asked(&bench, "/api/v1/reports").await;
    let reports = catalogue["reports"].as_array().expect("reports");
    assert_eq!(reports.len(), query::catalogue::REPORTS.len());
    let cost = reports
        .iter()
        .find(|report| report["name"] == "cost")
        .expect("cost");
    assert_eq!(cost["measures"][0]["name"], "cost_usd");
    assert_eq!(
        (&cost["measures"][0]["unit"], &cost["measures"][0]["parts"]),
        (&json!("usd"), &json!("sum"))
    );
    assert!(
        cost["dimensions"]
            .as_array()
            .is_some_and(|own| own.iter().any(|one| one["name"] == "team"))
    );
    for report in reports {
        let name = report["name"].as_str().expect("a name");
        let answer = asked(&bench, &format!("/api/v1/reports/{name}?{YEAR}")).await;
        assert_eq!(answer["report"], name);
    }
}

#[tokio::test]
async fn a_report_is_the_clients_ledger_and_is_as_asked() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let ledger = scenario("cc329_tools_json").expected.expect("a ledger");
    let path = format!(
        "/api/v1/reports/cost?{YEAR}&time_zone=Europe/Berlin&group_by=day,model&where=product!=cowork&where=model!=x&order_by=-cost_usd"
    );
    let answer = asked(&bench, &path).await;
    let cost = answer["totals"]["cost_usd"].as_f64().expect("a cost");
    assert!((cost - ledger.total_cost_usd).abs() < 1e-9, "{cost}");
    assert_eq!(answer["group_by"], json!(["day", "model"]));
    assert_eq!(answer["where"], json!(["product!=cowork", "model!=x"]));
    assert_eq!(
        (&answer["time_zone"], &answer["currency"]),
        (&json!("Europe/Berlin"), &json!("USD"))
    );
    assert_eq!(
        answer["from_ms"], 1_767_222_000_000_i64,
        "midnight in Berlin"
    );
    assert_eq!(
        (&answer["columns"][0]["kind"], &answer["columns"][2]["kind"]),
        (&json!("dimension"), &json!("measure"))
    );
    let rows = answer["rows"].as_array().expect("rows");
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|row| row["day"].is_string() && row["cost_usd"].is_f64()),
        "{rows:?}"
    );
    let again = bench.query(&json!({ "sql": answer["sql"] })).await;
    assert_eq!(again.json(), answer["rows"], "its SQL gives its rows");
    let none = asked(
        &bench,
        &format!("/api/v1/reports/cost?{YEAR}&group_by=none"),
    )
    .await;
    assert_eq!(none["rows"][0]["cost_usd"], answer["totals"]["cost_usd"]);
}

#[tokio::test]
async fn rows_are_cut_off_and_downloaded() {
    let bench = Bench::with(&["cc329_tools_json", "cowork_like_pb"]).await;
    let grouped = format!("/api/v1/reports/cost?{YEAR}&group_by=product");
    let whole = asked(&bench, &grouped).await;
    let cut = asked(&bench, &format!("{grouped}&limit=1")).await;
    assert_eq!(
        (&whole["truncated"], &cut["truncated"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (cut["rows"].as_array().map(Vec::len), &cut["totals"]),
        (Some(1), &whole["totals"])
    );
    let csv = bench.get(&format!("{grouped}&format=csv")).await;
    assert!(csv.body.starts_with(b"product,cost_usd,"), "{csv:?}");
    assert_eq!(
        csv.header("content-disposition"),
        "attachment; filename=\"tallybook-cost.csv\""
    );
    assert_eq!(csv.header("x-tallybook-truncated"), "false");
    let parquet = bench.get(&format!("{grouped}&format=parquet")).await;
    assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"));
    assert_eq!(
        parquet.header("content-disposition"),
        "attachment; filename=\"tallybook-cost.parquet\""
    );
}

#[tokio::test]
async fn a_figure_is_explained() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let answer = asked(
        &bench,
        &format!("/api/v1/reports/cost?{YEAR}&group_by=model"),
    )
    .await;
    let id = format!("cost.cost_usd@{}", answer["asked"].as_str().expect("an id"));
    let explanation = asked(&bench, &format!("/api/v1/explain?id={id}")).await;
    assert_eq!(
        (&explanation["id"], &explanation["report"]),
        (&json!(id), &json!("cost"))
    );
    assert_eq!(explanation["value"], answer["totals"]["cost_usd"]);
    assert_eq!(explanation["figure"]["unit"], "usd");
    assert_eq!(explanation["rows"]["count"], 10);
    assert_eq!(
        explanation["rows"]["sample"].as_array().map(Vec::len),
        Some(10)
    );
    assert_eq!(explanation["documentation"], "docs/reports.md#cost");
    let again = bench.query(&json!({ "sql": explanation["sql"] })).await;
    assert_eq!(again.json(), json!([{ "cost_usd": explanation["value"] }]));
    for part in ["definition", "signals", "exclusions", "settings", "notes"] {
        assert!(!explanation[part].is_null(), "{part}");
    }
}

/// What takes long may be answered as it was, and says so; asked without that it is as of now.
#[tokio::test]
async fn an_older_answer_is_had_by_asking_for_one() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
    let opened = Store::open(store::Config::new(dir.path()), clock).await;
    let limits = query::Config {
        older_after: Duration::ZERO,
        ..query::Config::default()
    };
    let bench = Bench::over(dir, opened.expect("opens").0, limits).await;
    let overview = format!("/api/v1/overview?from_ms=0&to_ms={}", NOW_MS * 2);
    let report = format!("/api/v1/reports/cost?{YEAR}");
    let asking = [(report, "cowork_like_pb"), (overview, "cc329_mcp_json")];
    let figures = |answer: &Value| answer["totals"].clone();
    bench.append("cc329_tools_json").await;
    for (path, more) in &asking {
        let first = asked(&bench, path).await;
        assert_eq!(first["as_of_ms"], NOW_MS);
        bench.append(more).await;
        let older = asked(&bench, &format!("{path}&max_age_s=60")).await;
        assert_eq!(
            (&older["is_older"], figures(&older)),
            (&json!(true), figures(&first))
        );
        let newest = asked(&bench, path).await;
        assert_eq!(newest["is_older"], false);
        assert_ne!(figures(&newest), figures(&first), "{path}");
    }
}

async fn check_refusal(bench: &Bench, path: &str, status: u16, says: &str, hints: &str) {
    let answer = bench.get(&format!("/api/v1/{path}")).await;
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let error = &answer.json()["error"];
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    assert!(
        text("message").contains(says) && text("hint").contains(hints),
        "{says}: {error}"
    );
}

#[tokio::test]
async fn what_is_not_understood_is_said_with_a_way_out() {
    let bench = Bench::with(&[]).await;
    for (path, status, says, hints) in [
        (
            "reports/costs",
            404,
            "no report \"costs\"",
            "reports are cost",
        ),
        (
            "reports/cost?group_by=colour",
            400,
            "does not know \"colour\"",
            "broken down by person",
        ),
        ("reports/cost?group_by=day,day", 400, "twice", ""),
        (
            "reports/cost?where=team",
            400,
            "\"team\" is not a condition",
            "dimension=value",
        ),
        (
            "reports/cost?where=colour=red",
            400,
            "does not know \"colour\"",
            "broken down by",
        ),
        (
            "reports/cost?from=lately",
            400,
            "from is \"lately\"",
            "2026-11-01",
        ),
        (
            "reports/cost?from=2026-11-02&to=2026-11-01",
            400,
            "before it begins",
            "before to",
        ),
        (
            "reports/cost?time_zone=Berlin",
            400,
            "\"Berlin\" is not a time zone",
            "Europe/Berlin",
        ),
        (
            "reports/cost?order_by=beauty",
            400,
            "no column \"beauty\"",
            "cost_usd",
        ),
        ("reports/cost?limit=0", 400, "limit is \"0\"", "10000"),
        ("reports/cost?format=xml", 400, "format is \"xml\"", "csv"),
        (
            "reports/cost?fron=2026-11-01",
            400,
            "no parameter \"fron\"",
            "from, to",
        ),
        (
            "reports/cost?from=7d&from=8d",
            400,
            "from is there twice",
            "where",
        ),
        (
            "reports/cost?max_age_s=0",
            400,
            "max_age_s is \"0\"",
            "from 1 to 3600",
        ),
        (
            "reports/cost?max_age_s=soon",
            400,
            "max_age_s is \"soon\"",
            "from 1 to 3600",
        ),
        (
            "overview?max_age_s=3601",
            400,
            "max_age_s is \"3601\"",
            "from 1 to 3600",
        ),
        (
            "reports/cost?max_age_s=60&format=csv",
            400,
            "do not say of when",
            "JSON",
        ),
    ] {
        check_refusal(&bench, path, status, says, hints).await;
    }
}

#[tokio::test]
async fn an_id_that_is_not_understood_is_said_with_its_form() {
    let bench = Bench::with(&[]).await;
    for (path, status, says, hints) in [
        (
            "explain?id=cost",
            400,
            "\"cost\" is not a figure",
            "REPORT.MEASURE",
        ),
        (
            "explain?id=costs.cost_usd",
            400,
            "no report \"costs\"",
            "REPORT.MEASURE",
        ),
        (
            "explain?id=cost.beauty",
            400,
            "no figure \"beauty\"",
            "cost_usd",
        ),
        (
            "explain?id=cost.cost_usd@lately",
            400,
            "\"lately\" is not a range",
            "FROM..TO",
        ),
        (
            "explain?id=cost.cost_usd@,colour=red",
            400,
            "does not know \"colour\"",
            "broken down by",
        ),
        ("explain", 400, "id", ""),
    ] {
        check_refusal(&bench, path, status, says, hints).await;
    }
}
