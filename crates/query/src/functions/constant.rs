//! Settings as functions without arguments, so that the text of a view does not depend on them.

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// A function that is always this text.
pub(super) fn text(name: &'static str, text: &str) -> ScalarUDF {
    constant(name, ScalarValue::Utf8View(Some(text.to_owned())))
}

/// A function that is always this number.
pub(super) fn number(name: &'static str, number: f64) -> ScalarUDF {
    constant(name, ScalarValue::Float64(Some(number)))
}

/// A function that is always this moment, in milliseconds since 1970.
pub(super) fn moment(name: &'static str, unix_ms: i64) -> ScalarUDF {
    let moment = ScalarValue::TimestampMillisecond(Some(unix_ms), Some("UTC".into()));
    constant(name, moment)
}

fn constant(name: &'static str, value: ScalarValue) -> ScalarUDF {
    ScalarUDF::from(Constant {
        name,
        value,
        signature: Signature::nullary(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: &'static str,
    value: ScalarValue,
    signature: Signature,
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}
