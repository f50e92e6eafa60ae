//! `_elements(json)`: the texts of a JSON array, as a list.

use std::sync::Arc;

use arrow::array::{ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// More than this of one item are not shown.
const ELEMENTS_MAX: usize = 256;

/// The function, to be registered with an engine.
pub(super) fn elements() -> ScalarUDF {
    ScalarUDF::from(Elements {
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Elements {
    signature: Signature,
}

impl ScalarUDFImpl for Elements {
    fn name(&self) -> &str {
        "_elements"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        let item = Field::new_list_field(DataType::Utf8View, true);
        Ok(DataType::List(Arc::new(item)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [json] = &ColumnarValue::values_to_arrays(&arguments.args)?[..] else {
            return Err(DataFusionError::Plan("_elements takes one text".into()));
        };
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for text in as_string_view_array(json)? {
            for element in text.map(elements_of).unwrap_or_default() {
                lists.values().append_value(element);
            }
            lists.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish())))
    }
}

/// The distinct texts of a JSON array; of a text that is none, the text.
fn elements_of(json: &str) -> Vec<String> {
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(json) else {
        return vec![json.to_owned()];
    };
    let text = |value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    };
    let mut texts: Vec<String> = values
        .into_iter()
        .filter_map(text)
        .take(ELEMENTS_MAX)
        .collect();
    texts.sort();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::elements_of;

    #[test]
    fn arrays_and_what_is_none() {
        assert_eq!(elements_of(r#"["/b","/a","/a",null]"#), ["/a", "/b"]);
        assert_eq!(elements_of("/srv/one"), ["/srv/one"]);
        assert!(elements_of("[]").is_empty());
    }
}
