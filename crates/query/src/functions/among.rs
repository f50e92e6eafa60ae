//! `_is_among(session_id)`: whether a session is one of those that a query names by their hashes.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use xxhash_rust::xxh3::xxh3_64;

/// Its name.
pub(crate) const NAME: &str = "_is_among";

/// The function, by these sessions.
pub(crate) fn among(sessions: &Arc<HashSet<u64>>) -> ScalarUDF {
    ScalarUDF::from(IsAmong {
        sessions: Arc::clone(sessions),
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
    })
}

#[derive(Debug)]
struct IsAmong {
    sessions: Arc<HashSet<u64>>,
    signature: Signature,
}

impl PartialEq for IsAmong {
    fn eq(&self, other: &IsAmong) -> bool {
        Arc::ptr_eq(&self.sessions, &other.sessions)
    }
}

impl Eq for IsAmong {}

impl Hash for IsAmong {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NAME.hash(state);
    }
}

impl ScalarUDFImpl for IsAmong {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let names = as_string_view_array(&columns[0])?;
        let mut last: Option<(u128, bool)> = None;
        // Rows of a session lie together, and repeat the same bytes.
        let is_among = (0..arguments.number_rows).map(|row| {
            if names.is_null(row) {
                return Some(false);
            }
            let view = names.views()[row];
            let is_among = match last {
                Some((known, is_among)) if known == view => is_among,
                _ => self
                    .sessions
                    .contains(&xxh3_64(names.value(row).as_bytes())),
            };
            last = Some((view, is_among));
            Some(is_among)
        });
        let is_among: BooleanArray = is_among.collect();
        Ok(ColumnarValue::Array(Arc::new(is_among)))
    }
}
