use http::Method;
use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn rows_come_as_json_csv_and_parquet() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let sql = "SELECT event, count(*) AS n, sum(cost_usd) AS cost FROM events GROUP BY event ORDER BY n DESC, event";
    let json = bench.query(&json!({ "sql": sql })).await;
    assert_eq!(json.header("x-tallybook-damaged"), "");
    let rows = json.json();
    assert_eq!(
        (
            &rows[0]["event"],
            &rows[0]["n"],
            json.header("x-tallybook-truncated")
        ),
        (&"api_request".into(), &10.into(), "false")
    );
    assert!(
        rows[1]["cost"].is_null() && json.header("content-type") == "application/json",
        "{rows}"
    );
    let csv = bench.query(&json!({ "sql": sql, "format": "csv" })).await;
    assert!(
        csv.body.starts_with(b"event,n,cost\napi_request,10,0.42"),
        "{csv:?}"
    );
    assert!(
        csv.header("content-disposition").starts_with("attachment"),
        "{csv:?}"
    );
    let parquet = bench
        .query(&json!({ "sql": sql, "format": "parquet" }))
        .await;
    assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"));
    let cut = bench.query(&json!({ "sql": sql, "max_rows": 2 })).await;
    assert_eq!(
        (
            cut.json().as_array().map(Vec::len),
            cut.header("x-tallybook-truncated")
        ),
        (Some(2), "true")
    );
}

#[tokio::test]
async fn an_answer_that_lacks_rows_names_the_damaged_file() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    bench.store.flush().await.expect("flushes");
    let question = json!({ "sql": "SELECT count(*) AS n FROM events" });
    let snapshot = bench.store.snapshot().await;
    let part = snapshot.parts(store::Table::Events).next().expect("a part");
    std::fs::remove_file(bench.dir.path().join(&part.path)).expect("removes");
    let answer = bench.query(&question).await;
    assert_eq!(answer.json()[0]["n"], 0);
    assert_eq!(answer.header("x-tallybook-damaged"), part.path);
}

#[tokio::test]
async fn an_error_says_where_and_how_to_mend_it() {
    let bench = Bench::with(&[]).await;
    let answer = bench
        .query(&json!({ "sql": "SELECT *\n  FROM evnts" }))
        .await;
    let error = answer.json()["error"].clone();
    assert_eq!(
        (answer.status.as_u16(), &error["line"], &error["column"]),
        (400, &2.into(), &8.into()),
        "{error}"
    );
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("api_requests")),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_but_reading_is_possible() {
    let bench = Bench::with(&[]).await;
    for sql in [
        "CREATE TABLE t (a int)",
        "COPY events TO '/tmp/stolen.csv'",
        "SET datafusion.catalog.information_schema = true",
        "SELECT 1; SELECT 2",
        "SELECT * FROM _events",
        "SELECT * FROM '/etc/passwd'",
    ] {
        let answer = bench.query(&json!({ "sql": sql })).await;
        assert!(
            answer.status == 400 && answer.json()["error"]["message"].is_string(),
            "{sql}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_is_json_and_not_too_long() {
    let bench = Bench::with(&[]).await;
    let long = json!({ "sql": "-".repeat(2 << 20) }).to_string();
    for (kind, body, status) in [
        ("application/json", r#"{"sql": "SELECT 1"}"#, 200),
        (
            "application/json; charset=utf-8",
            r#"{"sql": "SELECT 1"}"#,
            200,
        ),
        ("text/plain", r#"{"sql": "SELECT 1"}"#, 415),
        ("application/x-www-form-urlencoded", "sql=SELECT", 415),
        ("application/json", "{", 400),
        ("application/json", "{}", 400),
        (
            "application/json",
            r#"{"sql": "SELECT 1", "format": "exe"}"#,
            400,
        ),
        ("application/json", &long, 413),
    ] {
        let answer = bench
            .ask(
                Method::POST,
                "/api/v1/query",
                &[("content-type", kind)],
                body,
            )
            .await;
        assert_eq!(answer.status.as_u16(), status, "{kind} {answer:?}");
        assert!(
            status == 200 || answer.json()["error"]["message"].is_string(),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn the_views_are_listed_with_their_columns() {
    let bench = Bench::with(&[]).await;
    let views = bench.get("/api/v1/views").await.json();
    let views = views["views"].as_array().expect("views");
    assert_eq!(views.len(), query::VIEWS.len());
    let events = views
        .iter()
        .find(|view| view["name"] == "events")
        .expect("events");
    for (name, kind) in [
        ("time", "timestamp"),
        ("person", "text"),
        ("cost_usd", "double"),
        ("success", "boolean"),
        ("sequence", "bigint"),
    ] {
        let column = json!({ "name": name, "type": kind });
        assert!(
            events["columns"]
                .as_array()
                .expect("columns")
                .contains(&column),
            "{column}"
        );
    }
}
