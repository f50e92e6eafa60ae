//! The reports.

mod cost;

use super::report::Report;

/// All reports, in the order in which they are listed.
pub const REPORTS: &[&Report] = &[&cost::COST];
