//! Functions of our own. `attribute` is for everybody; those that begin with `_` are for the views.
//!
//! Invariant: a function is pure. What it needs beside its arguments, the price book above all, is
//! handed to it when the engine is built, so that one engine answers by one book.
//!
//! | file | what is in it |
//! |---|---|
//! | `allowed.rs` | which of the engine's own functions there are |
//! | `among.rs` | `_is_among(session_id)`: sessions that a query names; each query has its own |
//! | `attribute.rs` | `attribute(json, key)` |
//! | `elements.rs` | `_elements(json)`, for workspaces |
//! | `copy_key.rs` | `_copy_key(column, …)`: what copies have in common |
//! | `ledger.rs` | `_ledger_cost` and the other figures of the ledger, from the columns of an event |
//! | `mixed.rs` | `_is_mixed(session_id)`: what sums by hour do not tell; each query has its own |
//! | `narrow.rs` | `_key(text)`, `_compact(text)`: for views that sort |
//! | `names.rs` | `_model(name)`, `_version_before(version, other)`, `_known_faults(product, version)`, `_in_order(lines)` |
//! | `tool_call.rs` | `_call(…) OVER (…)` and others: of which call an event of a session is, and who asked for it |
//! | `join_calls.rs` | how that is found out |
//! | `sequence.rs` | `_sequence_stretches(…)`, `_sequence_gaps(…) OVER (…)`: events that are missing |
//! | `repeats.rs` | `_repeats(…) OVER (…)`: how often a call of a prompt was made before |
//! | `rhythm.rs` | `_expected_by(time)`: until when somebody would be heard of again |
//! | `quarantined.rs` | `_sent_as(item, encoding, key)`: an attribute of an item that is damaged |
//! | `constant.rs` | `_price_book_version()`, `_currency()`, `_net_per_usd()`; `_now()`, of each query |
//! | `split.rs` | `_is_split_events(session_id, user_id)` and the same of metrics; each query has its own |
//! | `people.rs` | `_person` and what else is said of people; each query has its own |

mod allowed;
mod among;
mod attribute;
mod constant;
mod copy_key;
mod elements;
mod join_calls;
mod ledger;
mod mixed;
mod names;
mod narrow;
mod people;
mod quarantined;
mod repeats;
mod rhythm;
mod sequence;
mod split;
mod tool_call;

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub(crate) use among::{NAME as AMONG, among};
pub(crate) use attribute::value_of;
pub(crate) use ledger::{LEDGER_ARGUMENTS, costs};
pub(crate) use mixed::mixed;
pub(crate) use people::{Slot, is_lasting, names_people, people};
pub(crate) use quarantined::text_sent;
pub(crate) use split::{is_split, is_split_of, split};
pub(crate) use tool_call::{ACCEPTED, ANSWER, OTHER_ANSWER, REFUSED, RESULT};

use crate::config::Config;
use crate::cost::Cost;
use crate::sight;

/// Functions that would say of people, or of what is withheld, what views do not say.
const OF_VIEWS: [&str; 6] = [
    "_copy_key",
    "_machine",
    "_members",
    "_sent_as",
    among::NAME,
    mixed::NAME,
];

/// Those that views are made with, and nobody may call beside.
pub(crate) fn of_views() -> impl Iterator<Item = &'static str> {
    let of_views = OF_VIEWS.into_iter().chain(people::names());
    of_views.chain(split::NAMES)
}

/// Offers all that do not differ from query to query, and of the engine's own those that are allowed.
pub(crate) fn register(state: &mut SessionState, config: &Config) -> Result<()> {
    allowed::restrict(state)?;
    let of_masks = sight::functions(&config.pseudonyms);
    for function in of_a_row(&config.cost).into_iter().chain(of_masks) {
        state.register_udf(Arc::new(function))?;
    }
    for function in aggregates() {
        state.register_udaf(Arc::new(function))?;
    }
    for function in windows() {
        state.register_udwf(Arc::new(function))?;
    }
    Ok(())
}

fn of_a_row(cost: &Cost) -> Vec<ScalarUDF> {
    let mut all = vec![
        attribute::attribute(),
        elements::elements(),
        copy_key::copy_key(),
        narrow::key(),
        narrow::compact(),
        names::model(),
        names::version_before(),
        names::in_order(),
        names::known_faults(),
        quarantined::sent_as(),
        constant::text("_price_book_version", cost.book.version()),
        constant::text("_currency", &cost.currency),
        constant::number("_net_per_usd", cost.net_per_usd()),
    ];
    all.extend(ledger::figures(cost));
    all
}

/// Those over the rows of a window.
fn windows() -> Vec<WindowUDF> {
    let mut all = tool_call::tool_calls();
    all.extend([sequence::sequence_gaps(), repeats::repeats()]);
    all
}

/// Those of many rows.
fn aggregates() -> Vec<AggregateUDF> {
    vec![sequence::sequence_stretches(), rhythm::expected_by()]
}

/// The time at which a query is asked, by the store's clock. Views use no other, so that what they say
/// of now can be tested, and is the same in all answers over one snapshot.
pub(crate) fn now(unix_ms: i64) -> ScalarUDF {
    constant::moment("_now", unix_ms)
}
