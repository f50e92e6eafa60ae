//! `_is_mixed(session_id)`: whether who or which team an item counts for may change from one moment of
//! its session to the next, so that sums by hour say too little of it.
//!
//! That is so of sessions of which several people or teams were told. Of all others it does not change
//! within an hour: files speak of whole days (UTC).

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::people::Slot;

/// Its name.
pub(super) const NAME: &str = "_is_mixed";

/// The function of a query.
pub(crate) fn mixed(slot: &Slot) -> ScalarUDF {
    ScalarUDF::from(IsMixed {
        slot: Arc::clone(slot),
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
    })
}

#[derive(Debug)]
struct IsMixed {
    slot: Slot,
    signature: Signature,
}

impl PartialEq for IsMixed {
    fn eq(&self, other: &IsMixed) -> bool {
        Arc::ptr_eq(&self.slot, &other.slot)
    }
}

impl Eq for IsMixed {}

impl Hash for IsMixed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NAME.hash(state);
    }
}

impl ScalarUDFImpl for IsMixed {
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
        let Some(resolver) = self.slot.get() else {
            return Err(DataFusionError::Internal(format!("{NAME} is not ready")));
        };
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let sessions = as_string_view_array(&columns[0])?;
        let mut last: Option<(u128, bool)> = None;
        // Rows of a session lie together, and repeat the same bytes.
        let is_mixed = (0..arguments.number_rows).map(|row| {
            if sessions.is_null(row) {
                return Some(false);
            }
            let view = sessions.views()[row];
            let is_mixed = match last {
                Some((known, is_mixed)) if known == view => is_mixed,
                _ => resolver.is_mixed(sessions.value(row)),
            };
            last = Some((view, is_mixed));
            Some(is_mixed)
        });
        let is_mixed: BooleanArray = is_mixed.collect();
        Ok(ColumnarValue::Array(Arc::new(is_mixed)))
    }
}
