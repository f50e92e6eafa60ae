//! What is asked, as the command line and the API take it: all text.

use crate::catalogue::number::NumberId;
use crate::catalogue::range::Range;
use crate::catalogue::report::{Dimension, Measure, Parts, Report};
use crate::error::QueryError;

const AGAINST: &str =
    "write before for the period before, or rest for what a wider range has beside it";
const PERSON: &str = "person";
/// What is nobody's doing: single sessions are no group.
const SINGLE: &[&str] = &["session_id"];

/// Parameters as they were written; what is absent is as usual.
#[derive(Clone, Debug, Default)]
pub struct DifferenceWanted {
    /// The figure of the range that is asked about, as [`NumberId`] has it.
    pub id: String,
    /// `before` or `rest`; the former.
    pub against: Option<String>,
    /// With `rest`: the wider range, `FROM..TO`.
    pub within: Option<String>,
    /// Dimensions with commas between them; all but those of time, persons and single sessions.
    pub by: Option<String>,
    /// Whether people are told apart beside what is usual.
    pub people: bool,
}

/// What the selection is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Against {
    /// The period before.
    Before,
    /// What a wider range has beside it.
    Rest {
        /// The wider range, the selection included.
        within: Range,
    },
}

impl Against {
    pub(super) fn name(self) -> &'static str {
        match self {
            Against::Before => "before",
            Against::Rest { .. } => "rest",
        }
    }
}

/// What is asked.
pub(super) struct Asked {
    pub(super) id: NumberId,
    pub(super) against: Against,
    pub(super) by: Vec<&'static Dimension>,
    /// The report knows people, and they are not told apart.
    pub(super) leaves_people_out: bool,
}

impl Asked {
    pub(super) fn read(wanted: &DifferenceWanted, now_ms: i64) -> Result<Asked, QueryError> {
        let id = NumberId::read(&wanted.id, now_ms)?;
        can_be_split(id.ask.report, id.measure)?;
        let within = wanted.within.as_deref();
        let against = match (wanted.against.as_deref().unwrap_or("before"), within) {
            ("before", None) => Against::Before,
            ("before", Some(_)) => return Err(odd("within is of use with against=rest alone")),
            ("rest", Some(within)) => rest(&id, within, now_ms)?,
            ("rest", None) => return Err(odd("against=rest needs within, the wider range")),
            (other, _) => return Err(odd(&format!("against is {other:?}"))),
        };
        let by = match wanted
            .by
            .as_deref()
            .filter(|names| !names.trim().is_empty())
        {
            Some(names) => id.ask.clone().grouped(names.split(','))?.group_by,
            None => usual(id.ask.report, wanted.people),
        };
        let knows_people = id.ask.report.dimension(PERSON).is_some();
        Ok(Asked {
            leaves_people_out: knows_people && !by.iter().any(|own| own.name == PERSON),
            id,
            against,
            by,
        })
    }
}

/// All that says who, with what and where: no times, and people only where they are asked for.
fn usual(report: &'static Report, people: bool) -> Vec<&'static Dimension> {
    let told = report.dimensions.iter().filter(|own| {
        !own.is_time() && !SINGLE.contains(&own.name) && (people || own.name != PERSON)
    });
    told.collect()
}

/// Parts must make up the whole, or at least be some of it.
fn can_be_split(report: &Report, measure: &Measure) -> Result<(), QueryError> {
    let is_split = |own: &Measure| matches!(own.parts, Parts::Sum | Parts::Distinct);
    if is_split(measure) {
        return Ok(());
    }
    let names: Vec<&str> = report
        .measures
        .iter()
        .filter(|own| is_split(own))
        .map(|own| own.name)
        .collect();
    Err(QueryError::invalid(
        format!(
            "{}.{} is no sum: its parts make no difference of the whole",
            report.name, measure.name
        ),
        Some(&format!(
            "figures that can be asked are {}",
            names.join(", ")
        )),
    ))
}

fn rest(id: &NumberId, within: &str, now_ms: i64) -> Result<Against, QueryError> {
    let (from, to) = within
        .split_once("..")
        .ok_or_else(|| odd("within is no range: write FROM..TO"))?;
    let within = Range::read(Some(from), Some(to), id.ask.zone, now_ms)?;
    let own = id.ask.range;
    if within.from_ms > own.from_ms || within.to_ms < own.to_ms || within == own {
        return Err(odd(
            "within must hold the range of the figure, and more than that",
        ));
    }
    if id.measure.parts != Parts::Sum {
        let what = format!(
            "{} counts distinct ones: the same may be in the selection and in the rest",
            id.measure.name
        );
        return Err(QueryError::invalid(what, Some("ask with against=before")));
    }
    Ok(Against::Rest { within })
}

fn odd(what: &str) -> QueryError {
    QueryError::invalid(what, Some(AGAINST))
}
