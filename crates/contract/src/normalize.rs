//! One item to one row: attributes to columns, the rest to the overflow.
//!
//! Invariant: every attribute is in a cell from which the shape rebuilds it, or in the overflow.
//! Of several keys that feed one column the best-ranked one that can be coerced wins; the others
//! stay in the overflow unless they say exactly the same.

mod derive;

use std::borrow::Cow;

pub use derive::{TASK_NOTIFICATION, TOOL_NAMES};

use crate::coerce::{Cell, Coerced, coerce};
use crate::columns::{COLUMN_COUNT, Col, column_of};
use crate::item::{Attribute, LogRecord};
use crate::origin::OriginFacts;
use crate::product::{event_name, product};
use crate::shape::{self, BodyForm};
use crate::time::iso_millis;
use crate::value::{Value, write_json_string};

/// One normalised item, borrowed from the item and the normaliser.
#[derive(Debug)]
pub struct Row<'r> {
    /// The product, see [`crate::product`].
    pub product: &'r str,
    /// The event's bare name; empty for data points and spans.
    pub event: &'r str,
    /// The promoted columns.
    pub cells: [Cell<'r>; COLUMN_COUNT],
    /// What no column holds, as a JSON object; `None` when there is nothing.
    pub attributes: Option<&'r str>,
    /// The wire shape of a log record; empty for data points and spans.
    pub shape: &'r str,
    /// Unusual parts of a log record's envelope, as a JSON object.
    pub envelope: Option<&'r str>,
    /// The body as text, when it says more than the event's name.
    pub body: Option<Cow<'r, str>>,
}

impl Row<'_> {
    /// The cell of a column.
    pub fn cell(&self, col: Col) -> &Cell<'_> {
        &self.cells[col as usize]
    }
}

/// Normalises items one after the other; keeps its buffers between them.
#[derive(Debug, Default)]
pub struct Normalizer {
    overflow: String,
    shape: String,
    envelope: String,
}

/// What the placement of one attribute needs to know of its record.
struct Context<'r> {
    event: &'r str,
    /// Milliseconds of the record's time; `None` for other items.
    time_ms: Option<u64>,
    facts: &'r OriginFacts,
}

impl Normalizer {
    /// The row of a log record. `time_ns` is the record's time after [`crate::claim_time`].
    pub fn log<'r>(
        &'r mut self,
        facts: &'r OriginFacts,
        record: &'r LogRecord<'r>,
        time_ns: u64,
    ) -> Row<'r> {
        let raw_event = raw_event_name(record);
        let event = event_name(raw_event);
        let body_form = BodyForm::of(record.body.as_ref(), raw_event, event);
        self.shape.clear();
        self.shape.push(body_form.letter());
        let context = Context {
            event,
            time_ms: Some(time_ns / 1_000_000),
            facts,
        };
        let mut cells = self.place(&context, &record.attributes);
        derive::fill_in(&mut cells, &context);
        shape::write_envelope(&mut self.envelope, record, time_ns, body_form);
        let body = match (body_form, &record.body) {
            (BodyForm::Stored, Some(Value::Str(text))) => Some(Cow::Borrowed(text.as_ref())),
            (BodyForm::Stored, Some(other)) => {
                let mut json = String::new();
                other.write_json(&mut json);
                Some(Cow::Owned(json))
            }
            _ => None,
        };
        self.row(cells, &context, body)
    }

    /// The row of a data point's or span's attributes.
    pub fn attributes<'r>(
        &'r mut self,
        facts: &'r OriginFacts,
        attributes: &'r [Attribute<'r>],
    ) -> Row<'r> {
        self.shape.clear();
        self.envelope.clear();
        let context = Context {
            event: "",
            time_ms: None,
            facts,
        };
        let mut cells = self.place(&context, attributes);
        derive::fill_in(&mut cells, &context);
        self.shape.clear();
        self.row(cells, &context, None)
    }

    fn row<'r>(
        &'r self,
        cells: [Cell<'r>; COLUMN_COUNT],
        context: &Context<'r>,
        body: Option<Cow<'r, str>>,
    ) -> Row<'r> {
        let entrypoint = match &cells[Col::AppEntrypoint as usize] {
            Cell::Str(text) => Some(text.as_ref()),
            _ => None,
        };
        Row {
            product: product(
                &context.facts.service_name,
                &context.facts.scope_name,
                entrypoint,
            ),
            event: context.event,
            attributes: filled(&self.overflow),
            shape: &self.shape,
            envelope: filled(&self.envelope),
            body,
            cells,
        }
    }

    /// Puts every attribute into its cell or the overflow, and its form into the shape.
    fn place<'r>(
        &mut self,
        context: &Context<'r>,
        attributes: &'r [Attribute<'r>],
    ) -> [Cell<'r>; COLUMN_COUNT] {
        self.overflow.clear();
        let (mut fates, winners) = contest(context, attributes);
        let cost = cost_of(&fates, &winners);
        for (index, (key, value)) in attributes.iter().enumerate() {
            let letter = match &fates[index] {
                None => free_letter(context, key, value),
                Some((Col::CostUsdMicros, _)) if is_derived_micros(value, cost) => {
                    shape::DERIVED_MICROS
                }
                // Beside a cost the column stays empty, so any other form of it is kept as it came.
                Some((Col::CostUsdMicros, _)) if cost.is_some() => shape::stored(value),
                Some((col, coerced)) => {
                    let winner = winners[*col as usize].map(|(_, winner)| winner);
                    let says_the_same =
                        winner.is_some_and(|winner| same_cell(&fates[winner], coerced));
                    if coerced.exact && says_the_same {
                        value.letter()
                    } else {
                        shape::stored(value)
                    }
                }
            };
            if shape::is_stored(letter) {
                put_entry(&mut self.overflow, key, value);
            }
            shape::push_entry(&mut self.shape, letter, key);
        }
        if !self.overflow.is_empty() {
            self.overflow.push('}');
        }
        let mut cells = [const { Cell::Null }; COLUMN_COUNT];
        for (_, winner) in winners.into_iter().flatten() {
            if let Some((col, coerced)) = fates[winner].take() {
                cells[col as usize] = coerced.cell;
            }
        }
        if cells[Col::CostUsd as usize] != Cell::Null {
            cells[Col::CostUsdMicros as usize] = Cell::Null;
        }
        cells
    }
}

