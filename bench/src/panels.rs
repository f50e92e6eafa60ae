//! Panels: the questions of the pages of the web UI, as the UI asks them, over a simulated organisation.
//!
//! Which they are is read from the descriptions of the pages (`web/src/boards`), so that a panel that is
//! added there is measured here.
//!
//! | file | what is in it |
//! |---|---|
//! | `boards.rs` | from the descriptions to requests |
//! | `table.rs` | the table |

mod boards;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Launch, Problem, Server};

use crate::arguments::Arguments;
use crate::gauge;
use boards::Panel;

/// What no panel should take.
const FLOOR: Duration = Duration::from_millis(300);
/// How often a panel is asked after the first time.
const WARM_RUNS: usize = 3;
const DAYS: u64 = 30;
/// When the simulated days end.
const END: &str = "2026-11-28T12:00:00Z";
const END_MS: u64 = 1_795_867_200_000;
const DAY_MS: u64 = 86_400_000;

/// How one panel was answered.
struct Asked {
    panel: Panel,
    /// The first answer after the start: it reads what the later ones find in memory.
    first: Result<Took, String>,
    /// Asked again when something has come in since.
    fresh: Result<Took, String>,
    /// The median of those after it, when nothing has.
    warm: Result<Took, String>,
    /// The slowest of these.
    worst: Duration,
    /// Resident after it.
    memory: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Took {
    clock: Duration,
    /// CPU time of the server meanwhile.
    cpu: Duration,
}

/// Measures every panel, and prints the table.
pub(crate) async fn measure(arguments: &Arguments, binary: &Path) -> Result<(), Problem> {
    let load_before = gauge::load_average()?;
    let panels = boards::all(&boards_dir(), (END_MS - DAYS * DAY_MS, END_MS))?;
    // Servers keep their data below their own folder, which they remove; so the data is made first.
    let folder = std::env::temp_dir().join(format!("tallybook-panels-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure_in(arguments, binary, &folder, panels).await;
    match arguments.keep {
        true => eprintln!("panels: kept in {}", folder.display()),
        false => std::fs::remove_dir_all(&folder)?,
    }
    let load = (load_before, gauge::load_average()?);
    println!("{}", table::markdown(&measured?, arguments.events, load));
    Ok(())
}

async fn measure_in(
    arguments: &Arguments,
    binary: &Path,
    folder: &Path,
    panels: Vec<Panel>,
) -> Result<Vec<Asked>, Problem> {
    eprintln!("panels: {} events", arguments.events);
    let data = match &arguments.data {
        Some(data) => PathBuf::from(data),
        None => {
            let data = folder.join("data");
            simulate(binary, arguments.events, &data, &folder.join("truth.json"))?;
            data
        }
    };
    // A machine that is busy otherwise must show in the times, and not as no answer.
    let patient = "[query]\ntimeout_seconds = 300\n";
    let launch = Launch::new(binary).settings(patient).data_dir(&data);
    let server = launch.start()?;
    let mut asked = Vec::new();
    for panel in panels {
        let first = ask(&server, &panel).await?;
        send_one(&server, asked.len() as u128).await?;
        let fresh = ask(&server, &panel).await?;
        let mut times = Vec::new();
        let mut refusal = None;
        for _ in 0..WARM_RUNS {
            match ask(&server, &panel).await? {
                Ok(took) => times.push(took),
                Err(said) => refusal = Some(said),
            }
        }
        times.sort_unstable();
        let warm = match refusal {
            None => Ok(times[WARM_RUNS / 2]),
            Some(said) => Err(said),
        };
        let worst = times.last().map(|took| took.clock).unwrap_or_default();
        let memory = gauge::resident_memory(server.pid())?;
        eprintln!("  {}: {}", panel.what, table::said(&warm));
        asked.push(Asked {
            panel,
            first,
            fresh,
            warm,
            worst,
            memory,
        });
    }
    Ok(asked)
}

fn boards_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src/boards")
}

fn simulate(binary: &Path, events: u64, data: &Path, truth: &Path) -> Result<(), Problem> {
    let status = Command::new(binary)
        .arg("simulate")
        .args(["--events", &events.to_string()])
        .args(["--days", &DAYS.to_string(), "--end", END, "--quiet"])
        .arg("--data-dir")
        .arg(data)
        .arg("--truth")
        .arg(truth)
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(Problem::new("the simulation failed")),
    }
}

/// One item, so that nothing that is kept of answers is of what is stored now. Each is another one: the same
/// again would be a repeated delivery, which changes nothing.
async fn send_one(server: &Server, ordinal: u128) -> Result<(), Problem> {
    let at_ns = u128::from(END_MS - 1) * 1_000_000 + ordinal;
    let event = r#"{"key": "event.name", "value": {"stringValue": "user_prompt"}}"#;
    let body = format!(
        r#"{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{{"timeUnixNano": "{at_ns}", "attributes": [{event}]}}]}}]}}]}}"#
    );
    let url = format!("http://{}/v1/logs", server.addresses().http);
    let json = [("content-type", "application/json")];
    let answer = testkit::exchange("POST".parse()?, &url, &json, body).await?;
    match answer.status {
        200 => Ok(()),
        status => Err(Problem::new(format!("an item was answered {status}"))),
    }
}

async fn ask(server: &Server, panel: &Panel) -> Result<Result<Took, String>, Problem> {
    let (cpu, started) = (gauge::cpu(server.pid())?, Instant::now());
    let url = format!("{}{}", server.addresses().ui_url(), panel.path);
    let answer = testkit::exchange("GET".parse()?, &url, &[], "").await?;
    let took = Took {
        clock: started.elapsed(),
        cpu: gauge::cpu(server.pid())?.saturating_sub(cpu),
    };
    Ok(match answer.status {
        200 => Ok(took),
        _ => Err(String::from_utf8_lossy(&answer.body).into_owned()),
    })
}
