//! From what is asked to SQL over the views.
//!
//! What comes from outside enters as a number, as a text literal with its quotes doubled, or as a
//! name of the catalogue.

use super::ask::Ask;
use super::report::{Dimension, Measure, Source, Unit};
use crate::reports::{text, time};

const MONEY_DECIMALS: u32 = 9;

/// The rows of the answer, one more than are wanted at most.
pub(super) fn rows(ask: &Ask) -> String {
    let dimensions = ask
        .group_by
        .iter()
        .map(|dimension| format!("{} AS {}", expression(ask, dimension), dimension.name));
    let columns: Vec<String> = dimensions.chain(measures(ask)).collect();
    let mut sql = format!("SELECT {} FROM {}", columns.join(", "), counted(ask));
    if !ask.group_by.is_empty() {
        let places: Vec<String> = (1..=ask.group_by.len())
            .map(|place| place.to_string())
            .collect();
        sql.push_str(&format!(" GROUP BY {}", places.join(", ")));
        sql.push_str(&format!(" ORDER BY {} LIMIT {}", order(ask), ask.limit + 1));
    }
    sql
}

/// The column of [`rows_and_totals`] that is 0 in rows and more in the totals.
pub(super) const IS_TOTAL: &str = "_is_total";

/// Rows and totals out of one reading: first the totals, then the rows, one more than are wanted at
/// most. `None` where the totals are not summed up from what the rows are, or are the only row.
pub(super) fn rows_and_totals(ask: &Ask) -> Option<String> {
    if !matches!(ask.report.source, Source::Rows(_)) || ask.group_by.is_empty() {
        return None;
    }
    let keys: Vec<String> = (0..ask.group_by.len())
        .map(|at| format!("_key_{at}"))
        .collect();
    let keyed = ask.group_by.iter().zip(&keys);
    let values = keyed.clone().map(|(dimension, key)| {
        let value = expression(ask, dimension);
        format!("{value} AS {key}")
    });
    let values: Vec<String> = values.collect();
    let shown = keyed.map(|(dimension, key)| format!("{key} AS {}", dimension.name));
    let columns: Vec<String> = shown.chain(measures(ask)).collect();
    Some(format!(
        "SELECT {columns}, grouping({first}) AS {IS_TOTAL} FROM (SELECT *, {values} FROM {counted})
         GROUP BY GROUPING SETS (({keys}), ()) ORDER BY {IS_TOTAL} DESC, {order} LIMIT {limit}",
        columns = columns.join(", "),
        first = keys[0],
        values = values.join(", "),
        counted = counted(ask),
        keys = keys.join(", "),
        order = order(ask),
        limit = ask.limit + 2,
    ))
}

/// One row: the figures of everything that counts.
pub(super) fn totals(ask: &Ask) -> String {
    let whole = Ask {
        group_by: Vec::new(),
        ..ask.clone()
    };
    // The figures of the rows, though one row is sorted by nothing.
    let columns: Vec<String> = measures(ask).collect();
    format!("SELECT {} FROM {}", columns.join(", "), counted(&whole))
}

/// `FROM` and `WHERE` of what counts.
pub(super) fn counted(ask: &Ask) -> String {
    match ask.report.source {
        Source::Built(build) => as_table(&build(ask)),
        Source::Rows(rows) => {
            let from = as_table(&rows.replace("{local}", &local("time", ask)));
            let conditions = all_of(ask, |_| true);
            format!("{from} WHERE {} AND {conditions}", in_range(ask))
        }
    }
}

/// The conditions on dimensions of a kind, for sources that apply them themselves.
pub(super) fn all_of(ask: &Ask, of: impl Fn(&Dimension) -> bool) -> String {
    let terms = conditions(ask, of);
    match terms.is_empty() {
        true => "true".to_owned(),
        false => terms.join(" AND "),
    }
}

/// The condition that a row's `time` is in the range.
pub(super) fn in_range(ask: &Ask) -> String {
    format!(
        "time >= {} AND time < {}",
        time(ask.range.from_ms),
        time(ask.range.to_ms)
    )
}

