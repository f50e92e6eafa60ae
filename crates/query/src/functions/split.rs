//! `_is_split_events(session_id, user_id)`, `_is_split_metrics(session_id, user_id)`: whether an item
//! may have a copy under another resource.
//!
//! A query has its own, by the split sessions of its snapshot. What names neither a session nor an
//! installation has no copies.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use store::{Snapshot, SplitSessions, Table};

/// What they are called.
pub(super) const NAMES: [&str; 2] = ["_is_split_events", "_is_split_metrics"];

/// The function of a table, as it is written.
pub(crate) fn is_split(table: Table) -> String {
    format!("_is_split_{}(session_id, user_id)", table.name())
}

/// The functions of the tables that have split sessions.
pub(crate) fn split(snapshot: &Snapshot) -> impl Iterator<Item = ScalarUDF> {
    let of = |table| Some(is_split_of(table, snapshot.split_sessions(table)?));
    Table::ALL.into_iter().filter_map(of)
}

/// The function of a table, by these split sessions.
pub(crate) fn is_split_of(table: Table, sessions: &SplitSessions) -> ScalarUDF {
    let texts = vec![DataType::Utf8View, DataType::Utf8View];
    ScalarUDF::from(IsSplit {
        name: format!("_is_split_{}", table.name()),
        sessions: sessions.clone(),
        signature: Signature::exact(texts, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq)]
struct IsSplit {
    name: String,
    sessions: SplitSessions,
    signature: Signature,
}

impl Hash for IsSplit {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for IsSplit {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let (sessions, users) = (
            as_string_view_array(&columns[0])?,
            as_string_view_array(&columns[1])?,
        );
        let mut last: Option<(&StringViewArray, u128, bool)> = None;
        let is_split = (0..arguments.number_rows).map(|row| {
            let Some(names) = [sessions, users]
                .into_iter()
                .find(|names| names.is_valid(row))
            else {
                return Some(false);
            };
            // Rows of a session lie together, and repeat the same bytes.
            let view = names.views()[row];
            let is_split = match last {
                Some((of, known, is_split)) if known == view && std::ptr::eq(of, names) => is_split,
                _ => self.sessions.may_be(names.value(row)),
            };
            last = Some((names, view, is_split));
            Some(is_split)
        });
        let is_split: BooleanArray = is_split.collect();
        Ok(ColumnarValue::Array(Arc::new(is_split)))
    }
}
