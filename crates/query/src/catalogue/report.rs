//! What a report is.

use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;

/// A named answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// Its name, as in `tallybook report NAME`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The question it answers, one sentence.
    pub about: &'static str,
    /// How it is computed: what counts, what does not.
    pub definition: &'static str,
    /// What clients send that it rests on.
    pub signals: &'static [&'static str],
    /// By what it can be broken down and filtered.
    pub dimensions: &'static [Dimension],
    /// By what it is broken down when nothing is asked; the first ones that make sense together.
    pub usual_group_by: &'static [&'static str],
    /// Its figures, the one that it is sorted by first.
    pub measures: &'static [Measure],
    /// What does not count although it is stored, each with the reason and how to look at it.
    #[serde(skip)]
    pub exclusions: &'static [Exclusion],
    /// The rows it is made of.
    #[serde(skip)]
    pub(crate) source: Source,
}

/// Where the rows of a report come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A view, or a sub-select over views, with a column `time`; the range is applied to that. `{local}`
    /// stands for the same as in dimensions.
    Rows(&'static str),
    /// A sub-select made for what is asked, range and conditions included in it.
    Built(fn(&Ask) -> String),
}

/// Something that a report leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Exclusion {
    /// What is left out.
    pub what: &'static str,
    /// Why.
    pub why: &'static str,
    /// A sub-select with a column `time` that has what is left out.
    pub(crate) rows: &'static str,
}

/// By what a report can be broken down.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Dimension {
    /// Its name, as in `--group-by`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What its values are.
    pub about: &'static str,
    /// `{local}` stands for the time on the wall of the time zone that is asked for.
    #[serde(skip)]
    pub(crate) sql: &'static str,
}

/// One figure of a report.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Measure {
    /// Its name: the column.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it says, one sentence.
    pub about: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// How the figures of parts relate to the figure of the whole.
    pub parts: Parts,
    #[serde(skip)]
    pub(crate) sql: &'static str,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// US dollars.
    Usd,
    /// The currency of the settings.
    Currency,
    /// Tokens.
    Tokens,
    /// Things.
    Count,
    /// Milliseconds.
    Ms,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share, 0 to 1.
    Share,
    /// A moment.
    Time,
    /// Words.
    Text,
}

/// How the figures of the groups relate to the figure of all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parts {
    /// They add up to it.
    Sum,
    /// It is at least the greatest of them and at most their sum: something may be in several groups.
    Distinct,
    /// It lies between the least and the greatest of them.
    Mean,
    /// It is the greatest of them.
    Greatest,
    /// It is the least of them.
    Least,
    /// Nothing can be said.
    Other,
}

/// What a column of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// What is broken down by.
    Dimension,
    /// A figure.
    Measure,
}

impl Exclusion {
    /// What is left out, as something to select from: whole rows with their `time`.
    pub fn rows(&self) -> &'static str {
        self.rows
    }
}

impl Measure {
    /// Whether it is an approximation: percentiles over many rows.
    pub fn is_approximate(&self) -> bool {
        self.sql.contains("approx_")
    }
}

impl Dimension {
    /// Whether its values are times, which are listed in their order.
    pub(crate) fn is_time(&self) -> bool {
        self.sql.contains("{local}")
    }
}

impl Report {
    /// The report of that name.
    pub fn find(name: &str) -> Option<&'static Report> {
        super::reports::REPORTS
            .iter()
            .copied()
            .find(|report| report.name == name)
    }

    /// The dimension of that name.
    pub fn dimension(&self, name: &str) -> Option<&'static Dimension> {
        self.dimensions
            .iter()
            .find(|dimension| dimension.name == name)
    }

    /// The measure of that name.
    pub fn measure(&self, name: &str) -> Option<&'static Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}
