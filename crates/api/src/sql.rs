//! Any question: one SELECT over the views, answered as JSON, CSV, Parquet or a table for people.

use std::sync::Arc;

use access::audit::Action;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use query::reports::{self, ViewShape};
use query::{Answer, Sight, render};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::access::{Asker, action_of};
use crate::fault::{ErrorBody, Fault};
use crate::input::Body;
use crate::sight::Seen;

/// Whether rows were cut off at the limit.
pub(crate) const TRUNCATED: HeaderName = HeaderName::from_static("x-tallybook-truncated");
/// How long the query took, milliseconds.
pub(crate) const ELAPSED_MS: HeaderName = HeaderName::from_static("x-tallybook-elapsed-ms");

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// One SELECT over the views.
    sql: String,
    /// How the answer is written.
    #[serde(default)]
    format: Format,
    /// Rows beyond these are cut off; the server has a limit of its own.
    max_rows: Option<usize>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// An array of row objects.
    #[default]
    Json,
    /// A header and a line a row.
    Csv,
    /// A Parquet file.
    Parquet,
    /// A table for people; long cells are cut.
    Table,
}

/// Answers one SELECT over the views.
///
/// The header `x-tallybook-truncated` says whether there were more rows, `x-tallybook-elapsed-ms`
/// how long it took.
#[utoipa::path(post, path = "/api/v1/query", tag = "sql", request_body = Question, responses(
    (status = 200, description = "The rows", content(
        (Vec<std::collections::HashMap<String, serde_json::Value>> = "application/json"),
        (String = "text/csv"), (String = "text/plain"), (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 400, description = "The text is wrong", body = ErrorBody),
    (status = 413, description = "It needs more memory than it may have", body = ErrorBody),
    (status = 504, description = "It took too long", body = ErrorBody)))]
pub(crate) async fn query(
    State(api): State<Arc<Api>>,
    asker: Asker,
    seen: Seen,
    Body(question): Body<Question>,
) -> Result<Response, Fault> {
    api.on_record(&asker, action_of(&question.sql), question.sql.as_str())
        .await?;
    if question.format.is_file() {
        api.on_record(&asker, Action::Export, question.sql.as_str())
            .await?;
    }
    let answer = seen.question(&api);
    let answer = answer.query(&question.sql, question.max_rows).await?;
    let facts = [
        (TRUNCATED, answer.truncated.to_string()),
        (ELAPSED_MS, answer.elapsed.as_millis().to_string()),
    ];
    // Writing many rows is CPU work; it must not hold up the I/O runtime.
    let format = question.format;
    let written = tokio::task::spawn_blocking(move || format.write(&answer))
        .await
        .map_err(Fault::internal)?;
    Ok((facts, format.headers(), written?).into_response())
}

impl Format {
    fn is_file(self) -> bool {
        matches!(self, Format::Csv | Format::Parquet)
    }

    fn write(self, answer: &Answer) -> Result<Vec<u8>, Fault> {
        match self {
            Format::Json => render::json(answer).map_err(Fault::internal),
            Format::Csv => render::csv(answer).map_err(Fault::internal),
            Format::Parquet => render::parquet(answer).map_err(Fault::internal),
            Format::Table => {
                let mut out = Vec::new();
                render::table(answer, &mut out).map_err(Fault::internal)?;
                Ok(out)
            }
        }
    }

    fn headers(self) -> [(HeaderName, &'static str); 2] {
        // What comes from telemetry must never be opened as a page of ours.
        let (kind, disposition) = match self {
            Format::Json => ("application/json", "inline"),
            Format::Csv => (
                "text/csv; charset=utf-8",
                "attachment; filename=\"tallybook.csv\"",
            ),
            Format::Parquet => (
                "application/vnd.apache.parquet",
                "attachment; filename=\"tallybook.parquet\"",
            ),
            Format::Table => ("text/plain; charset=utf-8", "inline"),
        };
        [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)]
    }
}

/// The views that can be queried.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Views {
    views: Vec<ViewShape>,
}

/// The views that can be queried, with their columns.
#[utoipa::path(get, path = "/api/v1/views", tag = "sql", responses((status = 200, body = Views)))]
pub(crate) async fn views(State(api): State<Arc<Api>>) -> Result<Json<Views>, Fault> {
    let read = || async {
        Ok::<_, Fault>(Views {
            // Which columns there are is nobody's secret, and the same for everybody.
            views: reports::views(&api.engine.question(Sight::everything())).await?,
        })
    };
    Ok(Json(api.views.get_or_try_init(read).await?.clone()))
}
