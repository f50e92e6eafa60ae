//! What went wrong with a query, where in its text, and how to mend it.

use std::fmt;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// How the engine begins to say that it has made a plan that is wrong; the whole plan follows.
const OWN_PLAN: &str = "Plan: [";
/// The engine lists every column of every view after these words.
const VALID_FIELDS: &str = "Valid fields are";
/// What the engine puts before the name of a view; nobody writes it.
const DEFAULT_SCHEMA: &str = "datafusion.public.";
/// What a task that ended so says.
const PANICKED: &str = "panicked";
/// What the engine's repartitioning says when its input is read a second time. The engine itself does that
/// in one case: when a join without keys has run out of memory and starts again on the disk.
const READ_TWICE: &str = "partition not used yet";
const MEMORY_HINT: &str = "narrow the time range, ask for fewer columns or groups, or raise query.memory and query.scratch";

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is wrong: mend it.
    Invalid,
    /// The query took longer than it may.
    Timeout,
    /// The query needs more memory than it may have.
    Memory,
    /// What was stored before the start is still being read: ask again.
    Replaying,
    /// A fault of ours.
    Internal,
}

/// A query's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Whose turn it is.
    pub kind: ErrorKind,
    /// What is wrong, one sentence.
    pub message: String,
    /// Line and column in the text, from 1, where known.
    pub position: Option<(u64, u64)>,
    /// How to mend it, where known.
    pub hint: Option<String>,
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QueryError {}

impl QueryError {
    /// A text that is wrong.
    pub(crate) fn invalid(message: impl Into<String>, hint: Option<&str>) -> QueryError {
        let hint = hint.map(str::to_owned);
        QueryError {
            kind: ErrorKind::Invalid,
            message: message.into(),
            position: None,
            hint,
        }
    }

    /// A fault of ours.
    pub(crate) fn internal(message: impl fmt::Display) -> QueryError {
        QueryError {
            kind: ErrorKind::Internal,
            message: message.to_string(),
            position: None,
            hint: None,
        }
    }

    /// From a panic within the engine, by its message.
    pub(crate) fn panicked(message: impl fmt::Display) -> QueryError {
        let message = message.to_string();
        if message.contains(READ_TWICE) {
            let reason = "a join of all rows with all others does not fit";
            return QueryError::too_much("memory than it may have", reason);
        }
        QueryError {
            hint: Some("narrow the time range or ask for fewer columns; a report of this with the query helps to mend it".to_owned()),
            ..QueryError::internal(format!("the engine failed at this query: {message}"))
        }
    }

    /// From the engine's error while planning: the text is wrong.
    pub(crate) fn planning(error: &DataFusionError) -> QueryError {
        let (message, at) = take_position(&plain(error));
        if message.starts_with(OWN_PLAN) {
            return QueryError::panicked("it refuses the plan that it has made");
        }
        let position = at.or_else(|| {
            let start = error.diagnostic()?.span?.start;
            (start.line > 0).then_some((start.line, start.column))
        });
        let hint = if message.contains(VALID_FIELDS) {
            Some("SELECT * FROM the view LIMIT 1 shows its columns".to_owned())
        } else {
            let helps = error.diagnostic().map(|diagnostic| &diagnostic.helps[..]);
            helps
                .and_then(|helps| helps.first())
                .map(|help| help.message.clone())
        };
        let message = first_line(&message)
            .replace(DEFAULT_SCHEMA, "")
            .trim_end_matches('.')
            .to_owned();
        QueryError {
            kind: ErrorKind::Invalid,
            message,
            position,
            hint,
        }
    }

    /// The same without what may speak of anything that is stored. The log does not say it either.
    pub(crate) fn without_particulars(self) -> QueryError {
        match self.kind {
            ErrorKind::Internal => {
                QueryError::internal("the question could not be answered: a fault of the server")
            }
            _ => self,
        }
    }

    fn too_much(what: &str, reason: &str) -> QueryError {
        QueryError {
            kind: ErrorKind::Memory,
            message: format!("the query needs more {what}: {reason}"),
            position: None,
            hint: Some(MEMORY_HINT.to_owned()),
        }
    }

    /// From the engine's error while running.
    pub(crate) fn running(error: &DataFusionError) -> QueryError {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(reason) => {
                QueryError::too_much("memory than it may have", first_line(reason))
            }
            // Only what is put down on the disk is written.
            DataFusionError::ArrowError(arrow, _) if matches!(**arrow, ArrowError::IoError(..)) => {
                QueryError::too_much("room on the disk than there is", first_line(&plain(error)))
            }
            DataFusionError::ArrowError(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..) => QueryError::planning(error),
            DataFusionError::Execution(reason) => QueryError::invalid(first_line(reason), None),
            DataFusionError::External(task) if task.to_string().contains(PANICKED) => {
                QueryError::panicked(task)
            }
            DataFusionError::ExecutionJoin(task) if task.is_panic() => QueryError::panicked(task),
            _ => QueryError::internal(first_line(&plain(error))),
        }
    }
}

/// The innermost message, without the engine's own prefixes.
fn plain(error: &DataFusionError) -> String {
    let text = match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        other => other.strip_backtrace(),
    };
    let mut rest = text.as_str();
    for prefix in [
        "sql parser error: ",
        "SQL error: ",
        "Error during planning: ",
        "Schema error: ",
        "Arrow error: ",
        "Invalid argument error: ",
        "This feature is not implemented: ",
        "The context currently ",
    ] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    rest.to_owned()
}

/// The parser writes ` at Line: 1, Column: 15` at the end of its messages.
fn take_position(message: &str) -> (String, Option<(u64, u64)>) {
    let parse = || {
        let (before, at) = message.rsplit_once(" at Line: ")?;
        let (line, column) = at.trim_end_matches('.').split_once(", Column: ")?;
        Some((
            before.to_owned(),
            (line.parse().ok()?, column.trim().parse().ok()?),
        ))
    };
    match parse() {
        Some((message, at)) => (message, Some(at)),
        None => (message.to_owned(), None),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_the_engine_is_an_answer_that_says_what_to_do() {
        for (said, kind) in [
            (READ_TWICE, ErrorKind::Memory),
            ("index out of bounds", ErrorKind::Internal),
        ] {
            let ended = tokio::spawn(async move { std::panic::panic_any(said) }).await;
            let task = ended.expect_err("a panic");
            let error = DataFusionError::External(task.into());
            let answer = QueryError::running(&error);
            assert_eq!(answer.kind, kind, "{answer}");
            assert!(answer.hint.is_some(), "{answer}");
        }
    }
}
