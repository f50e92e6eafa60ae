//! `tallybook retention`: what is old, what would go, and what went.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::audit::Action;
use query::RetentionDesk;
use serde_json::{Value, json};

use super::access::{moment, put_on_record};
use super::{io_runtime, query as querying, say, start_logging};
use crate::cli::{LogArgs, PlainFormat, RetentionArgs, RetentionCommand};
use crate::client;
use crate::failure::Failure;
use crate::opening;
use crate::plain::{Align, Table};
use crate::settings::Settings;

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(250);
const DAY_MS: u64 = 86_400_000;

pub(crate) fn run(command: &RetentionCommand, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let (RetentionCommand::Plan(args)
    | RetentionCommand::Run(args)
    | RetentionCommand::Status(args)) = command;
    let answer = io_runtime()?.block_on(async {
        match &args.source.data_dir {
            Some(dir) => of_directory(command, args, dir).await,
            None => of_server(command, args).await,
        }
    })?;
    if args.format == PlainFormat::Json {
        return say(&serde_json::to_string_pretty(&answer).map_err(Failure::failed)?);
    }
    match command {
        RetentionCommand::Plan(_) => say(&plan_text(&answer)),
        _ => say(&status_text(&answer)),
    }
}

async fn of_directory(
    command: &RetentionCommand,
    args: &RetentionArgs,
    dir: &Path,
) -> Result<Value, Failure> {
    let config = args.source.config.as_deref();
    let retention = Settings::read(config)?.check()?.retention;
    let engine = Arc::new(querying::open(dir, config).await?);
    let key = opening::secret(dir)?.key(opening::RETENTION);
    let desk = RetentionDesk::new(Arc::clone(&engine), retention, key);
    match command {
        RetentionCommand::Plan(_) => {
            let plan = desk.plan().await.map_err(Failure::failed)?;
            let rows = plan.days.iter().flat_map(|(day, classes)| {
                classes.iter().map(|(class, due)| {
                    json!({"day_ms": u64::from(*day) * DAY_MS, "class": class,
                           "items": due.items, "bytes": due.bytes})
                })
            });
            return Ok(json!({"rows": rows.collect::<Vec<_>>(), "total": plan.total}));
        }
        RetentionCommand::Run(_) => {
            put_on_record(dir, Action::Retention, "run retention".to_owned())?;
            desk.run_once().await.map_err(Failure::failed)?;
        }
        RetentionCommand::Status(_) => {}
    }
    let state = desk.state().await.map_err(Failure::failed)?;
    Ok(
        json!({"summary": desk.retention().describe(), "state": state, "run": desk.standing(),
              "reduced_before_ms": engine.store().reduced_before_ms()}),
    )
}

async fn of_server(command: &RetentionCommand, args: &RetentionArgs) -> Result<Value, Failure> {
    let target = args.source.target()?;
    let get = async |path: &[&str]| -> Result<Value, Failure> {
        let answer = client::get(&target, path).await?;
        serde_json::from_slice(&answer).map_err(Failure::failed)
    };
    match command {
        RetentionCommand::Plan(_) => return get(&["api", "v1", "retention", "plan"]).await,
        RetentionCommand::Status(_) => return get(&["api", "v1", "retention"]).await,
        RetentionCommand::Run(_) => {}
    }
    client::post_json(&target, "/api/v1/retention/run", &json!({})).await?;
    loop {
        let standing = get(&["api", "v1", "retention"]).await?;
        if standing["run"]["is_running"] == json!(true) {
            tokio::time::sleep(ASK_EVERY).await;
            continue;
        }
        return match standing["run"]["failed"].as_str() {
            Some(reason) => Err(Failure::failed(format!(
                "retention has not ended: {reason}"
            ))),
            None => Ok(standing),
        };
    }
}

fn number(value: &Value) -> String {
    value.as_i64().unwrap_or(0).to_string()
}

fn plan_text(plan: &Value) -> String {
    let rows = plan["rows"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let held = &plan["total"]["held"];
    if rows.is_empty() {
        return format!(
            "nothing would go now; {} items are old enough and held",
            number(held)
        );
    }
    let columns = [
        ("day", Align::Left),
        ("goes", Align::Left),
        ("items", Align::Right),
        ("bytes", Align::Right),
    ];
    let columns = columns.map(|(title, align)| (title.to_owned(), align));
    let mut table = Table::new(columns.to_vec());
    for row in rows {
        let day = moment(row["day_ms"].as_u64().unwrap_or(0));
        table.row(vec![
            day.chars().take(10).collect(),
            goes(row["class"].as_str().unwrap_or_default()).to_owned(),
            number(&row["items"]),
            number(&row["bytes"]),
        ]);
    }
    format!(
        "{}{} items are old enough and held",
        table.written(),
        number(held)
    )
}

fn goes(class: &str) -> &'static str {
    match class {
        "content" => "content",
        "events" => "all but figures",
        _ => "figures",
    }
}

fn status_text(standing: &Value) -> String {
    let (state, run) = (&standing["state"], &standing["run"]);
    let time = |value: &Value| value.as_u64().map_or("never".to_owned(), moment);
    let done = |done: &Value| {
        let items = |class: &str| number(&done["classes"][class]["items"]);
        format!(
            "{} items without content, {} reduced to their figures, {} gone, {} held",
            items("content"),
            items("events"),
            items("aggregates"),
            number(&done["held"])
        )
    };
    let mut lines = vec![
        format!(
            "rules      {}",
            standing["summary"].as_str().unwrap_or_default()
        ),
        format!(
            "last run   {}: {}",
            time(&state["last_began_ms"]),
            done(&state["last"])
        ),
        format!("so far     {}", done(&state["total"])),
    ];
    if !standing["reduced_before_ms"].is_null() {
        lines.push(format!(
            "figures    of items before {} (UTC) only",
            time(&standing["reduced_before_ms"])
        ));
    }
    if run["is_running"] == json!(true) {
        lines.push(format!(
            "running    {} parts are left",
            number(&run["parts_left"])
        ));
    }
    if let Some(reason) = run["failed"].as_str() {
        lines.push(format!("FAILED     {reason}"));
    }
    lines.join("\n")
}
