//! Which rows came with a token: for erasing all of them.

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use store::{Choice, Table};

/// The rows that came with one token.
#[derive(Debug)]
pub(crate) struct WithToken {
    pub(crate) token: String,
}

impl Choice for WithToken {
    fn chosen(&self, _: Table, rows: &RecordBatch) -> Result<Vec<bool>, String> {
        let column = rows
            .column_by_name("token")
            .and_then(|column| column.as_any().downcast_ref::<StringViewArray>())
            .ok_or("the rows do not say with which token they came")?;
        let is_ours = |row| column.is_valid(row) && column.value(row) == self.token;
        Ok((0..rows.num_rows()).map(is_ours).collect())
    }
}
