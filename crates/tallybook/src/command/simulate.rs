//! `tallybook simulate`: an organisation at work, into a data directory or against a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Shutdown;
use store::Store;

use super::{io_runtime, say};
use crate::cli::{LogArgs, Protocol, SimulateArgs};
use crate::failure::Failure;
use crate::intake::cpu_runtime;
use crate::logging;
use crate::opening;
use crate::redaction::Redaction;
use crate::server::watch_signals;
use crate::simulation::{
    Checkpoint, Drive, Ended, Load, Pace, Plan, Progress, Speed, Stream, Whole, Wire, disorder,
    now_ms, plain_time, write_result,
};

/// Items of a request into a data directory: from so many on the buffer merges no more.
const LOAD_ITEMS: usize = 4_096;
/// Items of a request to a server.
const WIRE_ITEMS: usize = 500;
/// In the data directory.
const CHECKPOINT_NAME: &str = "simulate.json";
/// In the current folder.
const WIRE_CHECKPOINT_NAME: &str = "tallybook-simulate.json";
/// For how long a server recognises what is sent again.
const RECOGNISED_MS: u64 = 24 * 3600 * 1000;

pub(crate) fn run(args: SimulateArgs, log: &LogArgs) -> Result<(), Failure> {
    // What goes wrong is said by the command itself.
    let level = log.log_level.as_deref().unwrap_or("warn");
    logging::start(log.log_format.unwrap_or_default(), level)?;
    let plan = plan(&args)?;
    let runtime = io_runtime()?;
    if args.dry_run {
        return runtime.block_on(estimate(&plan));
    }
    let cpu = cpu_runtime().map_err(Failure::failed)?;
    let ended = runtime.block_on(async {
        let shutdown = Shutdown::new();
        tokio::spawn(watch_signals(shutdown.clone()));
        match &args.data_dir {
            Some(dir) => into_directory(&args, plan, dir, cpu.handle().clone(), shutdown).await,
            None => to_server(&args, plan, shutdown).await,
        }
    });
    cpu.shutdown_background();
    ended
}

/// What the arguments ask for.
fn plan(args: &SimulateArgs) -> Result<Plan, Failure> {
    let usage = |what: String| Failure::usage(what);
    disorder(&args.disorder, args.seed)
        .map_err(|error| usage(format!("--disorder {}: {error}", args.disorder)))?;
    if args.speed != Speed::Max && args.to.is_none() {
        return Err(usage(
            "--speed other than max needs --to: a data directory without a server cannot be \
             watched while time passes"
                .to_owned(),
        ));
    }
    if args.protocol.is_some() && args.to.is_none() {
        return Err(usage(
            "--protocol needs --to: nothing is sent otherwise".to_owned(),
        ));
    }
    let protocol = args.protocol.unwrap_or(Protocol::HttpProtobuf);
    let target = match (&args.to, &args.data_dir) {
        (Some(url), _) => format!("{url} over {}", protocol.name()),
        (None, Some(_)) => "data directory".to_owned(),
        (None, None) => "nowhere".to_owned(),
    };
    let batch = match (args.batch, args.speed, &args.to) {
        (Some(items), ..) => items as usize,
        (None, Speed::Times(_), _) => 1,
        (None, Speed::Max, Some(_)) => WIRE_ITEMS,
        (None, Speed::Max, None) => LOAD_ITEMS,
    };
    let end = args.end;
    Ok(Plan {
        tallybook: env!("CARGO_PKG_VERSION").to_owned(),
        users: args
            .users
            .unwrap_or_else(|| Plan::users_for(args.events, args.days)),
        days: args.days,
        seed: args.seed,
        end_unix_ms: end.unwrap_or_else(|| Plan::end_for(args.speed, now_ms(), args.days)),
        events: args.events,
        content: !args.no_content,
        metrics: !args.no_metrics,
        variety: args.variety,
        disorder: args.disorder.clone(),
        speed: args.speed,
        batch,
        alone_from_ms: None,
        target,
    })
}

