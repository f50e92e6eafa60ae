//! `tallybook audit`: what was done, also beside a running server.

use access::audit::{Checkpoint, Place, Reader, Record};

use super::access::{data_dir, moment, shown};
use super::say;
use crate::cli::{AuditCommand, DirArgs, PlainFormat};
use crate::failure::Failure;
use crate::plain::{Align, Table};

pub(crate) fn run(command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { checkpoint, dir } => verify(&checkpoint, &dir),
        AuditCommand::Export { from, dir } => {
            let Some(reader) = open(&dir)? else {
                return Ok(());
            };
            let out = std::io::stdout().lock();
            let written = reader.export(from, &mut std::io::BufWriter::new(out));
            written.map(drop).map_err(Failure::failed)
        }
        AuditCommand::Show {
            limit,
            actor,
            action,
            format,
            dir,
        } => {
            let is =
                |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|one| one == own);
            let wanted = |record: &Record| is(&actor, &record.actor) && is(&action, &record.action);
            let records = match open(&dir)? {
                Some(reader) => reader
                    .latest(None, usize::from(limit), wanted)
                    .map_err(Failure::failed)?,
                None => Vec::new(),
            };
            match format {
                PlainFormat::Json => {
                    say(&serde_json::to_string(&records).map_err(Failure::failed)?)
                }
                PlainFormat::Text => say(&written(&records)),
            }
        }
    }
}

fn open(dir: &DirArgs) -> Result<Option<Reader>, Failure> {
    Reader::open(&Place::of(&data_dir(dir)?)).map_err(Failure::failed)
}

fn verify(kept: &[Checkpoint], dir: &DirArgs) -> Result<(), Failure> {
    let Some(reader) = open(dir)? else {
        return match kept.is_empty() {
            true => {
                say("There is no audit trail yet: nothing has been done that would be on record")
            }
            false => Err(Failure::failed(
                "there is no audit trail, and there was one when the checkpoint was made",
            )),
        };
    };
    let verified = reader.verify(kept).map_err(Failure::failed)?;
    if verified.findings.is_empty() {
        let end = verified.checkpoint.map(|end| format!("\ncheckpoint {end}"));
        return say(&format!(
            "{} records, all as they were written{}",
            verified.records,
            end.unwrap_or_default()
        ));
    }
    let findings: Vec<String> = verified
        .findings
        .iter()
        .map(|one| shown(&one.to_string()))
        .collect();
    Err(Failure::failed(format!(
        "the audit trail is not as it was written:\n  {}",
        findings.join("\n  ")
    )))
}

fn written(records: &[Record]) -> String {
    let left = |title: &str| (title.to_owned(), Align::Left);
    let titles = [
        "number",
        "time (UTC)",
        "who",
        "from",
        "action",
        "object",
        "outcome",
    ];
    let mut table = Table::new(titles.map(left).to_vec());
    for record in records.iter().rev() {
        let who = format!("{} {}", record.actor_kind, record.actor);
        table.row(vec![
            record.sequence.to_string(),
            moment(record.time_ms),
            shown(who.trim()),
            record
                .address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            shown(&record.action),
            shown(&record.object.replace('\n', " ")),
            shown(&record.outcome),
        ]);
    }
    table.written()
}
