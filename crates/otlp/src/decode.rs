//! Protobuf to items: walks a request in place and hands each item to a sink.
//!
//! Invariant: strings and bytes stay where they are in the request; a record's attribute list is
//! reused for the next. The request has been scanned first, so what is left to find here are faults
//! of single items, and each of those quarantines its item.

mod metric;
mod origin;
mod span;
mod value;

use contract::{LogRecord, Origin, Quarantined, RawEncoding, Signal, Sink};

pub(crate) use self::origin::{read_resource_group, read_scope_group};
pub(crate) use self::value::Context;
use crate::fault::{Fault, refusal};
use crate::scan::{Stop, count};
use crate::wire::Reader;
use crate::{Limits, Refused};

pub(crate) use self::metric::{last_kind_field, points_of};

/// What a request held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// All items, quarantined ones included.
    pub items: u64,
    /// Items that could not be read.
    pub quarantined: u64,
    /// Items, resources and scopes with text that was not UTF-8 and was repaired.
    pub repaired: u64,
    /// Why the first quarantined item was.
    pub first_reason: Option<String>,
}

/// Hands every item of a request to `sink`, in order.
///
/// Refuses a request before the first item reaches the sink, or not at all.
pub fn decode(
    signal: Signal,
    protobuf: &[u8],
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<Decoded, Refused> {
    count(signal, protobuf, limits)?;
    let mut decoder = Decoder {
        signal,
        context: Context {
            limits,
            repaired: false,
        },
        sink,
        decoded: Decoded::default(),
        origin: Origin::default(),
        record: LogRecord::default(),
    };
    decoder
        .request(Reader::new(protobuf))
        .map_err(|fault| refusal(fault, protobuf))?;
    Ok(decoder.decoded)
}

struct Decoder<'a, 's> {
    signal: Signal,
    context: Context<'s>,
    sink: &'s mut dyn Sink,
    decoded: Decoded,
    origin: Origin<'a>,
    /// Kept between records for its list of attributes.
    record: LogRecord<'a>,
}

impl<'a> Decoder<'a, '_> {
    fn request(&mut self, mut request: Reader<'a>) -> Result<(), Fault> {
        while let Some(field) = request.next()? {
            if field.number == 1 {
                self.resource_group(field.message()?)?;
            }
        }
        Ok(())
    }

    /// `ResourceLogs`, `ResourceMetrics`, `ResourceSpans`: the resource may stand after what it is
    /// the resource of, so it is looked for first.
    fn resource_group(&mut self, group: Reader<'a>) -> Result<(), Fault> {
        self.origin = Origin::default();
        read_resource_group(group, &mut self.origin, &mut self.context)?;
        self.count_repair();
        let mut fields = group;
        while let Some(field) = fields.next()? {
            if field.number == 2 {
                self.scope_group(field.message()?)?;
            }
        }
        Ok(())
    }

    /// `ScopeLogs`, `ScopeMetrics`, `ScopeSpans`.
    fn scope_group(&mut self, group: Reader<'a>) -> Result<(), Fault> {
        let is_empty = read_scope_group(group, &mut self.origin, &mut self.context)?;
        self.count_repair();
        if is_empty {
            return Ok(());
        }
        self.sink.origin(&self.origin);
        let mut fields = group;
        while let Some(field) = fields.next()? {
            if field.number == 2 {
                let item = field.message()?;
                match self.signal {
                    Signal::Logs => self.log(item),
                    Signal::Metrics => self.metric(item)?,
                    Signal::Traces => self.span(item),
                }
            }
        }
        Ok(())
    }

    fn log(&mut self, item: Reader<'a>) {
        self.decoded.items += 1;
        let mut attributes = std::mem::take(&mut self.record.attributes);
        attributes.clear();
        self.record = LogRecord {
            attributes,
            ..LogRecord::default()
        };
        match read_log(item, &mut self.record, &mut self.context) {
            Ok(()) => {
                if let Some(why) = self.sink.refuses(&self.record.attributes) {
                    return self.set_aside("log record", item, &why);
                }
                self.count_repair();
                self.sink.log(&self.record);
            }
            Err(fault) => self.quarantine("log record", item, fault.into()),
        }
    }

    fn quarantine(&mut self, what: &str, item: Reader<'_>, stop: Stop) {
        self.context.repaired = false;
        self.put_aside(unreadable(what, item, stop));
    }

    /// Quarantines what can be read and is not taken.
    fn set_aside(&mut self, what: &str, item: Reader<'_>, why: &str) {
        self.context.repaired = false;
        self.put_aside(Quarantined {
            reason: format!("The {what} {why}."),
            encoding: RawEncoding::Protobuf,
            raw: item.bytes().to_vec(),
        });
    }

    fn put_aside(&mut self, quarantined: Quarantined) {
        self.decoded.quarantined += 1;
        self.decoded
            .first_reason
            .get_or_insert_with(|| quarantined.reason.clone());
        self.sink.quarantine(quarantined);
    }

    fn count_repair(&mut self) {
        self.decoded.repaired += u64::from(std::mem::take(&mut self.context.repaired));
    }
}

/// An item that cannot be read, with its bytes and why.
pub(crate) fn unreadable(what: &str, item: Reader<'_>, stop: Stop) -> Quarantined {
    let reason = match stop {
        Stop::Fault(fault) => {
            let offset = fault.offset_in(item.bytes());
            format!(
                "The {what} cannot be read: {}, at byte {offset}.",
                fault.kind
            )
        }
        Stop::TooMany { what: part, limit } => {
            format!("The {what} has more than {limit} {part}.")
        }
    };
    Quarantined {
        reason,
        encoding: RawEncoding::Protobuf,
        raw: item.bytes().to_vec(),
    }
}

fn read_log<'a>(
    mut item: Reader<'a>,
    record: &mut LogRecord<'a>,
    context: &mut Context<'_>,
) -> Result<(), Fault> {
    while let Some(field) = item.next()? {
        match field.number {
            1 => record.time_unix_nano = field.eight()?,
            2 => record.severity_number = field.varint()? as i32,
            3 => record.severity_text = context.text(&field)?,
            5 => context.value(field.message()?, record.body.get_or_insert_default())?,
            6 => context.push_attribute(field.message()?, field.after(), &mut record.attributes)?,
            7 => record.dropped_attributes_count = field.varint()? as u32,
            8 => record.flags = field.four()?,
            9 => record.trace_id = field.id()?,
            10 => record.span_id = field.id()?,
            11 => record.observed_time_unix_nano = field.eight()?,
            12 => record.event_name = context.text(&field)?,
            _ => {}
        }
    }
    Ok(())
}
