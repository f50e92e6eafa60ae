//! Functions of our own. `attribute` is for everybody; those that begin with `_` are for the views.
//!
//! Invariant: a function is pure. What it needs beside its arguments, the price book above all, is
//! handed to it when the engine is built, so that one engine answers by one book.
//!
//! | file | what is in it |
//! |---|---|
//! | `attribute.rs` | `attribute(json, key)` |
//! | `ledger.rs` | `_ledger_cost` and the other figures of the ledger, from the columns of an event |
//! | `names.rs` | `_model(name)`, `_version_before(version, other)`, `_in_order(lines)` |
//! | `tool_call.rs` | `_tool_call(…) OVER (…)`: of which call an event of a session is |
//! | `join_calls.rs` | how that is found out |
//! | `constant.rs` | `_price_book_version()`, `_currency()`, `_net_per_usd()` |
//! | `people.rs` | `_person` and what else is said of people; each query has its own |

mod attribute;
mod constant;
mod join_calls;
mod ledger;
mod names;
mod people;
mod tool_call;

use datafusion::logical_expr::{ScalarUDF, WindowUDF};

pub(crate) use attribute::value_of;
pub(crate) use ledger::{LEDGER_ARGUMENTS, costs};
pub(crate) use people::{Slot, names_people, people};
pub(crate) use tool_call::TOOL_CALL_ARGUMENTS;

use crate::cost::Cost;

/// Functions that make a text of any length from a number, in memory that no budget counts and in one
/// step that no time limit can stop. They are not offered.
pub(crate) const UNBOUNDED: [&str; 3] = ["repeat", "lpad", "rpad"];

/// All of our own.
pub(crate) fn all(cost: &Cost) -> Vec<ScalarUDF> {
    let mut all = vec![
        attribute::attribute(),
        names::model(),
        names::version_before(),
        names::in_order(),
        constant::text("_price_book_version", cost.book.version()),
        constant::text("_currency", &cost.currency),
        constant::number("_net_per_usd", cost.net_per_usd()),
    ];
    all.extend(ledger::figures(cost));
    all
}

/// Those over the rows of a window.
pub(crate) fn windows() -> Vec<WindowUDF> {
    vec![tool_call::tool_call()]
}
