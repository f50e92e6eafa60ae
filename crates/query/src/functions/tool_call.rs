//! `_tool_call(…) OVER (PARTITION BY session_id)`: what `join_calls` finds out about each event of a
//! session, as a struct.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, StringViewArray, StructArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};

use super::join_calls::{Event, Mark, Part, mark};

/// What it takes, all of one event.
pub(crate) const TOOL_CALL_ARGUMENTS: &str = "event, is_agent, time, duration_ms, decision, tool_use_id, \
    request_id, user_id, prompt_id, tool_name, agent_id, agent_name, model";

pub(super) fn tool_call() -> WindowUDF {
    let (text, count) = (DataType::Utf8View, DataType::Int64);
    let mut types = vec![text.clone(), DataType::Boolean, time(), count];
    types.extend(std::iter::repeat_n(text, 9));
    WindowUDF::from(ToolCall {
        signature: Signature::exact(types, Volatility::Immutable),
    })
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("call", DataType::Int64, true),
        Field::new("is_by_order", DataType::Boolean, true),
        Field::new("asked_at", time(), true),
        Field::new("is_ask_inferred", DataType::Boolean, true),
        Field::new("model", DataType::Utf8View, true),
        Field::new("agent_name", DataType::Utf8View, true),
        Field::new("has_decisions", DataType::Boolean, true),
    ])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToolCall {
    signature: Signature,
}

impl WindowUDFImpl for ToolCall {
    fn name(&self) -> &str {
        "_tool_call"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _arguments: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(OfSession))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let kind = DataType::Struct(fields());
        Ok(Arc::new(Field::new(arguments.name(), kind, true)))
    }
}

#[derive(Debug)]
struct OfSession;

impl PartitionEvaluator for OfSession {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let columns = Columns::of(values).ok_or_else(|| {
            DataFusionError::Internal("_tool_call takes the columns of events".into())
        })?;
        let events: Vec<Event<'_>> = (0..num_rows).map(|row| columns.event(row)).collect();
        Ok(Arc::new(structs(&mark(&events))?))
    }
}

fn structs(marks: &[Mark<'_>]) -> Result<StructArray> {
    let flags = |of: fn(&Mark<'_>) -> bool| -> ArrayRef {
        let flags = marks.iter().map(|mark| Some(of(mark)));
        Arc::new(flags.collect::<BooleanArray>())
    };
    let asked = marks.iter().map(|mark| mark.asked_ms);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(marks.iter().map(|mark| mark.call).collect::<Int64Array>()),
        flags(|mark| mark.is_by_order),
        Arc::new(
            asked
                .collect::<TimestampMillisecondArray>()
                .with_timezone("UTC"),
        ),
        flags(|mark| mark.is_ask_inferred),
        Arc::new(
            marks
                .iter()
                .map(|mark| mark.model)
                .collect::<StringViewArray>(),
        ),
        Arc::new(
            marks
                .iter()
                .map(|mark| mark.agent_name)
                .collect::<StringViewArray>(),
        ),
        flags(|mark| mark.has_decisions),
    ];
    Ok(StructArray::try_new(fields(), columns, None)?)
}

/// The arguments, as columns.
struct Columns<'a> {
    event: &'a StringViewArray,
    is_agent: &'a BooleanArray,
    time: &'a TimestampMillisecondArray,
    duration_ms: &'a Int64Array,
    decision: &'a StringViewArray,
    tool_use_id: &'a StringViewArray,
    request_id: &'a StringViewArray,
    installation: &'a StringViewArray,
    prompt: &'a StringViewArray,
    tool: &'a StringViewArray,
    agent_id: &'a StringViewArray,
    agent_name: &'a StringViewArray,
    model: &'a StringViewArray,
}

impl<'a> Columns<'a> {
    /// `None` when they are not those of [`TOOL_CALL_ARGUMENTS`].
    fn of(values: &'a [ArrayRef]) -> Option<Columns<'a>> {
        let any = |at: usize| values.get(at).map(|array| array.as_any());
        let text = |at| any(at)?.downcast_ref::<StringViewArray>();
        Some(Columns {
            event: text(0)?,
            is_agent: any(1)?.downcast_ref()?,
            time: any(2)?.downcast_ref()?,
            duration_ms: any(3)?.downcast_ref()?,
            decision: text(4)?,
            tool_use_id: text(5)?,
            request_id: text(6)?,
            installation: text(7)?,
            prompt: text(8)?,
            tool: text(9)?,
            agent_id: text(10)?,
            agent_name: text(11)?,
            model: text(12)?,
        })
    }

    fn event(&self, row: usize) -> Event<'a> {
        let duration_ms = self.duration_ms;
        Event {
            part: self.part(row),
            time_ms: self.time.value(row),
            duration_ms: duration_ms.is_valid(row).then(|| duration_ms.value(row)),
            tool_use_id: text(self.tool_use_id, row),
            request_id: text(self.request_id, row),
            installation: text(self.installation, row),
            prompt: text(self.prompt, row),
            tool: text(self.tool, row),
            agent_id: text(self.agent_id, row),
            agent_name: text(self.agent_name, row),
            model: text(self.model, row),
        }
    }

    fn part(&self, row: usize) -> Part {
        match text(self.event, row) {
            Some("tool_decision") => Part::Decision {
                is_refused: text(self.decision, row) == Some("reject"),
            },
            Some("tool_result") => Part::Result,
            _ => Part::Answer {
                is_agent: self.is_agent.is_valid(row) && self.is_agent.value(row),
            },
        }
    }
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}
