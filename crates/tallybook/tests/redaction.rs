//! Canaries in every place of every signal, over every transport, through a kill and a flush: no byte
//! of the data directory and no line of the log has one. And the search sees them when nothing is
//! looked for.

mod canaries;

use canaries::{Canaries, send};
use search::search;
use serde_json::Value;
use testkit::{Launch, Problem, Server};

/// So few rows that parts are written while the test runs; the log says all it can.
const SETTINGS: &str = "[store]\nflush_rows = 20\n[log]\nformat = \"json\"\nlevel = \"debug\"\n";
const LOOKS_FOR_NOTHING: &str = "[redaction]\ndetectors = []\n";

/// The places whose canaries are in the data directory.
fn leaks(server: &Server, c: &Canaries) -> Result<Vec<String>, Problem> {
    let needles: Vec<String> = c.0.iter().map(|(_, canary)| canary.clone()).collect();
    let hits = search(&server.data_dir(), &needles)?;
    let mut places: Vec<String> = hits
        .iter()
        .map(|hit| format!("{} in {}", c.0[hit.needle].0, hit.place))
        .collect();
    places.sort();
    places.dedup();
    Ok(places)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_kept() -> Result<(), Problem> {
    let mut server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(SETTINGS)
        .start()?;
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    assert!(canaries.0.len() > 500, "{} places", canaries.0.len());
    // In the journal, as it was acknowledged.
    server.kill()?;
    assert_eq!(leaks(&server, &canaries)?, Vec::<String>::new());
    server.restart()?;
    // Replayed, and sent again under other canaries.
    assert!(server.sql().count("SELECT count(*) FROM events").await? > 0);
    send(&server, &mut canaries).await?;
    assert!(server.sql().count("SELECT count(*) FROM spans").await? > 0);
    server.kill()?;
    assert_eq!(leaks(&server, &canaries)?, Vec::<String>::new());
    server.restart()?;
    let marked = "SELECT count(*) FROM events WHERE attributes LIKE '%tallybook.redacted%'";
    assert!(server.sql().count(marked).await? > 0);
    let ledger = server.sql().settled_ledger().await?;
    assert!(ledger.all().received == 0, "{ledger:?}");
    // In parts.
    server.terminate()?;
    assert_eq!(leaks(&server, &canaries)?, Vec::<String>::new());
    let log = server.log();
    for (place, canary) in &canaries.0 {
        assert!(!log.contains(canary), "{place} is in the log");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_sees_what_is_not_looked_for() -> Result<(), Problem> {
    let settings = format!("{SETTINGS}{LOOKS_FOR_NOTHING}");
    let mut server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(&settings)
        .start()?;
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    server.kill()?;
    let seen = |server: &Server| -> Result<usize, Problem> {
        let needles: Vec<String> = canaries
            .0
            .iter()
            .map(|(_, canary)| canary.clone())
            .collect();
        let mut seen: Vec<usize> = search(&server.data_dir(), &needles)?
            .iter()
            .map(|hit| hit.needle)
            .collect();
        seen.sort_unstable();
        seen.dedup();
        Ok(seen.len())
    };
    // All of them are in the journal; most in parts, where what nobody asks for is not repeated.
    let in_journal = seen(&server)?;
    assert!(
        in_journal * 100 >= canaries.0.len() * 95,
        "{in_journal} of {}",
        canaries.0.len()
    );
    server.restart()?;
    assert!(server.sql().count("SELECT count(*) FROM events").await? > 0);
    server.terminate()?;
    let in_parts = seen(&server)?;
    assert!(
        in_parts * 100 >= canaries.0.len() * 60,
        "{in_parts} of {}",
        canaries.0.len()
    );
    Ok(())
}

/// What `tallybook redact --dry-run` says of a source.
fn dry_run(source: &[&str]) -> Result<(Value, String), Problem> {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_tallybook"))
        // The canaries are of the first nanoseconds of 1970.
        .args([
            "redact",
            "--dry-run",
            "--format",
            "json",
            "--from",
            "1970-01-01",
        ])
        .args(source)
        .output()?;
    let (out, log) = (
        String::from_utf8(said.stdout)?,
        String::from_utf8(said.stderr)?,
    );
    assert!(said.status.success(), "{log}");
    Ok((serde_json::from_str(&out)?, format!("{out}{log}")))
}

/// The findings of a dry run; which samples stand there, and in which order, hangs on the order of rows.
fn found(said: &Value) -> Value {
    let mut findings = said["findings"].clone();
    for finding in findings.as_array_mut().into_iter().flatten() {
        finding["samples"] = Value::Null;
    }
    findings
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dry_run_says_where_it_would_mask_and_shows_none_of_it() -> Result<(), Problem> {
    let settings = format!("{SETTINGS}{LOOKS_FOR_NOTHING}");
    let mut server = Launch::new(env!("CARGO_BIN_EXE_tallybook"))
        .settings(&settings)
        .start()?;
    let mut canaries = Canaries::default();
    send(&server, &mut canaries).await?;
    let url = format!("http://{}", server.addresses().ui);
    let (of_server, printed) = dry_run(&["--url", &url])?;
    server.terminate()?;
    let dir = server.data_dir();
    let (of_directory, again) = dry_run(&["--data-dir", &dir.display().to_string()])?;
    assert_eq!(found(&of_server), found(&of_directory));
    assert!(of_server["rows_changed"].as_u64() > Some(0), "{of_server}");
    let findings = of_server["findings"].as_array().expect("findings");
    for (signal, attribute) in [
        ("logs", "prompt"),
        ("logs", "tool_input"),
        ("metrics", "custom"),
        ("traces", "custom"),
    ] {
        let found = findings.iter().find(|finding| {
            finding["signal"] == signal
                && finding["attribute"] == attribute
                && finding["action"] == "mask"
                && finding["detector"] == "github-token"
        });
        let found = found.unwrap_or_else(|| panic!("{attribute} of {signal}: {of_server:#}"));
        assert!(found["times"].as_u64() > Some(0), "{found}");
    }
    for (place, canary) in &canaries.0 {
        assert!(
            !printed.contains(canary) && !again.contains(canary),
            "{place} is printed"
        );
    }
    // Nothing was changed: what was planted is there, and is found again.
    let needles = [canaries.0[0].1.clone()];
    assert!(!search(&dir, &needles)?.is_empty());
    Ok(())
}
