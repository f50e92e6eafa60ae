//! The questions, and how their answers are checked against what the generator says is true.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleet::Truth;
use serde_json::Value;
use testkit::{Problem, Row, Sql};

/// Costs may differ by so much, in US dollars.
const COST_TOLERANCE_USD: f64 = 1e-6;
/// The answered p95 must be a quantile between these.
const P95_LOWEST: f64 = 0.94;
const P95_HIGHEST: f64 = 0.96;
/// Tools with fewer calls have no p95 worth checking.
const CALLS_LEAST: usize = 200;

type Check = fn(&[Row], &Truth) -> Result<(), Problem>;

/// How long a right answer took, or why there was none.
pub(crate) type Took = Result<Duration, String>;

/// One question.
pub(crate) struct Question {
    pub(crate) what: &'static str,
    sql: String,
    check: Check,
}

impl Question {
    /// Asks, and checks the answer; says how long the answer took to come whole, or what the server
    /// said instead of answering.
    ///
    /// A wrong answer is an error.
    pub(crate) async fn ask(&self, sql: &Sql, truth: &Truth) -> Result<Took, Problem> {
        let started = Instant::now();
        let answer = sql.ask(&self.sql).await?;
        let took = started.elapsed();
        if answer.status != 200 {
            return Ok(Err(String::from_utf8_lossy(&answer.body).into_owned()));
        }
        if answer.header("x-tallybook-truncated") == Some("true") {
            return Ok(Err("the answer was cut off".to_owned()));
        }
        let rows: Vec<Row> = serde_json::from_slice(&answer.body)?;
        (self.check)(&rows, truth).map_err(|problem| problem.while_doing(self.what))?;
        Ok(Ok(took))
    }
}

/// All questions; one is about a prompt of the truth.
pub(crate) fn all(truth: &Truth) -> Result<Vec<Question>, Problem> {
    let prompt = sample(truth)
        .ok_or_else(|| Problem::new("there is no sample prompt"))?
        .0;
    let question = |what, sql: &str, check: Check| Question {
        what,
        sql: sql.to_owned(),
        check,
    };
    Ok(vec![
        question(
            "cost by person by day",
            "SELECT person, date_trunc('day', time) AS day, sum(cost_usd) AS cost_usd \
             FROM api_requests GROUP BY 1, 2",
            costs,
        ),
        question(
            "p95 duration by tool, from events",
            "SELECT tool_name, count(*) AS calls, \
             approx_percentile_cont(duration_ms, 0.95) AS p95_ms \
             FROM events WHERE event = 'tool_result' GROUP BY 1",
            durations,
        ),
        question(
            "p95 duration by tool, from tool_calls",
            "SELECT tool_name, count(duration_ms) AS calls, \
             approx_percentile_cont(duration_ms, 0.95) AS p95_ms FROM tool_calls \
             WHERE finished_at IS NOT NULL GROUP BY 1",
            durations,
        ),
        question(
            "distinct people by day",
            "SELECT date_trunc('day', time) AS day, count(DISTINCT person) AS people \
             FROM events GROUP BY 1",
            people,
        ),
        question(
            "one prompt's events",
            &format!("SELECT * FROM events WHERE prompt_id = '{prompt}' ORDER BY time, sequence"),
            one_prompt,
        ),
    ])
}

/// Sums over everything, before times are taken.
pub(crate) async fn check_totals(sql: &Sql, truth: &Truth) -> Result<(), Problem> {
    for (question, expected) in [
        ("SELECT count(*) FROM events", truth.events),
        ("SELECT count(*) FROM api_requests", truth.requests),
        (
            "SELECT sum(input_tokens) FROM api_requests",
            truth.tokens.input,
        ),
        (
            "SELECT sum(output_tokens) FROM api_requests",
            truth.tokens.output,
        ),
        (
            "SELECT sum(cache_read_tokens) FROM api_requests",
            truth.tokens.cache_read,
        ),
        (
            "SELECT sum(cache_creation_tokens) FROM api_requests",
            truth.tokens.cache_creation,
        ),
        (
            "SELECT count(*) FROM events WHERE event = 'user_prompt'",
            truth.prompts,
        ),
        ("SELECT count(*) FROM api_errors", truth.api_errors),
        (
            "SELECT count(DISTINCT session_id) FROM events",
            truth.sessions,
        ),
        ("SELECT count(*) FROM quarantine", 0),
    ] {
        let found = sql.count(question).await?;
        if found != expected {
            return Err(wrong(question, &found, &expected));
        }
    }
    let cost = sql.number("SELECT sum(cost_usd) FROM api_requests").await?;
    // A sum of millions of costs, in whatever order.
    if (cost / truth.total_cost_usd - 1.0).abs() > 1e-9 {
        return Err(wrong("the total cost", &cost, &truth.total_cost_usd));
    }
    Ok(())
}

