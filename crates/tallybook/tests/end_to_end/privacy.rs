//! Retention, holds, and erasing with figures kept, by the command line.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use testkit::Problem;

fn run(args: &[&str]) -> Result<Output, Problem> {
    let command = std::process::Command::new(env!("CARGO_BIN_EXE_tallybook"))
        .args(args)
        .env_remove("TALLYBOOK_DATA_DIR")
        .output()?;
    Ok(command)
}

fn said(args: &[&str]) -> Result<String, Problem> {
    let output = run(args)?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {log}");
    Ok(String::from_utf8(output.stdout)?)
}

fn json(args: &[&str]) -> Result<Value, Problem> {
    Ok(serde_json::from_str(&said(args)?)?)
}

/// Some months ago an organisation worked for five days, with content.
fn organisation(dir: &Path) -> Result<String, Problem> {
    let dir = dir.join("data").display().to_string();
    let args = [
        "simulate",
        "--users",
        "3",
        "--days",
        "5",
        "--seed",
        "4",
        "--end",
        "2026-06-05T18:00:00Z",
    ];
    said(&[&args[..], &["--data-dir", &dir]].concat())?;
    Ok(dir)
}

fn cost(dir: &str) -> Result<Value, Problem> {
    let range = [
        "--from",
        "2026-05-01",
        "--to",
        "2026-07-01",
        "--group-by",
        "day,model,product",
    ];
    let answer = json(
        &[
            &["report", "cost", "--format", "json", "--data-dir", dir],
            &range[..],
        ]
        .concat(),
    )?;
    Ok(answer)
}

fn count(dir: &str, what: &str) -> Result<u64, Problem> {
    let sql = format!("SELECT count(*) AS items FROM events WHERE {what}");
    let rows = json(&["query", "--format", "json", "--data-dir", dir, &sql])?;
    Ok(rows[0]["items"].as_u64().expect("a count"))
}

#[test]
fn what_is_old_goes_by_class_and_what_is_held_stays() -> Result<(), Problem> {
    let folder = tempfile::tempdir()?;
    let dir = organisation(folder.path())?;
    let config = folder.path().join("tallybook.toml");
    std::fs::write(&config, "[retention]\ncontent_days = 7\nevents_days = 30\n")?;
    let config = config.display().to_string();
    let of = ["--data-dir", &dir, "--config", &config, "--format", "json"];
    let retention = |what: &str| json(&[&["retention", what], &of[..]].concat());

    let before = cost(&dir)?;
    let prompts = count(&dir, "prompt IS NOT NULL")?;
    assert!(prompts > 0);
    let hold = [
        "hold",
        "add",
        "--reason",
        "case 4711",
        "--from",
        "2026-06-03",
        "--to",
        "2026-06-04",
        "--data-dir",
        &dir,
    ];
    let hold = said(&hold)?.trim().to_owned();
    let held = count(&dir, "time >= '2026-06-03' AND time < '2026-06-04'")?;
    let plan = retention("plan")?;
    assert!(plan["total"]["held"].as_u64() >= Some(held), "{plan:#}");
    let status = retention("run")?;
    assert_eq!(status["state"]["last"]["classes"], plan["total"]["classes"]);
    assert_eq!(cost(&dir)?, before, "figures are the same");
    let left = count(&dir, "prompt IS NOT NULL")?;
    assert!(left > 0 && left < prompts, "{left} of {prompts}");
    let within = "prompt IS NOT NULL AND (time < '2026-06-03' OR time >= '2026-06-04')";
    assert_eq!(count(&dir, within)?, 0);
    assert_eq!(
        retention("plan")?["rows"],
        serde_json::json!([]),
        "once is enough"
    );

    said(&["hold", "release", &hold, "--data-dir", &dir])?;
    retention("run")?;
    assert_eq!(count(&dir, "prompt IS NOT NULL")?, 0);
    assert_eq!(cost(&dir)?, before);
    let trail = said(&["audit", "export", "--data-dir", &dir])?;
    for what in ["set a hold: case 4711", "release the hold", "run retention"] {
        assert!(trail.contains(what), "{what}: {trail}");
    }
    Ok(())
}

#[test]
fn figures_of_who_is_erased_are_nobodys_and_totals_stay() -> Result<(), Problem> {
    let folder = tempfile::tempdir()?;
    let dir = organisation(folder.path())?;
    let rows = json(&[
        "query",
        "--format",
        "json",
        "--data-dir",
        &dir,
        "SELECT person, sum(cost_usd) AS usd FROM events GROUP BY person ORDER BY usd DESC LIMIT 1",
    ])?;
    let person = rows[0]["person"].as_str().expect("somebody").to_owned();
    let before = cost(&dir)?;
    let hold = said(&[
        "hold",
        "add",
        "--reason",
        "case 4712",
        "--person",
        &person,
        "--data-dir",
        &dir,
    ])?;
    let refused = run(&[
        "erase",
        &person,
        "--yes",
        "--keep-aggregates",
        "--data-dir",
        &dir,
    ])?;
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success()
            && reason.contains("case 4712")
            && reason.contains("hold release"),
        "{reason}"
    );
    assert_eq!(cost(&dir)?, before);
    said(&["hold", "release", hold.trim(), "--data-dir", &dir])?;

    let certificate = json(&[
        "erase",
        &person,
        "--yes",
        "--keep-aggregates",
        "--format",
        "json",
        "--data-dir",
        &dir,
    ])?;
    assert!(
        certificate["figures_kept"].as_u64() > Some(0),
        "{certificate:#}"
    );
    assert_eq!(cost(&dir)?, before, "totals are the same");
    let after = json(&[
        "query",
        "--format",
        "json",
        "--data-dir",
        &dir,
        "SELECT person, sum(cost_usd) AS usd FROM events GROUP BY person ORDER BY usd DESC LIMIT 1",
    ])?;
    assert_eq!(after[0]["person"], "erased");
    assert!(
        run(&["erase", &person, "--dry-run", "--data-dir", &dir])?
            .status
            .code()
            == Some(1),
        "nothing is there of them"
    );
    Ok(())
}
