//! `_sent_as(item, encoding, key)`: the text of an attribute in an item that could not be understood.
//!
//! The item is damaged, so nothing is parsed: the key is looked for, and the text that stands where its
//! value must. `None` where it cannot be seen at once.

use std::sync::Arc;

use arrow::array::StringViewArray;
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

/// Ids and addresses are shorter.
const TEXT_BYTES_MAX: usize = 120;

pub(super) fn sent_as() -> ScalarUDF {
    create_udf(
        "_sent_as",
        vec![DataType::Utf8View; 3],
        DataType::Utf8View,
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let texts = ColumnarValue::values_to_arrays(arguments)?;
            let [items, encodings, keys] = &texts[..] else {
                return Err(DataFusionError::Internal(
                    "_sent_as takes three texts".into(),
                ));
            };
            let (items, encodings) = (
                as_string_view_array(items)?,
                as_string_view_array(encodings)?,
            );
            let keys = as_string_view_array(keys)?;
            let found = items
                .iter()
                .zip(encodings)
                .zip(keys)
                .map(|((item, encoding), key)| {
                    let (item, key) = item.zip(key)?;
                    text_sent(item, encoding, key)
                });
            Ok(ColumnarValue::Array(Arc::new(StringViewArray::from_iter(
                found,
            ))))
        }),
    )
}

/// The text of an attribute in an item that could not be understood, where it can be seen.
pub(crate) fn text_sent(item: &str, encoding: Option<&str>, key: &str) -> Option<String> {
    match encoding {
        Some("json") => in_json(item, key),
        _ => in_hex(item, key),
    }
}

/// `{"key": "session.id", "value": {"stringValue": "…"}}`, in any spacing.
fn in_json(item: &str, key: &str) -> Option<String> {
    let (_, rest) = item.split_once(&format!("\"{key}\""))?;
    let near = rest.get(..rest.len().min(40)).unwrap_or(rest);
    let at = near.find("\"stringValue\"")?;
    let value = rest.get(at + "\"stringValue\"".len()..)?;
    let value = value.trim_start().strip_prefix(':')?.trim_start();
    let (text, _) = value.strip_prefix('"')?.split_once('"')?;
    is_plain(text).then(|| text.to_owned())
}

/// The same in protobuf, written as hexadecimal: key, then a value that is a string.
fn in_hex(item: &str, key: &str) -> Option<String> {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("0a{:02x}{hex}12", key.len());
    let (_, rest) = item.split_once(&key)?;
    // The length of the value, the field of a string, and its length.
    let length = rest.get(4..6).filter(|_| rest.get(2..4) == Some("0a"))?;
    let length = usize::from_str_radix(length, 16).ok()?;
    let text = rest.get(6..6 + length * 2)?.as_bytes();
    let bytes = text.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    is_plain(&text).then_some(text)
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::{in_hex, in_json};

    #[test]
    fn in_either_encoding() {
        let json = r#"{"attributes":[{"key":"user.id","value":{"stringValue":"u"}},
            { "key": "session.id", "value": { "stringValue": "s-1" } }, {"key":"n","value":{"intValue":"x"}}]}"#;
        assert_eq!(in_json(json, "session.id").as_deref(), Some("s-1"));
        assert_eq!(in_json(json, "user.id").as_deref(), Some("u"));
        assert_eq!(in_json(json, "n"), None);
        assert_eq!(in_json(json, "absent"), None);
        // key "user.id" and value "ann", then something broken.
        let hex = "ff0a07757365722e696412050a03616e6effff";
        assert_eq!(in_hex(hex, "user.id").as_deref(), Some("ann"));
        for broken in [
            "0a07757365722e696412050a03616e",
            "0a07757365722e69641205120361",
            "",
        ] {
            assert_eq!(in_hex(broken, "user.id"), None, "{broken}");
        }
    }
}
