//! Which events a report is about, as SQL.
//!
//! An absent filter filters nothing; an empty one asks for the events without a value.
//!
//! A model or a tool is carried by some events of a prompt only. An event belongs to a model when it
//! carries that model, or when it carries none and its prompt used the model; likewise for tools.
//! So the cost under a filter is that model's own, and the prompts and tool calls beside it are
//! those of the prompts that used it.

use crate::error::QueryError;

/// Times beyond the year 9999 are a mistake of the caller's.
const TIME_MAX_MS: i64 = 253_402_300_800_000;

/// The range and the filters of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this time on, milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// Until before this time, milliseconds since the Unix epoch.
    pub to_ms: i64,
    /// One product.
    pub product: Option<String>,
    /// One person.
    pub person: Option<String>,
    /// One model.
    pub model: Option<String>,
    /// One tool.
    pub tool: Option<String>,
    /// The period that it is compared with, from and until before; without it the equally long one just before.
    pub previous: Option<(i64, i64)>,
}

impl Filter {
    /// Everything in a range.
    pub fn range(from_ms: i64, to_ms: i64) -> Filter {
        Filter {
            from_ms,
            to_ms,
            ..Filter::default()
        }
    }

    /// Refuses a range that holds no time.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        let known = 0..=TIME_MAX_MS;
        if !known.contains(&self.from_ms) || !known.contains(&self.to_ms) {
            return Err(QueryError::invalid(
                "the range is not within the years 1970 to 9999",
                Some("give from_ms and to_ms as milliseconds since 1970"),
            ));
        }
        if self.from_ms >= self.to_ms {
            let hint = "give a from_ms that is before to_ms";
            return Err(QueryError::invalid(
                "the range ends before it begins",
                Some(hint),
            ));
        }
        let (from_ms, to_ms) = self.previous();
        if from_ms >= to_ms || to_ms > self.from_ms || from_ms < -TIME_MAX_MS {
            let hint = "give previous_from_ms before previous_to_ms, and that not after from_ms";
            return Err(QueryError::invalid(
                "the period before does not lie before the range",
                Some(hint),
            ));
        }
        Ok(())
    }

    /// The period that it is compared with.
    pub(super) fn previous(&self) -> (i64, i64) {
        let length_ms = self.to_ms - self.from_ms;
        self.previous
            .unwrap_or((self.from_ms - length_ms, self.from_ms))
    }

    /// From the beginning of the period that it is compared with to the end of the range: what is between
    /// the two passes, too, but for [`Filter::not_between`].
    pub(super) fn with_previous(&self) -> Filter {
        let (from_ms, _) = self.previous();
        Filter {
            from_ms,
            ..self.clone()
        }
    }

    /// The condition that a row is not between the period before and the range.
    pub(super) fn not_between(&self) -> String {
        match self.previous() {
            (_, to_ms) if to_ms == self.from_ms => "true".to_owned(),
            (_, to_ms) => format!(
                "NOT (time >= {} AND time < {})",
                time(to_ms),
                time(self.from_ms)
            ),
        }
    }

    /// The condition on an event to be counted.
    pub(super) fn events(&self) -> String {
        let mut terms = self.common();
        if let Some(model) = &self.model {
            terms.push(self.of_prompts_with("model", model, MODEL_EVENTS));
        }
        if let Some(tool) = &self.tool {
            terms.push(self.of_prompts_with("tool_name", tool, TOOL_EVENTS));
        }
        terms.join(" AND ")
    }

    /// The condition on a row of `usage` that is of a data point; `None` where none can pass: they carry
    /// no tool and belong to no prompt that used one.
    pub(super) fn points(&self) -> Option<String> {
        let mut terms = self.common();
        terms.extend(self.model.as_ref().map(|model| is("model", model)));
        self.tool.is_none().then(|| terms.join(" AND "))
    }

    /// The condition on an event to be one of a prompt that used the model and the tool.
    pub(super) fn prompts(&self) -> String {
        let mut terms = self.common();
        let chosen = [
            ("model", &self.model, MODEL_EVENTS),
            ("tool_name", &self.tool, TOOL_EVENTS),
        ];
        for (column, value, events) in chosen {
            if let Some(value) = value {
                let carries = carries(column, value, events);
                terms.push(format!("prompt_id IN ({})", self.prompts_where(&carries)));
            }
        }
        terms.join(" AND ")
    }

    /// The ids of the prompts in the range that have an event of which `condition` holds.
    pub(super) fn prompts_where(&self, condition: &str) -> String {
        format!(
            "SELECT prompt_id FROM events WHERE {} AND {condition}",
            self.time()
        )
    }

    fn of_prompts_with(&self, column: &str, value: &str, events: &str) -> String {
        let carries = carries(column, value, events);
        let prompts = self.prompts_where(&carries);
        format!("(({carries}) OR ({column} IS NULL AND prompt_id IN ({prompts})))")
    }

    fn common(&self) -> Vec<String> {
        let mut terms = vec![self.time()];
        for (column, value) in [("product", &self.product), ("person", &self.person)] {
            terms.extend(value.as_ref().map(|value| is(column, value)));
        }
        terms
    }

    fn time(&self) -> String {
        format!(
            "time >= {} AND time < {}",
            time(self.from_ms),
            time(self.to_ms)
        )
    }
}

/// The events that are expected to carry a model, and a tool.
const MODEL_EVENTS: &str = "'api_request', 'api_error'";
const TOOL_EVENTS: &str = "'tool_result', 'tool_decision'";

fn carries(column: &str, value: &str, events: &str) -> String {
    match value {
        "" => format!("{column} IS NULL AND event IN ({events})"),
        _ => is(column, value),
    }
}

fn is(column: &str, value: &str) -> String {
    match value {
        "" => format!("{column} IS NULL"),
        _ => format!("{column} = {}", text(value)),
    }
}

/// A text literal.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A list of text literals.
pub(crate) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.map(text).collect::<Vec<_>>().join(", ")
}

/// A time literal of the column's own type, so that parts can be skipped by it.
pub(crate) fn time(ms: i64) -> String {
    format!("arrow_cast({ms}, 'Timestamp(ms, \"UTC\")')")
}