/// Generates everything and counts it.
async fn estimate(plan: &Plan) -> Result<(), Failure> {
    let mut stream = Stream::start(plan, 0)?;
    let mut bytes = 0;
    while let Some(parcel) = stream.next().await {
        bytes += parcel.body.len() as u64;
    }
    let whole = whole(stream).await?;
    let totals = &whole.truth.totals;
    say(&format!(
        "{} events and {} data points of {} people in {} sessions, {} requests of {bytes} bytes; \
         ${:.2}; from {} to {}. Nothing was stored or sent.",
        totals.events,
        totals.data_points,
        totals.people,
        totals.sessions,
        whole.requests,
        totals.spent.cost_usd,
        moment(plan.start_unix_ms()),
        moment(plan.end_unix_ms)
    ))
}

/// Straight into a data directory.
async fn into_directory(
    args: &SimulateArgs,
    mut plan: Plan,
    dir: &Path,
    cpu: tokio::runtime::Handle,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let path = args.checkpoint.clone();
    let path = path.unwrap_or_else(|| dir.join(CHECKPOINT_NAME));
    // The lock comes first: a running server must not be disturbed, nor another simulation.
    let store = opening::whole(store::Config::new(dir)).await?;
    let mut found = Checkpoint::read(&path)?;
    if is_empty(&store) {
        // A checkpoint elsewhere counts what was in a directory that is gone.
        found = None;
    } else if found.is_none() {
        return Err(Failure::usage(format!(
            "{} holds data, and no simulation of it is known ({} is not there): simulated people \
             would be mixed with others; choose another --data-dir",
            dir.display(),
            path.display()
        )));
    }
    let (checkpoint, is_new) = resume(&mut plan, found, &path, args.end.is_some())?;
    if is_new {
        checkpoint.write(&path)?;
    }
    let reserve = tokio::spawn(Arc::clone(&store).run_reserve(shutdown.clone()));
    let redaction = Redaction::start(
        &redact::Settings::default(),
        &query::Config::default().organization,
        dir,
    )?;
    let redaction = Arc::new(redaction);
    let sink = Arc::new(Load::new(Arc::clone(&store), redaction, cpu));
    let run = Run {
        args,
        plan,
        path,
        checkpoint,
        shutdown: shutdown.clone(),
    };
    let done = run.drive(Arc::clone(&sink)).await;
    shutdown.trigger();
    reserve.await.map_err(Failure::failed)?;
    let known = match sink.known() {
        0 => String::new(),
        known => format!(" {known} items were known already."),
    };
    let shown = dir.display();
    say(&format!(
        "{} in {shown}.{known} `tallybook serve --data-dir {shown}` answers from it.",
        done?
    ))
}

/// Over the wire.
async fn to_server(args: &SimulateArgs, mut plan: Plan, shutdown: Shutdown) -> Result<(), Failure> {
    let url = args.to.clone().unwrap_or_default();
    let wire = Wire::new(
        &url,
        args.protocol.unwrap_or(Protocol::HttpProtobuf),
        args.token.as_deref(),
    )?;
    let path = args.checkpoint.clone();
    let path = path.unwrap_or_else(|| PathBuf::from(WIRE_CHECKPOINT_NAME));
    let found = Checkpoint::read(&path)?;
    if let Some(found) = &found
        && !found.is_complete
        && now_ms().saturating_sub(found.written_unix_ms) > RECOGNISED_MS
    {
        tracing::warn!(
            "{} was written more than a day ago: the last few requests sent before the interruption \
             may no longer be recognised when they are sent again",
            path.display()
        );
    }
    let (checkpoint, _) = resume(&mut plan, found, &path, args.end.is_some())?;
    let run = Run {
        args,
        plan,
        path,
        checkpoint,
        shutdown,
    };
    let done = run.drive(Arc::new(wire)).await?;
    say(&format!("{done} to {url}."))
}

fn is_empty(store: &Store) -> bool {
    let stats = store.stats();
    stats.parts == 0 && stats.buffer_rows == 0
}

/// The checkpoint to go on from, and whether it is a new one. What the arguments leave open is as it
/// was when the simulation was begun.
fn resume(
    plan: &mut Plan,
    found: Option<Checkpoint>,
    path: &Path,
    is_end_given: bool,
) -> Result<(Checkpoint, bool), Failure> {
    let Some(found) = found else {
        return Ok((Checkpoint::new(plan.clone(), now_ms()), true));
    };
    if !is_end_given {
        plan.end_unix_ms = found.plan.end_unix_ms;
    }
    let differences = plan.differences(&found.plan);
    if differences.is_empty() {
        return Ok((found, false));
    }
    Err(Failure::usage(format!(
        "{} is of another simulation: {}. Give the same arguments to go on with it; for a new one \
         remove it and the data it counts, or name another file with --checkpoint",
        path.display(),
        differences.join(", ")
    )))
}

