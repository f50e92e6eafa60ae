//! `tallybook emit`: one event, by the settings that the clients read.
//!
//! For hooks and scripts: silent when all is well, 0 when the event was taken, is kept in the
//! spool, or telemetry is off, 1 when it is lost, 2 when the command or the settings are wrong.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::time::Duration;

use emitter::event::{EventKind, Parsed, kinds};
use emitter::settings::{Exporter, Layers};
use emitter::{Agent, Finding, Session, Settings, Start, Telemetry};

use super::say;
use crate::cli::EmitArgs;
use crate::failure::Failure;

/// The word for a value that is on standard input.
const FROM_STDIN: &str = "@-";
/// Longer values are cut by every limit of content anyway.
const STDIN_BYTES_MAX: u64 = 8 << 20;
/// For what could not be sent in time to go into the spool.
const LAST_WORDS: Duration = Duration::from_secs(1);
const PROMPT_EVENT: &str = "user_prompt";

pub(crate) fn run(args: EmitArgs) -> Result<(), Failure> {
    let kind = kinds().iter().find(|kind| kind.name == args.event);
    let kind = kind.ok_or_else(|| {
        Failure::usage(format!(
            "there is no event `{}`; tallybook emit --help lists them",
            args.event
        ))
    })?;
    if args.keys {
        return say(&described(kind));
    }
    let event = kind.parse(pairs(&args.pairs)?).map_err(|malformed| {
        let name = kind.name;
        Failure::usage(format!(
            "{malformed}; tallybook emit {name} --keys describes the keys"
        ))
    })?;
    let mut layers = Layers::standard();
    if args.dry_run {
        layers = layers.over("CLAUDE_CODE_ENABLE_TELEMETRY", "1");
    }
    let (mut settings, findings) = Settings::read(layers);
    findings.iter().for_each(tell);
    if args.dry_run {
        settings.logs.exporters = vec![Exporter::Console];
        settings.metrics.exporters = vec![Exporter::Console];
        settings.content.body_dir = None;
    } else if !settings.is_enabled && findings.is_empty() {
        note("telemetry is off, nothing is sent: CLAUDE_CODE_ENABLE_TELEMETRY=1 turns it on");
        return Ok(());
    }
    can_send(&settings)?;
    send(&args, event, settings)
}

/// Without an exporter of events there is nobody to send this one to.
fn can_send(settings: &Settings) -> Result<(), Failure> {
    if settings.is_enabled && !settings.logs.exporters.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(
        "no event can be sent: set OTEL_LOGS_EXPORTER=otlp, OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_ENDPOINT",
    ))
}

fn send(args: &EmitArgs, event: Parsed, settings: Settings) -> Result<(), Failure> {
    let agent = Agent::new("tallybook-emit", env!("CARGO_PKG_VERSION"));
    let telemetry = Telemetry::builder(agent, settings).on_finding(tell).start();
    let session = match &args.session {
        Some(id) => telemetry.session_with_id(id),
        None => telemetry.session(Start::Fresh),
    };
    let prompt = emit(args, &session, event);
    let session_id = session.id().to_owned();
    // A flush also sends what an earlier call had to leave in the spool.
    telemetry.flush_within(Duration::from_secs(args.timeout));
    let counts = telemetry.shutdown_within(LAST_WORDS).events;
    if counts.recorded == 0 {
        note("nothing is sent: the event is behind a gate that is shut (tallybook emit --help)");
    } else if counts.spooled > 0 {
        note("the receiver is away; the event is kept in the spool, and a later call sends it");
    } else if counts.blocked > 0 && counts.sent == 0 {
        return Err(Failure::usage(
            "the event was not sent: the egress policy does not allow the receiver",
        ));
    } else if counts.sent == 0 {
        return Err(Failure::failed("the event was not delivered"));
    }
    if args.print_ids {
        let ids = serde_json::json!({ "session_id": session_id, "prompt_id": prompt });
        return say(&ids.to_string());
    }
    Ok(())
}

/// Emits the event, and gives the prompt that it belongs to.
fn emit(args: &EmitArgs, session: &Session, event: Parsed) -> Option<String> {
    let prompt = match &args.prompt {
        Some(id) => session.prompt_with_id(id.as_str()),
        None if args.event == PROMPT_EVENT => session.new_prompt(),
        None => {
            session.emit_parsed(event);
            return None;
        }
    };
    prompt.emit_parsed(event);
    Some(prompt.id().to_owned())
}

fn pairs(words: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut has_read = false;
    let pair = |word: &String| {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{word}` is not key=value")))?;
        if value != FROM_STDIN {
            return Ok((key.to_owned(), value.to_owned()));
        }
        if std::mem::replace(&mut has_read, true) {
            return Err(Failure::usage("only one value can be on standard input"));
        }
        Ok((key.to_owned(), read_stdin()?))
    };
    words.iter().map(pair).collect()
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    #[expect(clippy::disallowed_methods, reason = "the reader is cut off by take")]
    let read = std::io::stdin()
        .take(STDIN_BYTES_MAX)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("standard input: {error}")))?;
    Ok(text)
}

fn tell(finding: &Finding) {
    note(&finding.to_string());
}

fn note(text: &str) {
    // With standard error gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "tallybook: {text}");
}

/// All events with their keys, for the help.
pub(crate) fn help() -> String {
    let mut text = String::from("Events and their keys; those with * cannot be left out:\n");
    for kind in kinds() {
        let keys = kind.keys.iter().map(|key| {
            let mark = if key.is_required { "*" } else { "" };
            format!("{}{mark}", key.name)
        });
        let keys: Vec<String> = keys.collect();
        let _ = write!(
            text,
            "\n  {}: {}\n      {}\n",
            kind.name,
            kind.help.trim(),
            keys.join(" ")
        );
    }
    text.push_str(
        "\nPrompts, responses, tool details and bodies are sent only when OTEL_LOG_USER_PROMPTS, \
         OTEL_LOG_ASSISTANT_RESPONSES, OTEL_LOG_TOOL_DETAILS or OTEL_LOG_RAW_API_BODIES allow it.\n\
         Names (of skills, plugins, agents, MCP servers) need OTEL_LOG_TOOL_DETAILS too; builtin:NAME is always shown.\n\
         Exit codes: 0 taken, kept in the spool, or telemetry is off; 1 not delivered; 2 wrong command or settings.",
    );
    text
}

/// One event's keys, one a line.
fn described(kind: &EventKind) -> String {
    let mut text = format!("{}: {}\n", kind.name, kind.help.trim());
    for key in kind.keys {
        let mark = if key.is_required { "*" } else { "" };
        let gate = match key.gate {
            "" => String::new(),
            gate => format!(" [{gate}]"),
        };
        let name = format!("{}{mark}", key.name);
        let _ = writeln!(
            text,
            "  {name:32} {:16} {}{gate}",
            key.kind,
            key.help.trim()
        );
    }
    text
}
