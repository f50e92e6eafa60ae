//! `attribute(json, key)`: the value of an attribute that has no column of its own, as text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, NullBufferBuilder, StringViewArray, make_view};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};

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
        let values = extract(json, key.as_deref())?;
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}

/// Rows that repeat the same bytes, as those of one resource do, are looked at once.
fn extract(json: &StringViewArray, key: Option<&str>) -> Result<StringViewArray> {
    let Some(key) = key.map(Key::of) else {
        return Ok(StringViewArray::new_null(json.len()));
    };
    let mut known: HashMap<u128, Option<u128>> = HashMap::new();
    let (mut views, mut block) = (Vec::with_capacity(json.len()), Vec::new());
    let mut nulls = NullBufferBuilder::new(json.len());
    let mut last = None;
    for (text, view) in json.iter().zip(json.views().iter()) {
        let of = text.map(|_| *view);
        let value = match last {
            Some((before, value)) if before == of => value,
            _ => match text.filter(|text| text.contains(&key.quoted)) {
                Some(text) => *known.entry(*view).or_insert_with(|| {
                    key.parsed(text).map(|value| {
                        let at = block.len() as u32;
                        block.extend_from_slice(value.as_bytes());
                        make_view(value.as_bytes(), 0, at)
                    })
                }),
                None => None,
            },
        };
        last = Some((of, value));
        views.push(value.unwrap_or_default());
        nulls.append(value.is_some());
    }
    let blocks = vec![Buffer::from_vec(block)];
    Ok(StringViewArray::try_new(
        views.into(),
        blocks,
        nulls.finish(),
    )?)
}

/// The value of a key of a JSON object: text as it is, anything else as JSON.
pub(crate) fn value_of(json: &str, key: &str) -> Option<String> {
    let key = Key::of(key);
    // Most objects do not have the key: look before parsing.
    match json.contains(&key.quoted) {
        true => key.parsed(json),
        false => None,
    }
}

/// What is looked for.
struct Key<'a> {
    name: &'a str,
    /// As it stands in JSON.
    quoted: String,
}

impl<'a> Key<'a> {
    fn of(name: &'a str) -> Key<'a> {
        let quoted = serde_json::Value::from(name).to_string();
        Key { name, quoted }
    }

    /// The value in an object; nothing else of it is kept.
    fn parsed(&self, json: &str) -> Option<String> {
        let mut parser = serde_json::Deserializer::from_str(json);
        let value = (&mut parser).deserialize_map(Member(self.name)).ok()?;
        parser.end().ok()?;
        match value? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }
}

/// Reads one member of an object, and over the others.
struct Member<'a>(&'a str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<serde_json::Value>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut value = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name == self.0 {
                true => value = Some(map.next_value()?),
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::{extract, value_of};

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

    #[test]
    fn keys_are_looked_for_as_json_writes_them() {
        let json =
            r#"{"a\"b":"quoted","x":"project","deep":{"project":"inner"},"twice":1,"twice":2}"#;
        for (key, expect) in [
            ("a\"b", Some("quoted")),
            ("project", None),
            ("twice", Some("2")),
        ] {
            assert_eq!(value_of(json, key).as_deref(), expect, "{key}");
        }
        assert_eq!(value_of(r#"["project"]"#, "project"), None);
        assert_eq!(value_of(r#"{"project":"x"} and"#, "project"), None);
    }

    #[test]
    fn rows_that_repeat_say_the_same() {
        let long = |of: &str| format!(r#"{{"project":"a project with a long name: {of}"}}"#);
        let (one, two) = (long("one"), long("two"));
        let texts = [Some(one.as_str()), None, Some("{}"), Some(&two), Some(&one)];
        let texts: StringViewArray = texts.into_iter().collect();
        let again = arrow::array::UInt32Array::from(vec![0, 0, 1, 1, 2, 3, 3, 4, 2, 0]);
        let rows = arrow::compute::take(&texts, &again, None).expect("rows");
        let rows = rows
            .as_any()
            .downcast_ref::<StringViewArray>()
            .expect("texts");
        let found = extract(rows, Some("project")).expect("values");
        let wanted = rows
            .iter()
            .map(|text| text.and_then(|text| value_of(text, "project")));
        assert_eq!(found, wanted.collect::<StringViewArray>());
        assert_eq!(found.iter().flatten().count(), 6);
    }
}
