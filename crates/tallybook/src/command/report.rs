//! `tallybook report`: a named report, of a running server or of a data directory.

mod page;

use std::fmt::Write;

use bytes::Bytes;
use query::catalogue::{REPORTS, Report, ReportDocument, Wanted};
use query::render;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{io_runtime, say, start_logging, write_out};
use crate::cli::{Format, LogArgs, ReportArgs};
use crate::client::{self, Target};
use crate::failure::Failure;

pub(crate) fn run(args: ReportArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let Some(report) = args.name.as_deref().and_then(Report::find) else {
        return list(args.format);
    };
    let answer = io_runtime()?.block_on(fetch(report, &args))?;
    match args.format {
        Format::Csv | Format::Parquet => write_out(&answer),
        Format::Json => {
            let rows: RowsOfDocument<'_> =
                serde_json::from_slice(&answer).map_err(Failure::failed)?;
            say(rows.rows.get())
        }
        Format::Table => say(&page::written(
            &serde_json::from_slice(&answer).map_err(Failure::failed)?,
        )),
    }
}

/// Rows as they came: a figure must not change on its way to the one who reads it.
#[derive(Deserialize)]
struct RowsOfDocument<'d> {
    #[serde(borrow)]
    rows: &'d RawValue,
}

/// What reports there are, each with its question.
fn list(format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => {
            let width = REPORTS
                .iter()
                .map(|report| report.name.len())
                .max()
                .unwrap_or_default();
            let mut out = String::new();
            for report in REPORTS {
                // Writing to a text cannot fail.
                let _ = writeln!(out, "{:width$}  {}", report.name, report.about);
            }
            say(&format!(
                "{out}\nOne of them: tallybook report NAME; all that can be asked: tallybook report --help"
            ))
        }
        Format::Json => say(&serde_json::to_string(REPORTS).map_err(Failure::failed)?),
        Format::Csv | Format::Parquet => {
            let said =
                "which report? Without a name there is only the list of them, as table or json";
            Err(Failure::usage(said))
        }
    }
}

/// The answer: CSV and Parquet as they are printed, else the document that the table is made of.
async fn fetch(report: &'static Report, args: &ReportArgs) -> Result<Bytes, Failure> {
    let group_by = if args.totals {
        Some("none".to_owned())
    } else {
        args.group_by.clone()
    };
    let wanted = Wanted {
        from: args.from.clone(),
        to: args.to.clone(),
        time_zone: args.time_zone.clone(),
        group_by,
        conditions: args.conditions.clone(),
        order_by: args.order_by.clone(),
        measures: None,
        limit: args.limit.map(usize::from),
    };
    match &args.source.data_dir {
        None => {
            let base = &args.source.target()?;
            ask_server(base, report, &wanted, args.format).await
        }
        Some(dir) => {
            let engine = super::query::open(dir, args.source.config.as_deref()).await?;
            let ask = wanted
                .of(report, super::now_ms(&engine))
                .map_err(Failure::usage)?;
            let answer =
                query::catalogue::answer(&engine.question(::query::Sight::everything()), ask)
                    .await
                    .map_err(Failure::failed)?;
            let written = match args.format {
                Format::Csv => render::csv(&answer.rows).map_err(Failure::failed),
                Format::Parquet => render::parquet(&answer.rows).map_err(Failure::failed),
                Format::Json | Format::Table => {
                    let document = ReportDocument::of(&answer).map_err(Failure::failed)?;
                    serde_json::to_vec(&document).map_err(Failure::failed)
                }
            };
            Ok(written?.into())
        }
    }
}

async fn ask_server(
    base: &Target,
    report: &Report,
    wanted: &Wanted,
    format: Format,
) -> Result<Bytes, Failure> {
    let limit = wanted.limit.map(|limit| limit.to_string());
    let named = [
        ("from", &wanted.from),
        ("to", &wanted.to),
        ("time_zone", &wanted.time_zone),
        ("group_by", &wanted.group_by),
        ("order_by", &wanted.order_by),
        ("limit", &limit),
    ];
    let named = named
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let conditions = wanted
        .conditions
        .iter()
        .map(|condition| ("where", condition.as_str()));
    let format = match format {
        Format::Csv => "csv",
        Format::Parquet => "parquet",
        Format::Json | Format::Table => "json",
    };
    let query: Vec<(&str, &str)> = named
        .chain(conditions)
        .chain([("format", format)])
        .collect();
    client::ask(base, &["api", "v1", "reports", report.name], &query).await
}
