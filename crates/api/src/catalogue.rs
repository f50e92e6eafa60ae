//! The named reports, and how their figures are computed.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use access::audit::Action;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use query::catalogue::{self, Explanation, NumberId, REPORTS, Report, ReportDocument, Wanted};
use query::render;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::access::Asker;
use crate::fault::{ErrorBody, Fault};
use crate::input::{Id, Params};
use crate::sight::{OfOrganizations, Seen};
use crate::sql::{ELAPSED_MS, TRUNCATED};

const NAMES: &str =
    "from, to, time_zone, group_by, where, measures, order_by, limit, format, max_age_s";

/// All named reports.
#[derive(Serialize, ToSchema)]
pub(crate) struct Catalogue {
    reports: &'static [&'static Report],
}

/// The named reports, with what each can be broken down by and what its figures mean.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", responses((status = 200, body = Catalogue)))]
pub(crate) async fn list() -> Json<Catalogue> {
    Json(Catalogue { reports: REPORTS })
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One document: rows, totals and what they mean.
    #[default]
    Json,
    /// The rows: a header and a line a row.
    Csv,
    /// The rows as a Parquet file.
    Parquet,
}

/// What is asked of a report, as the address says it.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; `Asked::read` reads them, because `where` is repeatable"
)]
pub(crate) struct ReportParams {
    /// From this time on: 2026-11-01, 2026-11-01T09:30:00Z, milliseconds since the Unix epoch, today, yesterday, or
    /// 7d for seven days ago; without it 30 days ago.
    from: Option<String>,
    /// Until before this time; without it now.
    to: Option<String>,
    /// In which days, weeks and hours are: a name of the IANA database; without it UTC.
    time_zone: Option<String>,
    /// Dimensions with commas between them; `none` for one row; without it the report's usual ones.
    group_by: Option<String>,
    /// A condition, `dimension=value` or `dimension!=value`; repeatable. An empty value means none.
    r#where: Option<Vec<String>>,
    /// A column, with a `-` before it for the greatest first.
    order_by: Option<String>,
    /// Figures with commas between them; without it all of the report. The one that rows are sorted by, and the
    /// count of unpriced requests, are there whatever is named.
    measures: Option<String>,
    /// Rows at most, 1 to 10,000.
    limit: Option<usize>,
    /// How it is written.
    format: Option<Format>,
    /// An answer to the same question that is at most so many seconds old will do when a new one would take longer
    /// than a moment (`query.older_after_ms`): 1 to 3,600. Its range may be as far off. The document says of when
    /// it is, so it must be JSON.
    max_age_s: Option<u64>,
}

/// Answers a named report.
#[utoipa::path(get, path = "/api/v1/reports/{name}", tag = "reports",
    params(("name" = String, Path, description = "The report's name"), OfOrganizations, ReportParams), responses(
    (status = 200, description = "The answer", content((ReportDocument = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.parquet"))),
    (status = 400, description = "A parameter is not understood", body = ErrorBody),
    (status = 404, description = "There is no such report", body = ErrorBody),
    (status = 504, description = "It took too long", body = ErrorBody)))]
pub(crate) async fn report(
    State(api): State<Arc<Api>>,
    seen: Seen,
    asker: Asker,
    Id(name): Id,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let report = Report::find(&name).ok_or_else(|| unknown(&name))?;
    let Asked {
        wanted,
        format,
        age,
    } = Asked::read(query.as_deref().unwrap_or_default())?;
    let ask = wanted.of(report, api.now_ms())?;
    if format != Format::Json {
        let what = format!("report {name}?{}", query.as_deref().unwrap_or_default());
        api.on_record(&asker, Action::Export, what).await?;
    }
    let question = seen.question(&api).no_older_than(age);
    let answer = catalogue::answer(&question, ask).await?;
    let facts = [
        (TRUNCATED, answer.rows.truncated.to_string()),
        (ELAPSED_MS, answer.elapsed.as_millis().to_string()),
    ];
    // Writing many rows is CPU work; it must not hold up the I/O runtime.
    let written = tokio::task::spawn_blocking(move || match format {
        Format::Json => serde_json::to_vec(&ReportDocument::of(&answer)?).map_err(Fault::internal),
        Format::Csv => render::csv(&answer.rows).map_err(Fault::internal),
        Format::Parquet => render::parquet(&answer.rows).map_err(Fault::internal),
    });
    let written = written.await.map_err(Fault::internal)??;
    Ok((facts, format.headers(report.name), written).into_response())
}

/// One figure by its id.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainParams {
    /// REPORT.MEASURE@FROM..TO,dimension=value, like cost.cost_usd@2026-11-01..2026-12-01,team=platform.
    id: String,
}

