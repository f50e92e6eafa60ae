//! What the server shows to Prometheus, and that the guide and the alerts know all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use http::Method;
use testkit::{Exposition, Problem, Server, exchange, scenario};

use crate::stage::{deliver, launch};

/// A file of the repository.
fn text(path: &str) -> Result<String, Problem> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).map_err(|error| Problem::from(error).while_doing(path))
}

/// A server that has met everything that has a series of its own, and what it shows.
async fn shown() -> Result<(Server, Exposition), Problem> {
    let server = launch().start()?;
    for name in ["cc329_tools_json", "cc329_gzip_grpc", "cc329_traces_json"] {
        deliver(&server, &scenario(name)?.requests).await?;
    }
    let url = format!("http://{}/v1/logs", server.addresses().http);
    exchange(Method::POST, &url, &[("content-type", "text/plain")], "").await?;
    server.sql().rows("SELECT count(*) FROM events").await?;
    server.sql().ask("SELECT nothing FROM nowhere").await?;
    let shown = server.sql().exposition().await?;
    Ok((server, shown))
}

/// Names and types in the guide's table: lines that begin with a name in code marks.
fn documented() -> Result<BTreeMap<String, String>, Problem> {
    let guide = text("docs/operations.md")?;
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let name = cells.next()?.trim().strip_suffix('`')?.to_owned();
        let kind = cells.next()?.trim().to_owned();
        matches!(kind.as_str(), "counter" | "gauge" | "histogram").then_some((name, kind))
    };
    Ok(guide.lines().filter_map(row).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_names_every_metric_and_no_other() -> Result<(), Problem> {
    let (_server, shown) = shown().await?;
    let shown: BTreeMap<String, String> = shown
        .families
        .iter()
        .map(|(name, family)| (name.clone(), family.kind.clone()))
        .collect();
    assert_eq!(documented()?, shown, "docs/operations.md against /metrics");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_look_at_metrics_that_exist() -> Result<(), Problem> {
    let (_server, shown) = shown().await?;
    let is_part = |found: char| found.is_ascii_alphanumeric() || found == '_';
    let alerts = text("docs/alerts.yml")?;
    let expressions = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let words = expressions.flat_map(|expression| expression.split(|found| !is_part(found)));
    let named: BTreeSet<&str> = words
        .filter(|word| word.starts_with("tallybook_") || word.starts_with("process_"))
        .collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        let family = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        assert!(shown.families.contains_key(family), "no {name} in /metrics");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn meters_move_with_what_happens() -> Result<(), Problem> {
    let (server, shown) = shown().await?;
    let events = server.sql().count("SELECT count(*) FROM events").await? as f64;
    let logs = ("signal", "logs");
    let accepted = [logs, ("fate", "accepted")];
    assert_eq!(shown.sum("tallybook_items_total", &accepted), events);
    for (name, labels) in [
        (
            "tallybook_receive_requests_total",
            &[("transport", "grpc"), ("code", "OK")][..],
        ),
        (
            "tallybook_receive_requests_total",
            &[("transport", "http"), ("code", "415")],
        ),
        (
            "tallybook_receive_acknowledgement_duration_seconds_count",
            &[logs],
        ),
        (
            "tallybook_receive_admission_duration_seconds_count",
            &[logs],
        ),
        ("tallybook_receive_body_bytes_total", &[logs]),
        ("tallybook_receive_inflated_bytes_total", &[logs]),
        ("tallybook_journal_sync_duration_seconds_count", &[]),
        ("tallybook_journal_lag_frames", &[]),
        (
            "tallybook_query_duration_seconds_count",
            &[("outcome", "ok")],
        ),
        (
            "tallybook_query_duration_seconds_count",
            &[("outcome", "invalid")],
        ),
        ("process_resident_memory_bytes", &[]),
        ("process_start_time_seconds", &[]),
        ("process_open_fds", &[]),
    ] {
        assert!(shown.sum(name, labels) > 0.0, "{name} {labels:?}");
    }
    assert_eq!(shown.value("tallybook_replay_running"), 0.0);
    Ok(())
}
