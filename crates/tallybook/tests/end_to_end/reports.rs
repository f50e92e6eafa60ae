//! Named reports and explanations on the command line: of a server and of a data directory alike.

use query::catalogue::REPORTS;
use serde_json::Value;
use testkit::{Problem, scenario};

use crate::command_line::{check_failure, filled, printed};
use crate::stage::deliver;

const YEAR: [&str; 4] = ["--from", "2026-01-01", "--to", "2027-01-01"];

fn asked<'a>(what: &[&'a str], of: &[&'a str]) -> Vec<&'a str> {
    [&["report", "cost"], what, &YEAR, of].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_report_is_the_clients_ledger_in_every_format() -> Result<(), Problem> {
    let (server, url) = filled().await?;
    let ledger = scenario("cc329_tools_json")?
        .expected
        .ok_or_else(|| Problem::new("a ledger"))?;
    let url = ["--url", &url];
    let json = printed(&asked(&["--format", "json", "--group-by", "model"], &url))?;
    let rows: Vec<Value> = serde_json::from_str(&json)?;
    let cost: f64 = rows.iter().filter_map(|row| row["cost_usd"].as_f64()).sum();
    assert!(
        (cost - ledger.total_cost_usd).abs() < 1e-9,
        "numbers are numbers: {json}"
    );
    let csv = printed(&asked(&["--format", "csv", "--group-by", "model"], &url))?;
    assert!(
        csv.starts_with("model,cost_usd,") && csv.lines().count() == rows.len() + 1,
        "{csv}"
    );
    let table = printed(&asked(
        &["--group-by", "day,model", "--where", "product!=cowork"],
        &url,
    ))?;
    for part in [
        "Cost: What was spent",
        "2026-01-01 00:00 to 2027-01-01 00:00, UTC; by day, model; where product!=cowork",
        "$0.42",
        "Total",
        "1 row in ",
        "tallybook explain 'cost.cost_usd@2026-01-01T00:00:00Z..2027-01-01T00:00:00Z,product!=cowork,day=",
    ] {
        assert!(table.contains(part), "{part:?}: {table}");
    }
    let totals = printed(&asked(&["--format", "json", "--totals"], &url))?;
    let totals: Vec<Value> = serde_json::from_str(&totals)?;
    assert_eq!(
        (totals.len(), &totals[0]["requests"]),
        (1, &10.into()),
        "{totals:?}"
    );
    deliver(&server, &scenario("cowork_like_pb")?.requests).await?;
    let cut = printed(&asked(&["--group-by", "product", "--limit", "1"], &url))?;
    assert!(cut.contains("1 row in") && cut.contains("cut off"), "{cut}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_gives_the_bytes_that_its_server_gave() -> Result<(), Problem> {
    let (mut server, url) = filled().await?;
    let mut of_server = Vec::new();
    let mut questions = vec![asked(
        &["--where", "model!=x", "--order-by", "-requests"],
        &[],
    )];
    // How long somebody has been silent is another answer every second.
    let names = REPORTS.iter().map(|report| report.name);
    let names = names.filter(|name| *name != "coverage");
    questions.extend(names.map(|name| [&["report", name][..], &YEAR].concat()));
    for question in &questions {
        for format in ["json", "csv"] {
            let question = [&question[..], &["--format", format, "--url", &url]].concat();
            of_server.push(printed(&question)?);
        }
    }
    let id = "cost.cost_usd@2026-01-01..2027-01-01,product!=cowork";
    let explained = printed(&["explain", id, "--format", "json", "--url", &url])?;
    server.terminate()?;
    let dir = server.data_dir().to_string_lossy().into_owned();
    let mut of_directory = Vec::new();
    for question in &questions {
        for format in ["json", "csv"] {
            let question = [&question[..], &["--format", format, "--data-dir", &dir]].concat();
            of_directory.push(printed(&question)?);
        }
    }
    // A difference of nothing may be less than nothing by the order of its rows.
    let unsigned = |printed: &String| {
        let ends = [
            "-0.0,", "-0.0}", "-0.0
",
        ];
        ends.iter()
            .fold(printed.clone(), |text, end| text.replace(end, &end[1..]))
    };
    let plain = |printed: Vec<String>| printed.iter().map(unsigned).collect::<Vec<_>>();
    assert_eq!(plain(of_directory), plain(of_server));
    assert_eq!(
        printed(&["explain", id, "--format", "json", "--data-dir", &dir])?,
        explained
    );
    check_failure(
        &["report", "cost", "--from", "lately", "--data-dir", &dir],
        2,
        &["lately", "2026-11-01"],
    );
    check_failure(
        &["explain", "cost.beauty", "--data-dir", &dir],
        2,
        &["beauty", "cost_usd"],
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figure_that_a_report_names_is_explained() -> Result<(), Problem> {
    let (server, url) = filled().await?;
    let table = printed(&asked(&["--group-by", "person,model"], &["--url", &url]))?;
    let id = table
        .lines()
        .last()
        .and_then(|line| line.split('\'').nth(1));
    let id = id.ok_or_else(|| Problem::new("the last line has an id"))?;
    let text = printed(&["explain", id, "--url", &url])?;
    for part in [
        "Cost, report cost: $0.",
        id,
        "How it is computed",
        "api_request events",
        "SELECT round(coalesce(sum(cost_usd), 0), 9)",
        "Rows behind it: ",
        "What does not count",
        "price book: ",
        "docs/reports.md#cost",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    let json: Value = serde_json::from_str(&printed(&[
        "explain", id, "--format", "json", "--url", &url,
    ])?)?;
    let sql = json["sql"].as_str().unwrap_or_default();
    let rows = server.sql().rows(sql).await?;
    assert_eq!(rows[0]["cost_usd"], json["value"], "{sql}");
    Ok(())
}

#[test]
fn every_report_is_named_where_names_are_looked_for() -> Result<(), Problem> {
    let (listed, help) = (printed(&["report"])?, printed(&["report", "--help"])?);
    let completion = printed(&["completions", "bash"])?;
    for report in REPORTS {
        for (place, text) in [
            ("list", &listed),
            ("help", &help),
            ("completion", &completion),
        ] {
            assert!(
                text.contains(report.name),
                "{} in {place}: {text}",
                report.name
            );
        }
        assert!(listed.contains(report.about), "{listed}");
    }
    let reports: Vec<Value> = serde_json::from_str(&printed(&["report", "--format", "json"])?)?;
    assert_eq!(reports.len(), REPORTS.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_two_and_failure_is_one() -> Result<(), Problem> {
    let (_server, url) = filled().await?;
    for (arguments, says) in [
        (&["--group-by", "colour"][..], &["colour", "person"][..]),
        (&["--where", "team"], &["team", "dimension=value"]),
        (&["--time-zone", "Berlin"], &["Berlin", "Europe/Berlin"]),
        (&["--order-by", "-beauty"], &["beauty", "cost_usd"]),
        (&["--from", "lately"], &["lately", "2026-11-01"]),
    ] {
        check_failure(
            &[&["report", "cost", "--url", &url], arguments].concat(),
            2,
            says,
        );
    }
    check_failure(&["report", "costs"], 2, &["costs", "cost"]);
    check_failure(&["report", "cost", "--limit", "0"], 2, &["--limit"]);
    check_failure(
        &["report", "cost", "--totals", "--group-by", "day"],
        2,
        &["--totals"],
    );
    check_failure(
        &["report", "cost", "--url", "http://127.0.0.1:9"],
        1,
        &["127.0.0.1:9"],
    );
    check_failure(&["report", "--format", "csv"], 2, &["which report"]);
    check_failure(&["explain", "cost", "--url", &url], 2, &["REPORT.MEASURE"]);
    Ok(())
}
