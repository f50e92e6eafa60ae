//! Questions to a running server, and its answers.

use http::Method;
use serde_json::{Map, Value, json};

use crate::Problem;
use crate::plain_http::{HttpAnswer, exchange};

/// One row of an answer.
pub type Row = Map<String, Value>;

/// Asks the API of one server.
#[derive(Clone, Debug)]
pub struct Sql {
    url: String,
}

impl Sql {
    /// Asks the API at this address, `http://127.0.0.1:4319` for example.
    pub fn new(url: impl Into<String>) -> Sql {
        Sql { url: url.into() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The answer of the API to a question, whatever it is.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn ask(&self, sql: &str) -> Result<HttpAnswer, Problem> {
        let url = format!("{}/api/v1/query", self.url);
        let body = json!({ "sql": sql }).to_string();
        exchange(
            Method::POST,
            &url,
            &[("content-type", "application/json")],
            body,
        )
        .await
    }

    /// The rows that answer a question.
    ///
    /// # Errors
    ///
    /// When the answer is not rows: says the question and what the server said.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, Problem> {
        let answer = self.ask(sql).await?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body);
            return Err(Problem::new(format!("{sql}: {} {said}", answer.status)));
        }
        if answer.header("x-tallybook-truncated") == Some("true") {
            return Err(Problem::new(format!("{sql}: the answer was cut off")));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| Problem::new(format!("{sql}: the answer is not rows: {error}")))
    }

    /// The one number that answers a question; an absent one counts as 0.
    ///
    /// # Errors
    ///
    /// When the answer is not one row of one number.
    pub async fn number(&self, sql: &str) -> Result<f64, Problem> {
        let rows = self.rows(sql).await?;
        let [row] = &rows[..] else {
            return Err(Problem::new(format!(
                "{sql}: {} rows instead of one",
                rows.len()
            )));
        };
        match row.values().next() {
            Some(Value::Number(number)) => Ok(number.as_f64().unwrap_or(f64::NAN)),
            Some(Value::Null) => Ok(0.0),
            other => Err(Problem::new(format!("{sql}: {other:?} is not a number"))),
        }
    }

    /// The one whole number that answers a question.
    ///
    /// # Errors
    ///
    /// When the answer is not one row of one number.
    pub async fn count(&self, sql: &str) -> Result<u64, Problem> {
        Ok(self.number(sql).await? as u64)
    }

    /// The server's account of itself.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn status(&self) -> Result<Value, Problem> {
        let url = format!("{}/api/v1/status", self.url);
        exchange(Method::GET, &url, &[], "").await?.json()
    }
}
