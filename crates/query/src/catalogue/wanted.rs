//! What is asked of a report as the command line and the API take it: all text.

use super::ask::Ask;
use super::range::{Range, TimeZone};
use super::report::Report;
use crate::error::QueryError;

/// Parameters of a report as they were written; what is absent is as usual.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From this time on; 30 days ago.
    pub from: Option<String>,
    /// Until before this time; now.
    pub to: Option<String>,
    /// A name of the IANA database; UTC.
    pub time_zone: Option<String>,
    /// Dimensions, with commas between them; `none` for one row.
    pub group_by: Option<String>,
    /// Conditions, each `dimension=value` or `dimension!=value`.
    pub conditions: Vec<String>,
    /// A column, with a `-` before it for the greatest first.
    pub order_by: Option<String>,
    /// Figures, with commas between them; all.
    pub measures: Option<String>,
    /// Rows at most.
    pub limit: Option<usize>,
}

impl Wanted {
    /// What is asked of a report.
    ///
    /// # Errors
    /// Names the first parameter that is not understood, and how it is written.
    pub fn of(&self, report: &'static Report, now_ms: i64) -> Result<Ask, QueryError> {
        let zone: TimeZone = self
            .time_zone
            .as_deref()
            .map_or(Ok(TimeZone::default()), str::parse)?;
        let range = Range::read(self.from.as_deref(), self.to.as_deref(), zone, now_ms)?;
        let mut ask = Ask::usual(report, range, zone);
        if let Some(names) = self
            .group_by
            .as_deref()
            .filter(|names| !names.trim().is_empty())
        {
            ask = ask.grouped(names.split(','))?;
        }
        ask = ask.filtered(self.conditions.iter().map(String::as_str))?;
        if let Some(by) = self.order_by.as_deref().filter(|by| !by.is_empty()) {
            ask = ask.ordered(by)?;
        }
        if let Some(names) = self.measures.as_deref() {
            ask = ask.showing(names.split(','))?;
        }
        Ok(match self.limit {
            Some(limit) => ask.limited(limit),
            None => ask,
        })
    }
}