type Fate<'r> = Option<(Col, Coerced<'r>)>;
/// For each column, the rank and index of the attribute that feeds it.
type Winners = [Option<(u8, usize)>; COLUMN_COUNT];

/// Coerces every attribute that feeds a column, and finds for each column the best one.
fn contest<'r>(context: &Context<'r>, attributes: &'r [Attribute<'r>]) -> (Vec<Fate<'r>>, Winners) {
    let mut winners: Winners = [None; COLUMN_COUNT];
    let fate = |(index, (key, value)): (usize, &'r Attribute<'r>)| {
        let (col, rank) = column_of(key)?;
        if !applies(col, key, context.event) {
            return None;
        }
        let mut coerced = coerce(col.def().kind, value)?;
        // Where another agent's input count includes the cache, the cell will be less than the wire said.
        coerced.exact &= !(col == Col::InputTokens && rank > 0);
        let best = &mut winners[col as usize];
        // Of duplicates of one key the last wins; of several keys the best-ranked.
        if best.is_none_or(|(own, _)| rank <= own) {
            *best = Some((rank, index));
        }
        Some((col, coerced))
    };
    let fates = attributes.iter().enumerate().map(fate).collect::<Vec<_>>();
    let mut fates = fates;
    exclude_cache(&mut fates, &winners);
    (fates, winners)
}

/// `gen_ai.usage.input_tokens` and its like include what was read from and written to the cache;
/// `input_tokens` does not. The column follows `input_tokens`.
fn exclude_cache(fates: &mut [Fate<'_>], winners: &Winners) {
    let Some((rank, input)) = winners[Col::InputTokens as usize] else {
        return;
    };
    if rank == 0 {
        return;
    }
    let count = |col: Col| match winners[col as usize].and_then(|(_, index)| fates[index].as_ref())
    {
        Some((
            _,
            Coerced {
                cell: Cell::Int(number),
                ..
            },
        )) => *number,
        _ => 0,
    };
    let cached = count(Col::CacheReadTokens) + count(Col::CacheCreationTokens);
    if let Some((
        _,
        Coerced {
            cell: Cell::Int(number),
            ..
        },
    )) = &mut fates[input]
    {
        *number = (*number - cached).max(0);
    }
}

/// Some short keys mean a column only on some events.
fn applies(col: Col, key: &str, event: &str) -> bool {
    match (col, key) {
        (Col::DecisionSource, "source") => event.is_empty() || event.starts_with("tool_"),
        (Col::Response, _) => event != "feedback_survey",
        (Col::PromptKind, _) => false,
        (Col::McpServerName, "server_name") => event.starts_with("mcp_"),
        _ => true,
    }
}

fn cost_of(fates: &[Fate<'_>], winners: &Winners) -> Option<f64> {
    let (_, index) = winners[Col::CostUsd as usize]?;
    match fates[index].as_ref()?.1.cell {
        Cell::Float(cost) => Some(cost),
        _ => None,
    }
}

/// Whether the client's micros are just its cost rounded, as real clients send them.
fn is_derived_micros(value: &Value<'_>, cost: Option<f64>) -> bool {
    matches!((value, cost), (Value::Int(micros), Some(cost)) if *micros == shape::micros(cost))
}

fn same_cell(winner: &Fate<'_>, coerced: &Coerced<'_>) -> bool {
    winner
        .as_ref()
        .is_some_and(|(_, best)| best.cell == coerced.cell)
}

/// The letter of an attribute that feeds no column.
fn free_letter(context: &Context<'_>, key: &str, value: &Value<'_>) -> char {
    match (key, value) {
        ("event.name", Value::Str(text)) if text == context.event => shape::EVENT_NAME,
        ("event.timestamp", Value::Str(text)) if is_time(text, context.time_ms) => {
            shape::EVENT_TIMESTAMP
        }
        _ if context.facts.repeats(key, value) && !shape::splits(key) => shape::OF_RESOURCE,
        _ => shape::stored(value),
    }
}

fn is_time(text: &str, time_ms: Option<u64>) -> bool {
    time_ms
        .and_then(iso_millis)
        .is_some_and(|iso| text.as_bytes() == iso)
}

fn put_entry(overflow: &mut String, key: &str, value: &Value<'_>) {
    overflow.push(if overflow.is_empty() { '{' } else { ',' });
    write_json_string(key, overflow);
    overflow.push(':');
    value.write_json(overflow);
}

fn raw_event_name<'r>(record: &'r LogRecord<'_>) -> &'r str {
    let attribute = record
        .attributes
        .iter()
        .rev()
        .find(|(key, _)| key == "event.name");
    match (attribute, &record.body) {
        (Some((_, Value::Str(name))), _) if !name.is_empty() => name,
        _ if !record.event_name.is_empty() => &record.event_name,
        (_, Some(Value::Str(body))) if body.len() <= 128 => body,
        _ => "",
    }
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