/// One run of a simulation.
struct Run<'a> {
    args: &'a SimulateArgs,
    plan: Plan,
    path: PathBuf,
    checkpoint: Checkpoint,
    shutdown: Shutdown,
}

impl Run<'_> {
    /// Puts everything into the sink that is not there yet; says what was done.
    async fn drive<S>(self, sink: Arc<S>) -> Result<String, Failure>
    where
        S: crate::simulation::Sink,
    {
        let Run {
            args,
            plan,
            path,
            checkpoint,
            shutdown,
        } = self;
        let progress = Progress::new(&plan, checkpoint.events, args.quiet);
        let mut stream = Stream::start(&plan, checkpoint.requests)?;
        let drive = Drive {
            sink,
            pace: pace(&plan, &checkpoint),
            checkpoint: Some((path.clone(), checkpoint)),
            progress: progress.clone(),
            shutdown,
            on_caught_up: None,
        };
        let (ended, checkpoint) = drive.run(&mut stream).await?;
        let Some(mut checkpoint) = checkpoint else {
            return Err(Failure::failed(
                "the count is gone; this is a fault of tallybook",
            ));
        };
        if let Ended::Interrupted = ended {
            return Err(Failure::failed(format!(
                "interrupted after {} events; the same command goes on from there",
                checkpoint.events
            )));
        }
        let whole = whole(stream).await?;
        if whole.requests != checkpoint.requests {
            return Err(Failure::failed(format!(
                "{} of {} requests are counted; this is a fault of tallybook",
                checkpoint.requests, whole.requests
            )));
        }
        write_results(args, &plan, &whole)?;
        let was_complete = checkpoint.is_complete;
        checkpoint.is_complete = true;
        checkpoint.write(&path)?;
        Ok(done(&plan, &whole, &progress, was_complete))
    }
}

fn pace(plan: &Plan, checkpoint: &Checkpoint) -> Pace {
    match plan.speed {
        Speed::Max => Pace::Max,
        Speed::Times(times) => Pace::Times {
            times,
            wall_ms: checkpoint.started_unix_ms,
            simulated_ms: plan.start_unix_ms(),
        },
    }
}

async fn whole(stream: Stream) -> Result<Whole, Failure> {
    let whole = stream.end().await?;
    whole.ok_or_else(|| Failure::failed("generating ended early; this is a fault of tallybook"))
}

fn write_results(args: &SimulateArgs, plan: &Plan, whole: &Whole) -> Result<(), Failure> {
    if let Some(path) = &args.truth {
        let mut json = serde_json::to_value(&whole.truth).map_err(Failure::failed)?;
        json["simulation"] = serde_json::to_value(plan).map_err(Failure::failed)?;
        let json = serde_json::to_vec_pretty(&json).map_err(Failure::failed)?;
        write_result(path, &json)?;
    }
    match &args.roster {
        Some(path) => write_result(path, whole.roster.as_bytes()),
        None => Ok(()),
    }
}

fn done(plan: &Plan, whole: &Whole, progress: &Progress, was_complete: bool) -> String {
    if was_complete {
        return "It was complete already; nothing was left to do".to_owned();
    }
    let totals = &whole.truth.totals;
    let (events, _, took) = progress.done();
    let seconds = took.as_secs_f64();
    format!(
        "{} events and {} data points of {} people, ${:.2}, {} to {}: this run {events} events in \
         {} ({:.0} a second), durable",
        totals.events,
        totals.data_points,
        totals.people,
        totals.spent.cost_usd,
        moment(plan.start_unix_ms()),
        moment(plan.end_unix_ms),
        plain_time(seconds),
        events as f64 / seconds.max(1e-3)
    )
}

fn moment(unix_ms: u64) -> String {
    let text = contract::iso_millis(unix_ms).unwrap_or([b'?'; 24]);
    let text = String::from_utf8_lossy(&text[..19]);
    format!("{text}Z")
}
