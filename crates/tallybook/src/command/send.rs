//! `tallybook send`: recorded requests, sent as the client that made them would.

use std::io::IsTerminal;
use std::path::Path;

use contract::{DataPoint, LogRecord, Metric, Origin, Quarantined, Sink, Span};
use fleet::{Options, Scenario, Target, list, send_scenario};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use url::Url;

use super::{io_runtime, say};
use crate::cli::SendArgs;
use crate::failure::Failure;

pub(crate) fn run(args: SendArgs) -> Result<(), Failure> {
    let scenarios = load(&args.capture_dir)?;
    let target = target(&args)?;
    if args.dry_run {
        return scenarios.iter().try_for_each(|scenario| {
            let bytes: usize = scenario
                .requests
                .iter()
                .map(|request| request.body.len())
                .sum();
            say(&format!(
                "{}: {} requests, {bytes} bytes",
                scenario.name,
                scenario.requests.len()
            ))
        });
    }
    io_runtime()?.block_on(async {
        for scenario in &scenarios {
            send(scenario, &target, &args).await?;
        }
        Ok(())
    })
}

/// The folder itself when it holds a recording, else the recordings in it.
fn load(dir: &Path) -> Result<Vec<Scenario>, Failure> {
    if !dir.is_dir() {
        return Err(Failure::usage(format!(
            "there is no folder {}",
            dir.display()
        )));
    }
    let dirs = if dir.join("expected.json").is_file() {
        vec![dir.to_owned()]
    } else {
        list(dir).map_err(Failure::failed)?
    };
    if dirs.is_empty() {
        return Err(Failure::usage(format!(
            "{} holds no recording (a folder with expected.json)",
            dir.display()
        )));
    }
    dirs.iter()
        .map(|dir| Scenario::load(dir).map_err(Failure::failed))
        .collect()
}

fn target(args: &SendArgs) -> Result<Target, Failure> {
    let http = Url::parse(&args.to)
        .map_err(|error| Failure::usage(format!("--to {}: {error}", args.to)))?;
    let grpc = args.grpc_to.clone().or_else(|| {
        let mut grpc = http.clone();
        grpc.set_port(Some(4317)).ok()?;
        grpc.set_path("");
        Some(grpc.to_string())
    });
    Ok(Target {
        http: Some(args.to.clone()),
        grpc,
    })
}

async fn send(scenario: &Scenario, target: &Target, args: &SendArgs) -> Result<(), Failure> {
    let bar = progress(scenario);
    let options = Options {
        restamp: args.restamp.then(|| shift_ms(scenario)).flatten(),
        token: args.token.clone(),
        on_progress: Box::new(|progress| bar.set_position(u64::from(progress.number))),
        ..Options::default()
    };
    let sent = send_scenario(scenario, target, options)
        .await
        .map_err(|error| Failure::failed(format!("{}: {error}", scenario.name)))?;
    bar.finish_and_clear();
    say(&format!(
        "{}: {} of {} requests accepted, {} retries, {} bytes",
        scenario.name,
        sent.accepted,
        scenario.requests.len(),
        sent.retries,
        sent.bytes
    ))?;
    if sent.refused.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{}: the server refused requests {:?}",
        scenario.name, sent.refused
    )))
}

fn progress(scenario: &Scenario) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(scenario.requests.len() as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {per_sec}") {
        bar.set_style(style);
    }
    bar.with_message(scenario.name.clone())
}

/// How far the recording's latest time lies behind now, in milliseconds.
fn shift_ms(scenario: &Scenario) -> Option<i64> {
    let mut latest = Latest(0);
    for request in &scenario.requests {
        let limits = otlp::Limits::default();
        let body = match request.encoding {
            otlp::Encoding::Protobuf => request.plain_body.clone(),
            otlp::Encoding::Json => {
                otlp::from_json(request.signal, &request.plain_body, &limits)
                    .ok()?
                    .protobuf
            }
        };
        otlp::decode(request.signal, &body, &limits, &mut latest).ok()?;
    }
    let now_ms = chrono::Utc::now().timestamp_millis();
    (latest.0 > 0).then(|| now_ms - i64::try_from(latest.0 / 1_000_000).unwrap_or(now_ms))
}

/// The latest time among the items of a recording.
struct Latest(u64);

impl Sink for Latest {
    fn origin(&mut self, _origin: &Origin<'_>) {}

    fn log(&mut self, record: &LogRecord<'_>) {
        self.0 = self.0.max(record.time_unix_nano);
    }

    fn point(&mut self, _metric: &Metric<'_>, point: &DataPoint<'_>) {
        self.0 = self.0.max(point.time_unix_nano);
    }

    fn span(&mut self, span: &Span<'_>) {
        self.0 = self.0.max(span.end_time_unix_nano);
    }

    fn quarantine(&mut self, _item: Quarantined) {}
}
