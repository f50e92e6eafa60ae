//! What is stored, hour by hour, from a server or a data directory.
//!
//! Invariant: a row is read once, and memory holds a few minutes of what was sent at most.

use query::Engine;
use query::catalogue::{Range, TimeZone};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::{RedactArgs, UI_URL};
use crate::client::{self, Target};
use crate::failure::Failure;

/// One row as JSON.
pub(crate) type Row = Map<String, Value>;

/// A view that holds texts of telemetry.
pub(super) struct View {
    pub(super) name: &'static str,
    pub(super) signal: contract::Signal,
    /// The column by which its rows are in a range.
    time: &'static str,
}

/// What is looked at. Items that could not be read stand apart: their signal is in a column.
pub(super) const VIEWS: [View; 4] = [
    View {
        name: "events",
        signal: contract::Signal::Logs,
        time: "time",
    },
    View {
        name: "metrics",
        signal: contract::Signal::Metrics,
        time: "time",
    },
    View {
        name: "spans",
        signal: contract::Signal::Traces,
        time: "time",
    },
    View {
        name: "quarantine",
        signal: contract::Signal::Logs,
        time: "received_at",
    },
];

const HOUR_MS: i64 = 3_600_000;
/// So many rows are asked for at once; a time with more of them is asked for in halves.
const ROWS_AT_ONCE: u64 = 5_000;

/// The rows of one view in one hour.
pub(super) struct Hour {
    pub(super) view: usize,
    from_ms: i64,
    to_ms: i64,
    pub(super) rows: u64,
}

impl Hour {
    /// Its beginning, for people.
    pub(super) fn said(&self) -> String {
        let at = chrono::DateTime::from_timestamp_millis(self.from_ms).unwrap_or_default();
        at.format("%Y-%m-%d %H:%M").to_string()
    }
}

/// Where what is stored can be read, and of which time.
pub(super) struct Stored {
    source: Source,
    range: Range,
}

enum Source {
    Server(Target),
    Here(Box<Engine>),
}

#[derive(Deserialize)]
struct Count {
    hour: i64,
    rows: u64,
}

impl Stored {
    pub(super) async fn open(args: &RedactArgs) -> Result<Stored, Failure> {
        let source = match &args.data_dir {
            Some(dir) => {
                let engine = crate::command::query::open(dir, args.config.as_deref()).await?;
                Source::Here(Box::new(engine))
            }
            None => Source::Server(Target::new(
                args.url.as_deref().unwrap_or(UI_URL),
                &args.key,
            )?),
        };
        let now_ms = chrono::Utc::now().timestamp_millis();
        let zone = TimeZone::default();
        let range = Range::read(args.from.as_deref(), args.to.as_deref(), zone, now_ms);
        Ok(Stored {
            source,
            range: range.map_err(Failure::usage)?,
        })
    }

    /// The hours in which something is stored.
    pub(super) async fn hours(&self) -> Result<Vec<Hour>, Failure> {
        let Range { from_ms, to_ms } = self.range;
        let mut hours = Vec::new();
        for (view, View { name, time, .. }) in VIEWS.iter().enumerate() {
            let hour = format!("CAST(CAST({time} AS BIGINT) / {HOUR_MS} AS BIGINT)");
            let sql = format!(
                "SELECT {hour} AS hour, count(*) AS rows FROM {name} WHERE {} GROUP BY 1 ORDER BY 1",
                between(time, from_ms, to_ms)
            );
            let counts: Vec<Count> = self.ask(&sql).await?;
            hours.extend(counts.into_iter().map(|count| Hour {
                view,
                from_ms: (count.hour * HOUR_MS).max(from_ms),
                to_ms: ((count.hour + 1) * HOUR_MS).min(to_ms),
                rows: count.rows,
            }));
        }
        Ok(hours)
    }

    /// Hands over the rows of an hour.
    pub(super) async fn each_row(
        &self,
        hour: &Hour,
        take: &mut impl FnMut(Row),
    ) -> Result<(), Failure> {
        let View { name, time, .. } = &VIEWS[hour.view];
        let mut left = vec![(hour.from_ms, hour.to_ms, hour.rows)];
        while let Some((from_ms, to_ms, rows)) = left.pop() {
            let here = between(time, from_ms, to_ms);
            if rows > ROWS_AT_ONCE && to_ms - from_ms > 1 {
                let middle = from_ms + (to_ms - from_ms) / 2;
                for (from_ms, to_ms) in [(middle, to_ms), (from_ms, middle)] {
                    let sql = format!(
                        "SELECT 0 AS hour, count(*) AS rows FROM {name} WHERE {}",
                        between(time, from_ms, to_ms)
                    );
                    let counts: Vec<Count> = self.ask(&sql).await?;
                    left.extend(counts.first().map(|count| (from_ms, to_ms, count.rows)));
                }
                continue;
            }
            let rows: Vec<Row> = self
                .ask(&format!("SELECT * FROM {name} WHERE {here}"))
                .await?;
            rows.into_iter().for_each(&mut *take);
        }
        Ok(())
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, sql: &str) -> Result<Vec<T>, Failure> {
        let json = match &self.source {
            Source::Here(engine) => {
                // Who can read the files can read everything.
                let question = engine.question(query::Sight::everything());
                let answer = question.query(sql, None).await.map_err(Failure::failed)?;
                query::render::json(&answer).map_err(Failure::failed)?
            }
            Source::Server(target) => {
                let body = serde_json::json!({"sql": sql, "format": "json"});
                let answer = client::post_json(target, "/api/v1/query", &body).await?;
                answer.to_vec()
            }
        };
        serde_json::from_slice(&json).map_err(Failure::failed)
    }
}

fn between(time: &str, from_ms: i64, to_ms: i64) -> String {
    let at = |ms: i64| format!("arrow_cast({ms}, 'Timestamp(ms, \"UTC\")')");
    format!("{time} >= {} AND {time} < {}", at(from_ms), at(to_ms))
}
