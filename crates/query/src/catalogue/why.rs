//! What makes the difference between a range and its baseline: which person, model, tool, version.
//!
//! Invariants: the figures of both sides are those of the report, out of one snapshot. Where parts of a
//! figure add up, the differences of a dimension's values, the others included, add up to the
//! difference of the whole.
//!
//! | file | what is in it |
//! |---|---|
//! | `wanted.rs` | from parameters as text to what is asked |
//! | `figures.rs` | a figure of each value of each dimension |
//! | `parts.rs` | which dimension and which value tells most |

mod figures;
mod parts;
mod wanted;

use std::time::Instant;

use serde::Serialize;
use store::Snapshot;
use utoipa::ToSchema;

use self::figures::Figures;
pub use self::parts::{Maker, Others, Part};
pub use self::wanted::DifferenceWanted;
use self::wanted::{Against, Asked};
use super::ask::Condition;
use super::before::before;
use super::range::Range;
use super::report::{Measure, Parts};
use crate::error::QueryError;
use crate::question::Question;

/// Values of one side at most; beyond them the smallest count as nothing, which is said.
const VALUES_MAX: usize = 20_000;

/// What makes the difference between a range and its baseline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    /// The id of the figure that is asked about, in its normal form.
    pub id: String,
    /// The report that it is of.
    pub report: &'static str,
    /// The report's name for people.
    pub title: &'static str,
    /// The figure.
    pub figure: Measure,
    /// The money that figures in the currency of the settings are in.
    pub currency: String,
    /// In which days, weeks and hours are.
    pub time_zone: &'static str,
    /// The conditions that rows fulfil.
    #[serde(rename = "where")]
    pub conditions: Vec<String>,
    /// The range that is asked about.
    pub selection: Side,
    /// What it is compared with.
    pub baseline: Side,
    /// `before`: the period before, of the same weekdays; `rest`: what the wider range has beside the selection.
    pub against: &'static str,
    /// By what the figures of the baseline are multiplied to stand for as long a time as the selection.
    pub scale: f64,
    /// The selection less the baseline times `scale`.
    pub difference: Amount,
    /// Whether the report knows people and they are not told apart, because that was not asked for.
    pub people_left_out: bool,
    /// Whether the differences of a dimension's values add up to the difference.
    pub adds_up: bool,
    /// The dimensions, the one that tells most first.
    pub dimensions: Vec<Maker>,
    /// What there is to know about the figures, a sentence each.
    pub notes: Vec<String>,
    /// How long it took, milliseconds.
    pub elapsed_ms: u64,
}

/// One side of the comparison.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Side {
    /// From this moment on, milliseconds since the Unix epoch. Of the rest: where the wider range begins.
    pub from_ms: i64,
    /// Until before this moment, milliseconds since the Unix epoch.
    pub to_ms: i64,
    /// The figure of the whole; of the rest without the selection.
    pub value: Amount,
}

/// A figure, written as a whole number where it is one, else to nine decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, ToSchema)]
#[schema(value_type = f64)]
pub struct Amount(pub f64);

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64((self.0 * 1e9).round() / 1e9)
    }
}

/// Says what makes the difference.
///
/// # Errors
/// A parameter that is not understood, a figure whose parts make no whole; else as for any query.
pub async fn why(
    question: &Question<'_>,
    wanted: &DifferenceWanted,
    now_ms: i64,
) -> Result<Difference, QueryError> {
    let began = Instant::now();
    let asked = Asked::read(wanted, now_ms)?;
    let snapshot = question.snapshot().await?;
    let range = asked.id.ask.range;
    let selection = figures(question, &snapshot, &asked, range).await?;
    let (of, scale) = baseline_of(&asked);
    let other = figures(question, &snapshot, &asked, of).await?;
    let cut = selection.cut || other.cut;
    let other = match asked.against {
        Against::Before => other,
        Against::Rest { .. } => other.without(&selection),
    };
    let (id, adds_up) = (&asked.id, asked.id.measure.parts == Parts::Sum);
    let whole = selection.whole - other.whole * scale;
    let side = |range: Range, value| Side {
        from_ms: range.from_ms,
        to_ms: range.to_ms,
        value: Amount(value),
    };
    Ok(Difference {
        id: id.to_string(),
        report: id.ask.report.name,
        title: id.ask.report.title,
        figure: *id.measure,
        currency: question.cost().currency.clone(),
        time_zone: id.ask.zone.name(),
        conditions: id.ask.conditions.iter().map(Condition::to_string).collect(),
        selection: side(range, selection.whole),
        baseline: side(of, other.whole),
        against: asked.against.name(),
        scale,
        difference: Amount(whole),
        people_left_out: asked.leaves_people_out,
        adds_up,
        dimensions: parts::makers(&asked, &selection, &other, scale),
        notes: notes(adds_up, cut, other.whole == 0.0 && selection.whole != 0.0),
        elapsed_ms: began.elapsed().as_millis() as u64,
    })
}

/// The range of the baseline's figures, and by what they are multiplied.
fn baseline_of(asked: &Asked) -> (Range, f64) {
    let range = asked.id.ask.range;
    match asked.against {
        Against::Before => (before(range, asked.id.ask.zone), 1.0),
        Against::Rest { within } => {
            let own_ms = range.to_ms - range.from_ms;
            let rest_ms = within.to_ms - within.from_ms - own_ms;
            (within, own_ms as f64 / rest_ms as f64)
        }
    }
}

async fn figures(
    question: &Question<'_>,
    snapshot: &Snapshot,
    asked: &Asked,
    range: Range,
) -> Result<Figures, QueryError> {
    let mut ask = asked.id.ask.clone();
    ask.range = range;
    Figures::read(question, snapshot, &ask, asked).await
}

fn notes(adds_up: bool, cut: bool, nothing_before: bool) -> Vec<String> {
    let told = [
        (
            nothing_before,
            "The baseline has nothing: everything is new.",
        ),
        (
            !adds_up,
            "The same one can be under several values: differences of values do not add up.",
        ),
        (
            cut,
            "There are more values than are read: the smallest of each side count as nothing.",
        ),
    ];
    let told = told.into_iter().filter(|(is, _)| *is);
    told.map(|(_, note)| note.to_owned()).collect()
}
