use query::ErrorKind;

use super::support::{Bench, number};

#[tokio::test]
async fn a_query_can_only_read_the_views() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW events",
        "INSERT INTO events SELECT * FROM events",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "SET datafusion.execution.batch_size = 1",
        "SHOW ALL",
        "SELECT 1; SELECT 2",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM _events",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM datafusion.public.events",
        "SELECT * FROM generate_series(1, 10)",
        "EXPLAIN CREATE TABLE t AS SELECT 1",
        "PREPARE p AS SELECT 1",
        "WITH t AS (SELECT * FROM _events) SELECT * FROM t",
        "SELECT shape FROM events",
        "SELECT raw FROM metrics",
        "",
    ] {
        let error = bench
            .all()
            .query(sql, None)
            .await
            .err()
            .unwrap_or_else(|| panic!("{sql:?} was answered"));
        assert_eq!(error.kind, ErrorKind::Invalid, "{sql:?}: {error}");
    }
}

#[tokio::test]
async fn an_error_says_where_it_is() {
    let bench = Bench::with(&[]).await;
    for (sql, position, said) in [
        ("SELECT\n  nothing FROM events", (2, 3), "nothing"),
        ("SELECT * FROM events WHERE", (1, 0), ""),
        ("SELECT * FROM evnts", (1, 15), "evnts"),
        ("SELECT no_such_function(1)", (1, 8), "no_such_function"),
    ] {
        let error = bench.all().query(sql, None).await.expect_err("is refused");
        assert!(error.message.contains(said), "{sql}: {error}");
        if position.1 > 0 {
            assert_eq!(error.position, Some(position), "{sql}: {error}");
        }
    }
}

#[tokio::test]
async fn rows_beyond_the_limit_are_cut_off_and_that_is_said() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let all = number(&bench.row("SELECT count(*) AS n FROM events").await, "n") as usize;
    for (limit, rows, truncated) in [
        (3, 3, true),
        (all, all, false),
        (all + 1, all, false),
        (0, 0, true),
    ] {
        let answer = bench
            .all()
            .query("SELECT * FROM events", Some(limit))
            .await
            .expect("answers");
        assert_eq!(
            (answer.rows(), answer.truncated),
            (rows, truncated),
            "limit {limit}"
        );
    }
}
