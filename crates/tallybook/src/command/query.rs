//! `tallybook query`: one SQL text, one answer.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use query::{Answer, Engine, QueryError, Sight, render};

use super::{io_runtime, start_logging, write_out};
use crate::cli::{Format, LogArgs, QueryArgs, SourceArgs};
use crate::client;
use crate::failure::Failure;
use crate::settings::Settings;

/// Longer texts are not people's questions.
const SQL_BYTES_MAX: u64 = 256 * 1024;

pub(crate) fn run(args: QueryArgs, log: &LogArgs) -> Result<(), Failure> {
    start_logging(log)?;
    let sql = if args.sql == "-" {
        read_stdin()?
    } else {
        args.sql
    };
    let bytes = io_runtime()?.block_on(async {
        match &args.source.data_dir {
            Some(dir) => {
                let engine = open(dir, args.source.config.as_deref()).await?;
                // Who can read the files can read everything.
                let answer = engine
                    .question(Sight::everything())
                    .query(&sql, args.max_rows)
                    .await
                    .map_err(|error| of_query(&error))?;
                render(&answer, args.format)
            }
            None => ask(&args.source, &sql, args.format, args.max_rows).await,
        }
    })?;
    write_out(&bytes)
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    #[expect(clippy::disallowed_methods, reason = "the reader is cut off by take")]
    let read = std::io::stdin()
        .take(SQL_BYTES_MAX)
        .read_to_string(&mut text);
    read.map_err(Failure::failed)?;
    Ok(text)
}

/// An engine over a data directory that no server is using.
pub(crate) async fn open(dir: &Path, config: Option<&Path>) -> Result<Engine, Failure> {
    let mut settings = Settings::read(config)?;
    dir.clone_into(&mut settings.data_dir);
    let settings = settings.check()?;
    let people = settings.people.read();
    let people = people.map_err(|problems| Failure::usage(problems.join("\n")))?;
    if !dir.is_dir() {
        return Err(Failure::usage(format!(
            "there is no data directory {}",
            dir.display()
        )));
    }
    // Asking must not make a data directory of a folder that is none.
    let config = store::Config {
        create: false,
        ..store::Config::new(dir)
    };
    let store = crate::opening::whole(config).await?;
    let engine = Engine::new(Arc::clone(&store), settings.query).map_err(Failure::failed)?;
    engine.set_people(people);
    Ok(engine)
}

fn of_query(error: &QueryError) -> Failure {
    Failure::failed(error)
}

fn render(answer: &Answer, format: Format) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Json => render::json(answer).map_err(Failure::failed),
        Format::Csv => render::csv(answer).map_err(Failure::failed),
        Format::Parquet => render::parquet(answer).map_err(Failure::failed),
        Format::Table => {
            let mut out = Vec::new();
            render::table(answer, &mut out).map_err(Failure::failed)?;
            Ok(out)
        }
    }
}

async fn ask(
    source: &SourceArgs,
    sql: &str,
    format: Format,
    max_rows: Option<usize>,
) -> Result<Vec<u8>, Failure> {
    let base = &source.target()?;
    let body = serde_json::json!({"sql": sql, "format": format.name(), "max_rows": max_rows});
    let answer = client::post_json(base, "/api/v1/query", &body).await?;
    Ok(answer.to_vec())
}