fn costs(rows: &[Row], truth: &Truth) -> Result<(), Problem> {
    let mut expected: BTreeMap<(String, String), f64> = BTreeMap::new();
    for row in truth.cost_rows() {
        *expected.entry((row.person, row.day)).or_default() += row.cost_usd;
    }
    for row in rows {
        let key = (text(row, "person").to_owned(), day(row));
        let found = number(row, "cost_usd");
        let expected = expected.remove(&key);
        if !expected.is_some_and(|expected| (expected - found).abs() <= COST_TOLERANCE_USD) {
            return Err(wrong(&format!("{key:?}"), &found, &expected));
        }
    }
    match expected.first_key_value() {
        None => Ok(()),
        Some((key, cost)) => Err(wrong(&format!("{key:?}"), &"nothing", cost)),
    }
}

fn durations(rows: &[Row], truth: &Truth) -> Result<(), Problem> {
    let called = truth.tools.iter().filter(|(_, tool)| tool.calls > 0);
    let called: BTreeMap<&str, _> = called.map(|(name, tool)| (*name, tool)).collect();
    if rows.len() != called.len() {
        return Err(wrong("tools", &rows.len(), &called.len()));
    }
    for row in rows {
        let (name, p95) = (text(row, "tool_name"), number(row, "p95_ms"));
        let tool = called
            .get(name)
            .ok_or_else(|| Problem::new(format!("no tool {name}")))?;
        if number(row, "calls") as u64 != tool.calls {
            return Err(wrong(name, &number(row, "calls"), &tool.calls));
        }
        if tool.durations_ms.len() < CALLS_LEAST {
            continue;
        }
        let allowed = tool.quantile_ms(P95_LOWEST)..=tool.quantile_ms(P95_HIGHEST);
        if !allowed.contains(&(p95.round() as u32)) {
            return Err(wrong(&format!("p95 of {name}"), &p95, &allowed));
        }
    }
    Ok(())
}

fn people(rows: &[Row], truth: &Truth) -> Result<(), Problem> {
    let found = rows
        .iter()
        .map(|row| (day(row), number(row, "people") as usize));
    let found: BTreeMap<String, usize> = found.collect();
    let expected = truth
        .people_by_day
        .iter()
        .map(|(day, people)| (day.clone(), people.len()));
    let expected: BTreeMap<String, usize> = expected.collect();
    match found == expected {
        true => Ok(()),
        false => Err(wrong("people", &found, &expected)),
    }
}

fn one_prompt(rows: &[Row], truth: &Truth) -> Result<(), Problem> {
    let expected = sample(truth).map(|(_, events)| events).unwrap_or_default();
    match rows.len() as u64 == expected {
        true => Ok(()),
        false => Err(wrong("events", &rows.len(), &expected)),
    }
}

/// The sample prompt in the middle by its number of events.
fn sample(truth: &Truth) -> Option<(&str, u64)> {
    let mut samples: Vec<(&str, u64)> = truth
        .sample_prompts
        .iter()
        .map(|(id, events)| (id.as_str(), *events))
        .collect();
    samples.sort_by_key(|(_, events)| *events);
    samples.get(samples.len() / 2).copied()
}

fn text<'a>(row: &'a Row, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(row: &Row, key: &str) -> f64 {
    row.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// `2026-11-21` of a time.
fn day(row: &Row) -> String {
    text(row, "day").chars().take(10).collect()
}

fn wrong(what: &str, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug) -> Problem {
    Problem::new(format!("WRONG: {what}: {found:?} instead of {expected:?}"))
}