/// How one figure is computed: its SQL, the rows behind it, what does not count, and the settings it depends on.
#[utoipa::path(get, path = "/api/v1/explain", tag = "reports", params(OfOrganizations, ExplainParams), responses(
    (status = 200, body = Explanation),
    (status = 400, description = "The id is not understood", body = ErrorBody),
    (status = 504, description = "It took too long", body = ErrorBody)))]
pub(crate) async fn explain(
    State(api): State<Arc<Api>>,
    seen: Seen,
    Params(params): Params<ExplainParams>,
) -> Result<Json<Explanation>, Fault> {
    let id = NumberId::read(&params.id, api.now_ms())?;
    Ok(Json(catalogue::explain(&seen.question(&api), &id).await?))
}

fn unknown(name: &str) -> Fault {
    let names: Vec<&str> = REPORTS.iter().map(|report| report.name).collect();
    let hint = format!("reports are {}", names.join(", "));
    Fault::new(
        StatusCode::NOT_FOUND,
        format!("there is no report {name:?}"),
        Some(&hint),
    )
}

struct Asked {
    wanted: Wanted,
    format: Format,
    /// How old the answer may be.
    age: Duration,
}

impl Asked {
    /// A parameter that is not known is refused: left aside, it would make another answer look like the one asked for.
    fn read(query: &str) -> Result<Asked, Fault> {
        let mut asked = Asked {
            wanted: Wanted::default(),
            format: Format::Json,
            age: Duration::ZERO,
        };
        let Asked {
            wanted,
            format,
            age,
        } = &mut asked;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let into = match name.as_ref() {
                "from" => &mut wanted.from,
                "to" => &mut wanted.to,
                "time_zone" => &mut wanted.time_zone,
                "group_by" => &mut wanted.group_by,
                "measures" => &mut wanted.measures,
                "order_by" => &mut wanted.order_by,
                "where" => {
                    wanted.conditions.push(value.into_owned());
                    continue;
                }
                "limit" => {
                    wanted.limit = Some(limit(&value)?);
                    continue;
                }
                "format" => {
                    *format = Format::read(&value)?;
                    continue;
                }
                "max_age_s" => {
                    *age = age_of(value.parse().ok(), &value)?;
                    continue;
                }
                _ => return Err(refused(format!("there is no parameter {name:?}"), NAMES)),
            };
            if into.replace(value.into_owned()).is_some() {
                return Err(refused(
                    format!("{name} is there twice"),
                    "only where may be",
                ));
            }
        }
        match asked.format {
            Format::Csv | Format::Parquet if !asked.age.is_zero() => Err(refused(
                "rows alone do not say of when they are".to_owned(),
                "leave max_age_s out, or ask for JSON",
            )),
            _ => Ok(asked),
        }
    }
}

/// How old an answer may be, as it was written.
pub(crate) fn age_of(seconds: Option<u64>, written: &str) -> Result<Duration, Fault> {
    let most = catalogue::AGE_MAX;
    let age = seconds.map(Duration::from_secs);
    let age = age.filter(|age| !age.is_zero() && *age <= most);
    age.ok_or_else(|| {
        refused(
            format!("max_age_s is {written:?}"),
            &format!("write a number of seconds from 1 to {}", most.as_secs()),
        )
    })
}

fn limit(text: &str) -> Result<usize, Fault> {
    let most = catalogue::LIMIT_MAX;
    let read = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    read.ok_or_else(|| {
        refused(
            format!("limit is {text:?}"),
            &format!("write a number from 1 to {most}"),
        )
    })
}

fn refused(what: String, hint: &str) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, what, Some(hint))
}

impl Format {
    fn read(name: &str) -> Result<Format, Fault> {
        match name {
            "json" => Ok(Format::Json),
            "csv" => Ok(Format::Csv),
            "parquet" => Ok(Format::Parquet),
            _ => Err(refused(
                format!("format is {name:?}"),
                "write json, csv or parquet",
            )),
        }
    }

    fn headers(self, report: &str) -> [(axum::http::HeaderName, HeaderValue); 2] {
        // What comes from telemetry must never be opened as a page of ours.
        let (kind, ending) = match self {
            Format::Json => ("application/json", None),
            Format::Csv => ("text/csv; charset=utf-8", Some("csv")),
            Format::Parquet => ("application/vnd.apache.parquet", Some("parquet")),
        };
        let disposition = match ending {
            None => Cow::Borrowed("inline"),
            Some(ending) => format!("attachment; filename=\"tallybook-{report}.{ending}\"").into(),
        };
        let disposition = HeaderValue::from_str(&disposition);
        [
            (CONTENT_TYPE, HeaderValue::from_static(kind)),
            (
                CONTENT_DISPOSITION,
                disposition.unwrap_or(HeaderValue::from_static("attachment")),
            ),
        ]
    }
}
