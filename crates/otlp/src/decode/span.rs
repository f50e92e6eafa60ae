//! Spans; their events and links become OTLP/JSON text.
//!
//! Invariant: a span that reaches the sink is valid throughout, its events and links included.

use contract::Span;

use super::Decoder;
use super::value::Context;
use crate::fault::Fault;
use crate::scan::{Stop, validate};
use crate::schema;
use crate::to_json::write_elements;
use crate::wire::Reader;

impl<'a> Decoder<'a, '_> {
    pub(super) fn span(&mut self, item: Reader<'a>) {
        self.decoded.items += 1;
        let read = validate(item, &schema::SPAN, self.context.limits)
            .and_then(|()| read_span(item, &mut self.context));
        match read {
            Ok(span) => {
                if let Some(why) = self.sink.refuses(&span.attributes) {
                    return self.set_aside("span", item, &why);
                }
                self.count_repair();
                self.sink.span(&span);
            }
            Err(stop) => self.quarantine("span", item, stop),
        }
    }
}

fn read_span<'a>(item: Reader<'a>, context: &mut Context<'_>) -> Result<Span<'a>, Stop> {
    let mut span = Span {
        raw: item.bytes(),
        ..Span::default()
    };
    let (mut has_events, mut has_links) = (false, false);
    let mut fields = item;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => span.trace_id = field.id()?,
            2 => span.span_id = field.id()?,
            4 => span.parent_span_id = field.id()?,
            5 => span.name = context.text(&field)?,
            6 => span.kind = field.varint()? as u32,
            7 => span.start_time_unix_nano = field.eight()?,
            8 => span.end_time_unix_nano = field.eight()?,
            9 => context.push_attribute(field.message()?, field.after(), &mut span.attributes)?,
            11 => has_events = true,
            13 => has_links = true,
            15 => read_status(field.message()?, &mut span, context)?,
            _ => {}
        }
    }
    let mut elements = |has: bool, number| -> Result<Option<String>, Fault> {
        has.then(|| write_elements(item, &schema::SPAN, number, &mut context.repaired))
            .transpose()
    };
    span.events_json = elements(has_events, 11)?;
    span.links_json = elements(has_links, 13)?;
    Ok(span)
}

fn read_status<'a>(
    mut status: Reader<'a>,
    span: &mut Span<'a>,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    while let Some(field) = status.next()? {
        match field.number {
            2 => span.status_message = context.text(&field)?,
            3 => span.status_code = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(())
}
