//! `attribute(json, key)`: the value of an attribute that has no column of its own, as text.

use std::sync::Arc;

use arrow::array::{Array, StringViewArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// The function, to be registered with an engine.
pub(super) fn attribute() -> ScalarUDF {
    ScalarUDF::from(Attribute {
        signature: Signature::exact(
            vec![DataType::Utf8View, DataType::Utf8View],
            Volatility::Immutable,
        ),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Attribute {
    signature: Signature,
}

impl ScalarUDFImpl for Attribute {
    fn name(&self) -> &str {
        "attribute"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [json, key] = &arguments.args[..] else {
            return Err(DataFusionError::Plan(
                "attribute takes a JSON column and a key".into(),
            ));
        };
        let ColumnarValue::Scalar(ScalarValue::Utf8View(key)) = key else {
            return Err(DataFusionError::Plan(
                "the key of attribute must be a constant text".into(),
            ));
        };
        let json = json.to_array(arguments.number_rows)?;
        let json = as_string_view_array(&json)?;
        Ok(ColumnarValue::Array(Arc::new(extract(
            json,
            key.as_deref(),
        ))))
    }
}

fn extract(json: &StringViewArray, key: Option<&str>) -> StringViewArray {
    let mut out = StringViewBuilder::with_capacity(json.len());
    for text in json {
        out.append_option(text.zip(key).and_then(|(text, key)| value_of(text, key)));
    }
    out.finish()
}

/// The value of a key of a JSON object: text as it is, anything else as JSON.
pub(crate) fn value_of(json: &str, key: &str) -> Option<String> {
    // Most objects do not have the key: look before parsing.
    if !json.contains(key) {
        return None;
    }
    let object: std::collections::HashMap<String, serde_json::Value> =
        serde_json::from_str(json).ok()?;
    match object.get(key)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn text_numbers_and_absence() {
        let json = r#"{"plugin.scope":"user","has_hooks":true,"n":5,"none":null}"#;
        for (key, expect) in [
            ("plugin.scope", Some("user")),
            ("has_hooks", Some("true")),
            ("n", Some("5")),
            ("none", None),
            ("x", None),
        ] {
            assert_eq!(value_of(json, key).as_deref(), expect, "{key}");
        }
    }
}
