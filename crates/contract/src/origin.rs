//! Resource and scope to what every row under them shares, worked out once per scope.
//!
//! Invariant: `resource_json` and `scope_json` hold everything the origin had, so that the origin
//! can be rebuilt from a row.

use std::borrow::Cow;

use crate::columns::Col;
use crate::identity::{ContentHash, IdentityKey, hash_origin};
use crate::item::{Attribute, Origin};
use crate::value::{Value, write_json_string};

/// Columns that a resource attribute may fill when the item itself says nothing.
const FROM_RESOURCE: &[Col] = &[
    Col::Team,
    Col::Department,
    Col::CostCenter,
    Col::UserEmail,
    Col::UserId,
    Col::UserAccountUuid,
    Col::UserAccountId,
    Col::OrganizationId,
    Col::SessionId,
    Col::TerminalType,
    Col::AppEntrypoint,
    Col::WorkspaceHostPaths,
];

/// What every row under one resource and scope shares.
#[derive(Clone, Debug, Default)]
pub struct OriginFacts {
    /// `service.name`, empty when the resource has none.
    pub service_name: String,
    /// `service.version`, empty when the resource has none.
    pub service_version: String,
    /// The scope's name.
    pub scope_name: String,
    /// The scope's version.
    pub scope_version: String,
    /// The resource's attributes as a JSON object.
    pub resource_json: String,
    /// The scope, and what else the origin has, as a JSON object.
    pub scope_json: String,
    /// Values of the resource for columns that the item may leave empty.
    pub fallbacks: Vec<(Col, String)>,
    /// The resource's attributes, to find those that clients repeat on every record.
    pub resource: Vec<Attribute<'static>>,
    /// The hash that the content hashes of items start from.
    pub hash: ContentHash,
}

impl OriginFacts {
    /// Works out the facts of an origin.
    pub fn of(origin: &Origin<'_>, key: IdentityKey) -> OriginFacts {
        let text = |key: &str| match find(&origin.resource, key) {
            Some(Value::Str(text)) => text.to_string(),
            _ => String::new(),
        };
        OriginFacts {
            service_name: text("service.name"),
            service_version: text("service.version"),
            scope_name: origin.scope_name.to_string(),
            scope_version: origin.scope_version.to_string(),
            resource_json: attributes_json(&origin.resource),
            scope_json: scope_json(origin),
            fallbacks: fallbacks(&origin.resource),
            resource: origin
                .resource
                .iter()
                .map(|(k, v)| (owned(k), v.clone().into_owned()))
                .collect(),
            hash: hash_origin(key, origin, &mut Vec::new()),
        }
    }

    /// Whether the resource has this attribute with this value, bit for bit.
    pub(crate) fn repeats(&self, key: &str, value: &Value<'_>) -> bool {
        find(&self.resource, key).is_some_and(|own| match (own, value) {
            // Minus zero is equal to zero.
            (Value::Double(own), Value::Double(number)) => own.to_bits() == number.to_bits(),
            _ => own == value,
        })
    }
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

/// The last value of that key: of duplicates, the last wins.
fn find<'v, 'a>(attributes: &'v [Attribute<'a>], key: &str) -> Option<&'v Value<'a>> {
    attributes
        .iter()
        .rev()
        .find(|(own, _)| own == key)
        .map(|(_, value)| value)
}

fn fallbacks(resource: &[Attribute<'_>]) -> Vec<(Col, String)> {
    let first = |col: &Col| {
        col.def()
            .keys
            .iter()
            .find_map(|key| match find(resource, key)? {
                Value::Str(text) | Value::Array(text) if !text.is_empty() => {
                    Some((*col, text.to_string()))
                }
                _ => None,
            })
    };
    FROM_RESOURCE.iter().filter_map(first).collect()
}

/// Attributes as a JSON object in wire order; duplicate keys stand twice, and the last one wins.
pub(crate) fn attributes_json(attributes: &[Attribute<'_>]) -> String {
    let mut out = String::from("{");
    for (index, (key, value)) in attributes.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_json_string(key, &mut out);
        out.push(':');
        value.write_json(&mut out);
    }
    out.push('}');
    out
}

fn scope_json(origin: &Origin<'_>) -> String {
    let mut out = String::from("{\"name\":");
    write_json_string(&origin.scope_name, &mut out);
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!(",\"{key}\":"));
            write_json_string(value, &mut out);
        }
    };
    text("version", &origin.scope_version);
    text("schema_url", &origin.scope_schema_url);
    text("resource_schema_url", &origin.resource_schema_url);
    for (key, dropped) in [
        ("dropped", origin.scope_dropped),
        ("resource_dropped", origin.resource_dropped),
    ] {
        if dropped > 0 {
            out.push_str(&format!(",\"{key}\":{dropped}"));
        }
    }
    if !origin.scope_attributes.is_empty() {
        out.push_str(",\"attributes\":");
        out.push_str(&attributes_json(&origin.scope_attributes));
    }
    out.push('}');
    out
}
