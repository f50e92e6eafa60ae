//! The catalogue of named reports: one definition each, from which the command line, the API and the
//! UI answer alike.
//!
//! Invariant: a report is data. What it counts, from which signal, by what it can be broken down and
//! what its figures mean stands once, in `reports/`; SQL, totals, documentation and explanations are
//! made of that.
//!
//! | file | what is in it |
//! |---|---|
//! | `report.rs` | what a report is: dimensions, measures, units |
//! | `ask.rs` | what is asked of one: range, zone, grouping, conditions |
//! | `range.rs` | times as people write them, in a time zone |
//! | `number.rs` | the id of one figure of one answer |
//! | `sql.rs` | from what is asked to SQL over the views |
//! | `answer.rs` | asked, answered: rows, totals, notes |
//! | `json.rs` | an answer as one JSON document, for API and command line |
//! | `explain.rs` | how one figure is computed: SQL, rows, exclusions, settings |
//! | `why.rs`, `why/` | what makes the difference between a range and its baseline |
//! | `before.rs` | the period that a range is compared with |
//! | `settings.rs` | the settings that figures depend on |
//! | `wanted.rs` | from parameters as text to what is asked |
//! | `dimensions.rs` | what several reports can be broken down by |
//! | `measures.rs` | ways to write a figure down |
//! | `exclusions.rs` | what several reports leave out |
//! | `hours.rs` | which questions sums by hour answer |
//! | `guide.rs` | the catalogue as Markdown |
//! | `active.rs` | who is active, and when |
//! | `reports/` | the reports themselves |

mod active;
mod answer;
mod ask;
mod before;
mod dimensions;
mod exclusions;
mod explain;
mod guide;
mod hours;
mod json;
mod measures;
mod number;
mod range;
mod reduced;
mod report;
mod reports;
mod settings;
mod sql;
mod wanted;
mod why;

pub use crate::kept::AGE_MAX;
pub use answer::{ReportAnswer, ReportColumn, answer};
pub use ask::{Ask, Condition, LIMIT_MAX};
pub use explain::{Behind, Explanation, LeftOut, explain};
pub use guide::documentation;
pub use json::ReportDocument;
pub use number::{NumberId, row_term};
pub use range::{Range, TimeZone, read_time};
pub use reduced::lost;
pub use report::{ColumnKind, Dimension, Exclusion, Measure, Parts, Report, Unit};
pub use reports::REPORTS;
pub use settings::Setting;
pub use wanted::Wanted;
pub use why::{Amount, Difference, DifferenceWanted, Maker, Others, Part, Side, why};
