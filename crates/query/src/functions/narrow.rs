//! For views that sort: rows that a sort holds on to should be narrow, and hold on to nothing else.
//!
//! - `_key(text)`: a hash of 64 bits, for ids that are only compared. Eight bytes instead of sixteen and
//!   the text; of ten million different ones two are taken for one with a chance of three in a million.
//! - `_compact(text)`: the same text on its own. A text otherwise holds on to the page or the request
//!   that it came with, which a sort then counts as its memory, and rightly.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use xxhash_rust::xxh3::xxh3_64;

pub(super) fn key() -> ScalarUDF {
    narrow("_key", DataType::Int64, |texts| Arc::new(keys(texts)))
}

pub(super) fn compact() -> ScalarUDF {
    narrow("_compact", DataType::Utf8View, |texts| Arc::new(texts.gc()))
}

fn narrow(name: &'static str, kind: DataType, of: fn(&StringViewArray) -> ArrayRef) -> ScalarUDF {
    ScalarUDF::from(Narrow {
        name,
        kind,
        of,
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
    })
}

fn keys(texts: &StringViewArray) -> Int64Array {
    let key = |text: &str| xxh3_64(text.as_bytes()).cast_signed();
    texts.iter().map(|text| text.map(key)).collect()
}

#[derive(Debug)]
struct Narrow {
    name: &'static str,
    kind: DataType,
    of: fn(&StringViewArray) -> ArrayRef,
    signature: Signature,
}

impl PartialEq for Narrow {
    fn eq(&self, other: &Narrow) -> bool {
        self.name == other.name
    }
}

impl Eq for Narrow {}

impl std::hash::Hash for Narrow {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Narrow {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.kind.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let texts = as_string_view_array(&columns[0])?;
        Ok(ColumnarValue::Array((self.of)(texts)))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn equal_texts_have_equal_keys_and_absent_ones_none() {
        let texts = StringViewArray::from(vec![Some("a"), None, Some(""), Some("a")]);
        let keys: Int64Array = keys(&texts);
        assert_eq!(keys.value(0), keys.value(3));
        assert_ne!(keys.value(0), keys.value(2));
        assert!(keys.is_null(1) && keys.is_valid(2));
    }

    #[test]
    fn a_compact_text_lets_go_of_its_neighbours() {
        let long = "x".repeat(100);
        let texts = StringViewArray::from(vec![long.as_str(); 1_000]).slice(10, 1);
        let held = |texts: &StringViewArray| -> usize {
            let buffers = texts.data_buffers().iter();
            buffers.map(|buffer| buffer.len()).sum()
        };
        assert!(held(&texts) >= 100_000);
        let compact = texts.gc();
        assert_eq!(held(&compact), 100);
        assert_eq!(compact.value(0), long);
    }
}
