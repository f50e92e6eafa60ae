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
const DAYS: u64 = 30;
/// When the simulated days end.
const END: &str = "2026-11-28T12:00:00Z";
const END_MS: u64 = 1_795_867_200_000;
const DAY_MS: u64 = 86_400_000;
/// A range that ends now moves with the clock: by so much between two openings of a page.
const MOVED_MS: u64 = 60_000;

/// How often it is looked whether the server rests.
const LOOK_EVERY: Duration = Duration::from_secs(6);

/// How one panel was answered.
struct Asked {
    panel: Panel,
    /// The first answer after the start: it reads what the later ones find in memory.
    first: Result<Took, String>,
    /// Asked of a range that has moved on, when something has come in since: made of all that is stored.
    fresh: Result<Took, String>,
    /// The same once more, as the UI asks: the last answer will do until the new one is there.
    shown: Result<Took, String>,
    /// The same question when nothing has come in.
    again: Result<Took, String>,
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
    let openings = [0, 1, 2].map(|minutes| opening(minutes * MOVED_MS));
    let openings = openings.into_iter().collect::<Result<Vec<_>, _>>()?;
    // Servers keep their data below their own folder, which they remove; so the data is made first.
    let folder = std::env::temp_dir().join(format!("tallybook-panels-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure_in(arguments, binary, &folder, openings).await;
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
    openings: Vec<Vec<Panel>>,
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
    let launch = Launch::new(binary).data_dir(&data);
    let server = launch.start()?;
    until_quiet(&server).await?;
    let mut asked = Vec::new();
    for (at, panel) in openings[0].iter().enumerate() {
        let [first, fresh, shown] = [0, 1, 2].map(|opening: usize| &openings[opening][at].path);
        let first = ask(&server, first).await?;
        // Each is another item: the same again would be a repeated delivery, which changes nothing.
        send_one(&server, 2 * at as u128).await?;
        let fresh = ask(&server, fresh).await?;
        send_one(&server, 2 * at as u128 + 1).await?;
        let shown_at_once = ask(&server, &format!("{shown}&max_age_s=3600")).await?;
        let _made = ask(&server, shown).await?;
        let again = ask(&server, shown).await?;
        let memory = gauge::resident_memory(server.pid())?;
        let took = [&first, &fresh, &shown_at_once, &again].map(table::said);
        eprintln!("  {}: {}", panel.what, took.join(", "));
        asked.push(Asked {
            panel: panel.clone(),
            first,
            fresh,
            shown: shown_at_once,
            again,
            memory,
        });
    }
    Ok(asked)
}

/// The panels of all pages when they are opened so long after the first time.
fn opening(moved_ms: u64) -> Result<Vec<Panel>, Problem> {
    let to_ms = END_MS + moved_ms;
    boards::all(&boards_dir(), (to_ms - DAYS * DAY_MS, to_ms))
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

/// Waits until the server has made in the background what questions read: it then takes no CPU any more.
async fn until_quiet(server: &Server) -> Result<(), Problem> {
    eprintln!("  waiting until sums and calls are made");
    let mut cpu = gauge::cpu(server.pid())?;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = gauge::cpu(server.pid())?;
        if now.saturating_sub(cpu) < LOOK_EVERY / 50 {
            eprintln!("  made in {} s of CPU", now.as_secs());
            return Ok(());
        }
        cpu = now;
    }
}

/// One item, so that nothing that is kept of answers is of what is stored now.
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

async fn ask(server: &Server, path: &str) -> Result<Result<Took, String>, Problem> {
    let (cpu, started) = (gauge::cpu(server.pid())?, Instant::now());
    let url = format!("{}{}", server.addresses().ui_url(), path);
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
