//! A column of text, written anew value by value; and the texts that tell of a row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringViewArray, StringViewBuilder};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::Treatment;

/// One value.
pub(super) struct Row<'a> {
    pub(super) at: usize,
    pub(super) text: Option<&'a str>,
    pub(super) treatment: Treatment,
}

/// What a row says of itself beside the column that is written.
pub(super) struct Texts<'a> {
    session: Option<&'a StringViewArray>,
    user: Option<&'a StringViewArray>,
    body: Option<&'a StringViewArray>,
    error: Option<&'a StringViewArray>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(rows: &'a RecordBatch) -> Texts<'a> {
        let text = |name: &str| rows.column_by_name(name)?.as_any().downcast_ref();
        Texts {
            session: text("session_id"),
            user: text("user_id"),
            body: text("body"),
            error: text("error"),
        }
    }

    pub(super) fn session(&self, row: usize) -> Option<&'a str> {
        at(self.session, row)
    }

    pub(super) fn user(&self, row: usize) -> Option<&'a str> {
        at(self.user, row)
    }

    pub(super) fn body(&self, row: usize) -> Option<&'a str> {
        at(self.body, row)
    }

    pub(super) fn error(&self, row: usize) -> Option<&'a str> {
        at(self.error, row)
    }
}

fn at(column: Option<&StringViewArray>, row: usize) -> Option<&str> {
    column
        .filter(|column| column.is_valid(row))
        .map(|column| column.value(row))
}

/// The column with what `write` says in the rows whose treatment is at least `from`.
pub(super) fn rewritten(
    column: &ArrayRef,
    treatments: &[Treatment],
    from: Treatment,
    write: impl Fn(&Row<'_>) -> Option<String>,
    changed: &mut [bool],
) -> Result<ArrayRef, ArrowError> {
    let texts = column.as_any().downcast_ref::<StringViewArray>();
    let texts = texts.ok_or_else(|| ArrowError::CastError("a text column".into()))?;
    let mut builder = StringViewBuilder::with_capacity(texts.len()).with_deduplicate_strings();
    for (at, treatment) in treatments.iter().enumerate() {
        let text = texts.is_valid(at).then(|| texts.value(at));
        if *treatment < from || *treatment == Treatment::Goes {
            builder.append_option(text);
            continue;
        }
        let treatment = *treatment;
        let new = write(&Row {
            at,
            text,
            treatment,
        });
        changed[at] |= new.as_deref() != text;
        builder.append_option(new);
    }
    Ok(Arc::new(builder.finish()))
}
