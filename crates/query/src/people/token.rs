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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_came_with_another_token_or_none_is_not_meant() {
        let tokens = [
            Some("example-1"),
            None,
            Some(""),
            Some("example-10"),
            Some("Example-1"),
            Some("tbi"),
            Some("example-1"),
        ];
        let column: Arc<dyn Array> = Arc::new(StringViewArray::from_iter(tokens));
        let rows = RecordBatch::try_from_iter([("token", column)]).expect("rows");
        let with = |token: &str| {
            let token = token.to_owned();
            WithToken { token }.chosen(Table::Events, &rows)
        };
        assert_eq!(
            with("example-1").expect("is judged"),
            [true, false, false, false, false, false, true]
        );
        let other: Arc<dyn Array> = Arc::new(StringViewArray::from(vec![Some("x")]));
        let without = RecordBatch::try_from_iter([("person", other)]).expect("rows");
        let token = "x".to_owned();
        assert!(
            WithToken { token }.chosen(Table::Events, &without).is_err(),
            "what does not say is not removed"
        );
    }
}
