//! What is asked of a report.

use std::fmt;

use super::range::{Range, TimeZone};
use super::report::{Dimension, Measure, Report};
use crate::error::QueryError;

/// Rows of an answer, when no fewer are asked for.
pub const LIMIT_MAX: usize = 10_000;
/// The figure that says how many requests are in no sum of costs.
pub(super) const UNPRICED: &str = "unpriced_requests";
const CONDITIONS_MAX: usize = 50;
const VALUE_BYTES_MAX: usize = 4096;

/// What is asked of a report.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which report.
    pub report: &'static Report,
    /// Of which time.
    pub range: Range,
    /// In which days, weeks and hours are.
    pub zone: TimeZone,
    /// By what it is broken down, in this order; nothing: one row.
    pub group_by: Vec<&'static Dimension>,
    /// What rows must fulfil to count.
    pub conditions: Vec<Condition>,
    /// By which column the rows are sorted, and whether the greatest comes first; else by the first
    /// measure, or by time where it is broken down by time.
    pub order_by: Option<(&'static str, bool)>,
    /// Rows at most.
    pub limit: usize,
    /// The figures that are wanted; nothing: all of the report.
    pub figures: Vec<&'static str>,
}

/// A condition on a dimension. Several on one dimension: any of those that are equal, none of those that are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// On what.
    pub dimension: &'static str,
    /// Whether the value is wanted or unwanted.
    pub is: bool,
    /// The value as text; empty: no value.
    pub value: String,
}

impl Ask {
    /// Everything of a report in a range, broken down as usual.
    pub fn usual(report: &'static Report, range: Range, zone: TimeZone) -> Ask {
        let usual = report.usual_group_by.iter();
        Ask {
            report,
            range,
            zone,
            group_by: usual.filter_map(|name| report.dimension(name)).collect(),
            conditions: Vec::new(),
            order_by: None,
            limit: LIMIT_MAX,
            figures: Vec::new(),
        }
    }

    /// Breaks it down by these dimensions instead; `none` alone for one row.
    ///
    /// # Errors
    /// A name that the report does not know, or one twice.
    pub fn grouped<'a>(
        mut self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Ask, QueryError> {
        self.group_by.clear();
        for name in names
            .into_iter()
            .map(str::trim)
            .filter(|name| !name.is_empty() && *name != "none")
        {
            let dimension = known(self.report, name)?;
            if self.group_by.iter().any(|own| own.name == dimension.name) {
                return Err(QueryError::invalid(
                    format!("group by {name} is asked for twice"),
                    None,
                ));
            }
            self.group_by.push(dimension);
        }
        Ok(self)
    }

    /// Adds conditions, each written `dimension=value` or `dimension!=value`.
    ///
    /// # Errors
    /// One that is not of that form, or on a dimension that the report does not know.
    pub fn filtered<'a>(
        mut self,
        conditions: impl IntoIterator<Item = &'a str>,
    ) -> Result<Ask, QueryError> {
        for text in conditions {
            let condition = Condition::read(self.report, text)?;
            self.conditions.push(condition);
        }
        if self.conditions.len() > CONDITIONS_MAX {
            return Err(QueryError::invalid(
                format!("more than {CONDITIONS_MAX} conditions"),
                None,
            ));
        }
        Ok(self)
    }

    /// Sorts by a column: `name` or `-name` for the greatest first.
    ///
    /// # Errors
    /// A column that the answer will not have.
    pub fn ordered(mut self, by: &str) -> Result<Ask, QueryError> {
        let (name, descending) = match by.strip_prefix('-') {
            Some(name) => (name, true),
            None => (by, false),
        };
        let measure = self.report.measure(name).map(|measure| measure.name);
        let grouped = self
            .group_by
            .iter()
            .find(|dimension| dimension.name == name);
        let Some(column) = measure.or(grouped.map(|dimension| dimension.name)) else {
            let hint = format!("columns are {}", list(self.columns()));
            return Err(QueryError::invalid(
                format!("the report has no column {name:?} to sort by"),
                Some(&hint),
            ));
        };
        self.order_by = Some((column, descending));
        Ok(self)
    }

    /// Cuts it off after so many rows.
    #[must_use]
    pub fn limited(mut self, limit: usize) -> Ask {
        self.limit = limit.clamp(1, LIMIT_MAX);
        self
    }

    /// Has these figures alone, and those that the answer cannot do without.
    ///
    /// # Errors
    /// A name that the report does not know, or none at all.
    pub fn showing<'a>(
        mut self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Ask, QueryError> {
        let names = names.into_iter().map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            let measure = self.report.measure(name).ok_or_else(|| {
                let known = self.report.measures.iter().map(|measure| measure.name);
                QueryError::invalid(
                    format!("the report {} has no figure {name:?}", self.report.name),
                    Some(&format!("figures are {}", list(known))),
                )
            })?;
            self.figures.push(measure.name);
        }
        if self.figures.is_empty() {
            return Err(QueryError::invalid(
                "no figure is asked for",
                Some(
                    "name figures of the report with commas between them, or leave it out for all",
                ),
            ));
        }
        Ok(self)
    }

    /// The figures of the answer, in the report's order: those that are wanted, the one that it is sorted
    /// by, and the one that says what its costs lack.
    pub(super) fn measures(&self) -> impl Iterator<Item = &'static Measure> + '_ {
        let sorts = match self.order_by {
            Some((column, _)) => Some(column),
            None if self.is_by_time() => None,
            None => self.report.measures.first().map(|measure| measure.name),
        };
        self.report.measures.iter().filter(move |measure| {
            self.figures.is_empty()
                || self.figures.contains(&measure.name)
                || sorts == Some(measure.name)
                || measure.name == UNPRICED
        })
    }

    /// Whether it is broken down by time, and so sorted by it when nothing else is asked.
    fn is_by_time(&self) -> bool {
        self.group_by.iter().any(|dimension| dimension.is_time())
    }

    fn columns(&self) -> impl Iterator<Item = &'static str> + '_ {
        let grouped = self.group_by.iter().map(|dimension| dimension.name);
        grouped.chain(self.report.measures.iter().map(|measure| measure.name))
    }
}

impl Condition {
    /// Reads `dimension=value` or `dimension!=value`.
    pub(super) fn read(report: &'static Report, text: &str) -> Result<Condition, QueryError> {
        let form = || {
            let hint = "write dimension=value, or dimension!=value to leave it out; an empty value means none";
            QueryError::invalid(format!("{text:?} is not a condition"), Some(hint))
        };
        let (name, value) = text.split_once('=').ok_or_else(form)?;
        let (name, is) = match name.strip_suffix('!') {
            Some(name) => (name, false),
            None => (name, true),
        };
        if value.len() > VALUE_BYTES_MAX {
            return Err(QueryError::invalid(
                format!("the value of {name} is longer than {VALUE_BYTES_MAX} bytes"),
                None,
            ));
        }
        let dimension = known(report, name.trim())?;
        Ok(Condition {
            dimension: dimension.name,
            is,
            value: value.to_owned(),
        })
    }
}

/// As [`Ask::filtered`] takes it.
impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is { "=" } else { "!=" };
        write!(formatter, "{}{sign}{}", self.dimension, self.value)
    }
}

fn known(report: &'static Report, name: &str) -> Result<&'static Dimension, QueryError> {
    report.dimension(name).ok_or_else(|| {
        let names = list(report.dimensions.iter().map(|dimension| dimension.name));
        let hint = format!("it can be broken down by {names}");
        QueryError::invalid(
            format!("the report {} does not know {name:?}", report.name),
            Some(&hint),
        )
    })
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