fn as_table(rows: &str) -> String {
    match rows
        .trim_start()
        .starts_with(|symbol: char| symbol.is_ascii_lowercase())
    {
        true => rows.to_owned(),
        false => format!("({rows})"),
    }
}

fn measures(ask: &Ask) -> impl Iterator<Item = String> {
    ask.measures()
        .map(|measure| format!("{} AS {}", figure(measure), measure.name))
}

/// A figure. Money is rounded far below what anybody pays: the last bit of a sum of fractions depends on
/// the order of its rows, and the same figure must be the same wherever it is asked for. Adding nothing
/// makes a zero of a minus zero.
pub(super) fn figure(measure: &Measure) -> String {
    match measure.unit {
        Unit::Usd | Unit::Currency => format!("round({}, {MONEY_DECIMALS}) + 0.0", measure.sql),
        _ => measure.sql.to_owned(),
    }
}

/// A dimension, with the time zone put in.
pub(super) fn expression(ask: &Ask, dimension: &Dimension) -> String {
    dimension.sql.replace("{local}", &local("time", ask))
}

/// The time on the wall of the zone that is asked for.
pub(super) fn local(column: &str, ask: &Ask) -> String {
    format!("to_local_time({column} AT TIME ZONE '{}')", ask.zone.name())
}

fn order(ask: &Ask) -> String {
    let direction = |descending: bool| {
        if descending {
            "DESC NULLS LAST"
        } else {
            "ASC NULLS LAST"
        }
    };
    let by_time = ask.group_by.iter().find(|dimension| dimension.is_time());
    let first = ask.report.measures.first().map(|measure| measure.name);
    let first = match (ask.order_by, by_time, first) {
        (Some((column, descending)), ..) => format!("{column} {}, ", direction(descending)),
        (None, Some(by_time), _) => format!("{} ASC, ", by_time.name),
        (None, None, Some(measure)) => format!("{measure} {}, ", direction(true)),
        (None, None, None) => String::new(),
    };
    let rest: Vec<&str> = ask
        .group_by
        .iter()
        .map(|dimension| dimension.name)
        .collect();
    format!("{first}{}", rest.join(", "))
}

/// Several values of one dimension are alternatives; dimensions must all be fulfilled.
///
/// `IS TRUE` around a condition on what is grouped by keeps the planner from seeing that the column is
/// constant: it then leaves it out of a sort, and refuses its own plan where rows of a union come together.
fn conditions(ask: &Ask, of: impl Fn(&Dimension) -> bool) -> Vec<String> {
    let mut terms = Vec::new();
    for dimension in ask.report.dimensions.iter().filter(|own| of(own)) {
        for wanted in [true, false] {
            let of = ask.conditions.iter().filter(|condition| {
                condition.dimension == dimension.name && condition.is == wanted
            });
            let of: Vec<&str> = of.map(|condition| condition.value.as_str()).collect();
            if !of.is_empty() {
                let term = any_of(&expression(ask, dimension), &of, wanted);
                let mut grouped = ask.group_by.iter();
                terms.push(match grouped.any(|own| own.name == dimension.name) {
                    true => format!("({term}) IS TRUE"),
                    false => term,
                });
            }
        }
    }
    terms
}

fn any_of(expression: &str, values: &[&str], wanted: bool) -> String {
    let named: Vec<String> = values
        .iter()
        .filter(|value| !value.is_empty())
        .map(|value| text(value))
        .collect();
    let none = values.iter().any(|value| value.is_empty());
    let mut any = Vec::new();
    if !named.is_empty() {
        any.push(format!(
            "CAST({expression} AS VARCHAR) IN ({})",
            named.join(", ")
        ));
    }
    if none {
        any.push(format!("{expression} IS NULL"));
    }
    match wanted {
        true => format!("({})", any.join(" OR ")),
        // What has no value is not the unwanted value.
        false => format!("NOT coalesce({}, false)", any.join(" OR ")),
    }
}
