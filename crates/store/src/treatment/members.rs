//! Which attributes are figures, which are content, and what stands for the others.

use contract::{Col, column_of};
use redact::Class;
use serde_json::{Map, Value};

/// The member that says that others are gone: a keyed hash of what there was, by which resources and
/// copies are told apart.
pub const REDUCED: &str = "tallybook.reduced";
/// Longer texts are no words of a vocabulary.
const WORD_BYTES_MAX: usize = 128;

/// Attributes without a column that are counted, or by which is counted.
const FIGURES: &[&str] = &[
    REDUCED,
    "cost_usd",
    "cost_usd_micros",
    "error_code",
    "event.name",
    "host.arch",
    "invocation_trigger",
    "marketplace.name",
    "os.type",
    "project",
    "server_scope",
    "service.name",
    "service.version",
    "status",
    "transport_type",
    "vcs.repository.name",
    "vcs.repository.url.full",
];

/// The resource, reduced; the same text when it is already.
pub(super) fn of_resource(
    text: &str,
    is_named: impl Fn(&str) -> bool,
    hashed: impl Fn(&str) -> String,
) -> Option<String> {
    let mut members = object(text).unwrap_or_default();
    let is_reduced = members.contains_key(REDUCED);
    let before = members.len();
    members.retain(|key, value| is_named(key) || is_figure(key, value));
    if is_reduced && members.len() == before {
        return Some(text.to_owned());
    }
    if !is_reduced {
        members.insert(REDUCED.to_owned(), Value::String(hashed(text)));
    }
    Some(Value::Object(members).to_string())
}

/// The attributes of an item without content, or, if `is_reduced`, its figures alone. `mark` is put in
/// the place of what goes, unless there is one.
pub(super) fn of_item(
    text: Option<&str>,
    is_reduced: bool,
    mark: Option<String>,
) -> Option<String> {
    let known = text.map(object);
    let is_odd = matches!(known, Some(None));
    let mut members = known.flatten().unwrap_or_default();
    let before = members.len();
    members.retain(|key, value| match is_reduced {
        true => is_figure(key, value),
        false => is_figure(key, value) || !may_be_content(key),
    });
    let lacks_mark = mark.filter(|_| !members.contains_key(REDUCED));
    if members.len() == before && lacks_mark.is_none() && !is_odd {
        return text.map(str::to_owned);
    }
    if let Some(mark) = lacks_mark {
        members.insert(REDUCED.to_owned(), Value::String(mark));
    }
    (!members.is_empty()).then(|| Value::Object(members).to_string())
}

/// What nobody knows may be content.
fn may_be_content(key: &str) -> bool {
    let is_error = column_of(key).is_some_and(|(col, _)| col == Col::Error);
    is_error || matches!(Class::of(key), Class::Content | Class::Other)
}

fn is_figure(key: &str, value: &Value) -> bool {
    FIGURES.contains(&key)
        && match value {
            Value::String(text) => text.len() <= WORD_BYTES_MAX,
            Value::Bool(_) | Value::Number(_) => true,
            _ => false,
        }
}

/// What is no object has no members that could be kept.
fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}
