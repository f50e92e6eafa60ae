//! `_copy_key(column, …)`: a hash of 128 bits of all values of a row, absent ones told from others.
//!
//! Copies are looked for by it instead of by the columns themselves: a sort then carries sixteen bytes
//! instead of two dozen columns, most of them text.

use std::sync::Arc;

use arrow::array::{Array, FixedSizeBinaryBuilder};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use xxhash_rust::xxh3::xxh3_128;

const KEY_BYTES: i32 = 16;

/// The function, to be registered with an engine.
pub(super) fn copy_key() -> ScalarUDF {
    ScalarUDF::from(CopyKey {
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CopyKey {
    signature: Signature,
}

impl ScalarUDFImpl for CopyKey {
    fn name(&self) -> &str {
        "_copy_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::FixedSizeBinary(KEY_BYTES))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let field = |column: &Arc<dyn Array>| SortField::new(column.data_type().clone());
        let converter = RowConverter::new(columns.iter().map(field).collect())?;
        let mut keys = FixedSizeBinaryBuilder::with_capacity(arguments.number_rows, KEY_BYTES);
        for row in &converter.convert_columns(&columns)? {
            keys.append_value(xxh3_128(row.as_ref()).to_be_bytes())?;
        }
        Ok(ColumnarValue::Array(Arc::new(keys.finish())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use arrow::array::{ArrayRef, Float64Array, StringViewArray};
    use arrow::datatypes::Field;
    use datafusion::config::ConfigOptions;

    use super::*;

    #[test]
    fn equal_rows_have_equal_keys_and_absent_values_have_a_place() {
        let first: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("a"),
            None,
            Some("a"),
            Some("a"),
            Some(""),
            Some("a"),
        ]));
        let second: ArrayRef = Arc::new(StringViewArray::from(vec![
            None,
            Some("a"),
            Some("a"),
            Some(""),
            Some("a"),
            None,
        ]));
        let third: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 6]));
        let fields = [&first, &second, &third]
            .map(|column| Arc::new(Field::new("of", column.data_type().clone(), true)));
        let arguments = ScalarFunctionArgs {
            args: vec![first.into(), second.into(), third.into()],
            arg_fields: fields.to_vec(),
            number_rows: 6,
            return_field: Arc::new(Field::new(
                "key",
                DataType::FixedSizeBinary(KEY_BYTES),
                false,
            )),
            config_options: Arc::new(ConfigOptions::default()),
        };
        let answer = copy_key().invoke_with_args(arguments).expect("keys");
        let keys = answer.into_array(6).expect("an array");
        let keys = keys
            .as_any()
            .downcast_ref::<arrow::array::FixedSizeBinaryArray>();
        let keys: Vec<&[u8]> = keys.expect("keys").iter().flatten().collect();
        assert_eq!(keys[0], keys[5]);
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 5);
    }
}
