//! What is asked about one figure, of a server or of a data directory: the frame of `explain` and `why`.

use query::Engine;
use serde::Serialize;
use serde_json::Value;

use super::{io_runtime, say, start_logging};
use crate::cli::{LogArgs, PlainFormat, SourceArgs};
use crate::client;
use crate::failure::Failure;

/// Asks, and prints the answer as JSON or as `written` says it.
///
/// `path` and `parameters` are the question to a server; `of_directory` answers it without one.
pub(super) fn run<T: Serialize>(
    log: &LogArgs,
    source: &SourceArgs,
    format: PlainFormat,
    (path, parameters): (&str, &[(&str, &str)]),
    of_directory: impl AsyncFnOnce(&Engine) -> Result<T, Failure>,
    written: impl FnOnce(&Value) -> String,
) -> Result<(), Failure> {
    start_logging(log)?;
    let asking = async {
        let Some(dir) = &source.data_dir else {
            let target = source.target()?;
            let answer = client::ask(&target, &["api", "v1", path], parameters).await?;
            return Ok(answer.to_vec());
        };
        let engine = super::query::open(dir, source.config.as_deref()).await?;
        serde_json::to_vec(&of_directory(&engine).await?).map_err(Failure::failed)
    };
    let json: Vec<u8> = io_runtime()?.block_on(asking)?;
    match format {
        PlainFormat::Json => say(&String::from_utf8_lossy(&json)),
        PlainFormat::Text => say(&written(
            &serde_json::from_slice(&json).map_err(Failure::failed)?,
        )),
    }
}

/// The items of a list; none where there is no list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}
