//! `tallybook simulate`: what it says is true is what a server answers, whichever way it came; and an
//! interruption costs nothing and doubles nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Launch, Problem, Server, wait_for};

use crate::command_line::{check_failure, printed};
use crate::stage::{PATIENCE, launch, tallybook};

/// Fixed, so that the simulated days are the same whenever the test runs.
const END: &str = "2026-11-21T12:00:00Z";
const RANGE: [&str; 4] = ["--from", "2026-10-01", "--to", "2026-12-01"];

/// A folder with what one simulation leaves.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Result<Place, Problem> {
        let dir = tempfile::Builder::new()
            .prefix("tallybook-simulate-")
            .tempdir()?;
        Ok(Place { dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// The arguments of a simulation that goes `to`, with all its files here.
    fn arguments(&self, scale: &[&str], to: &[&str]) -> Vec<String> {
        let (truth, roster) = (self.text("truth.json"), self.text("roster.csv"));
        let files = ["--truth", &truth, "--roster", &roster];
        let all = [
            &["simulate", "--end", END, "--quiet"][..],
            scale,
            to,
            &files,
        ];
        all.concat().into_iter().map(str::to_owned).collect()
    }

    fn simulate(&self, scale: &[&str], to: &[&str]) -> Result<String, Problem> {
        let arguments = self.arguments(scale, to);
        printed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn truth(&self) -> Result<Value, Problem> {
        Ok(serde_json::from_slice(&fs::read(self.path("truth.json"))?)?)
    }

    /// A server that knows the people, and has this data directory if one is named.
    fn server(&self, data_dir: Option<&Path>) -> Result<Server, Problem> {
        let people = format!("[people]\nroster = '{}'\n", self.text("roster.csv"));
        let server: Launch = launch().settings(&people);
        match data_dir {
            Some(dir) => server.data_dir(dir).start(),
            None => server.start(),
        }
    }
}

/// Cost of each combination, in whole billionths.
type Costs = BTreeMap<String, i64>;

fn nanos(row: &Value) -> i64 {
    (row["cost_usd"].as_f64().unwrap_or(f64::NAN) * 1e9).round() as i64
}

/// What the report says, by the values of these dimensions.
fn reported(url: &str, dimensions: &str) -> Result<Costs, Problem> {
    let what = [
        "report",
        "cost",
        "--group-by",
        dimensions,
        "--format",
        "json",
    ];
    let json = printed(&[&what[..], &RANGE, &["--url", url]].concat())?;
    let rows: Vec<Value> = serde_json::from_str(&json)?;
    let key = |row: &Value| {
        let values = dimensions.split(',').map(|name| match name {
            // A day is reported as the moment at which it begins.
            "day" => row[name]
                .as_str()
                .unwrap_or_default()
                .get(..10)
                .unwrap_or_default(),
            _ => row[name].as_str().unwrap_or_default(),
        });
        values.collect::<Vec<_>>().join(" ")
    };
    let costs = rows.iter().map(|row| (key(row), nanos(row)));
    Ok(costs.filter(|(_, cost)| *cost != 0).collect())
}

/// Reports name a model without the day of its release.
fn undated(model: &str) -> &str {
    let day = model.rsplit_once('-').map_or("", |(_, end)| end);
    match day.len() == 8 && day.bytes().all(|digit| digit.is_ascii_digit()) {
        true => &model[..model.len() - 9],
        false => model,
    }
}

fn expected(truth: &Value) -> Costs {
    let rows = truth["cost_by_person_day_model"].as_array();
    let key = |row: &Value| {
        let values = ["person", "day", "model"].map(|name| row[name].as_str().unwrap_or_default());
        undated(&values.join(" ")).to_owned()
    };
    let costs = rows.into_iter().flatten().map(|row| (key(row), nanos(row)));
    costs.filter(|(_, cost)| *cost != 0).collect()
}

fn expected_by(truth: &Value, table: &str) -> Costs {
    let rows = truth[table].as_object();
    let costs = rows.into_iter().flatten();
    let costs = costs.map(|(key, amount)| (undated(key).to_owned(), nanos(amount)));
    costs.filter(|(_, cost)| *cost != 0).collect()
}

/// Sums of parts, each rounded to a billionth, may be off by as many of them.
#[track_caller]
fn check_costs(what: &str, truth: &Costs, answer: &Costs) {
    let names: BTreeSet<&String> = truth.keys().chain(answer.keys()).collect();
    let cost = |costs: &Costs, name: &String| costs.get(name).copied().unwrap_or(0);
    let both = names
        .into_iter()
        .map(|name| (name, cost(truth, name), cost(answer, name)));
    let wrong: Vec<_> = both
        .filter(|(_, truth, answer)| (truth - answer).abs() > 1_000)
        .collect();
    let shown = &wrong[..wrong.len().min(5)];
    assert!(
        wrong.is_empty(),
        "{what}: {} of {} differ: {shown:?}",
        wrong.len(),
        truth.len()
    );
    assert!(truth.len() > 1, "{what}: {truth:?}");
}

/// Every answer is the truth.
async fn check(what: &str, truth: &Value, server: &Server) -> Result<(), Problem> {
    let (url, sql) = (server.addresses().ui_url(), server.sql());
    check_costs(what, &expected(truth), &reported(&url, "person,day,model")?);
    for (dimension, table) in [
        ("model", "cost_by_model"),
        ("day", "cost_by_day"),
        ("cost_center", "cost_by_cost_center"),
    ] {
        check_costs(
            what,
            &expected_by(truth, table),
            &reported(&url, dimension)?,
        );
    }
    let totals = &truth["totals"];
    let calls = &totals["tool_calls"];
    let of_usage = |column| format!("SELECT sum({column}) FROM usage");
    let outcome = |name| format!("SELECT count(*) FROM tool_calls WHERE outcome = '{name}'");
    for (truth, question) in [
        (&totals["requests"], of_usage("requests")),
        (&totals["input_tokens"], of_usage("input_tokens")),
        (&totals["output_tokens"], of_usage("output_tokens")),
        (&totals["cache_read_tokens"], of_usage("cache_read_tokens")),
        (
            &totals["cache_creation_tokens"],
            of_usage("cache_creation_tokens"),
        ),
        (&calls["succeeded"], outcome("succeeded")),
        (&calls["failed"], outcome("failed")),
        (&calls["refused"], outcome("refused")),
        (&calls["pending"], outcome("pending")),
        (
            &calls["calls"],
            "SELECT count(*) FROM tool_calls".to_owned(),
        ),
        (&totals["events"], "SELECT count(*) FROM events".to_owned()),
        (
            &totals["api_errors"],
            "SELECT count(*) FROM api_errors".to_owned(),
        ),
        (
            &totals["prompts"],
            "SELECT count(*) FROM events WHERE event = 'user_prompt'".to_owned(),
        ),
        (
            &totals["sessions_with_events"],
            "SELECT count(DISTINCT session_id) FROM events".to_owned(),
        ),
        (
            &totals["missing_events"],
            "SELECT coalesce(sum(sequence_gaps), 0) FROM coverage".to_owned(),
        ),
    ] {
        let answer = sql.count(&question).await?;
        assert_eq!(truth.as_u64(), Some(answer), "{what}: {question}");
    }
    people(what, truth, server).await
}

/// Each person's events and prompts, by address and by installation together.
async fn people(what: &str, truth: &Value, server: &Server) -> Result<(), Problem> {
    let sql = "SELECT person, count(*) AS events,
                      count(*) FILTER (WHERE event = 'user_prompt') AS prompts
               FROM events GROUP BY person";
    let mut answer: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for row in server.sql().rows(sql).await? {
        let counts = ["events", "prompts"].map(|name| row[name].as_u64().unwrap_or(0));
        answer.insert(
            row["person"].as_str().unwrap_or_default().to_owned(),
            counts,
        );
    }
    let people = truth["people"].as_array().cloned().unwrap_or_default();
    assert!(people.len() > 5, "{what}: {people:?}");
    for person in people {
        let installations = person["installations"].as_array().into_iter().flatten();
        let names = installations.chain([&person["person"]]);
        let names: BTreeSet<&str> = names.filter_map(Value::as_str).collect();
        let found = names.iter().filter_map(|name| answer.get(*name));
        let found = found.fold([0, 0], |sum, counts| {
            [sum[0] + counts[0], sum[1] + counts[1]]
        });
        let expected = ["events", "prompts"].map(|name| person[name].as_u64().unwrap_or(0));
        assert_eq!(found, expected, "{what}: {person}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_started_on_the_directory_answers_with_the_truth() -> Result<(), Problem> {
    let place = Place::new()?;
    let data = place.text("data");
    let scale = ["--users", "16", "--days", "15", "--seed", "5"];
    let said = place.simulate(&scale, &["--data-dir", &data])?;
    let truth = place.truth()?;
    assert!(
        said.contains(" durable in ") && said.contains(&data),
        "{said}"
    );
    assert_eq!(
        (&truth["format"], &truth["version"]),
        (&"tallybook-truth".into(), &1.into())
    );
    let server = place.server(Some(&place.path("data")))?;
    check("a data directory", &truth, &server).await?;
    let points = server.sql().count("SELECT count(*) FROM metrics").await?;
    assert_eq!(truth["totals"]["data_points"].as_u64(), Some(points));
    drop(server);
    // Without a server, too, and once more the same simulation: nothing is left to do.
    let data_dir = ["--data-dir", &data];
    let what = ["report", "cost", "--totals", "--format", "json"];
    let json = printed(&[&what[..], &RANGE, &data_dir].concat())?;
    let rows: Vec<Value> = serde_json::from_str(&json)?;
    assert!(
        (nanos(&rows[0]) - nanos(&truth["totals"])).abs() < 1_000,
        "{json}"
    );
    let again = place.simulate(&scale, &data_dir)?;
    assert!(again.contains("nothing was left to do"), "{again}");
    Ok(())
}

/// Exports repeated, overtaken, late and lost, over each transport.
#[tokio::test(flavor = "multi_thread")]
async fn each_transport_brings_the_truth_to_a_live_server() -> Result<(), Problem> {
    for protocol in ["http/json", "http/protobuf", "grpc"] {
        let place = Place::new()?;
        // The roster is written when it is known; the server takes it over by itself, here it is
        // there from the start.
        place.simulate(
            &["--users", "10", "--days", "3"],
            &["--data-dir", &place.text("other")],
        )?;
        let server = place.server(None)?;
        let url = match protocol {
            "grpc" => format!("http://{}", server.addresses().grpc),
            _ => format!("http://{}", server.addresses().http),
        };
        let checkpoint = place.text("checkpoint.json");
        let to = [
            "--to",
            &url,
            "--protocol",
            protocol,
            "--checkpoint",
            &checkpoint,
        ];
        let disorder = "repeated=0.1,overtaken=0.2,late=0.02,lost=0.01";
        let scale = ["--users", "10", "--days", "3", "--disorder", disorder];
        place.simulate(&scale, &to)?;
        let truth = place.truth()?;
        assert!(
            truth["lost"]["events"].as_u64() > Some(20),
            "{}",
            truth["lost"]
        );
        assert!(!truth["gaps"].as_array().is_none_or(Vec::is_empty));
        check(protocol, &truth, &server).await?;
        let fates = server.sql().settled_ledger().await?.all();
        assert!(
            fates.deduplicated > 0 && fates.quarantined == 0,
            "{fates:?}"
        );
    }
    Ok(())
}

/// A simulation as a child, to be stopped.
struct Running(Child);

impl Running {
    fn start(arguments: &[String]) -> Result<Running, Problem> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallybook"));
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Running(command.spawn()?))
    }

    /// Sends a signal when so many requests are counted; what it wrote to standard error.
    fn stop_at(
        mut self,
        checkpoint: &Path,
        requests: u64,
        signal: &str,
    ) -> Result<String, Problem> {
        let counted = || {
            let bytes = fs::read(checkpoint).ok()?;
            let found: Value = serde_json::from_slice(&bytes).ok()?;
            (found["requests"].as_u64()? >= requests).then_some(())
        };
        wait_for(PATIENCE, "a checkpoint", counted)?;
        let pid = self.0.id().to_string();
        Command::new("kill").args([signal, &pid]).status()?;
        let status = self.0.wait()?;
        assert!(!status.success(), "it ended before it was stopped");
        let mut said = Vec::new();
        if let Some(stderr) = self.0.stderr.take() {
            io::copy(&mut stderr.take(1 << 16), &mut said)?;
        }
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test has failed.
        let _ = self.0.kill();
    }
}

fn counted(checkpoint: &Path) -> Result<Value, Problem> {
    Ok(serde_json::from_slice(&fs::read(checkpoint)?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on_and_doubles_nothing() -> Result<(), Problem> {
    let place = Place::new()?;
    let (data, checkpoint) = (place.text("data"), place.path("data/simulate.json"));
    let scale = ["--users", "220", "--days", "14", "--seed", "3"];
    let to = ["--data-dir", &data];
    let arguments = place.arguments(&scale, &to);
    Running::start(&arguments)?.stop_at(&checkpoint, 1, "-KILL")?;
    let killed_at = counted(&checkpoint)?["requests"].as_u64();
    let said =
        Running::start(&arguments)?.stop_at(&checkpoint, killed_at.unwrap_or(0) + 1, "-INT")?;
    assert!(
        said.contains("the same command goes on from there"),
        "{said}"
    );
    let interrupted_at = counted(&checkpoint)?;
    assert!(
        interrupted_at["requests"].as_u64() > killed_at,
        "{interrupted_at}"
    );
    assert!(
        !place.path("truth.json").exists(),
        "nobody knows all of it yet"
    );
    let said = place.simulate(&scale, &to)?;
    let truth = place.truth()?;
    assert_eq!(counted(&checkpoint)?["is_complete"], true);
    assert_eq!(counted(&checkpoint)?["events"], truth["totals"]["events"]);
    // Hardly anything had to be recognised: what was on its way when it was interrupted.
    let known = said
        .split(". ")
        .find_map(|part| part.strip_suffix(" items were known already"));
    let known: u64 = known.map_or(Ok(0), str::parse)?;
    assert!(known < 40_000, "{said}");
    let events = truth["totals"]["events"].as_u64().unwrap_or(0);
    assert!(
        events > 300_000 && !said.contains("this run 0 events"),
        "{said}"
    );
    let server = place.server(Some(&place.path("data")))?;
    check("interrupted twice", &truth, &server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_goes_on_where_it_was() -> Result<(), Problem> {
    let place = Place::new()?;
    let scale = ["--users", "60", "--days", "6"];
    place.simulate(&scale, &["--data-dir", &place.text("other")])?;
    let server = place.server(None)?;
    let url = format!("http://{}", server.addresses().http);
    let checkpoint = place.path("checkpoint.json");
    let named = place.text("checkpoint.json");
    let to = ["--to", &url, "--batch", "40", "--checkpoint", &named];
    let arguments = place.arguments(&scale, &to);
    fs::remove_file(place.path("truth.json"))?;
    Running::start(&arguments)?.stop_at(&checkpoint, 10, "-KILL")?;
    let before = server.sql().settled_ledger().await?.all();
    place.simulate(&scale, &to)?;
    let after = server.sql().settled_ledger().await?.all();
    let items = counted(&checkpoint)?["items"].as_u64().unwrap_or(0);
    // The second run sent what was left, and at most what had gone out in the second before the kill.
    assert!(before.received > 400, "{before:?}");
    assert!(
        after.received - before.received < items,
        "{before:?}, {after:?}, {items}"
    );
    assert_eq!(after.accepted, items, "{after:?}");
    check("a killed sender", &place.truth()?, &server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn time_passes_as_fast_as_asked() -> Result<(), Problem> {
    let place = Place::new()?;
    let server = launch().start()?;
    let url = format!("http://{}", server.addresses().http);
    let checkpoint = place.text("checkpoint.json");
    // A day in five seconds, from a Friday's noon on; somebody's task runs at three in the night.
    let speed = ["--speed", "x17280", "--variety", "none"];
    let scale = [&["--users", "6", "--days", "1"][..], &speed].concat();
    let to = ["--to", &url, "--checkpoint", &checkpoint];
    let began = std::time::Instant::now();
    place.simulate(&scale, &to)?;
    let took = began.elapsed().as_secs_f64();
    let truth = place.truth()?;
    let sent = server.sql().count("SELECT count(*) FROM events").await?;
    assert_eq!(truth["totals"]["events"].as_u64(), Some(sent));
    assert!(sent > 100 && took > 2.0, "{sent} events in {took} s");
    // Each client's export was a request of its own.
    let requests = counted(&place.path("checkpoint.json"))?["requests"].as_u64();
    assert!(requests > Some(sent / 40), "{requests:?} requests");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said() -> Result<(), Problem> {
    let place = Place::new()?;
    let (data, other) = (place.text("data"), place.text("other"));
    let checkpoint = place.text("checkpoint.json");
    let small = ["simulate", "--users", "2", "--days", "1", "--end", END];
    let check = |arguments: &[&str], code: i32, says: &[&str]| {
        check_failure(&[&small[..], arguments].concat(), code, says);
    };
    check(&[], 2, &["--to"]);
    check(
        &["--to", "http://127.0.0.1:9", "--data-dir", &data],
        2,
        &["--data-dir"],
    );
    check(
        &["--data-dir", &data, "--speed", "x60"],
        2,
        &["--speed", "--to"],
    );
    check(
        &["--data-dir", &data, "--speed", "fast"],
        2,
        &["fast", "real-time"],
    );
    check(
        &["--data-dir", &data, "--disorder", "chaos=1"],
        2,
        &["chaos", "overtaken"],
    );
    check(&["--data-dir", &data, "--protocol", "grpc"], 2, &["--to"]);
    check(&["--to", "https://example.com"], 2, &["TLS"]);
    let nobody = ["--to", "http://127.0.0.1:9", "--checkpoint", &checkpoint];
    check(&nobody, 1, &["127.0.0.1:9", "tallybook serve"]);
    let server = launch().start()?;
    let held = server.data_dir().to_string_lossy().into_owned();
    check(&["--data-dir", &held], 1, &[&held, "is in use by process"]);
    let api = server.addresses().ui_url();
    check(
        &["--to", &api, "--checkpoint", &checkpoint],
        1,
        &[&api, "refused a request"],
    );
    // Other arguments, and data that no simulation is known of.
    let output = tallybook(&[&small[..], &["--quiet", "--data-dir", &data]].concat())?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    check(
        &["--data-dir", &data, "--seed", "9"],
        2,
        &["seed was 1 and is 9", "simulate.json"],
    );
    fs::rename(place.path("data/simulate.json"), place.path("moved.json"))?;
    check(
        &["--data-dir", &data],
        2,
        &["would be mixed", "simulate.json"],
    );
    fs::write(place.path("moved.json"), "{}")?;
    let odd = place.text("moved.json");
    check(
        &["--data-dir", &other, "--checkpoint", &odd],
        1,
        &["is no checkpoint", &odd],
    );
    Ok(())
}

#[test]
fn a_dry_run_counts_and_does_nothing() -> Result<(), Problem> {
    let place = Place::new()?;
    let scale = ["--users", "5", "--days", "2", "--dry-run"];
    let said = place.simulate(&scale, &["--data-dir", &place.text("data")])?;
    for part in [
        " events",
        " data points",
        " people",
        " sessions",
        " bytes",
        "Nothing was stored",
    ] {
        assert!(said.contains(part), "{part:?}: {said}");
    }
    assert_eq!(
        fs::read_dir(place.dir.path())?.count(),
        0,
        "nothing was written"
    );
    Ok(())
}
