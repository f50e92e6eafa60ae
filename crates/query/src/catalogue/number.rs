//! The id of one figure: which report, which measure, of what. Whoever has it can ask for the figure
//! again and for how it is computed.
//!
//! ```text
//! cost.cost_usd@2026-11-01T00:00:00Z..2026-12-01T00:00:00Z,time_zone=Europe/Berlin,team=platform,model!=claude-haiku-4-5
//! ```
//!
//! Values are percent-encoded where they hold `%`, `,` or a control character. The range may be left
//! out with its `@`; then it is the last 30 days.

use std::fmt::{self, Write};

use super::ask::{Ask, Condition};
use super::range::{Range, TimeZone, moment};
use super::report::{Measure, Report};
use crate::error::QueryError;

const FORM: &str = "write REPORT.MEASURE@FROM..TO,dimension=value, like cost.cost_usd@2026-11-01..2026-12-01,team=platform";
const BYTES_MAX: usize = 16 * 1024;

/// One figure.
#[derive(Clone, Debug)]
pub struct NumberId {
    /// What is asked, without any grouping.
    pub ask: Ask,
    /// Which figure of it.
    pub measure: &'static Measure,
}

impl NumberId {
    /// Reads an id.
    ///
    /// # Errors
    /// Says which part is not understood, and the form.
    pub fn read(text: &str, now_ms: i64) -> Result<NumberId, QueryError> {
        let odd = |what: String| QueryError::invalid(what, Some(FORM));
        if text.len() > BYTES_MAX {
            return Err(odd(format!("the id is longer than {BYTES_MAX} bytes")));
        }
        let (figure, of) = text.split_once('@').unwrap_or((text, ""));
        let (report, measure) = figure
            .split_once('.')
            .ok_or_else(|| odd(format!("{figure:?} is not a figure")))?;
        let report =
            Report::find(report).ok_or_else(|| odd(format!("there is no report {report:?}")))?;
        let measure = report.measure(measure).ok_or_else(|| {
            let names: Vec<&str> = report.measures.iter().map(|measure| measure.name).collect();
            let hint = format!("its figures are {}", names.join(", "));
            QueryError::invalid(
                format!("the report {} has no figure {measure:?}", report.name),
                Some(&hint),
            )
        })?;
        let (range, terms) = of.split_once(',').unwrap_or((of, ""));
        let terms = terms
            .split(',')
            .filter(|term| !term.is_empty())
            .map(decoded)
            .collect::<Result<Vec<_>, _>>()?;
        let mut zones = terms
            .iter()
            .filter_map(|term| term.strip_prefix("time_zone="));
        let zone = zones
            .next_back()
            .map_or(Ok(TimeZone::default()), str::parse)?;
        let (from, to) = match range {
            "" => (None, None),
            range => range
                .split_once("..")
                .map(|(from, to)| (Some(from), Some(to)))
                .ok_or_else(|| odd(format!("{range:?} is not a range")))?,
        };
        let ask = Ask {
            group_by: Vec::new(),
            ..Ask::usual(report, Range::read(from, to, zone, now_ms)?, zone)
        };
        let conditions = terms.iter().filter(|term| !term.starts_with("time_zone="));
        Ok(NumberId {
            ask: ask.filtered(conditions.map(String::as_str))?,
            measure,
        })
    }
}

impl fmt::Display for NumberId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}.{}@{}",
            self.ask.report.name,
            self.measure.name,
            asked(&self.ask, |_| true)
        )
    }
}

/// What stands behind the `@` of an id, with those of the conditions that are kept.
pub(super) fn asked(ask: &Ask, kept: impl Fn(&Condition) -> bool) -> String {
    let mut out = format!("{}..{}", moment(ask.range.from_ms), moment(ask.range.to_ms));
    if ask.zone != TimeZone::default() {
        // Writing to a text cannot fail.
        let _ = write!(out, ",time_zone={}", ask.zone);
    }
    for Condition {
        dimension,
        is,
        value,
    } in ask.conditions.iter().filter(|condition| kept(condition))
    {
        let sign = if *is { "=" } else { "!=" };
        let _ = write!(out, ",{dimension}{sign}{}", encoded(value));
    }
    out
}

/// What the ids of an answer's rows begin with behind the `@`. A row's own value is put in the place of
/// the wanted values of a dimension: beside them it would be one more alternative.
pub(super) fn asked_of_rows(ask: &Ask) -> String {
    let grouped = |name: &str| ask.group_by.iter().any(|dimension| dimension.name == name);
    asked(ask, |condition| {
        !condition.is || !grouped(condition.dimension)
    })
}

/// The end of a row's id for one of the dimensions that the answer is broken down by; no value is empty.
pub fn row_term(dimension: &str, value: Option<&str>) -> String {
    format!(",{dimension}={}", encoded(value.unwrap_or_default()))
}

fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for symbol in value.chars() {
        match symbol {
            '%' | ',' | '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "%{:02X}", symbol as u32);
            }
            _ => out.push(symbol),
        }
    }
    out
}

fn decoded(term: &str) -> Result<String, QueryError> {
    let decoded = percent_encoding::percent_decode_str(term).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| QueryError::invalid(format!("{term:?} is not UTF-8 when decoded"), Some(FORM)))
}
