//! What `join_calls` finds out about each event of a session, as functions of a window over the session,
//! in the order of its events. All take the same arguments.
//!
//! | function | what it says of an event |
//! |---|---|
//! | `_call` | the number of its call in the session, times four; plus 1 if the call was put together by order, plus 2 if the installation sent any decision in the session |
//! | `_asked` | when the answer that asked for its call was complete, in milliseconds since 1970, times two; plus 1 if that answer is inferred |
//! | `_asking_model`, `_asking_agent` | of which model, and for which subagent, that answer was |
//!
//! They give numbers and no structs, because the engine hands every value over by itself, and of the
//! functions that a question does not need none runs.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int8Array, Int64Array, StringViewArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::scalar::ScalarValue;

use super::join_calls::{Event, Mark, Part, mark};

/// An answer of the model that asked for no tool: what `part`, the first argument, may be.
pub(crate) const OTHER_ANSWER: i8 = 0;
/// An answer of the model that may have asked for a tool.
pub(crate) const ANSWER: i8 = 1;
/// A decision that a tool may run.
pub(crate) const ACCEPTED: i8 = 2;
/// A decision that it may not.
pub(crate) const REFUSED: i8 = 3;
/// The result of a tool.
pub(crate) const RESULT: i8 = 4;

/// Which function it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Says {
    Call,
    Asked,
    AskingModel,
    AskingAgent,
}

pub(super) fn tool_calls() -> Vec<WindowUDF> {
    let (text, count) = (DataType::Utf8View, DataType::Int64);
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    // part, time, duration_ms; keys of tool_use_id, request_id, user_id, prompt_id, tool_name, agent_id;
    // agent_name, model
    let mut types = vec![DataType::Int8, time];
    types.extend(std::iter::repeat_n(count, 7));
    types.extend([text.clone(), text]);
    let signature = Signature::exact(types, Volatility::Immutable);
    let all = [
        Says::Call,
        Says::Asked,
        Says::AskingModel,
        Says::AskingAgent,
    ];
    let function = |says| {
        let signature = signature.clone();
        WindowUDF::from(OfEvent { says, signature })
    };
    all.map(function).into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OfEvent {
    says: Says,
    signature: Signature,
}

impl WindowUDFImpl for OfEvent {
    fn name(&self) -> &str {
        match self.says {
            Says::Call => "_call",
            Says::Asked => "_asked",
            Says::AskingModel => "_asking_model",
            Says::AskingAgent => "_asking_agent",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _arguments: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(OfSession {
            says: self.says,
            values: None,
            given: 0,
        }))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let kind = match self.says {
            Says::Call | Says::Asked => DataType::Int64,
            Says::AskingModel | Says::AskingAgent => DataType::Utf8View,
        };
        Ok(Arc::new(Field::new(arguments.name(), kind, true)))
    }
}

/// One session at a time. It is asked for a row only when all rows of the session are there, so that
/// what has to be in memory is a session and not everything.
#[derive(Debug)]
struct OfSession {
    says: Says,
    values: Option<ArrayRef>,
    given: usize,
}

impl PartitionEvaluator for OfSession {
    fn supports_bounded_execution(&self) -> bool {
        true
    }

    fn is_causal(&self) -> bool {
        false
    }

    fn get_range(&self, _row: usize, num_rows: usize) -> Result<Range<usize>> {
        Ok(0..num_rows)
    }

    /// Of the next row.
    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        let all = match &self.values {
            Some(all) => all,
            None => self.values.insert(said(self.says, values, range.len())?),
        };
        self.given += 1;
        ScalarValue::try_from_array(all, self.given - 1)
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        said(self.says, values, num_rows)
    }
}

/// What is said of the events of one session.
fn said(says: Says, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
    let columns = Columns::of(values).ok_or_else(|| {
        DataFusionError::Internal("calls are joined from the columns of events".into())
    })?;
    let events: Vec<Event<'_>> = (0..num_rows).map(|row| columns.event(row)).collect();
    let marks = mark(&events);
    let numbers = |of: fn(&Mark<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(marks.iter().map(of).collect::<Int64Array>())
    };
    let texts = |of: fn(&Mark<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(marks.iter().map(of).collect::<StringViewArray>())
    };
    Ok(match says {
        Says::Call => numbers(call),
        Says::Asked => numbers(asked),
        Says::AskingModel => texts(|mark| mark.model.map(str::to_owned)),
        Says::AskingAgent => texts(|mark| mark.agent_name.map(str::to_owned)),
    })
}

fn call(mark: &Mark<'_>) -> Option<i64> {
    let flags = i64::from(mark.is_by_order) + 2 * i64::from(mark.has_decisions);
    mark.call.map(|call| call * 4 + flags)
}

fn asked(mark: &Mark<'_>) -> Option<i64> {
    let is_inferred = i64::from(mark.is_ask_inferred);
    mark.asked_ms.map(|ms| ms.saturating_mul(2) + is_inferred)
}

/// The arguments, as columns.
struct Columns<'a> {
    part: &'a Int8Array,
    time: &'a TimestampMillisecondArray,
    duration_ms: &'a Int64Array,
    tool_use_id: &'a Int64Array,
    request_id: &'a Int64Array,
    installation: &'a Int64Array,
    prompt: &'a Int64Array,
    tool: &'a Int64Array,
    agent_id: &'a Int64Array,
    agent_name: &'a StringViewArray,
    model: &'a StringViewArray,
}

impl<'a> Columns<'a> {
    /// `None` when they are not those of the signature.
    fn of(values: &'a [ArrayRef]) -> Option<Columns<'a>> {
        let any = |at: usize| values.get(at).map(|array| array.as_any());
        let number = |at| any(at)?.downcast_ref::<Int64Array>();
        let text = |at| any(at)?.downcast_ref::<StringViewArray>();
        Some(Columns {
            part: any(0)?.downcast_ref()?,
            time: any(1)?.downcast_ref()?,
            duration_ms: number(2)?,
            tool_use_id: number(3)?,
            request_id: number(4)?,
            installation: number(5)?,
            prompt: number(6)?,
            tool: number(7)?,
            agent_id: number(8)?,
            agent_name: text(9)?,
            model: text(10)?,
        })
    }

    fn event(&self, row: usize) -> Event<'a> {
        Event {
            part: part(self.part.value(row)),
            time_ms: self.time.value(row),
            duration_ms: number(self.duration_ms, row),
            tool_use_id: number(self.tool_use_id, row),
            request_id: number(self.request_id, row),
            installation: number(self.installation, row),
            prompt: number(self.prompt, row),
            tool: number(self.tool, row),
            agent_id: number(self.agent_id, row),
            agent_name: text(self.agent_name, row),
            model: text(self.model, row),
        }
    }
}

fn part(number: i8) -> Part {
    match number {
        RESULT => Part::Result,
        REFUSED => Part::Decision { is_refused: true },
        ACCEPTED => Part::Decision { is_refused: false },
        other => Part::Answer {
            is_agent: other == ANSWER,
        },
    }
}

fn number(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}
