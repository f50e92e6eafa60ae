//! Running a statement: its rows as an answer, or taken by a fold; why it was not.

use std::time::Duration;

use arrow::array::StringViewArray;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::StreamExt;
use store::ReplayProgress;

use crate::error::{ErrorKind, QueryError};
use crate::plan::{Ready, explain};

/// Text in one answer; prompts and tool inputs may be long.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What takes rows, a batch at a time.
pub(crate) trait Fold: Clone + Send + 'static {
    /// Takes the rows of a batch.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), QueryError>;
}

pub(super) async fn fold<F: Fold>(
    mut stream: SendableRecordBatchStream,
    mut into: F,
) -> Result<F, QueryError> {
    while let Some(batch) = stream.next().await {
        into.take(&batch.map_err(|error| QueryError::running(&error))?)?;
    }
    Ok(into)
}

/// The rows of a statement, no more than so many, and whether there are more.
pub(super) async fn run(
    ready: Ready,
    rows_max: usize,
) -> Result<(SchemaRef, Vec<RecordBatch>, bool), QueryError> {
    let mut stream = execute_stream(ready.plan, ready.task).map_err(|error| explain(&error))?;
    let schema = stream.schema();
    let (mut batches, mut rows, mut bytes, mut truncated) = (Vec::new(), 0, 0, false);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| QueryError::running(&error))?;
        let room = rows_max - rows;
        truncated = batch.num_rows() > room;
        let kept = batch.slice(0, batch.num_rows().min(room));
        rows += kept.num_rows();
        bytes += text_bytes(&kept);
        if bytes > ANSWER_BYTES_MAX {
            return Err(too_large());
        }
        batches.push(kept);
        if truncated {
            break;
        }
    }
    Ok((schema, batches, truncated))
}

/// Bytes of the text in a batch, which is what can make few rows large.
fn text_bytes(batch: &RecordBatch) -> usize {
    let text = batch
        .columns()
        .iter()
        .filter_map(|column| column.as_any().downcast_ref::<StringViewArray>());
    text.map(StringViewArray::total_bytes_len).sum()
}

fn too_large() -> QueryError {
    QueryError {
        kind: ErrorKind::Memory,
        message: format!("the answer is larger than {} MiB", ANSWER_BYTES_MAX >> 20),
        position: None,
        hint: Some("ask for fewer rows or columns".to_owned()),
    }
}

pub(super) fn timed_out(timeout: Duration) -> QueryError {
    QueryError {
        kind: ErrorKind::Timeout,
        message: format!(
            "the query took longer than {} s and was stopped",
            timeout.as_secs_f64()
        ),
        position: None,
        hint: Some("narrow the time range, or ask for fewer columns".to_owned()),
    }
}

pub(super) fn replaying(progress: &ReplayProgress) -> QueryError {
    QueryError {
        kind: ErrorKind::Replaying,
        message: format!("not everything that was stored can be shown yet: {progress}"),
        position: None,
        hint: Some(
            "ask again when the replay is done; /api/v1/status says how far it is".to_owned(),
        ),
    }
}
