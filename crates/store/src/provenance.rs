//! With which token a request came, and what its items may name.
//!
//! Invariant: what is decided of an item is decided again by the same words when the journal is
//! replayed; so these are kept with the request, whatever becomes of the token.

use contract::{Attribute, Origin, Value, product};
use serde::{Deserialize, Serialize};

/// With which token a request came. Empty lists restrict nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The token's id.
    pub token: String,
    /// The organisation for which it writes, in the administrator's words.
    pub organization: String,
    /// Values of `organization.id` that items may name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organization_ids: Vec<String>,
    /// Products that items may be of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// E-mail addresses and account ids of the people that items may name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
}

/// The attributes by which an item names a person.
const PERSON_KEYS: [&str; 4] = [
    "user.email",
    "user.account_uuid",
    "user.account_id",
    "actor.user_id",
];

impl Provenance {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Plain data with text keys: writing it cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Provenance, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("the provenance: {error}"))
    }
}

/// What the items of one origin may name.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    /// Why nothing under the resource is taken.
    of_resource: Option<&'static str>,
    service_name: String,
    scope_name: String,
    entrypoint: Option<String>,
}

const FOREIGN_ORGANIZATION: &str =
    "names another organisation (organization.id) than its token may write for";
const FOREIGN_PERSON: &str = "names another person than its token may write for";
const FOREIGN_PRODUCT: &str = "is of another product than its token may write for";

impl Bounds {
    /// Looks at the resource of the items that follow.
    pub(crate) fn of(provenance: &Provenance, origin: &Origin<'_>) -> Bounds {
        let text = |key: &str| {
            let mut found = origin.resource.iter().rev();
            let (_, value) = found.find(|(known, _)| known == key)?;
            Some(text_of(value).unwrap_or_default().to_owned())
        };
        Bounds {
            of_resource: names_foreign(provenance, &origin.resource),
            service_name: text("service.name").unwrap_or_default(),
            scope_name: origin.scope_name.to_string(),
            entrypoint: text("app.entrypoint"),
        }
    }

    /// Why an item with these attributes is not taken.
    pub(crate) fn refuse(
        &self,
        provenance: &Provenance,
        attributes: &[Attribute<'_>],
    ) -> Option<&'static str> {
        let why = self
            .of_resource
            .or_else(|| names_foreign(provenance, attributes));
        why.or_else(|| {
            let own = attributes
                .iter()
                .rev()
                .find(|(key, _)| key == "app.entrypoint");
            let own = own.and_then(|(_, value)| text_of(value));
            let entrypoint = own.or(self.entrypoint.as_deref());
            let product = product(&self.service_name, &self.scope_name, entrypoint);
            let is_foreign = !allows(&provenance.products, product, false);
            is_foreign.then_some(FOREIGN_PRODUCT)
        })
    }
}

/// Whether any attribute names an organisation or a person that is not listed: every one counts, for a
/// repeated key must not hide a value.
fn names_foreign(provenance: &Provenance, attributes: &[Attribute<'_>]) -> Option<&'static str> {
    if provenance.organization_ids.is_empty() && provenance.people.is_empty() {
        return None;
    }
    attributes.iter().find_map(|(key, value)| {
        let (listed, any_case, why) = match &**key {
            "organization.id" => (&provenance.organization_ids, false, FOREIGN_ORGANIZATION),
            key if PERSON_KEYS.contains(&key) => {
                (&provenance.people, key == "user.email", FOREIGN_PERSON)
            }
            _ => return None,
        };
        // What is no text cannot be on a list of texts; an empty value names nobody.
        let is_listed = match value {
            Value::Empty => true,
            value => {
                text_of(value).is_some_and(|text| text.is_empty() || allows(listed, text, any_case))
            }
        };
        (!listed.is_empty() && !is_listed).then_some(why)
    })
}

fn allows(listed: &[String], text: &str, any_case: bool) -> bool {
    let same = |known: &String| match any_case {
        true => known.eq_ignore_ascii_case(text.trim()),
        false => known == text.trim(),
    };
    listed.is_empty() || listed.iter().any(same)
}

fn text_of<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! What is foreign to a token, wherever it is said.
    use super::*;

    fn attributes(pairs: &[(&'static str, &'static str)]) -> Vec<Attribute<'static>> {
        pairs
            .iter()
            .map(|(key, text)| ((*key).into(), Value::from(*text)))
            .collect()
    }

    #[test]
    fn what_is_foreign_is_named_wherever_it_is_said() {
        let provenance = Provenance {
            organization_ids: vec!["org-1".into()],
            people: vec!["ann@example.com".into(), "user_01".into()],
            products: vec!["cowork".into()],
            ..Provenance::default()
        };
        let cowork = ("service.name", "cowork");
        type Pairs<'a> = &'a [(&'static str, &'static str)];
        let cases: [(Pairs<'_>, Pairs<'_>, Option<&str>); 9] = [
            (&[cowork], &[("organization.id", "org-1")], None),
            (
                &[cowork],
                &[
                    ("user.email", "Ann@Example.com"),
                    ("user.account_id", "user_01"),
                ],
                None,
            ),
            (
                &[cowork],
                &[("organization.id", ""), ("user.id", "anything")],
                None,
            ),
            (
                &[cowork],
                &[("organization.id", "org-2")],
                Some(FOREIGN_ORGANIZATION),
            ),
            (
                &[cowork],
                &[("organization.id", "org-2"), ("organization.id", "org-1")],
                Some(FOREIGN_ORGANIZATION),
            ),
            (
                &[cowork, ("organization.id", "org-2")],
                &[("organization.id", "org-1")],
                Some(FOREIGN_ORGANIZATION),
            ),
            (
                &[cowork],
                &[("user.email", "bob@example.com")],
                Some(FOREIGN_PERSON),
            ),
            (
                &[cowork],
                &[
                    ("user.email", "ann@example.com"),
                    ("actor.user_id", "user_02"),
                ],
                Some(FOREIGN_PERSON),
            ),
            (
                &[("service.name", "claude-code")],
                &[],
                Some(FOREIGN_PRODUCT),
            ),
        ];
        for (resource, item, why) in cases {
            let origin = Origin {
                resource: attributes(resource),
                ..Origin::default()
            };
            let bounds = Bounds::of(&provenance, &origin);
            assert_eq!(
                bounds.refuse(&provenance, &attributes(item)),
                why,
                "{resource:?} {item:?}"
            );
        }
        let number = vec![("organization.id".into(), Value::Int(1))];
        let bounds = Bounds::of(
            &provenance,
            &Origin {
                resource: attributes(&[cowork]),
                ..Origin::default()
            },
        );
        assert_eq!(
            bounds.refuse(&provenance, &number),
            Some(FOREIGN_ORGANIZATION)
        );
    }

    #[test]
    fn a_token_without_lists_takes_anything() {
        let provenance = Provenance::default();
        let bounds = Bounds::of(&provenance, &Origin::default());
        let item = attributes(&[
            ("organization.id", "any"),
            ("user.email", "bob@example.com"),
        ]);
        assert_eq!(bounds.refuse(&provenance, &item), None);
    }
}
